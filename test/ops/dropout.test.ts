// Dropout: C++ mask equal to the TypeScript one, gradient, and the statistics of the mask.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { type Dropout, dropout, maskFactors } from '../../src/ops/dropout/dropout.js';
import { NEEDS_NATIVE, native, normal, opParity } from './parity.js';

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
