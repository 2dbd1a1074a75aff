// gpt plan: what it prints for every preset, and the numbers in its JSON.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import type { CommandContext, PlanOptions } from '../../src/commands/options.js';
import { planRun, run } from '../../src/commands/plan.js';
import type { PlanFigures } from '../../src/commands/plan_figures.js';
import { planFigures } from '../../src/commands/plan_figures.js';
import { figuresText } from '../../src/commands/plan_text.js';
import { loadConfig, presets } from '../../src/config/load.js';

const GIB = 2 ** 30;
const cache = mkdtempSync(join(tmpdir(), 'gpt-plan-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** What a command line prints. */
async function gpt(...line: string[]): Promise<string> {
  const printed: string[] = [];
  const context = {
    out: (text: string) => void printed.push(text),
    env: { GPT_MEMORY: String(20 * GIB), GPT_CACHE: cache },
  } as unknown as CommandContext;
  const program = createProgram('0', async (_, options) => {
    expect(await run(options as PlanOptions, context)).toBe(0);
  });
  await program.parseAsync(['plan', ...line], { from: 'user' });
  return printed.join('');
}

const json = async (...line: string[]) => JSON.parse(await gpt(...line, '--json')) as PlanFigures;

/** The plan on a machine with native kernels, whatever this one has. */
function figures(name: string, gib: number, flags: string[] = [], view = {}) {
  const settings = loadConfig({ file: name, flags }).run;
  const env = { GPT_MEMORY: String(gib * GIB), GPT_CACHE: cache };
  return planFigures(planRun(settings, settings.model.vocab_size ?? 100, null, { env }), name, view);
}

test.each(presets())('%s: 45 lines of at most 80 columns, with everything that can be asked for', async (name) => {
  const all = ['--gpus', '64', '--gpu-memory', '141GB', '--price', '2.5', '--tokens', '1e9', '--gflops', '300'];
  const lines = (await gpt(name, ...all)).trimEnd().split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.length).toBeLessThanOrEqual(45);
});

describe('GPT-3 175B on 64 GPUs', () => {
  test('in words', async () => {
    const text = await gpt('gpt3-175b', '--gpus', '64', '--gpu-memory', '141GB', '--train.recompute', 'true');
    expect(text).toContain('parameters  174,604,259,328\n');
    expect(text).toContain('ranks       64 GPUs of 131 GiB: bf16, micro-batch 1, recompute true\n');
    // 174,604,259,328 x 2, 4, 12 bytes: 325, 650 GiB, 1.91 TiB; a 64th of them
    expect(text).toMatch(/\n {2}plain DP +325 GiB +650 GiB +1\.91 TiB +10\.3 GiB +2\.87 TiB +never\n/);
    expect(text).toMatch(/\n {2}ZeRO 3 +5\.08 GiB +10\.2 GiB +30\.5 GiB +20\.5 GiB +66\.2 GiB +27\n/);
    expect(text).toContain('ZeRO 3 is the first that fits, up to micro-batch 7');
    expect(text).toContain('gpt itself trains on one device, without tensor or pipeline');
    expect(text).toContain('paper       300B tokens: GPT-3, table 2.1, as this run');
    expect(text).toContain('at 40% of the bf16 peak (--mfu, causal)');
  });

  test('in numbers', async () => {
    const plan = await json(
      'configs/gpt3-175b.yaml',
      '--gpus',
      '64',
      '--hardware',
      'h200',
      '--price',
      '2',
      '--mfu',
      '0.5',
    );
    expect(plan.params).toBe(174_604_259_328);
    expect(plan.ranks).toMatchObject({ gpus: 64, gpu_memory_bytes: 141e9, first_stage_that_fits: 3, bf16: true });
    expect(plan.ranks!.stages.map(({ fits }) => fits)).toEqual([false, false, false, true]);
    expect(plan.hardware.map(({ key }) => key)).toEqual(['h200']);
    const [{ run: cost, tokens_per_day }] = plan.hardware as [PlanFigures['hardware'][number]];
    const hours = (plan.tokens! * plan.flops_per_token) / (0.5 * 989e12) / 3600;
    expect(cost!.gpu_hours / hours).toBeCloseTo(1, 9);
    expect(cost!.cost! / hours).toBeCloseTo(2, 9);
    expect(cost!.seconds / hours).toBeCloseTo(3600 / 64, 9);
    expect((tokens_per_day * plan.flops_per_token) / 86400 / (64 * 0.5 * 989e12)).toBeCloseTo(1, 9);
  });

  test('where nothing fits: the knob, and how many GPUs it takes then', async () => {
    const few = await json('gpt3-175b', '--gpus', '8', '--hardware', 'h100');
    expect(few.ranks!.first_stage_that_fits).toBeNull();
    expect(few.ranks!.advice).toBe('with --train.recompute true ZeRO 3 fits on 55 GPUs or more');
    const advice = async (...line: string[]) => (await json(...line)).ranks!.advice;
    expect(await advice('gpt3-175b', '--gpus', '64', '--gpu-memory', '100GB')).toBe(
      'with --train.recompute true ZeRO 3 fits',
    );
    const batch = ['--train.micro_batch', '8', '--train.batch_tokens', '1048576'];
    expect(await advice('gpt3-13b', '--gpus', '8', '--hardware', 'h100', ...batch)).toBe(
      'with --train.micro_batch 1 ZeRO 2 fits',
    );
    const least = ['--train.recompute', 'true', '--gpus', '8', '--hardware', 'h100'];
    expect(await advice('gpt3-175b', ...least)).toBe('ZeRO 3 fits on 55 GPUs or more');
    const largest = ['--train.micro_batch', '8', '--train.batch_tokens', '163840'];
    expect(await advice('gpt3-175b', '--gpus', '8', '--hardware', 'h100', ...largest)).toBe(
      'with --train.recompute true --train.micro_batch 1 ZeRO 3 fits on 55 GPUs or more',
    );
    expect(await advice('gpt3-175b', '--gpus', '8', '--gpu-memory', '8GB')).toContain('no number of these GPUs');
  });
});

test('--gpu-memory alone: how many GPUs each stage takes', async () => {
  const { ranks } = await json('gpt3-13b', '--gpu-memory', '80GB');
  expect(ranks!.gpus).toBe(1);
  expect(ranks!.stages.map(({ smallest_gpus }) => smallest_gpus)).toEqual([null, null, 6, 4]);
});

test('--gpus alone: bytes, without a verdict', async () => {
  const { ranks } = await json('gpt2-124m', '--gpus', '4');
  expect(ranks).toMatchObject({ gpu_memory_bytes: null, first_stage_that_fits: null, advice: '' });
  expect(await gpt('gpt2-124m', '--gpus', '4')).toContain('--gpu-memory 80GB or --hardware h100');
});

test('more GPUs than sequences: it says so', async () => {
  expect(await gpt('gpt1', '--gpus', '100', '--hardware', 'h100')).toContain(
    'the batch has 64 sequences, too few for 100 micro-batches of 1',
  );
});

test('sizes have units, GB of 10^9 and GiB of 2^30', async () => {
  const memory = async (size: string) => (await json('gpt2-124m', '--gpu-memory', size)).ranks!.gpu_memory_bytes;
  expect(await memory('141GB')).toBe(141e9);
  expect(await memory('80GiB')).toBe(80 * GIB);
  expect(await memory('1.5 tib')).toBe(1.5 * 2 ** 40);
});

describe('this machine', () => {
  test('what fits, and which knob to turn', () => {
    const roomy = figures('gpt2-124m', 20);
    expect(roomy.fits).toBe(true);
    expect(roomy.fits_here).toMatchObject({ largest_micro_batch: 16, largest_micro_batch_recompute: 64, fix: '' });
    expect(roomy.fits_here.largest_preset?.name).toBe('gpt2-774m');
    const tight = figures('gpt2-124m', 3.3);
    expect(tight.fits).toBe(true); // with the micro-batch that fits
    expect(tight.micro_batch).toBe(1);
    expect(tight.fits_here).toMatchObject({ largest_micro_batch: 1, largest_preset: { name: 'gpt2-124m' } });
    const tiny = figures('gpt2-124m', 2.5);
    expect(tiny.fits).toBe(false);
    expect(tiny.fits_here).toMatchObject({ largest_micro_batch: null, largest_preset: null });
    expect(tiny.fits_here.fix).toContain('--model.n_ctx');
    expect(figuresText(tiny)).toContain('here        2.50 GiB available: does not fit\n            --model.n_ctx');
  });

  test('its speed, where gpt bench --limits has measured it', async () => {
    const limits = { device: 'a CPU', threads: 2, backend: 'native', copy_gb_s: 10 };
    writeFileSync(
      join(cache, 'limits.json'),
      JSON.stringify({ ...limits, matmul_gflops: 200, matmul_bf16_gflops: 400 }),
    );
    const peak = (plan: PlanFigures) => plan.hardware.find(({ key }) => key === 'here')?.peak_tflops;
    expect(peak(figures('gpt2-124m', 20))).toBe(0.4); // precision auto
    expect(peak(figures('gpt2-124m', 20, ['--train.precision', 'fp32']))).toBe(0.2);
    expect(await gpt('gpt2-124m')).toMatch(/\n {2}this machine +0\.400 +\d/);
    rmSync(join(cache, 'limits.json'));
    expect(peak(figures('gpt2-124m', 20))).toBeUndefined();
  });
});

describe('how long', () => {
  test('GPT-2 publishes no budget; GPT-1 counts epochs', async () => {
    expect(await gpt('gpt2-1558m')).toContain('paper       GPT-2 publishes neither tokens nor epochs');
    const plan = await json('gpt1');
    expect(plan).toMatchObject({ steps: null, tokens: null, operations: null });
    expect(plan.hardware[0]).toMatchObject({ run: null, paper: { gpu_hours: expect.closeTo(50.3, 1) as number } });
    expect(await gpt('gpt1')).toContain('give --tokens N');
  });

  test('a model of no paper has none', async () => {
    expect(await gpt('mini')).not.toContain('\npaper');
  });

  test('--gflops: at a rate that was measured', async () => {
    expect(await gpt('gpt2-124m', '--gflops', '300')).toContain('309d at 300 GFLOP/s');
    expect(await gpt('gpt1', '--gflops', '300')).toContain('tokens a day at 300 GFLOP/s');
  });
});
