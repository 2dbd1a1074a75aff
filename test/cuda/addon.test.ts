// The addon itself on the simulated GPU: what no command of gpt would show before it goes wrong.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from './machine.js';

describe.skipIf(reason !== undefined)(`the CUDA addon${NEEDS_SIM}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-addon-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { ...simEnvironment(await buildSim()), GPT_CACHE: path.join(folder, 'cache') };
  }, 600_000);

  /** Runs a program with `cuda`, the backend; it writes its result as JSON. */
  const run = (program: string, more: Record<string, string> = {}): unknown => {
    const head = `
      import { openBackend } from '${ROOT}dist/commands/backend.js';
      import { tf } from '${ROOT}dist/base/tf.js';
      const { cuda } = await openBackend({ backend: 'cuda' }, process.env);
    `;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', head + program], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, ...env, ...more },
    });
    expect(ended.stderr).toBe('');
    return JSON.parse(ended.stdout);
  };

  test('uploads never overwrite pinned memory that a copy still reads', () => {
    // MiB: the second round ends before the last piece of the first one, which nobody has waited for
    const program = `
      const negated = [8, 8, 8, 2, 6, 8, 8, 8, 2, 8].map((size, i) =>
        tf.neg(tf.tensor1d(new Float32Array(size << 18).fill(i + 1))),
      );
      console.log(JSON.stringify(negated.map((t) => t.dataSync().at(-1))));
    `;
    expect(run(program)).toEqual([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10]);
  });

  const product = `
    const a = tf.fill([512, 512], 0.5);
    const c = tf.matMul(a, a);
    console.log(JSON.stringify([c.dataSync()[0], cuda.device.cublaslt]));
  `;
  const right = [128, expect.any(String)];
  const ALGORITHMS = path.join(folder, 'cache', 'cublaslt.txt');
  const lines = () => readFileSync(ALGORITHMS, 'utf8').trim().split('\n');

  test('choosing an algorithm takes memory only where a product adds to what is there', () => {
    const program = `
      const a = tf.fill([512, 512], 0.5);
      tf.matMul(a, a).dataSync();
      const { peak, used } = cuda.deviceMemory();
      console.log(JSON.stringify([peak, used]));
    `;
    const [peak, used] = run(program, { GPT_CACHE: '/dev/null/cache' }) as [number, number];
    expect(peak).toBe(used);
  });

  test('an algorithm that was kept is used again, by the same version of cuBLASLt on the same GPU', () => {
    expect(run(product)).toEqual(right);
    expect(lines()).toHaveLength(1);
    expect(run(product)).toEqual(right);
    expect(lines()).toHaveLength(1);
    // the opaque words mean something else to another version
    writeFileSync(ALGORITHMS, readFileSync(ALGORITHMS, 'utf8').replace(/(\d+) (\d+ ){7}\.\n$/, '1 2 3 4 5 6 7 8 .\n'));
    expect(run(product, { GPT_SIM_LT_VERSION: '120800' })).toEqual(right);
    expect(lines()).toHaveLength(2);
  });

  test('an algorithm that cuBLASLt refuses is chosen again', () => {
    expect(run(product)).toEqual(right);
    expect(lines()).toHaveLength(3);
    writeFileSync(ALGORITHMS, lines()[2]!.slice(0, -9)); // cut short, and the next line follows at once
    expect(run(product)).toEqual(right);
  });

  test('a cuBLASLt that does not start gives way to the next one', () => {
    const lib64 = path.join(folder, 'toolkit', 'lib64');
    mkdirSync(lib64, { recursive: true });
    const [refused, taken] = [13, 12].map((version) => path.join(lib64, `libcublasLt.so.${version}`)) as [
      string,
      string,
    ];
    for (const file of [refused, taken]) copyFileSync(env['GPT_LIBCUBLASLT']!, file);
    const toolkit = { GPT_LIBCUBLASLT: '', CUDA_HOME: path.join(folder, 'toolkit'), GPT_SIM_LT_REFUSED: refused };
    expect(run(product, toolkit)).toEqual([128, taken]);
  });

  test('a cache folder that cannot be made keeps nothing, and stops nothing', () => {
    expect(run(product, { GPT_CACHE: '/dev/null/cache' })).toEqual(right);
  });

  test('measuring the matrix product leaves no memory and no peak behind', () => {
    const program = `
      import { measureMatmul } from '${ROOT}dist/commands/backend.js';
      const kept = tf.neg(tf.ones([512, 512]));
      measureMatmul('bf16', cuda);
      const { peak, used, reserved } = cuda.deviceMemory();
      console.log(JSON.stringify([peak === used, reserved < 300 << 20]));
    `;
    expect(run(program, { GPT_CUDA_POOL: '', GPT_SIM_EMPTY: '1' })).toEqual([true, true]);
  });

  test('a call that fails is not in the profile, and poison hides no error', () => {
    const program = `
      const x = tf.tensor1d([1, 2, 3]);
      cuda.startProfile();
      let message = '';
      try { cuda.call('GptLinear', [x, x, x], [[3]], [9, 9, 9, 0, 0]); } catch (error) { message = error.message; }
      cuda.call('GptGlobalNorm', [x], [[]], []);
      const names = [];
      cuda.stopProfile(({ name }) => names.push(name));
      console.log(JSON.stringify([message, names]));
    `;
    expect(run(program)).toEqual(['GptLinear: input 0 has 3 elements, expected 81', ['GptGlobalNorm']]);
    const failing = `
      let message = '';
      try {
        const x = tf.fill([512, 512], 0.5);
        for (let i = 0; i < 3; i++) cuda.call('GptGlobalNorm', [x], [[]], []);
      } catch (error) { message = error.message; }
      console.log(JSON.stringify(message));
    `;
    const broken = { GPT_CUDA_POISON: '1', GPT_SIM_FAIL: 'optimizer_norm_pieces' };
    expect(run(failing, broken)).toMatch(/failed on the GPU: CUDA_ERROR_ILLEGAL_ADDRESS/);
  });
});
