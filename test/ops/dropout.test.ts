// Dropout: C++ mask equal to the TypeScript one, gradient, and the statistics of the mask.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { attention } from '../../src/ops/attention/attention.js';
import { type Dropout, dropout, maskFactors } from '../../src/ops/dropout/dropout.js';
import { difference, NEEDS_NATIVE, native, normal, opParity } from './parity.js';

const attrs: Dropout = { p: 0.1, seed: 1337, step: 2, site: 3 };

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  test.each([[1], [3], [4097], [3, 47, 17], [2, 100, 80]])('%o', (...shape) =>
    opParity(dropout.op, ({ x }: { x: tf.Tensor }, a: Dropout) => [dropout(x, a)], {
      inputs: { x: normal(shape) },
      attrs,
      tolerance: 0,
    }));

  test('the C++ mask is the TypeScript mask', async () => {
    await tf.setBackend('native');
    const n = 10_001;
    const wrong: unknown[] = [];
    for (const p of [0.001, 0.1, 0.5, 0.999]) {
      for (const seed of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
        for (const [step, site] of [
          [0, 0],
          [2 ** 32 - 1, 7],
          [2 ** 31, 288],
        ] as const) {
          const a = { p, seed, step, site };
          const got = tf.tidy(() => dropout(tf.ones([n]), a).dataSync());
          if (!Buffer.from(got.buffer).equals(Buffer.from(maskFactors(n, a).buffer))) wrong.push(a);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test('of any length: the kernel takes whole counters several at once, and the rest one by one', async () => {
    await tf.setBackend('native');
    const a = { ...attrs, p: 0.5 };
    const wrong: number[] = [];
    const lengths = [...Array.from({ length: 140 }, (_, i) => i + 1), 1023, 1024, 1025, 1087, 2049, 3071];
    for (const n of lengths) {
      const got = tf.tidy(() => dropout(tf.ones([n]), a).dataSync());
      if (!Buffer.from(got.buffer).equals(Buffer.from(maskFactors(n, a).buffer))) wrong.push(n);
    }
    expect(wrong).toEqual([]);
  });

  // With equal scores and v = 1 the result is the mean of the mask over the visible keys; rows start at any element.
  test.each([1, 2, 3, 5, 31, 33, 50, 67, 130])('the mask of attention is the TypeScript mask, T = %i', async (T) => {
    await tf.setBackend('native');
    const [B, H] = [2, 3];
    const a = { ...attrs, p: 0.5 };
    const got = tf.tidy(() => {
      const qkv = tf.concat([tf.zeros([B, T, 2 * H]), tf.ones([B, T, H])], 2);
      return attention(qkv, { n_head: H, window: T, dropout: a }).dataSync<'float32'>();
    });
    const factors = maskFactors(B * H * T * T, a);
    const want = Float32Array.from({ length: B * T * H }, (_, n) => {
      const [b, i, h] = [Math.floor(n / (T * H)), Math.floor(n / H) % T, n % H];
      const row = ((b * H + h) * T + i) * T;
      return factors.subarray(row, row + i + 1).reduce((sum, f) => sum + f, 0) / (i + 1);
    });
    expect(difference(got, want)).toBeLessThan(1e-6); // one wrong factor is off by 2 / T
  });
});

test('keeps 1 - p of the elements, scaled so that the mean stays', () => {
  for (const p of [0.1, 0.5]) {
    const factors = maskFactors(100_000, { ...attrs, p });
    const kept = factors.filter((f) => f > 0);
    expect(Math.abs(kept.length / factors.length - (1 - p))).toBeLessThan(0.005); // 3 standard deviations
    expect(kept.every((f) => f === Math.fround(1 / (1 - p)))).toBe(true);
  }
});

test('another seed, step or site is another mask; the same ones are the same mask', () => {
  const bits = (a: Dropout) => maskFactors(512, a).join();
  const masks = [
    attrs,
    { ...attrs, seed: 1338 },
    { ...attrs, seed: 1337 + 2 ** 32 },
    { ...attrs, step: 3 },
    { ...attrs, site: 4 },
  ];
  expect(new Set(masks.map(bits)).size).toBe(masks.length);
  expect(bits({ ...attrs })).toBe(bits(attrs));
});

test('p = 0 returns the tensor itself', () => {
  const x = tf.ones([3]);
  expect(dropout(x, { ...attrs, p: 0 })).toBe(x);
  x.dispose();
});
