// Linear layer: kernel against composite, with every activation and with both matrix products; GELU against float64.

import { afterAll, describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { type Activation, gelu, linear } from '../../src/ops/linear/linear.js';
import { erf } from './elementary.js';
import { numericGradient } from './finite_difference.js';
import { difference, NEEDS_NATIVE, native, normal, opParity, tensorOf } from './parity.js';

interface In {
  x: tf.Tensor;
  weight: tf.Tensor;
  bias: tf.Tensor;
}

const activations: Activation[] = ['none', 'gelu_new', 'gelu'];

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

describe.skipIf(native === undefined).each([true, false])(
  `kernel against composite, oneDNN %s${NEEDS_NATIVE}`,
  (on) => {
    afterAll(() => void native?.useOneDnn(true));

    describe.each(activations)('%s', (activation) => {
      test.each(shapes)('%i x %i x %i -> %i', (B, T, K, N) => {
        native!.useOneDnn(on);
        return opParity(linear.op, ({ x, weight, bias }: In, attrs) => [linear(x, weight, bias, attrs.activation)], {
          inputs: { x: normal([B, T, K]), weight: normal([K, N], 1 / Math.sqrt(K)), bias: normal([N]) },
          attrs: { activation },
          parameters: ['weight', 'bias'],
          tolerance: 3e-6,
        });
      });
    });
  },
);

const f64: Record<'gelu' | 'gelu_new', (x: number) => number> = {
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

describe.each(['gelu', 'gelu_new'] as const)('%s', (form) => {
  const x = Float32Array.from({ length: 401 }, (_, i) => (i - 200) / 16);
  const want = Float64Array.from(x, f64[form]);
  const slope = numericGradient((v) => v.reduce((total, value) => total + f64[form](value), 0), x);

  test('the composite equals float64 and its finite differences', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      expect(difference(gelu(tf.tensor1d(x), form).dataSync(), want)).toBeLessThan(1e-7);
      expect(
        difference(
          tf
            .grad((v) => gelu(v, form))(tf.tensor1d(x))
            .dataSync(),
          slope,
        ),
      ).toBeLessThan(1e-6);
    });
  });

  test.skipIf(native === undefined)('the kernel equals float64 and its finite differences', async () => {
    await tf.setBackend('native');
    tf.tidy(() => {
      const one = tf.ones([1, 1]);
      const f = (v: tf.Tensor) => linear(tf.reshape(v, [1, -1, 1]), one, tf.zeros([1]), form);
      expect(difference(f(tf.tensor1d(x)).dataSync(), want)).toBeLessThan(1e-7);
      expect(difference(tf.grad(f)(tf.tensor1d(x)).dataSync(), slope)).toBeLessThan(1e-6);
    });
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
