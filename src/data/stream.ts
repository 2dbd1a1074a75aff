// Batches of a token source, as a pure function of (seed, step): a resumed run, and any division of a step into ranks and
// micro-batches, sees the same sequences.
//
//   windows    n = floor((length - 1) / T) disjoint stretches of T tokens; window w of epoch e starts at
//              (offset_e + w T) mod length, where offset_e in [0, length) comes from the seed: the corpus is a ring, so
//              that epochs differ in where windows start
//   order      sequence s (counted over the whole run) is window permutation_e(s mod n) of epoch e = floor(s / n):
//              every window once an epoch
//
// The permutation is a Feistel network whose round function is Philox, on the smallest 4^h >= n, walked along its cycle
// until it falls below n (Black and Rogaway 2002). It takes no memory, however large the corpus.

import { philox, Random, Stream } from '../base/rng.js';
import type { TokenSource } from './token_file.js';

/** B sequences of T tokens, and for each token the one that follows it. */
export interface Batch {
  readonly B: number;
  readonly T: number;
  readonly x: Int32Array; // (B,T)
  readonly y: Int32Array; // (B,T)
}

/** What a BatchStream is made of. */
export interface BatchStreamOptions {
  /** At least T + 1 tokens (see requireLength). */
  readonly source: TokenSource;
  /** Sequences per micro-batch. */
  readonly B: number;
  readonly T: number;
  readonly seed: number;
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
  readonly #rank: number;
  readonly #world: number;

  constructor({ source, B, T, seed, rank = 0, world = 1 }: BatchStreamOptions) {
    this.windows = Math.floor((source.length - 1) / T);
    if (this.windows < 1) throw new RangeError(`internal: ${source.length} tokens hold no window of ${T} + 1`);
    this.#source = source;
    this.#B = B;
    this.#T = T;
    this.#seed = seed;
    this.#rank = rank;
    this.#world = world;
  }

  /** This rank's micro-batch number `micro`, counted from 0 over the whole run. */
  batchAt(micro: number): Batch {
    const first = (micro * this.#world + this.#rank) * this.#B;
    const starts = Array.from({ length: this.#B }, (_, b) => this.startOf(first + b));
    return gather(this.#source, starts, this.#T);
  }

  /** Fractional number of epochs seen after so many micro-batches of every rank. */
  epochOf(micros: number): number {
    return (micros * this.#world * this.#B) / this.windows;
  }

  /** Position in the source where sequence s of the run starts. */
  startOf(s: number): number {
    const epoch = Math.floor(s / this.windows);
    const window = permuted(s - epoch * this.windows, this.windows, this.#seed, epoch);
    const offset = new Random(this.#seed, Stream.shuffle, epoch).below(this.#source.length);
    return (offset + window * this.#T) % this.#source.length;
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
  /** Tokens that are predicted: windows * T. */
  readonly tokens: number;
  /** The windows in order, B at a time; the last batch may be smaller. */
  batches(B: number): Generator<Batch>;
}

/** At most maxTokens (at least one window) of a source of at least T + 1 tokens, evenly spread; always the same ones. */
export function valWindows(source: TokenSource, T: number, maxTokens = Number.POSITIVE_INFINITY): ValWindows {
  const all = Math.floor((source.length - 1) / T);
  if (all < 1) throw new RangeError(`internal: ${source.length} tokens hold no window of ${T} + 1`);
  const windows = Math.min(all, Math.max(1, Math.floor(maxTokens / T)));
  const start = (k: number): number => Math.floor((k * all) / windows) * T;
  return {
    windows,
    tokens: windows * T,
    *batches(B) {
      for (let k = 0; k < windows; k += B) {
        const size = Math.min(B, windows - k);
        yield gather(
          source,
          Array.from({ length: size }, (_, b) => start(k + b)),
          T,
        );
      }
    },
  };
}

/** Windows of T + 1 tokens at these positions; one that runs over the end continues at the start. */
function gather(source: TokenSource, starts: readonly number[], T: number): Batch {
  const B = starts.length;
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T);
  for (const [b, start] of starts.entries()) {
    const ids = new Int32Array(T + 1);
    const straight = Math.min(T + 1, source.length - start);
    ids.set(source.read(start, straight));
    if (straight <= T) ids.set(source.read(0, T + 1 - straight), straight);
    x.set(ids.subarray(0, T), b * T);
    y.set(ids.subarray(1), b * T);
  }
  return { B, T, x, y };
}
