// Which corpus each sequence of a run comes from (GPT-3's table 2.2): a pure function of (seed, sequence), so that a resumed
// run, and any division into ranks and micro-batches, draws the same.
//
//   block   M sequences, M >= 1 / the smallest share. Before block b corpus i has had
//           N_i(b) = round(b M W_i) - round(b M W_(i-1)) sequences, W_i: the sum of the shares up to i
//           so that after any number of blocks each corpus is within one sequence of its share
//   order   inside a block: the corpora, each as often as N_i(b + 1) - N_i(b) says, in the permutation of (seed, b)
//
// Of one corpus sequence s is its number s.

import { Stream } from '../base/rng.js';
import { permuted } from './permutation.js';

const LEAST_BLOCK = 64;

/** Where a sequence comes from. */
export interface Draw {
  readonly corpus: number;
  /** Sequences that came from it before. */
  readonly index: number;
}

export class Mixture {
  readonly #seed: number;
  /** W_0 .. W_(n-1); the last is 1. */
  readonly #upTo: readonly number[];
  readonly #size: number;
  #block = -1; // whose order is known
  #order: readonly Draw[] = [];

  /** Weights need not sum to 1. A block has as many sequences as the smallest goes into the sum (config/checks.ts). */
  constructor(weights: readonly number[], seed: number) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    this.#upTo = weights.map((weight, i) => {
      sum += weight;
      return i === weights.length - 1 ? 1 : sum / total;
    });
    this.#size = Math.max(LEAST_BLOCK, Math.ceil(total / Math.min(...weights)));
    this.#seed = seed;
  }

  /** Where sequence s comes from. */
  at(s: number): Draw {
    const block = Math.floor(s / this.#size);
    if (block !== this.#block) {
      this.#order = this.#orderOf(block);
      this.#block = block;
    }
    return this.#order[s - block * this.#size]!;
  }

  /** Sequences of each corpus among the first n. */
  counts(n: number): number[] {
    const block = Math.floor(n / this.#size);
    const counts = this.#before(block);
    for (let s = block * this.#size; s < n; s++) counts[this.at(s).corpus]!++;
    return counts;
  }

  /** N_i(b) */
  #before(block: number): number[] {
    const places = this.#upTo.map((share) => Math.round(block * this.#size * share));
    return places.map((place, i) => place - (places[i - 1] ?? 0));
  }

  #orderOf(block: number): Draw[] {
    const size = this.#size;
    const next = this.#before(block);
    const after = this.#before(block + 1);
    const corpora = next.flatMap((from, corpus) => Array<number>(after[corpus]! - from).fill(corpus));
    return Array.from({ length: size }, (_, r) => {
      const corpus = corpora[permuted(r, size, this.#seed, block, Stream.mix)]!;
      return { corpus, index: next[corpus]!++ };
    });
  }
}
