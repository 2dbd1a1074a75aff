// Embedding: kernel against composite, with repeated tokens and a first position; bad ids are refused.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { embedding } from '../../src/ops/embedding/embedding.js';
import { integers, NEEDS_NATIVE, native, normal, opParity } from './parity.js';

interface In {
  ids: tf.Tensor2D;
  wte: tf.Tensor;
  wpe: tf.Tensor;
}

describe.skipIf(native === undefined)(`kernel against composite${NEEDS_NATIVE}`, () => {
  // B, T, C, V, first
  test.each([
    [1, 1, 1, 1, 0],
    [3, 47, 17, 5, 0],
    [1, 49, 100, 300, 3],
    [3, 100, 64, 2, 11],
    [2, 7, 33, 1000, 0],
  ])('%i x %i x %i of %i tokens, from position %i', (B, T, C, V, first) =>
    opParity(embedding.op, ({ ids, wte, wpe }: In, attrs) => [embedding(ids, wte, wpe, attrs.first)], {
      inputs: { ids: integers([B, T], 0, V), wte: normal([V, C]), wpe: normal([first + T + 2, C]) },
      attrs: { first },
      parameters: ['wte', 'wpe'],
    }));

  test.each([-1, 10, 2 ** 31 - 1])('id %i is outside a vocabulary of 10', async (id) => {
    await tf.setBackend('native');
    const call = () => embedding(tf.tensor2d([[1, id]], [1, 2], 'int32'), tf.zeros([10, 4]), tf.zeros([5, 4]));
    expect(() => tf.tidy(call)).toThrow(/token id .* is outside the vocabulary of 10/);
  });
});

test('more positions than the table has are refused', () => {
  const call = () => embedding(tf.zeros([1, 5], 'int32'), tf.zeros([10, 4]), tf.zeros([8, 4]), 4);
  expect(() => tf.tidy(call)).toThrow(/n_ctx = 8/);
});
