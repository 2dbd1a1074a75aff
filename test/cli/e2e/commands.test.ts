// `gpt bench`, `gpt doctor`, `gpt report`, and what starting up costs.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { BACKEND, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

test('bench prints one JSON line with the documented keys', async () => {
  place.write('tiny.yaml', 'model: {n_layer: 1, n_head: 2, n_embd: 16, n_ctx: 16, vocab_size: 64}\n');
  const args = ['bench', '--model', 'tiny.yaml', '--batch', '2', '--steps', '3', '--warmup', '1', '--backend', BACKEND];
  for (const [more, n_ctx] of [
    [[], 16],
    [['--n-ctx', '8'], 8],
  ] as const) {
    const { code, stdout } = await place.gpt([...args, ...more]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as { tokens_per_s: number; step_s: number; peak_mem_gib: number };
    expect(Object.keys(result)).toEqual([
      'model',
      'backend',
      'precision',
      'threads',
      'batch',
      'n_ctx',
      'params',
      'step_s',
      'loss',
      'tokens_per_s',
      'model_gflops',
      'mfu',
      'mfu_full',
      'recompute',
      'peak_mem_gib',
      'predicted_mem_gib',
    ]);
    expect(result).toMatchObject({ backend: BACKEND, precision: 'fp32', batch: 2, n_ctx, threads: 1 });
    expect(result.tokens_per_s * result.step_s).toBeCloseTo(2 * n_ctx, 0);
    expect(result.peak_mem_gib).toBeGreaterThan(0.02);
  }
});

test.skipIf(BACKEND !== 'native')(
  'bench --profile shows kernels beside the measured limits, which --limits keeps (needs the native addon)',
  async () => {
    place.write('tiny.yaml', 'model: {n_layer: 1, n_head: 2, n_embd: 16, n_ctx: 16, vocab_size: 64}\n');
    const measuring = ['bench', '--model', 'tiny.yaml', '--steps', '2', '--backend', 'native', '--profile'];
    expect((await place.gpt(measuring)).stdout).not.toMatch(/Neg|BatchMatMul/); // nothing is kept yet
    const { code, stdout } = await place.gpt(['bench', '--limits', '--backend', 'native']);
    expect(code).toBe(0);
    const limits = JSON.parse(stdout) as { matmul_gflops: number; copy_gb_s: number };
    expect(limits.matmul_gflops).toBeGreaterThan(1);
    expect(JSON.parse(place.read('.cache', 'limits.json').toString())).toEqual(limits);
    const args = ['bench', '--model', 'tiny.yaml', '--batch', '2', '--steps', '2', '--backend', 'native', '--profile'];
    const table = await place.gpt(args);
    expect(table.stdout).toMatch(/GptLinear +4 /);
    expect(table.stdout).toContain(`${limits.copy_gb_s} GB/s (copy)`);
    const { profile } = JSON.parse((await place.gpt([...args, '--json'])).stdout) as { profile: { share: number }[] };
    expect(profile.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
  },
);

test('doctor names every backend, usable or with what to do', async () => {
  const { code, stdout, stderr } = await place.gpt(['doctor']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const backend of ['cuda', 'native', 'tensorflow', 'webgpu', 'wasm', 'cpu']) {
    expect(stdout).toMatch(new RegExp(`^[+-] ${backend} `, 'm'));
  }
  expect(stdout).toContain(process.version);
  expect(stdout).toContain(`--backend auto takes ${BACKEND === 'native' ? 'native' : 'wasm'}`);
  const { backends } = JSON.parse((await place.gpt(['doctor', '--json'])).stdout) as {
    backends: { backend: string }[];
  };
  expect(backends.map(({ backend }) => backend)).toEqual(['cuda', 'native', 'tensorflow', 'webgpu', 'wasm', 'cpu']);
});

test('report writes the report of a run again', async () => {
  await place.train('run', '--train.max_steps', '2');
  const before = place.read('run', 'report.html').toString();
  place.write('run/report.html', '');
  const { code, stdout } = await place.gpt(['report', 'run']);
  expect(code).toBe(0);
  expect(stdout).toContain('run/report.html');
  expect(place.read('run', 'report.html').toString()).toBe(before);
});

test('help and configuration errors load neither TensorFlow.js nor the addon', async () => {
  let runs = 0;
  /** The files that a command loads, by V8's own account. */
  const loaded = async (args: string[], code: number): Promise<string[]> => {
    const folder = place.path(`coverage-${++runs}`);
    mkdirSync(folder);
    expect((await place.gpt(args, { NODE_V8_COVERAGE: folder })).code).toBe(code);
    return readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as { result: { url: string }[] };
      return result.map(({ url }) => url);
    });
  };
  const heavy = /@tensorflow|tfjs_gradients|native_backend|gpt-tokenizer/;
  for (const args of [['--help'], ['pretrain', '--help'], ['--version']]) {
    const files = await loaded(args, 0);
    expect(files.some((url) => url.endsWith('/dist/cli/main.js'))).toBe(true);
    expect(files.filter((url) => heavy.test(url))).toEqual([]);
  }
  const wrong = ['pretrain', '--data', 'text.txt', ...TINY, '--model.n_layers', '3'];
  expect((await loaded(wrong, 2)).filter((url) => heavy.test(url))).toEqual([]);
  expect((await loaded(['pretrain', 'quickstart', '--print-config'], 0)).filter((url) => heavy.test(url))).toEqual([]);
  expect((await loaded(['doctor'], 0)).some((url) => heavy.test(url))).toBe(true); // the check sees it where it is
});
