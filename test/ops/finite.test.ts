// The finder of the first number that is not finite.

import { beforeAll, expect, test } from 'vitest';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { firstNonFinite } from '../../src/ops/finite.js';

beforeAll(() =>
  silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  }),
);

const named = (values: Record<string, number[]>) =>
  Object.entries(values).map(([name, data]) => ({ name, tensor: tf.tensor1d(data) }));

test('names tensor, place and number, in the order of the list', async () => {
  const first = async (values: Record<string, number[]>) => {
    const tensors = named(values);
    const found = await firstNonFinite(tensors);
    tf.dispose(tensors.map(({ tensor }) => tensor));
    return found;
  };
  expect(await first({})).toBeUndefined();
  expect(await first({ a: [], b: [0, -0, 3.4e38, -1e-45] })).toBeUndefined();
  expect(await first({ a: [1, 2], b: [0, Number.NaN, Infinity], c: [Number.NaN] })).toEqual({
    name: 'b',
    index: 1,
    value: Number.NaN,
  });
  expect(await first({ a: [0, 0, -Infinity] })).toEqual({ name: 'a', index: 2, value: -Infinity });
});

test('reads no further than it must, takes matrices, and leaves the tensors alone', async () => {
  const matrix = tf.tensor2d([1, 2, 3, Infinity], [2, 2]);
  const tensors = tf.memory().numTensors;
  let asked = 0;
  function* list() {
    for (const name of ['m', 'never']) {
      asked++;
      yield { name, tensor: matrix };
    }
  }
  expect(await firstNonFinite(list())).toEqual({ name: 'm', index: 3, value: Infinity });
  expect(asked).toBe(1);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(matrix.dataSync()[3]).toBe(Infinity);
  matrix.dispose();
});
