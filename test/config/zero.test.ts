// Bytes on each of several GPUs: the paper's own example, sums by hand, and what the smallest number of GPUs means.

import { describe, expect, test } from 'vitest';
import { countParameters, flopsPerToken, parametersByPart } from '../../src/config/arithmetic.js';
import { familyOf, paperBudget } from '../../src/config/family.js';
import { deviceHours, HARDWARE } from '../../src/config/hardware.js';
import { loadConfig } from '../../src/config/load.js';
import { trainingMemory } from '../../src/config/memory.js';
import { type ResolvedModel, resolveModel } from '../../src/config/model_shape.js';
import { rankMemory, shareOfState, smallestGpus, stateBytes, type ZeroStage } from '../../src/config/zero.js';

function preset(name: string): ResolvedModel {
  const { model } = loadConfig({ file: name, flags: [] }).run;
  return resolveModel(model, model.vocab_size!);
}

const GB = 1e9;

// Rajbhandari et al. 2020, figure 1: 7.5B parameters, 64 GPUs, Adam in mixed precision.
test.each([
  [0, 120],
  [1, 31.4],
  [2, 16.6],
  [3, 1.9],
] as const)('the paper: stage %i takes %f GB', (stage, gb) => {
  const { weights, gradients, optimizer } = shareOfState(7.5e9, { weights: 2, gradients: 2, optimizer: 12 }, stage, 64);
  expect(((weights + gradients + optimizer) / GB).toFixed(1)).toBe(gb.toFixed(1));
});

test("gpt's own bytes: 18 a parameter with bfloat16, 16 without", () => {
  expect(shareOfState(1000, stateBytes(true), 0, 8)).toEqual({ weights: 2000, gradients: 4000, optimizer: 12000 });
  expect(shareOfState(1000, stateBytes(false), 0, 8)).toEqual({ weights: 4000, gradients: 4000, optimizer: 8000 });
  // 1000 / 8 = 125; a share of 1001 is 126
  expect(shareOfState(1001, stateBytes(true), 2, 8)).toEqual({ weights: 2002, gradients: 504, optimizer: 1512 });
});

describe('GPT-3 175B', () => {
  const model = preset('gpt3-175b');
  const settings = { microBatch: 1, recompute: true, bf16: true };

  test('parameters by part, by hand', () => {
    const C = 12288;
    expect(parametersByPart(model)).toEqual({
      token_embedding: 617_558_016, // 50257 * 12288
      position_embedding: 25_165_824, // 2048 * 12288
      attention: 96 * (4 * C * C + 4 * C),
      mlp: 96 * (8 * C * C + 5 * C),
      norms: 96 * 4 * C,
      final_norm: 2 * C,
    });
    expect(countParameters(model)).toBe(174_604_259_328);
  });

  test('ZeRO 3 on 64: a 64th of 18 bytes a parameter, and one gathered block with its gradient', () => {
    const rank = rankMemory(model, settings, 3, 64);
    const share = 174_604_259_328 / 64; // 2,728,191,552
    expect([rank.weights, rank.gradients, rank.optimizer]).toEqual([2 * share, 4 * share, 12 * share]);
    const alone = trainingMemory(model, { ...settings, gpu: true });
    expect(rank.activations).toBe(alone.activations);
    expect(rank.working - alone.working - alone.process).toBe(6 * 1_812_099_072);
    expect(rank.total).toBe(18 * share + rank.activations + rank.working);
  });

  test('nothing but ZeRO 3 ever fits into 141 GB, and that on 27 GPUs: not on 26', () => {
    const smallest = ([0, 1, 2, 3] as ZeroStage[]).map((stage) => smallestGpus(model, settings, stage, 141 * GB));
    expect(smallest).toEqual([undefined, undefined, undefined, 27]);
    expect(rankMemory(model, settings, 3, 27).total).toBeLessThanOrEqual(141 * GB);
    expect(rankMemory(model, settings, 3, 26).total).toBeGreaterThan(141 * GB);
  });
});

test('one GPU: the stages are the same, and what fits on one needs one', () => {
  const model = preset('gpt2-124m');
  const settings = { microBatch: 4, recompute: false, bf16: true };
  const alone = trainingMemory(model, { ...settings, gpu: true }).total;
  for (const stage of [0, 1, 2, 3] as const) {
    expect(rankMemory(model, settings, stage, 1).total).toBe(alone);
    expect(smallestGpus(model, settings, stage, alone)).toBe(1);
  }
});

test('the smallest number of GPUs is found by looking at each', () => {
  const model = preset('gpt2-355m');
  const settings = { microBatch: 1, recompute: false, bf16: false };
  for (const stage of [1, 2, 3] as const) {
    for (const gib of [3, 4, 5, 6]) {
      const fits = Array.from(
        { length: 400 },
        (_, i) => rankMemory(model, settings, stage, i + 1).total <= gib * 2 ** 30,
      );
      const first = fits.indexOf(true);
      expect(smallestGpus(model, settings, stage, gib * 2 ** 30)).toBe(first < 0 ? undefined : first + 1);
    }
  }
});

test('hours of a device: GPT-3 takes 3.14e23 operations by 6 N, 22 % of a million hours of an H100 at 0.4', () => {
  const operations = 6 * 174_604_259_328 * 300e9;
  expect(operations / 3.14e23).toBeCloseTo(1, 2);
  expect(deviceHours(operations, 989, 0.4)).toBeCloseTo(operations / (0.4 * 989e12) / 3600, 3);
  expect(Math.round(deviceHours(operations, 989, 0.4) / 1000)).toBe(221);
});

test('every device has a peak, a memory and a name of its own', () => {
  expect(HARDWARE.map(({ key }) => key)).toEqual(['h100', 'h200', 'a100', 'rtx4090', 'l4']);
  expect(HARDWARE.every(({ tflops, memory }) => tflops > 100 && memory >= 24e9)).toBe(true);
});

describe('the papers', () => {
  test('have eight sizes of GPT-3, four of GPT-2, one of GPT-1', () => {
    expect((['gpt3', 'gpt2', 'gpt1'] as const).map((arch) => familyOf(arch).length)).toEqual([8, 4, 1]);
  });

  test('say how long they trained, or do not; other shapes have no paper', () => {
    const budget = (name: string) => paperBudget(preset(name), familyOf(preset(name).arch));
    expect(budget('gpt3-125m')?.tokens).toBe(300e9);
    expect(budget('gpt1')?.tokens).toBe(98_484_635_700); // 100 x 984,846,357
    expect(budget('gpt2-355m')?.tokens).toBeNull();
    expect(budget('mini')).toBeNull();
  });

  test("GPT-3's own count: 6 N a token is within 2 % of the causal one", () => {
    const model = preset('gpt3-175b');
    const causal = flopsPerToken(model, 2048, { causal: true, backward: true });
    expect(causal / (6 * countParameters(model))).toBeCloseTo(1.01, 2);
  });
});
