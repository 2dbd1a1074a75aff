// The core kernels at large, odd sizes: equal to tfjs-backend-cpu's, and bitwise the same for any number of threads.
// (tfjs-core's own specs, test/backends/tfjs_core.test.ts, use tensors of a few elements.)

import { beforeAll, describe, expect, test } from 'vitest';
import { tf } from '../../../src/base/tf.js';
import { coreSettings } from '../../../src/ops/core/core_kernel.js';
import { coreKernelNames, registerCoreKernels } from '../../../src/ops/core/register.js';
import { difference, NEEDS_NATIVE, native } from '../parity.js';
import { BINARY, CORE_CASES, type CoreCase, UNARY } from './cases.js';

/** Result of one call, on the host. */
function valuesOf(run: () => tf.Tensor): { shape: number[]; dtype: string; values: Float32Array | Uint8Array } {
  const y = run();
  const values = y.dataSync().slice() as Float32Array | Uint8Array;
  const { shape, dtype } = y;
  y.dispose();
  return { shape, dtype, values };
}

const bytesOf = (x: Float32Array | Uint8Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);

describe.skipIf(native === undefined)(`core kernels${NEEDS_NATIVE}`, () => {
  beforeAll(() => {
    registerCoreKernels(native!, 'native');
    native!.pool.poison = true;
    coreSettings.minSize = 0;
  });

  test('every core kernel is among the cases', () => {
    const names = new Set(CORE_CASES.map(({ kernel }) => kernel));
    expect(coreKernelNames().filter((name) => !names.has(name))).toEqual([]);
  });

  const kernels = [...new Set(CORE_CASES.map(({ kernel }) => kernel))];
  test.each(kernels)('%s', async (kernel) => {
    const problems: string[] = [];
    const check = async (c: CoreCase) => {
      await tf.setBackend('cpu');
      const want = valuesOf(c.run);
      await tf.setBackend('native');
      const tensors = tf.memory().numTensors;
      let one: Buffer | undefined;
      for (const threads of [1, 2, 3, 8]) {
        native!.setThreads(threads);
        native!.calls.clear();
        const got = valuesOf(c.run);
        if (!native!.calls.has(kernel)) problems.push(`${c.label}: the kernel was not called`);
        if (`${got.shape} ${got.dtype}` !== `${want.shape} ${want.dtype}`) problems.push(`${c.label}: ${got.shape}`);
        const error = difference(got.values, want.values);
        if (!(error <= c.tolerance)) problems.push(`${c.label}, ${threads} threads: off by ${error}`);
        one ??= bytesOf(got.values);
        if (!one.equals(bytesOf(got.values))) problems.push(`${c.label}: ${threads} threads differ from one`);
      }
      native!.setThreads(native!.threads);
      if (tf.memory().numTensors !== tensors) problems.push(`${c.label}: leaks tensors`);
    };
    for (const c of CORE_CASES.filter((each) => each.kernel === kernel)) await check(c);
    expect(problems).toEqual([]);
  });

  const special = [
    Number.NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1e-40,
    -1e-40,
    3e38,
    -3e38,
    90,
    -90,
    1,
    -1,
    1e-6,
    0.624,
    0.626,
  ];
  /** Places where `got` is not what JavaScript's arithmetic gives, to 1e-6 relative. */
  const mismatches = (inputs: string[], got: ArrayLike<number>, want: ArrayLike<number>): string[] =>
    inputs.flatMap((input, i) => {
      const [g, w] = [got[i]!, want[i]!];
      const same = Number.isNaN(w) ? Number.isNaN(g) : g === w || Math.abs(g - w) <= 1e-6 * Math.abs(w) + 1e-37;
      return same ? [] : [`f(${input}) = ${g}, not ${w}`];
    });

  test.each(UNARY)('%s of special values', async (name, op) => {
    const run = () => valuesOf(() => tf.tidy(() => op(tf.tensor1d(special)))).values;
    await tf.setBackend('cpu');
    const want = run();
    await tf.setBackend('native');
    // cpu's Erf has an absolute error of 1.5e-7, ours of 3e-7
    const scaled = (x: ArrayLike<number>) => (name === 'Erf' ? Array.from(x, (v) => Math.round(v * 1e6) / 1e6) : x);
    expect(mismatches(special.map(String), scaled(run()), scaled(want))).toEqual([]);
  });

  test.each(BINARY)('%s of special values', async (_, op) => {
    const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));
    const run = () =>
      valuesOf(() => tf.tidy(() => op(tf.tensor1d(pairs.map(([a]) => a)), tf.tensor1d(pairs.map(([, b]) => b)))))
        .values;
    await tf.setBackend('cpu');
    const want = run();
    await tf.setBackend('native');
    expect(mismatches(pairs.map(String), run(), want)).toEqual([]);
  });

  test('a NaN anywhere reaches Sum, Mean, Prod, Max, Min and Softmax', async () => {
    await tf.setBackend('native');
    const missed: string[] = [];
    for (const at of [0, 1, 63, 64, 4095, 4096, 9000]) {
      const x = new Float32Array(9001).fill(1);
      x[at] = Number.NaN;
      for (const op of [tf.sum, tf.mean, tf.prod, tf.max, tf.min]) {
        for (const shape of [[9001], [9001, 1]]) {
          const [y] = valuesOf(() => tf.tidy(() => op(tf.tensor(x.slice(), shape), 0))).values;
          if (!Number.isNaN(y)) missed.push(`${op.name} at ${at}: ${y}`);
        }
      }
      const { values } = valuesOf(() => tf.tidy(() => tf.softmax(tf.tensor(x.slice(), [9001]))));
      if (!values.every(Number.isNaN)) missed.push(`softmax at ${at}`);
    }
    expect(missed).toEqual([]);
  });

  test('a long sum loses no more than a short one', async () => {
    await tf.setBackend('native');
    const n = 3_000_001;
    for (const shape of [[n], [n, 2]]) {
      const mean = valuesOf(() => tf.tidy(() => tf.mean(tf.fill(shape, 0.1), 0))).values;
      expect(Math.abs(mean[0]! - Math.fround(0.1))).toBeLessThan(5e-7); // one by one in float32: 2e-2
    }
  });

  test('gather refuses an index outside the tensor', async () => {
    await tf.setBackend('native');
    const gather = (index: number) => tf.tidy(() => tf.gather(tf.zeros([10, 3]), tf.tensor1d([0, index], 'int32')));
    expect(() => gather(10)).toThrow(/index value 10 is not in \[0, 9\]/);
    expect(() => gather(-1)).toThrow(/index value -1/);
  });

  test('an empty product is zero', async () => {
    await tf.setBackend('native');
    const { shape, values } = valuesOf(() => tf.tidy(() => tf.matMul(tf.zeros([300, 0]), tf.zeros([0, 200]))));
    expect(shape).toEqual([300, 200]);
    expect(values.every((v) => v === 0)).toBe(true);
  });

  test('integers run on TF.js kernels; those that its Cast only relabelled run on ours', async () => {
    await tf.setBackend('native');
    native!.calls.clear();
    const results = tf.tidy(() => {
      const big = tf.range(0, 1000, 1, 'int32');
      coreSettings.minSize = 2000;
      const relabelled = tf.cast(big, 'float32'); // too small for our Cast
      coreSettings.minSize = 0;
      return [tf.add(big, big), tf.mul(relabelled, relabelled), tf.sum(relabelled), tf.neg(big)].map((t) =>
        t.arraySync(),
      );
    });
    expect([...native!.calls.keys()]).toEqual(['Multiply', 'Sum']);
    expect((results[0] as number[])[999]).toBe(1998);
    expect((results[1] as number[])[999]).toBe(999 * 999);
    expect(results[2]).toBe(499_500);
  });

  test('a transpose that moves nothing shares its buffer, and both can be disposed', async () => {
    await tf.setBackend('native');
    const x = tf.fill([1, 3000], 0.5);
    const y = tf.transpose(x, [1, 0]);
    x.dispose();
    expect(y.shape).toEqual([3000, 1]);
    expect(y.dataSync().every((v) => v === 0.5)).toBe(true);
    y.dispose();
  });
});
