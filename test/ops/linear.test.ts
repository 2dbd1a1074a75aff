// Linear layer: kernel against composite, and with products of bfloat16.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { linear } from '../../src/ops/linear/linear.js';
import { Parameter } from '../../src/ops/parameter.js';
import { difference, NEEDS_NATIVE, native, normal, opParity, rounded, tensorOf } from './parity.js';

interface In {
  x: tf.Tensor;
  weight: tf.Tensor;
  bias: tf.Tensor;
}

// B, T, K, N: below and above the size from which products are cut into tiles, and across the edges of tiles
const shapes: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [1, 1, 17, 100],
  [3, 47, 8, 24],
  [1, 49, 100, 17],
  [2, 50, 64, 80],
  [1, 1, 96, 1000],
  [1, 1, 770, 2003], // few rows: few_rows.cc
  [2, 1, 333, 1025],
  [1, 3, 771, 130],
  [2, 2, 402, 770],
  [3, 100, 33, 130],
  [1, 300, 65, 257],
];

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  test.each(shapes)('%i x %i x %i -> %i', (B, T, K, N) =>
    opParity(linear.op, ({ x, weight, bias }: In) => [linear(x, weight, bias)], {
      inputs: { x: normal([B, T, K]), weight: normal([K, N], 1 / Math.sqrt(K)), bias: normal([N]) },
      attrs: {},
      parameters: ['weight', 'bias'],
      tolerance: 3e-6,
    }));

  // y, dx, dW, db of the layer, and of the float32 one where every operand was rounded beforehand
  test.each(shapes.filter(([B, T]) => B * T > 4))('%i x %i x %i -> %i, products of bfloat16', async (B, T, K, N) => {
    await tf.setBackend('native');
    const values = { x: normal([B, T, K]), weight: normal([K, N], 1 / Math.sqrt(K)), dy: normal([B, T, N]) };
    const bias = normal([N]);
    const layer = (bf16: boolean, { x, weight, dy }: typeof values): Float32Array[] => {
      const W = new Parameter('W', tensorOf(weight), bf16);
      const b = new Parameter('b', tensorOf(bias), bf16);
      const results = tf.tidy(() => {
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => {
          const y = linear(x, W.value, b.value);
          return tf.sum(tf.mul(y, tensorOf(dy)));
        })(tensorOf(x));
        const y = linear(tensorOf(x), W.value, b.value);
        return [y, grad, W.grad, b.grad, value].map((t) => t.dataSync().slice() as Float32Array);
      });
      for (const p of [W, b]) p.dispose();
      return results;
    };
    const got = layer(true, values);
    const want = layer(false, { x: rounded(values.x), weight: rounded(values.weight), dy: rounded(values.dy) });
    const exact = layer(false, values);
    for (const [i, name] of ['y', 'dx', 'dW', 'db'].entries()) {
      expect(difference(got[i]!, want[i]!), name).toBeLessThan(3e-6);
      expect(difference(got[i]!, exact[i]!), name).toBeGreaterThan(1e-5); // rounding does happen
    }
  });

  test('a bfloat16 copy follows the value', async () => {
    await tf.setBackend('native');
    const p = new Parameter('p', tf.tensor2d([1.001, -2, 3, 1e-40], [2, 2]), true);
    expect([...p.copy!.dataSync()]).toEqual([
      ...rounded({ shape: [4], data: Float32Array.of(1.001, -2, 3, 1e-40) }).data,
    ]);
    p.value.assign(tf.tensor2d([5, 6, 7, 8], [2, 2]));
    p.changed();
    expect([...p.copy!.dataSync()]).toEqual([5, 6, 7, 8]);
    expect(native!.physical(p.copy!, true)).toBeInstanceOf(Uint16Array);
    p.dispose();
  });
});

test('refuses inputs that do not fit', () => {
  tf.tidy(() => {
    const [x, weight, bias] = [normal([1, 2, 3]), normal([4, 5]), normal([5])].map(tensorOf) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    expect(() => linear(x, weight, bias)).toThrow(/x has shape \[1,2,3\], expected \(B,T,K\) with K = 4/);
    expect(() => linear(tensorOf(normal([1, 2, 4])), weight, x)).toThrow(/bias has shape/);
  });
});
