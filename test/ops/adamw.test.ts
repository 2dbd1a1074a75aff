// The optimizer's update and the global norm against float64 arithmetic, both variants, with clipping and without.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { type AdamAttrs, adam, globalNorm, type Moments } from '../../src/ops/optimizer/adamw.js';
import { Parameter } from '../../src/ops/parameter.js';
import { difference, native, normal, tensorOf, type Values } from './parity.js';

// a matrix of more than one piece (2^16 elements), vectors, a scalar-sized one, and one that ends within a register
const shapes = [[257, 300], [7], [1, 1], [3, 5, 2], [65536]];

interface State {
  p: Float64Array;
  m: Float64Array;
  v: Float64Array;
}

/** The formulas at the head of adamw.ts, on one parameter. */
function update({ p, m, v }: State, g: Float64Array, norm: number, a: AdamAttrs, decays: boolean): void {
  const openai = a.variant === 'openai-adam';
  const coefficient = a.clip > 0 ? Math.min(1, a.clip / (norm + (openai ? 0 : 1e-6))) : 1;
  const [b1, b2] = a.betas;
  const wd = decays ? a.weight_decay : 0;
  for (let i = 0; i < p.length; i++) {
    const gi = g[i]! * coefficient;
    m[i] = b1 * m[i]! + (1 - b1) * gi;
    v[i] = b2 * v[i]! + (1 - b2) * gi * gi;
    if (openai) {
      const rate = (a.lr * Math.sqrt(1 - b2 ** a.t)) / (1 - b1 ** a.t);
      p[i]! -= rate * (m[i]! / (Math.sqrt(v[i]!) + a.eps) + wd * p[i]!);
    } else {
      p[i]! -= a.lr * wd * p[i]!;
      p[i]! -= (a.lr * (m[i]! / (1 - b1 ** a.t))) / (Math.sqrt(v[i]! / (1 - b2 ** a.t)) + a.eps);
    }
  }
}

const set = (tensor: tf.Variable, values: Values) => tf.tidy(() => tensor.assign(tensorOf(values)));

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  for (const variant of ['adamw', 'openai-adam'] as const) {
    test.skipIf(none).each([0, 0.5, 1e6])(`${variant}, clip %d: five updates`, async (clip) => {
      await tf.setBackend(backend);
      const parameters = shapes.map((shape, i) => new Parameter(`p${i}`, tensorOf(normal(shape))));
      const moments: Moments[] = shapes.map((shape) => ({
        m: tf.variable(tf.zeros(shape), false),
        v: tf.variable(tf.zeros(shape), false),
      }));
      const states: State[] = parameters.map(({ value, size }) => ({
        p: Float64Array.from(value.dataSync()),
        m: new Float64Array(size),
        v: new Float64Array(size),
      }));
      const errors: number[] = [];
      let left = 0;
      for (let t = 1; t <= 5; t++) {
        const gradients = parameters.map((p) => normal(p.shape, t === 3 ? 1e-4 : 1));
        parameters.forEach((p, i) => {
          set(p.grad, gradients[i]!);
        });
        const want = Math.sqrt(
          gradients.reduce((total, { data }) => total + [...data].reduce((s, g) => s + g * g, 0), 0),
        );
        const norm = globalNorm(parameters.map((p) => p.grad));
        errors.push(Math.abs(norm.dataSync()[0]! / want - 1));
        const attrs: AdamAttrs = { variant, lr: 1e-2, betas: [0.9, 0.95], eps: 1e-8, weight_decay: 0.1, clip, t };
        await adam(parameters, moments, norm, attrs);
        norm.dispose();
        for (const [i, p] of parameters.entries()) {
          update(states[i]!, Float64Array.from(gradients[i]!.data), want, attrs, p.shape.length >= 2);
          left += p.grad.dataSync<'float32'>().reduce((sum, g) => sum + Math.abs(g), 0);
          errors.push(difference(p.value.dataSync(), states[i]!.p));
          errors.push(difference(moments[i]!.m.dataSync(), states[i]!.m));
          errors.push(difference(moments[i]!.v.dataSync(), states[i]!.v));
        }
      }
      tf.dispose([...moments.flatMap(({ m, v }) => [m, v])]);
      for (const p of parameters) p.dispose();
      expect(left, 'gradients are zero afterwards').toBe(0);
      expect(Math.max(...errors)).toBeLessThan(2e-6);
    });
  }

  test.skipIf(none)('a gradient that is not a number shows in the norm', async () => {
    await tf.setBackend(backend);
    const parameters = shapes.map((shape, i) => new Parameter(`p${i}`, tensorOf(normal(shape))));
    const norms = [Number.NaN, Number.POSITIVE_INFINITY].map((bad) => {
      const values = normal([65536]);
      values.data[65535] = bad;
      set(parameters[4]!.grad, values);
      const norm = globalNorm(parameters.map((p) => p.grad));
      const value = norm.dataSync()[0]!;
      norm.dispose();
      return value;
    });
    for (const p of parameters) p.dispose();
    expect(norms).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });
});
