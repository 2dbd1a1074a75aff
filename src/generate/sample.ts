// Drawing the next token from logits: temperature, top-k and top-p as in GPT-2's sample.py.
//
//   temperature   logits / temperature; 0 takes the likeliest token
//   top-k         keeps logits >= the k-th largest
//   top-p         keeps the likeliest tokens whose cumulative probability is at most p, at least one, and ties of the last
//
// All on the host, in float64: V numbers a token are nothing beside the model. The draw is a function of
// (seed, sample, position), so a prompt gives the same text alone and beside others.

import { Random, Stream } from '../base/rng.js';

/** How to choose tokens. */
export interface SamplingOptions {
  /** 0: greedy. */
  readonly temperature: number;
  /** 0: all tokens. */
  readonly topK: number;
  /** 1: all tokens. */
  readonly topP: number;
  readonly seed: number;
}

/** Chooses the next token of a prompt's sample number `sample` at `position`, from its logits (V). */
export function sampleToken(logits: Float32Array, options: SamplingOptions, sample: number, position: number): number {
  const { temperature, topK, topP, seed } = options;
  if (temperature === 0) return argmax(logits);
  const V = logits.length;

  let floor = Number.NEGATIVE_INFINITY;
  if (topK > 0 && topK < V) floor = Float32Array.from(logits).sort()[V - topK]!;
  const top = logits[argmax(logits)]!;
  const weights = new Float64Array(V);
  let total = 0;
  for (let i = 0; i < V; i++) {
    if (logits[i]! >= floor) {
      weights[i] = Math.exp((logits[i]! - top) / temperature);
      total += weights[i]!;
    }
  }
  if (topP < 1) {
    const sorted = Float64Array.from(weights).sort().reverse();
    let count = 0;
    let cumulative = 0;
    while (count < V && (cumulative + sorted[count]!) / total <= topP) cumulative += sorted[count++]!;
    const least = sorted[Math.max(count - 1, 0)]!;
    total = 0;
    for (let i = 0; i < V; i++) {
      if (weights[i]! < least) weights[i] = 0;
      total += weights[i]!;
    }
  }

  const random = new Random(seed, Stream.sample, sample * 65536 + (position % 65536));
  let r = ((random.u32() * 2 ** 21 + (random.u32() >>> 11)) / 2 ** 53) * total; // 53 random bits
  let lastKept = 0;
  for (let i = 0; i < V; i++) {
    if (weights[i] === 0) continue;
    lastKept = i;
    r -= weights[i]!;
    if (r < 0) return i;
  }
  return lastKept; // rounding
}

/** Index of the largest value, the first one of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
