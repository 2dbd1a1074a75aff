// Batches of a token source, as a pure function of (seed, step): a resumed run, and any division of a step into ranks and
// micro-batches, sees the same sequences.
//
//   windows    n = floor((length - 1) / T) disjoint stretches of T tokens; window w of epoch e starts at
//              (offset_e + w T) mod length, where offset_e in [0, length) comes from the seed: the corpus is a ring, so
//              that epochs differ in where windows start
//   order      sequence s (counted over the whole run) is window permutation_e(s mod n) of epoch e = floor(s / n):
//              (permutation.ts): every window once an epoch
//
// Several corpora (mixture.ts): sequence s is number k of one of them, of which it takes window k by the same rule.
//
// With a layout (layout.ts) windows may be documents instead: then n is their number, each starts where its document does,
// in every epoch, and positions that are not scored have the target -1.

import { Random, Stream } from '../base/rng.js';
import type { Layout } from './layout.js';
import { Mixture } from './mixture.js';
import { permuted } from './permutation.js';
import type { TokenSource } from './token_file.js';

/** B sequences of T tokens, and for each token the one that follows it. */
export interface Batch {
  readonly B: number;
  readonly T: number;
  readonly x: Int32Array; // (B,T)
  readonly y: Int32Array; // (B,T)  -1: not scored
}

/** What sequences are cut from. */
export interface Corpus {
  /** At least T + 1 tokens (see requireLength). */
  readonly source: TokenSource;
  /** Default: a stream, all scored. */
  readonly layout?: Layout | null;
}

/** A stretch of a source: the tokens start + 1 .. start + length are predicted. */
interface Window extends Corpus {
  readonly start: number;
  readonly length: number;
}

/** What a BatchStream is made of. */
export interface BatchStreamOptions extends Corpus {
  /** Sequences per micro-batch. */
  readonly B: number;
  readonly T: number;
  readonly seed: number;
  readonly rank?: number;
  readonly world?: number;
  /** Corpora instead of the one source, each with its share of the sequences. */
  readonly mix?: readonly (Corpus & { readonly weight: number })[] | null;
}

/** Training batches. */
export class BatchStream {
  /** Sequences in an epoch: of several corpora, of all together. */
  readonly windows: number;
  readonly #corpora: readonly Corpus[];
  readonly #windows: readonly number[]; // of each corpus
  readonly #mixture: Mixture;
  readonly #B: number;
  readonly #T: number;
  readonly #seed: number;
  readonly #rank: number;
  readonly #world: number;

  constructor({ source, layout = null, mix, B, T, seed, rank = 0, world = 1 }: BatchStreamOptions) {
    this.#corpora = mix ?? [{ source, layout }];
    this.#windows = this.#corpora.map((corpus) => countWindows(corpus.source, T, corpus.layout ?? null));
    this.windows = this.#windows.reduce((sum, n) => sum + n, 0);
    this.#mixture = new Mixture(mix?.map(({ weight }) => weight) ?? [1], seed);
    this.#B = B;
    this.#T = T;
    this.#seed = seed;
    this.#rank = rank;
    this.#world = world;
  }

  /** This rank's micro-batch number `micro`, counted from 0 over the whole run. */
  batchAt(micro: number): Batch {
    return gather(this.#windowsOf(micro), this.#T);
  }

  /** Positions of that micro-batch that are scored. */
  scoredAt(micro: number): number {
    if (this.#corpora.every(({ layout }) => !layout)) return this.#B * this.#T;
    return this.#windowsOf(micro).reduce((n, window) => n + scoredIn(window), 0);
  }

  /** Tokens of an epoch, padding included. */
  get epochTokens(): number {
    const tokens = ({ source, layout }: Corpus, i: number): number =>
      layout?.documents ? this.#windows[i]! * this.#T : source.length;
    return this.#corpora.reduce((sum, corpus, i) => sum + tokens(corpus, i), 0);
  }

  /** Fractional number of epochs seen after so many micro-batches of every rank. */
  epochOf(micros: number): number {
    return (micros * this.#world * this.#B) / this.windows;
  }

  /** The same of each corpus. */
  epochsOf(micros: number): number[] {
    return this.#mixture.counts(micros * this.#world * this.#B).map((n, i) => n / this.#windows[i]!);
  }

  /** Position in its source where sequence s of the run starts. */
  startOf(s: number): number {
    return this.#windowOf(s).start;
  }

  #windowsOf(micro: number): Window[] {
    const first = (micro * this.#world + this.#rank) * this.#B;
    return Array.from({ length: this.#B }, (_, b) => this.#windowOf(first + b));
  }

  #windowOf(s: number): Window {
    const { corpus, index } = this.#mixture.at(s);
    const { source, layout = null } = this.#corpora[corpus]!;
    const windows = this.#windows[corpus]!;
    const epoch = Math.floor(index / windows);
    const window = permuted(index - epoch * windows, windows, this.#seed, epoch);
    const documents = layout?.documents;
    if (documents) return { source, layout, start: documents.starts[window]!, length: documents.lengths[window]! };
    const offset = new Random(this.#seed, Stream.shuffle, epoch).below(source.length);
    return { source, layout, start: (offset + window * this.#T) % source.length, length: this.#T };
  }
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
    const [start, length] = documents ? [documents.starts[w]!, documents.lengths[w]!] : [w * T, T];
    return { source, layout, start, length };
  });
  return {
    windows,
    tokens: chosen.reduce((n, window) => n + scoredIn(window), 0),
    *batches(B) {
      for (let k = 0; k < windows; k += B) yield gather(chosen.slice(k, k + B), T);
    },
  };
}

function countWindows(source: TokenSource, T: number, layout: Layout | null): number {
  const windows = layout?.documents?.starts.length ?? Math.floor((source.length - 1) / T);
  if (windows < 1) throw new RangeError(`internal: ${source.length} tokens hold no window of ${T} + 1`);
  return windows;
}

function scoredIn({ source, layout, start, length }: Window): number {
  if (!layout?.isScored) return length;
  let n = 0;
  for (let t = 1; t <= length; t++) n += Number(layout.isScored((start + t) % source.length));
  return n;
}

/** Windows as rows of T; one of a stream that runs over the end continues at the start. */
function gather(windows: readonly Window[], T: number): Batch {
  const B = windows.length;
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T).fill(-1);
  for (const [b, { source, layout, start, length }] of windows.entries()) {
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
