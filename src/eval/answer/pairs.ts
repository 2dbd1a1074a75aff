// From a request's two texts to the tokens that a model reads and those that it is asked about.
//
//   1. White space that ends the context goes to the front of the continuation: a word's token begins with its space.
//   2. Context and continuation are encoded as one text. The continuation's tokens are those behind as many as the context
//      alone has: never the encoding of the continuation alone.
//   3. An empty context is one end-of-text; a continuation that begins with that token lends it instead.
//   4. The model reads the last n_ctx + 1 tokens of both without the very last one: what is cut off is counted.
//
// The rule of lm-evaluation-harness (api/model.py, _encode_pair and loglikelihood; models/huggingface.py), so that numbers
// can be compared. A context of white space alone, which it refuses, counts as empty here.

import { DataError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { endsWithSpace } from '../harness/python_text.js';

/** Tokens of both sides, neither empty. */
export interface Pair {
  readonly context: Int32Array;
  readonly continuation: Int32Array;
}

/** What a forward pass reads, and what is asked about it. */
export interface Sequence {
  /** At most n_ctx tokens. */
  readonly ids: Int32Array;
  /** Of the last targets.length positions of ids: the token that follows. */
  readonly targets: Int32Array;
  /** Tokens of the context that did not fit. */
  readonly truncated: number;
}

/**
 * A function from two texts to their tokens. It remembers the last context: the choices of a document follow each other.
 * Throws DataError where nothing is left to ask about.
 */
export function pairEncoder(tokenizer: Tokenizer): (context: string, continuation: string) => Pair {
  const eot = Int32Array.of(tokenizer.eot);
  let last: { readonly text: string; readonly ids: Int32Array } | undefined;
  return (context, continuation) => {
    let text = context;
    while (endsWithSpace(text)) text = text.slice(0, -1);
    if (last?.text !== text) last = { text, ids: tokenizer.encode(text) };
    const { ids } = last;
    const asked = tokenizer.encode(context + continuation).subarray(ids.length);
    const pair =
      ids.length > 0
        ? { context: ids, continuation: asked }
        : asked[0] === tokenizer.eot
          ? { context: asked.subarray(0, 1), continuation: asked.subarray(1) }
          : { context: eot, continuation: asked };
    if (pair.continuation.length > 0) return pair;
    throw new DataError(
      `the continuation ${quoted(continuation)} adds no token to its context, which ends in ${quoted(text.slice(-40))}`,
      "check the task's doc_to_target or doc_to_choice: an answer must not be empty",
    );
  };
}

/** Throws DataError for a continuation of more than n_ctx tokens. */
export function sequenceOf({ context, continuation }: Pair, n_ctx: number): Sequence {
  if (continuation.length > n_ctx) {
    throw new DataError(
      `a continuation has ${continuation.length} tokens, but the model's context (n_ctx) holds ${n_ctx}`,
      'use a model with a longer context, or leave out this task',
    );
  }
  const all = new Int32Array(context.length + continuation.length);
  all.set(context);
  all.set(continuation, context.length);
  const truncated = Math.max(0, all.length - (n_ctx + 1));
  return { ids: all.subarray(truncated, -1), targets: continuation, truncated };
}
