// MLP: kernels against composite, both forms of GELU, also with products of bfloat16; GELU against float64.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { gelu, mlp } from '../../src/ops/mlp/mlp.js';
import { Parameter } from '../../src/ops/parameter.js';
import { erf } from '../../src/selftest/erf.js';
import { numericGradient } from './finite_difference.js';
import { difference, NEEDS_NATIVE, native, normal, opParity, rounded, tensorOf } from './parity.js';

interface In {
  x: tf.Tensor;
  weight1: tf.Tensor;
  bias1: tf.Tensor;
  weight2: tf.Tensor;
  bias2: tf.Tensor;
}

const inputs = (B: number, T: number, C: number, F: number, out = C) => ({
  x: normal([B, T, C]),
  weight1: normal([C, F], 1 / Math.sqrt(C)),
  bias1: normal([F]),
  weight2: normal([F, out], 1 / Math.sqrt(F)),
  bias2: normal([out]),
});

// B, T, C, F: below and above the size from which products are cut into tiles, and across the edges of tiles
const shapes: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [1, 1, 17, 100],
  [3, 47, 8, 24],
  [1, 49, 100, 17],
  [2, 50, 64, 80],
  [1, 3, 771, 130],
  [2, 100, 33, 130],
  [1, 300, 65, 257],
];

describe.skipIf(native === undefined)(`kernels against composite${NEEDS_NATIVE}`, () => {
  describe.each(['gelu_new', 'gelu'] as const)('%s', (form) => {
    test.each(shapes)('%i x %i x %i -> %i', (B, T, C, F) =>
      opParity(
        { ...mlp.op, name: 'GptMlpGradHidden' }, // the name that calls are counted by
        (i: In, attrs) => [mlp(i.x, i.weight1, i.bias1, i.weight2, i.bias2, attrs.form)],
        {
          inputs: inputs(B, T, C, F),
          attrs: { form },
          parameters: ['weight1', 'bias1', 'weight2', 'bias2'],
          tolerance: 4e-6,
        },
      ));
  });

  test('another width out than in', () =>
    opParity(
      { ...mlp.op, name: 'GptMlpGradHidden' },
      (i: In, attrs) => [mlp(i.x, i.weight1, i.bias1, i.weight2, i.bias2, attrs.form)],
      { inputs: inputs(2, 9, 12, 40, 5), attrs: { form: 'gelu_new' as const }, tolerance: 4e-6 },
    ));

  test('products of bfloat16: near the float32 ones, and not the same', async () => {
    await tf.setBackend('native');
    const values = inputs(2, 50, 64, 80);
    const run = (bf16: boolean): Float32Array[] => {
      const names = ['weight1', 'bias1', 'weight2', 'bias2'] as const;
      const [W1, b1, W2, b2] = names.map((name) => new Parameter(name, tensorOf(values[name]), bf16)) as [
        Parameter,
        Parameter,
        Parameter,
        Parameter,
      ];
      const results = tf.tidy(() => {
        const f = (x: tf.Tensor) => mlp(x, W1.value, b1.value, W2.value, b2.value, 'gelu_new');
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.sum(f(x)))(tensorOf(values.x));
        return [value, grad, W1.grad, b1.grad, W2.grad, b2.grad].map((t) => t.dataSync().slice() as Float32Array);
      });
      for (const p of [W1, b1, W2, b2]) p.dispose();
      return results;
    };
    const [got, want] = [run(true), run(false)];
    for (const [i, values] of got.entries()) {
      expect(difference(values, want[i]!)).toBeLessThan(2e-2);
      if (i < 4) expect(difference(values, want[i]!)).toBeGreaterThan(1e-6);
    }
    expect(rounded(values.x).data).not.toEqual(values.x.data);
  });
});

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
      const [one, zero] = [tf.ones([1, 1]), tf.zeros([1])];
      const f = (v: tf.Tensor) => mlp(tf.reshape(v, [1, -1, 1]), one, zero, one, zero, form);
      expect(difference(f(tf.tensor1d(x)).dataSync(), want)).toBeLessThan(1e-7);
      expect(difference(tf.grad(f)(tf.tensor1d(x)).dataSync(), slope)).toBeLessThan(1e-6);
    });
  });
});

test('refuses inputs that do not fit', () => {
  tf.tidy(() => {
    const given = (change: Partial<Record<keyof In, number[]>>) => {
      const shapes = { x: [1, 2, 3], weight1: [3, 4], bias1: [4], weight2: [4, 3], bias2: [3], ...change };
      const t = (name: keyof In) => tf.zeros(shapes[name]);
      return () => mlp(t('x'), t('weight1'), t('bias1'), t('weight2'), t('bias2'), 'gelu');
    };
    expect(given({})).not.toThrow();
    expect(given({ x: [1, 2, 5] })).toThrow(/x has shape \[1,2,5\], expected \(B,T,C\) with C = 3/);
    expect(given({ bias1: [3] })).toThrow(/bias1 has shape/);
    expect(given({ weight2: [5, 3] })).toThrow(/weight2 has shape/);
    expect(given({ bias2: [4] })).toThrow(/bias2 has shape/);
  });
});
