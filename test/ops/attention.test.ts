// Attention: kernel against composite, dense and banded, with dropout; both against float64 and its finite differences.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { attention } from '../../src/ops/attention/attention.js';
import { LayerCache } from '../../src/ops/attention/cached_attention.js';
import { type Dropout, maskFactors } from '../../src/ops/dropout/dropout.js';
import { numericGradient } from './finite_difference.js';
import { difference, NEEDS_NATIVE, native, normal, opParity, tensorOf } from './parity.js';

const DENSE = Number.MAX_SAFE_INTEGER;
const mask: Dropout = { p: 0.25, seed: 2 ** 40 + 7, step: 3, site: 5 };

// B, T, H, D: around the 48 queries that the kernel takes at a time, and widths that are no multiple of a register
const shapes: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [3, 1, 2, 8],
  [1, 47, 3, 24],
  [3, 49, 1, 64],
  [1, 100, 2, 80],
  [2, 48, 2, 17],
  [1, 150, 1, 33],
];
const windows = [DENSE, 1, 8, 47, 1000];

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  describe.each([undefined, mask])('dropout %o', (dropout) => {
    describe.each(shapes)('%i x %i, %i heads of %i', (B, T, H, D) => {
      test.each(windows)('window %i', (window) =>
        opParity(attention.op, ({ qkv }: { qkv: tf.Tensor }, attrs) => [attention(qkv, attrs)], {
          inputs: { qkv: normal([B, T, 3 * H * D], 1.5) },
          attrs: { n_head: H, window, dropout },
          tolerance: 3e-6,
        }));
    });
  });

  test('scores of any size: no overflow, and the largest wins', async () => {
    await tf.setBackend('native');
    const [T, D] = [60, 8];
    const y = tf.tidy(() => {
      const qkv = tensorOf(normal([1, T, 3 * D], 100));
      const [got] = [attention(qkv, { n_head: 1, window: DENSE })];
      return difference(got.dataSync(), attention.op.composite({ qkv }, { n_head: 1, window: DENSE })[0]!.dataSync());
    });
    expect(y).toBeLessThan(1e-5);
  });
});

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  test.skipIf(none).each([
    [DENSE, undefined],
    [3, undefined],
    [4, mask],
  ])('equals float64 and its finite differences: window %i, dropout %o', async (window, dropout) => {
    await tf.setBackend(backend);
    const [T, H, D] = [9, 2, 3];
    const C = H * D;
    const factors = dropout === undefined ? undefined : maskFactors(H * T * T, dropout);
    const f64 = (qkv: ArrayLike<number>): Float64Array => {
      const y = new Float64Array(T * C);
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < T; i++) {
          const at = (t: number, third: number, d: number) => qkv[t * 3 * C + third * C + h * D + d]!;
          const weights: number[] = [];
          for (let j = 0; j <= i; j++) {
            let score = 0;
            for (let d = 0; d < D; d++) score += at(i, 0, d) * at(j, 1, d);
            weights.push(j > i - window ? Math.exp(score / Math.sqrt(D)) : 0);
          }
          const total = weights.reduce((a, b) => a + b);
          for (const [j, w] of weights.entries()) {
            const kept = factors === undefined ? 1 : factors[(h * T + i) * T + j]!;
            for (let d = 0; d < D; d++) y[i * C + h * D + d]! += (w / total) * kept * at(j, 2, d);
          }
        }
      }
      return y;
    };
    const qkv = normal([1, T, 3 * C]);
    const dy = normal([1, T, C]);
    const want = numericGradient((v) => f64(v).reduce((sum, y, i) => sum + y * dy.data[i]!, 0), qkv.data);
    tf.tidy(() => {
      const attrs = { n_head: H, window, dropout };
      expect(difference(attention(tensorOf(qkv), attrs).dataSync(), f64(qkv.data))).toBeLessThan(1e-6);
      const gradient = tf.grad((v) => tf.sum(tf.mul(attention(v, attrs), tensorOf(dy))))(tensorOf(qkv));
      expect(difference(gradient.dataSync(), want)).toBeLessThan(2e-6);
    });
  });

  test.skipIf(none).each([DENSE, 1, 5])('with a cache, in any pieces, equals the whole: window %i', async (window) => {
    await tf.setBackend(backend);
    const [B, T, H, D] = [2, 23, 2, 12];
    const C3 = 3 * H * D;
    const qkv = tensorOf(normal([B, T, C3])) as tf.Tensor3D;
    const want = attention(qkv, { n_head: H, window });
    const errors: number[] = [];
    for (const pieces of [[T], Array<number>(T).fill(1), [5, 1, 1, 9, 7]]) {
      const cache = new LayerCache(30);
      tf.tidy(() => {
        let past = 0;
        for (const n of pieces) {
          const y = cache.attend(tf.slice(qkv, [0, past, 0], [B, n, C3]), H, window, [{ past, length: n }]);
          errors.push(difference(y.dataSync(), tf.slice(want, [0, past, 0], [B, n, H * D]).dataSync()));
          past += n;
        }
      });
      cache.dispose();
    }
    tf.dispose([qkv, want]);
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  });

  test.skipIf(none).each([DENSE, 1, 20, 60])('many queries after many, in blocks: window %i', async (window) => {
    await tf.setBackend(backend);
    const T = 150;
    const errors: number[] = [];
    for (const [H, D] of [
      [1, 64],
      [2, 17],
      [2, 80],
    ] as const) {
      const qkv = tensorOf(normal([2, T, 3 * H * D], 1.5)) as tf.Tensor3D;
      const want = attention(qkv, { n_head: H, window });
      for (const pieces of [[T], [100, 50], [47, 48, 3, 52], [1, 8, 7, 134], [96, 9, 45]]) {
        const cache = new LayerCache(T + 5);
        tf.tidy(() => {
          let past = 0;
          for (const n of pieces) {
            const y = cache.attend(tf.slice(qkv, [0, past, 0], [2, n, -1]), H, window, [{ past, length: n }]);
            errors.push(difference(y.dataSync(), tf.slice(want, [0, past, 0], [2, n, -1]).dataSync()));
            past += n;
          }
        });
        cache.dispose();
      }
      tf.dispose([qkv, want]);
    }
    expect(Math.max(...errors)).toBeLessThan(2e-6);
  });

  test.skipIf(none)('a cache is read again from an earlier position: the rest of it is forgotten', async () => {
    await tf.setBackend(backend);
    const [H, D] = [2, 8];
    const [common, first, second] = [9, 14, 11].map((T) => tensorOf(normal([1, T, 3 * H * D])) as tf.Tensor3D);
    const cache = new LayerCache(30);
    const error = tf.tidy(() => {
      cache.attend(common!, H, 6, [{ past: 0, length: 9 }]);
      cache.attend(first!, H, 6, [{ past: 9, length: 14 }]);
      const got = cache.attend(second!, H, 6, [{ past: 9, length: 11 }]);
      const want = attention(tf.concat([common!, second!], 1), { n_head: H, window: 6 });
      return difference(got.dataSync(), tf.slice(want, [0, 9, 0], [1, 11, -1]).dataSync());
    });
    cache.dispose();
    tf.dispose([common!, first!, second!]);
    expect(error).toBeLessThan(1e-6);
  });

  test.skipIf(none)('several pieces in one call equal one call each', async () => {
    await tf.setBackend(backend);
    const [H, D] = [2, 8];
    const pieces = [
      [0, 40],
      [33, 1],
      [33, 12],
      [10, 9],
      [0, 3],
      [3, 60],
    ].map(([past, length]) => ({ past: past!, length: length! }));
    const T = pieces.reduce((sum, { length }) => sum + length, 0);
    const qkv = tensorOf(normal([1, T, 3 * H * D])) as tf.Tensor3D;
    const [together, apart] = [new LayerCache(64), new LayerCache(64)];
    const error = tf.tidy(() => {
      let start = 0;
      const parts = pieces.map((piece) => {
        const part = tf.slice(qkv, [0, start, 0], [1, piece.length, -1]);
        start += piece.length;
        return apart.attend(part, H, 20, [piece]);
      });
      return difference(together.attend(qkv, H, 20, pieces).dataSync(), tf.concat(parts, 1).dataSync());
    });
    for (const cache of [together, apart]) cache.dispose();
    qkv.dispose();
    expect(error).toBe(0);
  });

  test.skipIf(none)('refuses a width that the heads do not divide', async () => {
    await tf.setBackend(backend);
    expect(() => attention(tf.zeros([1, 2, 30]), { n_head: 4, window: 9 })).toThrow(/multiple of n_head = 4/);
  });
});

test.skipIf(native === undefined)('a full cache is refused', async () => {
  await tf.setBackend('native');
  const cache = new LayerCache(4);
  expect(() => cache.attend(tf.zeros([1, 3, 12]), 1, 9, [{ past: 2, length: 3 }])).toThrow(/cache is full/);
  cache.dispose();
});
