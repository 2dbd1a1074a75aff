// The same numbers on every machine: results of all fused kernels are bitwise equal for any number of threads, and every
// instruction set computes the same within rounding; products of bfloat16 too, by their instructions and emulated.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILD_FOLDER, nativeIsBuilt } from '../../src/backends/build_folder.js';
import { difference, NEEDS_NATIVE, native } from './parity.js';

interface Results {
  readonly isa: string;
  readonly kernels: readonly string[];
  readonly cases: readonly { readonly name: string; readonly hash: string; readonly floats: number }[];
  /** Of all cases, one after the other. */
  readonly values: Float32Array;
}

describe.skipIf(!nativeIsBuilt())(`fused kernels${NEEDS_NATIVE}`, () => {
  let folder: string;
  let script: string;
  let reference: Results;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(BUILD_FOLDER, '../kernel-results-')); // the bundle finds the addon at ../native
    script = path.join(folder, 'kernel_results.mjs');
    await build({
      entryPoints: [path.join(path.dirname(new URL(import.meta.url).pathname), 'kernel_results.ts')],
      outfile: script,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'es2023',
      logLevel: 'error',
    });
    reference = results(1, 'avx512');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function results(threads: number, isa: string): Results {
    const file = path.join(folder, `${threads}-${isa}.bin`);
    const child = spawnSync(process.execPath, [script, String(threads), isa, file], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (child.status !== 0)
      throw new Error(`${threads} threads, ${isa}: ${child.status} ${child.signal} ${child.stderr}`);
    const bytes = readFileSync(file);
    rmSync(file);
    return { ...JSON.parse(child.stdout), values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
  }

  test('every fused kernel is among the cases, and every result is a number', () => {
    const ran = new Set(reference.cases.map(({ name }) => name.split(' ')[0]));
    expect([...ran].sort()).toEqual([...reference.kernels].sort());
    expect(reference.values.findIndex((x) => !Number.isFinite(x))).toBe(-1);
    expect(reference.cases.length).toBeGreaterThan(60);
  });

  test.each([2, 3, 8, 16])('1 and %i threads give the same bits', (threads) => {
    const got = results(threads, 'avx512');
    const differing = got.cases.filter(({ hash }, i) => hash !== reference.cases[i]!.hash).map(({ name }) => name);
    expect(differing).toEqual([]);
  });

  test.each(['avx2', 'baseline'])('%s agrees with the best instruction set of this machine', (isa) => {
    const got = results(2, isa);
    expect(got.isa).toBe(native!.isa === 'baseline' ? 'baseline' : isa);
    const differing: string[] = [];
    let at = 0;
    for (const { name, floats } of reference.cases) {
      const error = difference(got.values.subarray(at, at + floats), reference.values.subarray(at, at + floats));
      // Products over 3072 positions in another order; the gradient of a logit may round to the next bfloat16; everything
      // else is within a few ulp.
      const rounded = name.startsWith('GptHeadLoss') && name.endsWith('bf16');
      if (!(error <= (rounded ? 1e-4 : name.startsWith('GptLinear') ? 2e-5 : 3e-6)))
        differing.push(`${name}: ${error}`);
      at += floats;
    }
    expect(differing).toEqual([]);
    expect(at).toBe(got.values.length);
  });
});
