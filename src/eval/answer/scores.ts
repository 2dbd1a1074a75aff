// What a model says at the asked positions of a chunk: ln p of the tokens there, and whether each is the likeliest.
//
//   ln p(target) = logits[target] - top - ln sum exp(logits - top)        top: the largest; logits float32
//
// Only asked positions go through the vocabulary, a block of them at a time; several targets of a position share its row.

import { tf } from '../../base/tf.js';
import { argmax } from '../../generate/sample.js';
import type { Gpt } from '../../model/gpt.js';
import type { KvCache } from '../../model/kv_cache.js';
import type { Chunk, Score } from './plan.js';

const LOGITS = 1 << 23; // of a block: 32 MB

/** The answer to one Score. */
export interface Scored {
  readonly of: number;
  readonly logprob: number; // nats
  /** Of equally likely tokens, the first is the likeliest. */
  readonly greedy: boolean;
}

/** Reads a chunk into the cache, which holds what it goes on from. Answers come by position. */
export async function scoreChunk(model: Gpt, { ids, pieces, scores }: Chunk, cache: KvCache): Promise<Scored[]> {
  const read = () => model.hidden(tf.tensor2d([...ids], [1, ids.length], 'int32'), { cache, pieces });
  const hidden = tf.tidy(read); // (1,T,C)
  const most = Math.max(1, Math.floor(LOGITS / model.config.vocab_size));
  const scored: Scored[] = [];
  try {
    for (const block of blocksOf(scores, most)) scored.push(...(await scoreBlock(model, hidden, block)));
  } finally {
    hidden.dispose();
  }
  return scored;
}

/** Scores of `most` positions at a time. */
function* blocksOf(scores: readonly Score[], most: number): Generator<Score[]> {
  let block: Score[] = [];
  let rows = 0;
  for (const score of scores) {
    const isNew = score.row !== block.at(-1)?.row;
    if (isNew && rows === most) {
      yield block;
      [block, rows] = [[], 0];
    }
    if (isNew) rows++;
    block.push(score);
  }
  if (rows > 0) yield block;
}

async function scoreBlock(model: Gpt, hidden: tf.Tensor3D, block: readonly Score[]): Promise<Scored[]> {
  const rows = [...new Set(block.map(({ row }) => row))]; //  R positions
  const place = new Map(rows.map((row, r) => [row, r]));
  const V = model.config.vocab_size;
  const indices = (list: readonly number[]) => tf.tensor1d([...list], 'int32');
  const [logits, top, total, chosen] = tf.tidy(() => {
    const logits = tf.squeeze(model.logits(tf.gather(hidden, indices(rows), 1)), [0]) as tf.Tensor2D; // (R,V)
    const top = tf.max(logits, 1, true); //                                                              (R,1)
    const total = tf.sum(tf.exp(tf.sub(logits, top)), 1); //                                             (R)
    const at = indices(block.map(({ row, target }) => place.get(row)! * V + target));
    return [logits, top, total, tf.gather(tf.reshape(logits, [-1]), at)];
  }) as [tf.Tensor2D, tf.Tensor, tf.Tensor, tf.Tensor];
  try {
    const [tops, totals, values] = await Promise.all([top, total, chosen].map((x) => x.data<'float32'>()));
    // the first of equals: only where the target is as likely as the likeliest is the row itself looked at
    const ties = new Set(block.flatMap(({ row }, i) => (values![i] === tops![place.get(row)!] ? [row] : [])));
    const best = await likeliest(logits, [...ties], (row) => place.get(row)!);
    return block.map(({ row, target, of }, i) => {
      const r = place.get(row)!;
      return { of, logprob: values![i]! - tops![r]! - Math.log(totals![r]!), greedy: best.get(row) === target };
    });
  } finally {
    tf.dispose([logits, top, total, chosen]);
  }
}

/** The likeliest token of some positions, by position. */
async function likeliest(
  logits: tf.Tensor2D,
  rows: readonly number[],
  place: (row: number) => number,
): Promise<Map<number, number>> {
  if (rows.length === 0) return new Map();
  const V = logits.shape[1];
  const some = tf.tidy(() => tf.gather(logits, tf.tensor1d(rows.map(place), 'int32'))); // (ties,V)
  const values = await some.data<'float32'>();
  some.dispose();
  return new Map(rows.map((row, i) => [row, argmax(values.subarray(i * V, (i + 1) * V))]));
}
