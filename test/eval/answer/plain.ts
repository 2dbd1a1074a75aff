// The plain way to answer: one request at a time, one whole forward pass, and the logits read on the host in float64.

import { tf } from '../../../src/base/tf.js';
import { argmax } from '../../../src/generate/sample.js';
import type { Gpt } from '../../../src/model/gpt.js';

/** Logits (T,V) of a whole forward pass over ids. */
export function logitsOf(model: Gpt, ids: readonly number[]): Float32Array[] {
  const V = model.config.vocab_size;
  const flat = tf.tidy(() =>
    model
      .logits(model.hidden(tf.tensor2d([...ids], [1, ids.length], 'int32')))
      .dataSync<'float32'>()
      .slice(),
  );
  return ids.map((_, t) => flat.subarray(t * V, (t + 1) * V));
}

function logSumExp(logits: Float32Array): number {
  const top = logits.reduce((a, b) => Math.max(a, b));
  return top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

/** ln p of tokens after others, and whether each is the likeliest; both sides at most n_ctx + 1 tokens, cut on the left. */
export function plainScore(model: Gpt, context: readonly number[], continuation: readonly number[]) {
  const all = [...context, ...continuation].slice(-(model.config.n_ctx + 1));
  const logits = logitsOf(model, all.slice(0, -1)).slice(-continuation.length);
  let logprob = 0;
  let greedy = true;
  for (const [i, id] of continuation.entries()) {
    logprob += logits[i]![id]! - logSumExp(logits[i]!);
    greedy &&= argmax(logits[i]!) === id;
  }
  return { logprob, greedy };
}
