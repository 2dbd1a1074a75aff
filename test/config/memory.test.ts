// Memory from the shape alone. That it is what tensors take: test/model/recompute.test.ts; what a process takes: gpt bench.

import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.js';
import { loadConfig } from '../../src/config/load.js';
import { chooseMicroBatch, requireMemory, trainingMemory } from '../../src/config/memory.js';
import { type ResolvedModel, resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig, TrainConfig } from '../../src/config/schema.js';

const GIB = 2 ** 30;

function preset(name: string, changes: Partial<ResolvedModel> = {}): ResolvedModel {
  const { model } = loadConfig({ file: name, flags: [] }).run;
  return { ...resolveModel(model, model.vocab_size!), ...changes };
}

const plain = (microBatch: number) => ({ microBatch, recompute: false });

test('adds up, and states 16 bytes per parameter', () => {
  const { total, ...parts } = trainingMemory(preset('gpt2-124m', { n_ctx: 512 }), plain(2));
  expect(parts.weights + parts.gradients + parts.optimizer).toBe(16 * (124_439_808 - 512 * 768));
  expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(total);
});

// Peaks on a two-core CPU, in GiB: of gpt bench, and the last two of gpt pretrain (docs/benchmarks/memory.md).
test.each([
  ['mini', 256, 12, false, 0.823],
  ['mini', 256, 12, true, 0.507],
  ['mini', 256, 48, false, 2.146],
  ['gpt2-124m', 64, 1, false, 2.013],
  ['gpt2-124m', 512, 2, false, 2.811],
  ['gpt2-124m', 512, 2, true, 2.353],
  ['gpt2-124m', 512, 4, false, 3.528],
  ['gpt2-124m', 1024, 4, true, 2.829],
  ['mini', 256, 48, false, 2.12],
  ['gpt2-355m', 512, 1, false, 6.54],
] as const)('%s, T %i, micro-batch %i, recompute %s: within 15 %% of the measured peak', (name, n_ctx, microBatch, recompute, gib) => {
  const { total } = trainingMemory(preset(name, { n_ctx }), { microBatch, recompute });
  expect(Math.abs(total / GIB / gib - 1)).toBeLessThan(0.15);
});

test('products of bfloat16 take two bytes more per parameter, and their rounded operands', () => {
  const model = preset('gpt2-124m', { n_ctx: 512 });
  const [fp32, bf16] = [false, true].map((bf16) => trainingMemory(model, { ...plain(2), bf16 }));
  expect(bf16!.weights - fp32!.weights).toBe((2 * fp32!.weights) / 4);
  expect(bf16!.working - fp32!.working).toBe(2 * 1024 * (3072 + 50257));
  expect(bf16!.total).toBeGreaterThan(fp32!.total);
});

test('activations grow with the batch, logits up to one chunk of 256 MiB', () => {
  const model = preset('gpt2-124m');
  const [one, eight, sixteen] = [1, 8, 16].map((b) => trainingMemory(model, plain(b)));
  expect(eight!.activations).toBe(8 * one!.activations);
  expect(sixteen!.working - eight!.working).toBe(4 * 8 * 1024 * (3072 + 7 * 768));
});

describe('the micro-batch', () => {
  const train = (sequences: number, micro_batch?: number | 'auto') =>
    TrainConfig.parse({ batch_tokens: sequences * 64, micro_batch });
  const model = preset('mini', { n_ctx: 64 });
  const of = (sequences: number, micro_batch?: number | 'auto', available = 100 * GIB) =>
    chooseMicroBatch(model, train(sequences, micro_batch), available);

  test('is the largest divisor of the batch up to 12', () => {
    expect([of(36), of(7), of(13), of(16), of(1), of(36, 3)]).toEqual([12, 7, 1, 8, 1, 3]);
  });

  test('auto: the largest divisor that fits', () => {
    expect([of(36, 'auto'), of(13, 'auto')]).toEqual([36, 13]);
    const limit = trainingMemory(model, plain(18)).total;
    expect([of(36, 'auto', limit), of(36, 'auto', limit - 1), of(36, undefined, 0)]).toEqual([18, 12, 1]);
  });

  test('auto: a batch beyond any memory is not searched through', () => {
    const limit = trainingMemory(model, plain(32)).total;
    expect(of(2 ** 44, 'auto', limit)).toBe(32);
  });
});

describe('a run that does not fit is refused with values that do', () => {
  const model = preset('gpt2-124m');
  const train = TrainConfig.parse({ batch_tokens: 8 * 1024 });
  const refusal = (available: number, settings = plain(8)): MemoryError => {
    try {
      requireMemory(model, train, settings, available);
    } catch (error) {
      return error as MemoryError;
    }
    throw new Error('it fits');
  };

  test('says what it takes, what there is, and exits with 6', () => {
    const error = refusal(2 * GIB);
    expect(error).toBeInstanceOf(MemoryError);
    expect(error.exitCode).toBe(6);
    expect(error.message).toMatch(/takes about 7\.\d+ GiB .*activations 4\.\d+ GiB.* 2\.00 GiB are available/);
  });

  test.each([
    [5 * GIB, '--train.micro_batch 4 fits'],
    [2.7 * GIB, '--train.recompute true --train.micro_batch 2 fits'],
    [2.2 * GIB, '--model.n_ctx 512 --train.recompute true --train.micro_batch 1 fits'],
    [1 * GIB, 'choose a smaller model'],
  ])('with %d bytes: %s', (available, fix) => {
    expect(refusal(available).fix).toContain(fix);
  });

  test('a resumed run keeps its context, and in a ramp its micro-batch', () => {
    const ramped = { ...train, batch_start_tokens: 1024, batch_ramp_tokens: 1e6 };
    const fix = (keys: TrainConfig, gib: number, settings = plain(8)) => {
      try {
        requireMemory(model, keys, settings, gib * GIB, true);
      } catch (error) {
        return (error as MemoryError).fix;
      }
      throw new Error('it fits');
    };
    expect(fix(train, 2.2)).toContain('close other programs');
    expect(fix(train, 5)).toContain('--train.micro_batch 4');
    expect(fix(ramped, 5)).toContain('--train.recompute true fits');
    expect(fix(ramped, 2.2)).toContain('close other programs');
  });

  test('on a portable backend recompute is no way out', () => {
    const settings = { ...plain(8), portable: true };
    expect(trainingMemory(model, settings).total).toBeGreaterThan(8 * trainingMemory(model, plain(8)).total);
    expect(() => requireMemory(model, train, settings, 4 * GIB)).toThrow(
      expect.objectContaining({ fix: expect.not.stringContaining('recompute') }),
    );
  });

  // Peaks of \`gpt bench --backend wasm\`, in GiB: [layers, width, heads, context, batch, vocabulary].
  test.each([
    [[2, 128, 4, 512, 4, 1000], 0.972],
    [[4, 128, 4, 128, 8, 1000], 0.652],
    [[4, 256, 8, 128, 4, 2000], 0.719],
    [[2, 128, 4, 64, 16, 8000], 0.72],
    [[6, 128, 2, 256, 4, 257], 0.857],
  ] as const)('wasm, %j: within 15 %% of the measured peak', ([n_layer, n_embd, n_head, n_ctx, batch, V], gib) => {
    const shape = resolveModel(ModelConfig.parse({ n_layer, n_embd, n_head, n_ctx }), V);
    const { total } = trainingMemory(shape, { ...plain(batch), portable: true });
    expect(Math.abs(total / GIB / gib - 1)).toBeLessThan(0.15);
  });

  test('what it names does fit', () => {
    for (const gib of [6, 5, 4, 3.5]) {
      const micro = Number(/micro_batch (\d+)/.exec(refusal(gib * GIB).fix)?.[1]);
      const recompute = refusal(gib * GIB).fix.includes('recompute');
      expect(() => requireMemory(model, train, { microBatch: micro, recompute }, gib * GIB)).not.toThrow();
    }
  });
});
