// Accuracy of the kernels' exp, sigmoid and erf against float64, through the kernels that use them.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { attention } from '../../src/ops/attention/attention.js';
import { type Gelu, mlp } from '../../src/ops/mlp/mlp.js';
import { erf } from '../../src/selftest/erf.js';
import { NEEDS_NATIVE, native } from './parity.js';

const steps = (from: number, to: number, n: number) =>
  Float32Array.from({ length: n }, (_, i) => from + ((to - from) * i) / (n - 1));

/** GELU of each number, by the kernel. */
function geluOf(x: Float32Array, form: Gelu): Float32Array {
  return tf.tidy(() => {
    const [one, zero] = [tf.ones([1, 1]), tf.zeros([1])];
    return mlp(tf.tensor3d(x, [1, x.length, 1]), one, zero, one, zero, form).dataSync() as Float32Array;
  });
}

const largest = (errors: Float32Array) => errors.reduce((a, b) => Math.max(a, b), 0);

describe.skipIf(native === undefined)(`against float64${NEEDS_NATIVE}`, () => {
  test('exp, as softmax uses it: 3e-7 relative from -87 to 0, and no more than zero below', async () => {
    await tf.setBackend('native');
    const x = steps(-87, 0, 20_001);
    // two positions of one sequence per number: scores x and 0, values 1 and 0, so that y = e^x / (1 + e^x)
    const qkv = new Float32Array(x.length * 6);
    for (const [i, score] of x.entries()) qkv.set([0, score, 1, 1, 0, 0], 6 * i);
    const y = tf.tidy(() => attention(tf.tensor3d(qkv, [x.length, 2, 3]), { n_head: 1, window: 2 }).dataSync());
    const error = largest(x.map((score, i) => Math.abs(y[2 * i + 1]! / (1 / (1 + Math.exp(-score))) - 1)));
    expect(error).toBeLessThan(3e-7);

    const far = Float32Array.from([0, -1e4, 1, 1, 0, 0]);
    const beyond = tf.tidy(() => attention(tf.tensor3d(far, [1, 2, 3]), { n_head: 1, window: 2 }).dataSync());
    expect([...beyond]).toEqual([1, 0]);
  });

  test('sigmoid, as gelu_new uses it: relative, down to the smallest results', async () => {
    await tf.setBackend('native');
    const x = steps(-6, 6, 20_001).filter((v) => v !== 0);
    const y = geluOf(x, 'gelu_new');
    const error = x.map((v, i) => {
      const twice = 2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
      const want = v / (1 + Math.exp(-twice));
      return Math.abs(y[i]! / want - 1) / (1 + Math.abs(twice)); // the argument's rounding grows with it
    });
    expect(largest(error)).toBeLessThan(3e-7);
  });

  test('erf: 5e-7 absolute, with the rounding of the product around it', async () => {
    await tf.setBackend('native');
    const x = steps(-8, 8, 20_001).filter((v) => Math.abs(v) > 1e-3);
    const y = geluOf(x, 'gelu');
    const error = x.map((v, i) => Math.abs((2 * y[i]!) / v - 1 - erf(v * Math.SQRT1_2)));
    expect(largest(error)).toBeLessThan(5e-7);
  });

  test.each(['gelu', 'gelu_new'] as const)('%s of extreme numbers', async (form) => {
    await tf.setBackend('native');
    const y = geluOf(Float32Array.of(1e30, -1e30, 40, -40, 0, Number.POSITIVE_INFINITY, Number.NaN), form);
    expect([...y].map((v) => v + 0)).toEqual([Math.fround(1e30), 0, 40, 0, 0, Number.POSITIVE_INFINITY, Number.NaN]);
  });

  test('a NaN among the visible scores shows; behind the mask it does not', async () => {
    await tf.setBackend('native');
    const [T, D] = [50, 4];
    const qkv = new Float32Array(T * 3 * D).fill(0.5);
    qkv[20 * 3 * D + D] = Number.NaN; // key 20
    const y = tf.tidy(() => attention(tf.tensor3d(qkv, [1, T, 3 * D]), { n_head: 1, window: T }).dataSync());
    const bad = Array.from({ length: T }, (_, t) => y.subarray(t * D, (t + 1) * D).some(Number.isNaN));
    expect(bad.indexOf(true)).toBe(20);
    expect(bad.lastIndexOf(false)).toBe(19);
  });
});
