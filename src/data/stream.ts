// Batches of a token source, as a pure function of (seed, step): a resumed run, and any division of a step into ranks and
// micro-batches, sees the same sequences.
//
//   windows    n = floor((length - 1) / T) disjoint stretches of T tokens; window w of epoch e starts at
//              (offset_e + w T) mod length, where offset_e in [0, length) comes from the seed: the corpus is a ring, so
//              that epochs differ in where windows start
//   order      sequence s (counted over the whole run) is window permutation_e(s mod n) of epoch e = floor(s / n):
//              every window once an epoch
//
// With a layout (layout.ts) windows may be documents instead: then n is their number, each starts where its document does,
// in every epoch, and positions that are not scored have the target -1.
//
// The permutation is a Feistel network whose round function is Philox, on the smallest 4^h >= n, walked along its cycle
// until it falls below n (Black and Rogaway 2002). It takes no memory, however large the corpus.

import { philox, Random, Stream } from '../base/rng.js';
import type { Layout } from './layout.js';
import type { TokenSource } from './token_file.js';

/** B sequences of T tokens, and for each token the one that follows it. */
export interface Batch {
  readonly B: number;
  readonly T: number;
  readonly x: Int32Array; // (B,T)
  readonly y: Int32Array; // (B,T)  -1: not scored
}

/** A stretch of the source: the tokens start + 1 .. start + length are predicted. */
interface Window {
  readonly start: number;
  readonly length: number;
}

/** What a BatchStream is made of. */
export interface BatchStreamOptions {
  /** At least T + 1 tokens (see requireLength). */
  readonly source: TokenSource;
  /** Sequences per micro-batch. */
  readonly B: number;
  readonly T: number;
  readonly seed: number;
  /** Default: a stream, all scored. */
  readonly layout?: Layout | null;
  readonly rank?: number;
  readonly world?: number;
}

/** Training batches. */
export class BatchStream {
  /** Sequences in an epoch. */
  readonly windows: number;
  readonly #source: TokenSource;
  readonly #B: number;
  readonly #T: number;
  readonly #seed: number;
  readonly #layout: Layout | null;
  readonly #rank: number;
  readonly #world: number;

  constructor({ source, B, T, seed, layout = null, rank = 0, world = 1 }: BatchStreamOptions) {
    this.windows = countWindows(source, T, layout);
    this.#source = source;
    this.#B = B;
    this.#T = T;
    this.#seed = seed;
    this.#layout = layout;
    this.#rank = rank;
    this.#world = world;
  }

  /** This rank's micro-batch number `micro`, counted from 0 over the whole run. */
  batchAt(micro: number): Batch {
    return gather(this.#source, this.#windowsOf(micro), this.#T, this.#layout);
  }

  /** Positions of that micro-batch that are scored. */
  scoredAt(micro: number): number {
    if (this.#layout === null) return this.#B * this.#T;
    return this.#windowsOf(micro).reduce((n, window) => n + scoredIn(this.#source, window, this.#layout), 0);
  }

  /** Tokens of an epoch, padding included. */
  get epochTokens(): number {
    return this.#layout?.documents ? this.windows * this.#T : this.#source.length;
  }

  /** Fractional number of epochs seen after so many micro-batches of every rank. */
  epochOf(micros: number): number {
    return (micros * this.#world * this.#B) / this.windows;
  }

  /** Position in the source where sequence s of the run starts. */
  startOf(s: number): number {
    return this.#windowOf(s).start;
  }

  #windowsOf(micro: number): Window[] {
    const first = (micro * this.#world + this.#rank) * this.#B;
    return Array.from({ length: this.#B }, (_, b) => this.#windowOf(first + b));
  }

  #windowOf(s: number): Window {
    const epoch = Math.floor(s / this.windows);
    const window = permuted(s - epoch * this.windows, this.windows, this.#seed, epoch);
    const documents = this.#layout?.documents;
    if (documents) return { start: documents.starts[window]!, length: documents.lengths[window]! };
    const offset = new Random(this.#seed, Stream.shuffle, epoch).below(this.#source.length);
    return { start: (offset + window * this.#T) % this.#source.length, length: this.#T };
  }
}

/** Where i in [0, n) goes in the permutation of (seed, epoch); n < 2^32. */
export function permuted(i: number, n: number, seed: number, epoch: number): number {
  let half = 1;
  while (4 ** half < n) half++;
  const size = 2 ** half;
  const word = new Uint32Array(4);
  let x = i;
  do {
    let left = Math.floor(x / size);
    let right = x % size;
    for (let round = 1; round <= 8; round++) {
      // Round 0 is left to Random, which draws the epoch's offset from the counter (0, 0, epoch, shuffle).
      philox(word, 0, right, round, epoch, Stream.shuffle, seed >>> 0, Math.floor(seed / 2 ** 32));
      const mixed = (left ^ word[0]!) & (size - 1);
      left = right;
      right = mixed;
    }
    x = left * size + right;
  } while (x >= n);
  return x;
}

/** Validation: a fixed set of disjoint windows. */
export interface ValWindows {
  /** Windows in the set. */
  readonly windows: number;
  /** Tokens that are predicted and scored: windows * T, or fewer by a layout. */
  readonly tokens: number;
  /** The windows in order, B at a time; the last batch may be smaller. */
  batches(B: number): Generator<Batch>;
}

/**
 * At most maxTokens (at least one window), padding included, of a source of at least T + 1 tokens, evenly spread; always
 * the same ones.
 */
export function valWindows(
  source: TokenSource,
  T: number,
  maxTokens = Number.POSITIVE_INFINITY,
  layout: Layout | null = null,
): ValWindows {
  const all = countWindows(source, T, layout);
  const windows = Math.min(all, Math.max(1, Math.floor(maxTokens / T)));
  const documents = layout?.documents;
  const chosen = Array.from({ length: windows }, (_, k): Window => {
    const w = Math.floor((k * all) / windows);
    return documents ? { start: documents.starts[w]!, length: documents.lengths[w]! } : { start: w * T, length: T };
  });
  return {
    windows,
    tokens: chosen.reduce((n, window) => n + scoredIn(source, window, layout), 0),
    *batches(B) {
      for (let k = 0; k < windows; k += B) yield gather(source, chosen.slice(k, k + B), T, layout);
    },
  };
}

function countWindows(source: TokenSource, T: number, layout: Layout | null): number {
  const windows = layout?.documents?.starts.length ?? Math.floor((source.length - 1) / T);
  if (windows < 1) throw new RangeError(`internal: ${source.length} tokens hold no window of ${T} + 1`);
  return windows;
}

function scoredIn(source: TokenSource, { start, length }: Window, layout: Layout | null): number {
  if (!layout?.isScored) return length;
  let n = 0;
  for (let t = 1; t <= length; t++) n += Number(layout.isScored((start + t) % source.length));
  return n;
}

/** Windows as rows of T; one of a stream that runs over the end continues at the start. */
function gather(source: TokenSource, windows: readonly Window[], T: number, layout: Layout | null): Batch {
  const B = windows.length;
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T).fill(-1);
  for (const [b, { start, length }] of windows.entries()) {
    const ids = new Int32Array(length + 1);
    const straight = Math.min(length + 1, source.length - start);
    ids.set(source.read(start, straight));
    if (straight <= length) ids.set(source.read(0, length + 1 - straight), straight);
    x.set(ids.subarray(0, length), b * T);
    y.set(ids.subarray(1), b * T);
    if (!layout?.isScored) continue;
    for (let t = 0; t < length; t++) if (!layout.isScored((start + t + 1) % source.length)) y[b * T + t] = -1;
  }
  return { B, T, x, y };
}
