// Decoding with the key-value cache: the reference's greedy continuation, and the same logits as without it.

import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import type { Gpt } from '../../src/model/gpt.js';
import { KvCache } from '../../src/model/kv_cache.js';
import { difference, native } from '../ops/parity.js';
import { FOLDERS, greedyOf, larger, modelOf } from './reference.js';

const folders = larger === undefined ? FOLDERS : [...FOLDERS, larger];

/** Logits (T,V) of tokens after what the cache holds. */
function logitsOf(model: Gpt, ids: readonly number[], cache?: KvCache): Float32Array {
  const input = () => tf.tensor2d([...ids], [1, ids.length], 'int32');
  return tf.tidy(() => model.logits(model.hidden(input(), { cache })).dataSync().slice()) as Float32Array;
}

describe.each(['native', 'cpu'])('on %s', (backend) => {
  describe
    .skipIf(backend === 'native' && native === undefined)
    .each(folders.map((folder) => [path.basename(folder), folder]))('%s', (_, folder) => {
    test('greedy decoding gives the reference continuation', async () => {
      await tf.setBackend(backend);
      const model = modelOf(folder);
      const cache = new KvCache(model.config.n_layer, model.config.n_ctx);
      const { prompt, continuation } = greedyOf(folder);
      const sequence = [...prompt];
      let next: readonly number[] = prompt;
      while (sequence.length < prompt.length + continuation.length) {
        const logits = logitsOf(model, next, cache).slice(-model.config.vocab_size);
        for (const used of sequence) logits[used] = Number.NEGATIVE_INFINITY;
        next = [logits.indexOf(Math.max(...logits))];
        sequence.push(...next);
      }
      cache.dispose();
      model.dispose();
      expect(sequence.slice(prompt.length)).toEqual(continuation);
    });

    test('logits with the cache, in any pieces, equal those without', async () => {
      await tf.setBackend(backend);
      const model = modelOf(folder);
      const { n_ctx, vocab_size: V, n_layer } = model.config;
      const ids = Array.from({ length: n_ctx }, (_, i) => (i * i + 3) % V);
      const want = logitsOf(model, ids);
      const tensors = tf.memory().numTensors;
      const errors: number[] = [];
      for (const pieces of [[n_ctx], Array<number>(n_ctx).fill(1), [7, 1, 1, 5, n_ctx - 14]]) {
        const cache = new KvCache(n_layer, n_ctx);
        const got: number[] = [];
        for (const n of pieces) {
          expect(cache.length).toBe(got.length / V);
          got.push(...logitsOf(model, ids.slice(cache.length, cache.length + n), cache));
        }
        cache.dispose();
        errors.push(difference(got, want));
      }
      expect(tf.memory().numTensors).toBe(tensors);
      model.dispose();
      expect(Math.max(...errors)).toBeLessThan(2e-6);
    });
  });
});
