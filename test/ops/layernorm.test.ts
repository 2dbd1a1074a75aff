// Layer norm: kernel against composite, both against float64 arithmetic and its finite differences.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { layerNorm, normedSum, residualLayerNorm } from '../../src/ops/layernorm/layernorm.js';
import { numericGradient } from './finite_difference.js';
import { difference, NEEDS_NATIVE, native, normal, opParity, tensorOf, type Values } from './parity.js';

interface In {
  x: tf.Tensor;
  branch: tf.Tensor;
  weight: tf.Tensor;
  bias: tf.Tensor;
}

// with one column the variance is zero and rstd = 1 / sqrt(eps) magnifies the rounding of the composite
const epsilon = (C: number) => (C === 1 ? 1 : 1e-5);

const shapes: [number, number, number][] = [
  [1, 1, 1],
  [1, 1, 17],
  [1, 47, 8],
  [3, 49, 100],
  [2, 5, 768],
  [1, 1, 257],
  [4, 100, 64],
  [7, 13, 33],
];

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  test.each(shapes)('layerNorm %i x %i x %i', (B, T, C) =>
    opParity(layerNorm.op, ({ x, weight, bias }: In, { eps }) => [layerNorm(x, weight, bias, eps)], {
      inputs: { x: normal([B, T, C], 2, 1), weight: normal([C]), bias: normal([C]) },
      attrs: { eps: epsilon(C) },
      parameters: ['weight', 'bias'],
      tolerance: 4e-6,
    }));

  test.each(shapes)('residualLayerNorm %i x %i x %i', (B, T, C) =>
    opParity(
      residualLayerNorm.op,
      ({ x, branch, weight, bias }: In, { eps }) => residualLayerNorm(x, branch, weight, bias, eps),
      {
        inputs: { x: normal([B, T, C], 2), branch: normal([B, T, C], 1, 1), weight: normal([C]), bias: normal([C]) },
        attrs: { eps: epsilon(C) },
        parameters: ['weight', 'bias'],
        outputs: 2,
        tolerance: 4e-6,
      },
    ));

  test.each(shapes)('normedSum %i x %i x %i', (B, T, C) =>
    opParity(
      { ...normedSum.op, name: 'GptResidualLayerNorm' }, // the name that calls are counted by
      ({ x, branch, weight, bias }: In, { eps }) => [normedSum(x, branch, weight, bias, eps)],
      {
        inputs: { x: normal([B, T, C], 2), branch: normal([B, T, C], 1, 1), weight: normal([C]), bias: normal([C]) },
        attrs: { eps: epsilon(C) },
        parameters: ['weight', 'bias'],
        tolerance: 4e-6,
      },
    ));
});

describe.each(['native', 'cpu'])('on %s', (backend) => {
  test.skipIf(backend === 'native' && native === undefined)('equals float64 and its finite differences', async () => {
    await tf.setBackend(backend);
    const [N, C] = [3, 7];
    const inputs = { x: normal([1, N, C], 2, 3), weight: normal([C]), bias: normal([C]), dy: normal([1, N, C]) };
    const eps = 1e-3;
    const f64 = (x: ArrayLike<number>, weight: ArrayLike<number>, bias: ArrayLike<number>): number[] => {
      const y: number[] = [];
      for (let n = 0; n < N; n++) {
        const row = Array.from({ length: C }, (_, c) => x[n * C + c]!);
        const mean = row.reduce((a, b) => a + b) / C;
        const rstd = 1 / Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / C + eps);
        row.forEach((v, c) => {
          y.push((v - mean) * rstd * weight[c]! + bias[c]!);
        });
      }
      return y;
    };
    const loss = (...args: [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>]) =>
      f64(...args).reduce((total, y, i) => total + y * inputs.dy.data[i]!, 0);
    const { x, weight, bias } = inputs;
    const want = [
      numericGradient((v) => loss(v, weight.data, bias.data), x.data),
      numericGradient((v) => loss(x.data, v, bias.data), weight.data),
      numericGradient((v) => loss(x.data, weight.data, v), bias.data),
    ];
    tf.tidy(() => {
      const tensors = [x, weight, bias].map(tensorOf) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const y = layerNorm(...tensors, eps);
      expect(difference(y.dataSync(), f64(x.data, weight.data, bias.data))).toBeLessThan(1e-6);
      const gradients = tf.grads((a, b, c) => tf.sum(tf.mul(layerNorm(a!, b!, c!, eps), tensorOf(inputs.dy))))(tensors);
      const errors = gradients.map((g, i) => difference(g.dataSync(), want[i]!));
      expect(Math.max(...errors)).toBeLessThan(2e-6);
    });
  });

  test.skipIf(backend === 'native' && native === undefined)('refuses a weight of another width', async () => {
    await tf.setBackend(backend);
    const of = (...shape: number[]) =>
      tensorOf({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) } satisfies Values);
    expect(() => layerNorm(of(1, 2, 8), of(7), of(8))).toThrow(/weight has shape \[7\]/);
    expect(() => residualLayerNorm(of(1, 2, 8), of(1, 2, 8), of(8), of(9))).toThrow(/bias has shape \[9\]/);
    expect(() => residualLayerNorm(of(1, 2, 8), of(1, 3, 8), of(8), of(8))).toThrow(/residualLayerNorm/);
  });
});
