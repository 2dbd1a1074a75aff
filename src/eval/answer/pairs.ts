// From a request's two texts to the tokens that a model reads and those that it is asked about.
//
//   1. White space that ends the context goes to the front of the continuation: a word's token begins with its space.
//   2. Context and continuation are encoded as one text. The continuation's tokens are those behind as many as the context
//      alone has: never the encoding of the continuation alone.
//   3. An empty context is one end-of-text; a continuation that begins with that token lends it instead.
//   4. The model reads the last n_ctx + 1 tokens of both without the very last one: what is cut off is counted. A continuation
//      that is longer, which lm-evaluation-harness refuses, is read in parts.
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

/**
 * What the model reads for a pair: one sequence; for a continuation of more than n_ctx tokens several, each of which asks about
 * the next n_ctx / 2 tokens or fewer, so that every token has at least n_ctx / 2 before it.
 */
export function sequencesOf({ context, continuation }: Pair, n_ctx: number): Sequence[] {
  const all = new Int32Array(context.length + continuation.length);
  all.set(context);
  all.set(continuation, context.length);
  const stride = continuation.length <= n_ctx ? continuation.length : Math.max(1, Math.floor(n_ctx / 2));
  const sequences: Sequence[] = [];
  for (let from = context.length; from < all.length; from += stride) {
    const to = Math.min(from + stride, all.length);
    const start = Math.max(0, to - (n_ctx + 1));
    sequences.push({
      ids: all.subarray(start, to - 1),
      targets: all.subarray(from, to),
      truncated: Math.min(start, context.length),
    });
  }
  return sequences;
}
