// Which tokens a model reads for many sequences, in which order: those that begin alike share what they begin with.
//
// Sorted by their tokens, sequences stand in the order of a walk through their prefix tree, and what one shares with all
// before it is what it shares with the one before. So one key-value cache, of one sequence, is enough: it holds the path
// from the root. A sequence goes on from the position where it leaves the one before it (a piece, model/kv_cache.ts), and
// the tokens read are the nodes of the tree, each once:
//
//   the choices of a document        share the question, and all of it where each is a single token
//   documents after the same shots   share the shots
//
// The tokens are cut into chunks of one length, wherever that falls: a forward pass never has padding, and memory is the
// same from the first to the last.

import type { Piece } from '../../model/kv_cache.js';
import type { Sequence } from './pairs.js';

/** One forward pass. */
export interface Chunk {
  readonly ids: readonly number[]; //      T tokens
  readonly pieces: readonly Piece[]; //    that they form
  readonly scores: readonly Score[]; //    by row
}

/** What is asked: the probability that `target` follows position `row` of the chunk. `of`: index of the sequence. */
export interface Score {
  readonly row: number;
  readonly target: number;
  readonly of: number;
}

/** The chunks, of at most `most` tokens each, in the order in which one cache must read them. */
export function planOf(sequences: readonly Sequence[], most: number): Chunk[] {
  const order = sequences.map((_, i) => i);
  order.sort((a, b) => compare(sequences[a]!.ids, sequences[b]!.ids));
  const chunks: { ids: number[]; pieces: Piece[]; scores: Score[] }[] = [];
  const path: number[] = []; // node of each position of the sequence, numbered as read
  let nodes = 0;
  let before = new Int32Array(0);
  for (const of of order) {
    const { ids, targets } = sequences[of]!;
    let past = common(before, ids);
    while (past < ids.length) {
      if (nodes % most === 0) chunks.push({ ids: [], pieces: [], scores: [] });
      const { ids: read, pieces } = chunks.at(-1)!;
      const length = Math.min(ids.length - past, most - read.length);
      pieces.push({ past, length });
      for (const end = past + length; past < end; past++) {
        path[past] = nodes++;
        read.push(ids[past]!);
      }
    }
    for (const [i, target] of targets.entries()) {
      const node = path[ids.length - targets.length + i]!;
      chunks[Math.floor(node / most)]!.scores.push({ row: node % most, target, of });
    }
    before = ids as Int32Array<ArrayBuffer>;
  }
  for (const { scores } of chunks) scores.sort((a, b) => a.row - b.row);
  return chunks;
}

/** Length of what both begin with. */
function common(a: Int32Array, b: Int32Array): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

/** By the first token that differs; a beginning comes before what goes on from it. */
function compare(a: Int32Array, b: Int32Array): number {
  const n = common(a, b);
  return n < a.length && n < b.length ? a[n]! - b[n]! : a.length - b.length;
}
