// Head and cross-entropy: kernel against composite, both against float64 and its finite differences; chunks of rows;
// what must be refused, and what must not be hidden.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { headLoss } from '../../src/ops/head_loss/head_loss.js';
import { Parameter } from '../../src/ops/parameter.js';
import { numericGradient } from './finite_difference.js';
import {
  difference,
  integers,
  NEEDS_NATIVE,
  native,
  normal,
  opParity,
  rounded,
  tensorOf,
  type Values,
} from './parity.js';

interface In {
  h: tf.Tensor;
  wte: tf.Tensor;
  targets: tf.Tensor;
  weights: tf.Tensor;
}

const positive = (shape: readonly number[]): Values => {
  const { data } = normal(shape);
  return { shape, data: Float32Array.from(data, (x) => Math.abs(x) / data.length) };
};

/** Loss, nll, and the gradients of h and wte, on the active backend. */
function lossAndGradients(h: Values, wte: Values, targets: Values, weights: Values, bf16 = false) {
  const table = new Parameter('wte', tensorOf(wte), bf16);
  const result = tf.tidy(() => {
    const states = tensorOf(h);
    let nll: ArrayLike<number> | undefined;
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => {
      const [loss, each] = headLoss(x, table.value, tensorOf(targets), tensorOf(weights));
      nll = each.dataSync();
      return loss;
    })(states);
    return {
      loss: value.dataSync()[0]!,
      nll: Float32Array.from(nll!),
      dh: grad.dataSync().slice(),
      dwte: table.grad.dataSync().slice(),
    }; // prettier-ignore
  });
  table.dispose();
  return result;
}

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  // B, T, C, V
  test.each([
    [1, 1, 1, 2],
    [1, 1, 17, 2],
    [3, 47, 8, 100],
    [1, 49, 100, 17],
    [2, 100, 64, 259],
    [1, 33, 80, 1000],
  ])('%i x %i x %i, vocabulary %i', (B, T, C, V) =>
    opParity(headLoss.op, ({ h, wte, targets, weights }: In) => headLoss(h, wte, targets, weights), {
      inputs: {
        h: normal([B, T, C]),
        wte: normal([V, C], 1 / Math.sqrt(C)),
        targets: integers([B, T], T > 1 ? -1 : 0, V),
        weights: positive([B, T]),
      },
      attrs: { gradient: true },
      parameters: ['wte'],
      constant: ['weights'],
      isLoss: true,
    }));

  test('several chunks of rows equal one chunk each', async () => {
    await tf.setBackend('native');
    // a chunk has 2^26 / V rows: V must be huge for two chunks
    const [N, C, V] = [64, 1, 1_100_000];
    const wte: Values = { shape: [V, C], data: Float32Array.from({ length: V }, (_, i) => Math.sin(i)) };
    const [h, targets, weights] = [normal([1, N, C]), integers([1, N], -1, V), positive([1, N])];
    const whole = lossAndGradients(h, wte, targets, weights);
    const rows = ({ data, shape }: Values, first: number, last: number): Values => {
      const width = data.length / N;
      return { shape: [1, last - first, ...shape.slice(2)], data: data.slice(first * width, last * width) };
    };
    const parts = [0, 32].map((first) =>
      lossAndGradients(
        rows(h, first, first + 32),
        wte,
        rows(targets, first, first + 32),
        rows(weights, first, first + 32),
      ),
    );
    const join = (key: 'nll' | 'dh') => parts.flatMap((p) => [...p[key]]);
    expect(2 ** 26 / V).toBeLessThan(N);
    expect(Math.abs(whole.loss - parts[0]!.loss - parts[1]!.loss)).toBeLessThan(1e-5);
    expect(difference(whole.nll, join('nll'))).toBe(0);
    expect(difference(whole.dh, join('dh'))).toBe(0);
    expect(
      difference(
        whole.dwte,
        parts[0]!.dwte.map((x, i) => x + parts[1]!.dwte[i]!),
      ),
    ).toBeLessThan(1e-7); // prettier-ignore
  });

  test('products of bfloat16: the loss of rounded operands, and gradients whose logits were rounded too', async () => {
    await tf.setBackend('native');
    const [N, C, V] = [64, 80, 1000];
    const [h, wte] = [normal([1, N, C]), normal([V, C], 1 / Math.sqrt(C))];
    const [targets, weights] = [integers([1, N], -1, V), positive([1, N])];
    const got = lossAndGradients(h, wte, targets, weights, true);
    const want = lossAndGradients(rounded(h), rounded(wte), targets, weights);
    expect(difference(got.nll, want.nll)).toBeLessThan(1e-6);
    expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-6);
    for (const name of ['dh', 'dwte'] as const) {
      const scale = Math.max(...want[name].map(Math.abs));
      const off = Math.max(...want[name].map((x, i) => Math.abs(x - got[name][i]!))) / scale;
      expect(off, name).toBeLessThan(2 ** -8); // half a unit of eight bits, on sums that partly cancel
      expect(off, name).toBeGreaterThan(1e-6);
    }
  });

  test('a target outside the vocabulary is refused', async () => {
    await tf.setBackend('native');
    const call = () =>
      headLoss(tf.zeros([1, 2, 4]), tf.zeros([10, 4]), tf.tensor2d([[3, 10]], [1, 2], 'int32'), tf.ones([1, 2]), false); // prettier-ignore
    expect(() => tf.tidy(call)).toThrow(/target 10 is outside the vocabulary of 10/);
  });

  test('a loss that was scaled afterwards is refused: the kernel has made the gradient already', async () => {
    await tf.setBackend('native');
    const wte = new Parameter('wte', tf.ones([10, 4]));
    const targets = tf.zeros([1, 2], 'int32');
    const scaled = (h: tf.Tensor) => tf.mul(headLoss(h, wte.value, targets, tf.ones([1, 2]))[0], 0.5);
    expect(() => tf.tidy(() => tf.grad(scaled)(tf.ones([1, 2, 4])))).toThrow(/dL\/dloss = 1/);
    wte.dispose();
  });
});

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  test.skipIf(none)('equals float64 and its finite differences', async () => {
    await tf.setBackend(backend);
    const [N, C, V] = [5, 3, 7];
    const [h, wte, weights] = [normal([1, N, C]), normal([V, C]), positive([1, N])];
    const targets: Values = { shape: [1, N], data: Int32Array.of(0, 6, -1, 3, 3) };
    const nll = (h: ArrayLike<number>, wte: ArrayLike<number>): number[] =>
      Array.from(targets.data, (target, n) => {
        if (target < 0) return 0;
        const logits = Array.from({ length: V }, (_, v) => {
          let sum = 0;
          for (let c = 0; c < C; c++) sum += h[n * C + c]! * wte[v * C + c]!;
          return sum;
        });
        return Math.log(logits.reduce((total, x) => total + Math.exp(x), 0)) - logits[target]!;
      });
    const loss = (h: ArrayLike<number>, wte: ArrayLike<number>) =>
      nll(h, wte).reduce((total, x, n) => total + x * weights.data[n]!, 0);
    const got = (() => {
      if (backend === 'native') return lossAndGradients(h, wte, targets, weights);
      return tf.tidy(() => {
        const f = (x: tf.Tensor, w: tf.Tensor) => headLoss(x, w, tensorOf(targets), tensorOf(weights))[0];
        const { value, grads } = tf.valueAndGrads((x, w) => f(x!, w!))([tensorOf(h), tensorOf(wte)]);
        const each = headLoss(tensorOf(h), tensorOf(wte), tensorOf(targets), tensorOf(weights))[1];
        return {
          loss: value.dataSync()[0]!,
          nll: each.dataSync(),
          dh: grads[0]!.dataSync(),
          dwte: grads[1]!.dataSync(),
        };
      });
    })();
    expect(Math.abs(got.loss - loss(h.data, wte.data))).toBeLessThan(1e-6);
    expect(difference(got.nll, nll(h.data, wte.data))).toBeLessThan(1e-6);
    expect(
      difference(
        got.dh,
        numericGradient((v) => loss(v, wte.data), h.data),
      ),
    ).toBeLessThan(1e-6);
    expect(
      difference(
        got.dwte,
        numericGradient((v) => loss(h.data, v), wte.data),
      ),
    ).toBeLessThan(1e-6);
  });

  test.skipIf(none).each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d in one hidden state makes the loss NaN, wherever it is',
    async (bad) => {
      await tf.setBackend(backend);
      const [N, C, V] = [3, 20, 50];
      const losses = Array.from({ length: C }, (_, c) =>
        tf.tidy(() => {
          const h = normal([1, N, C]);
          h.data[C + c] = bad;
          const [loss, nll] = headLoss(
            tensorOf(h),
            tensorOf(normal([V, C])),
            tf.ones([1, N], 'int32'),
            tf.ones([1, N]),
            false,
          ); // prettier-ignore
          const [first, second, third] = nll.dataSync();
          return [loss.dataSync()[0], second].some(Number.isFinite) || ![first, third].every(Number.isFinite);
        }),
      );
      expect(losses.filter(Boolean)).toEqual([]);
    },
  );

  test.skipIf(none)('without gradient: the same loss, and nothing is added to the parameter', async () => {
    await tf.setBackend(backend);
    const wte = new Parameter('wte', tensorOf(normal([9, 4])));
    const [quiet, loud, added] = tf.tidy(() => {
      const [h, targets, weights] = [tensorOf(normal([1, 6, 4])), tensorOf(integers([1, 6], 0, 9)), tf.ones([1, 6])];
      const [without] = headLoss(h, wte.value, targets, weights, false);
      const added = tf.max(tf.abs(wte.grad)).dataSync()[0]!;
      return [without.dataSync()[0], headLoss(h, wte.value, targets, weights)[0].dataSync()[0], added];
    });
    expect(quiet).toBe(loud);
    expect(added).toBe(0);
    wte.dispose();
  });
});

test('refuses inputs that do not fit', () => {
  const call = (...[h, wte, targets, weights]: number[][]) =>
    tf.tidy(() => headLoss(tf.zeros(h!), tf.zeros(wte!), tf.zeros(targets!, 'int32'), tf.zeros(weights!), false));
  expect(() => call([1, 2, 3], [7, 4], [1, 2], [1, 2])).toThrow(/headLoss: h has shape/);
  expect(() => call([1, 2, 4], [7, 4], [1, 3], [1, 2])).toThrow(/headLoss: targets has shape/);
  expect(() => call([1, 2, 4], [7, 4], [1, 2], [2, 2])).toThrow(/headLoss: weights has shape/);
});
