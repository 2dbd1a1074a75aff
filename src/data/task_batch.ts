// Encoded examples as batches for the model.
//
//   x (B,T)        token ids, padded on the right with 0: causal attention needs no mask for it
//   y (B,T)        the token after each; -1 where there is none (padding, and the last one)
//   rows (E*K)     for each example its K sequences' <extract> tokens, as rows of the (B*T) positions
//   valid (E*K)    1, or 0 where an example has fewer than K answers
//
// Training order is a function of (seed, step): in each epoch every example once, in an order of its own. Within a stretch
// of POOL batches examples are sorted by length, so that a batch has little padding; then the batches are shuffled. What
// fills no whole batch is left out of the epoch, as in OpenAI's code: each epoch leaves out others.

import { permuted } from './permutation.js';

/** An example that a batch is made of. */
export interface BatchExample {
  readonly sequences: readonly Int32Array[];
  /** Class, index of the right answer, or score; NaN where it is not known. */
  readonly target: number;
  /** How much it counts in the task's loss. */
  readonly weight: number;
}

/** A micro-batch: see the head of this file. */
export interface TaskBatch {
  readonly B: number;
  readonly T: number;
  readonly x: Int32Array;
  readonly y: Int32Array;
  readonly E: number;
  readonly K: number;
  readonly rows: Int32Array;
  readonly valid: Float32Array;
  readonly targets: Float32Array; // (E)
  readonly weights: Float32Array; // (E)
  /** 1 / (sequence's predicted tokens) at predicted positions, else 0 (B,T). */
  readonly tokenShares: Float32Array;
  /** Positions that are no padding. */
  readonly tokens: number;
}

const POOL = 16; // batches whose examples are sorted together
const ROUND = 8; // T is a multiple of it: fewer shapes for kernels to prepare

const longest = ({ sequences }: BatchExample): number => Math.max(...sequences.map((s) => s.length));
const roundUp = (n: number, most: number): number => Math.min(Math.ceil(n / ROUND) * ROUND, most);

/** Positions of a batch of these examples, padding included. */
export const positions = (examples: readonly BatchExample[], nCtx: number): number =>
  examples.reduce((n, e) => n + e.sequences.length, 0) * roundUp(Math.max(...examples.map(longest)), nCtx);

/** Cuts examples, sorted by length, into groups of at most `microTokens` positions (one example at least). */
export function microBatches<T extends BatchExample>(examples: readonly T[], microTokens: number, nCtx: number): T[][] {
  const sorted = [...examples].sort((a, b) => longest(a) - longest(b));
  const groups: T[][] = [];
  for (const example of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && positions([...group, example], nCtx) <= microTokens) group.push(example);
    else groups.push([example]);
  }
  return groups;
}

/** One batch of some examples. */
export function toBatch(examples: readonly BatchExample[], nCtx: number): TaskBatch {
  const E = examples.length;
  const K = Math.max(...examples.map(({ sequences }) => sequences.length));
  const B = examples.reduce((n, { sequences }) => n + sequences.length, 0);
  const T = roundUp(Math.max(...examples.map(longest)), nCtx);
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T).fill(-1);
  const tokenShares = new Float32Array(B * T);
  const rows = new Int32Array(E * K);
  const valid = new Float32Array(E * K);
  let b = 0;
  let tokens = 0;
  for (const [e, { sequences }] of examples.entries()) {
    const first = b * T + sequences[0]!.length - 1;
    rows.fill(first, e * K, (e + 1) * K); // a row that exists, where there are fewer
    for (const [k, ids] of sequences.entries()) {
      x.set(ids, b * T);
      y.set(ids.subarray(1), b * T);
      tokenShares.fill(1 / (ids.length - 1), b * T, b * T + ids.length - 1);
      rows[e * K + k] = b * T + ids.length - 1;
      valid[e * K + k] = 1;
      tokens += ids.length;
      b++;
    }
  }
  const targets = Float32Array.from(examples, ({ target }) => target);
  const weights = Float32Array.from(examples, ({ weight }) => weight);
  return { B, T, x, y, E, K, rows, valid, targets, weights, tokenShares, tokens };
}

/** The order of training: see the head of this file. */
export class TaskOrder<T extends BatchExample> {
  readonly stepsPerEpoch: number;
  readonly #examples: readonly T[];
  readonly #batch: number;
  readonly #seed: number;
  #epoch = -1;
  #batches: T[][] = [];

  /** A batch of more examples than there are is all of them. */
  constructor(examples: readonly T[], batchSize: number, seed: number) {
    this.#examples = examples;
    this.#batch = Math.min(batchSize, examples.length);
    this.#seed = seed;
    this.stepsPerEpoch = Math.floor(examples.length / this.#batch);
  }

  /** Examples of update `step`. */
  batchAt(step: number): readonly T[] {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#batches = this.#orderOf(epoch);
      this.#epoch = epoch;
    }
    return this.#batches[step - epoch * this.stepsPerEpoch]!;
  }

  #orderOf(epoch: number): T[][] {
    const all = this.#examples;
    const used = this.stepsPerEpoch * this.#batch;
    const order = Array.from({ length: used }, (_, i) => all[permuted(i, all.length, this.#seed, 2 * epoch)]!);
    const batches: T[][] = [];
    for (let from = 0; from < used; from += POOL * this.#batch) {
      const pool = order.slice(from, from + POOL * this.#batch).sort((a, b) => longest(a) - longest(b));
      for (let i = 0; i < pool.length; i += this.#batch) batches.push(pool.slice(i, i + this.#batch));
    }
    const n = batches.length;
    return batches.map((_, i) => batches[permuted(i, n, this.#seed, 2 * epoch + 1)]!);
  }
}
