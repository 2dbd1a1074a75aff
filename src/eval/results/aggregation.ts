// One number of the values of all documents, and how far it can be trusted. N documents.
//
//   mean                 sum(x) / N
//   nanmean              the same without NaN
//   median               sorted(x)[floor(N / 2)]
//   perplexity           exp(-mean(x)), x: ln p of a document's target
//   weighted_perplexity  exp(-sum(ll) / sum(weight)) of pairs (ll, weight)
//   bits_per_byte        -sum(ll) / sum(bytes) / ln 2
//   f1                   of class 1, of pairs (gold, predicted)
//   matthews_corrcoef    of the same pairs, any number of classes
//   brier_score          mean of sum_k (p_k - [k = gold])^2 of pairs (gold, p)
//
// Standard errors as in lm-evaluation-harness: of a mean s / sqrt(N), s the sample's standard deviation (N - 1); by
// bootstrap for nanmean, median, perplexity, f1 and matthews_corrcoef; for the others none.

import { ofCounts } from '../metrics.js';

/** What a metric gave for a document: a number, or a tuple for an aggregation that takes one. */
export type Item = unknown;

export type Aggregate = (items: readonly Item[]) => number;

/** A statistic of N documents that were drawn with replacement, given by their indexes. */
export type OfDrawn = (drawn: Uint32Array) => number;

/** Where the standard error of an aggregation comes from. */
export type Errors =
  | { readonly by: 'formula'; readonly stderr: (items: readonly Item[]) => number }
  | { readonly by: 'bootstrap'; readonly resampled: (items: readonly Item[]) => OfDrawn }
  | { readonly by: 'nothing' };

export interface Aggregation {
  readonly aggregate: Aggregate;
  readonly errors: Errors;
}

export const unknownErrors: Errors = { by: 'nothing' };

export const AGGREGATIONS: Readonly<Record<string, Aggregation>> = {
  mean: {
    aggregate: (items) => mean(numbers(items)),
    errors: { by: 'formula', stderr: (items) => sampleDeviation(numbers(items)) / Math.sqrt(items.length) },
  },
  nanmean: {
    aggregate: (items) => mean(numbers(items).filter((x) => !Number.isNaN(x))),
    errors: { by: 'bootstrap', resampled: resampledNanMean },
  },
  median: {
    aggregate: (items) => numbers(items).sort()[Math.floor(items.length / 2)] ?? Number.NaN,
    errors: { by: 'bootstrap', resampled: resampledMedian },
  },
  perplexity: {
    aggregate: (items) => Math.exp(-mean(numbers(items))),
    errors: { by: 'bootstrap', resampled: resampledPerplexity },
  },
  weighted_perplexity: { aggregate: (items) => Math.exp(-weightedMean(items)), errors: unknownErrors },
  bits_per_byte: { aggregate: (items) => -weightedMean(items) / Math.LN2, errors: unknownErrors },
  f1: ofClasses('f1'),
  matthews_corrcoef: ofClasses('matthews'),
  brier_score: { aggregate: (items) => mean(Float64Array.from(items, brier)), errors: unknownErrors },
  bypass: { aggregate: () => 999, errors: unknownErrors },
};

/** Standard deviation with n - 1; NaN of fewer than two values. */
export function sampleDeviation(x: Float64Array): number {
  const center = mean(x);
  let squares = 0;
  for (const value of x) squares += (value - center) ** 2;
  return Math.sqrt(squares / (x.length - 1));
}

function mean(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value;
  return sum / x.length;
}

function weightedMean(items: readonly Item[]): number {
  let [sum, weights] = [0, 0];
  for (const item of items) {
    const [x, weight] = pair(item, numeric);
    sum += x;
    weights += weight;
  }
  return sum / weights;
}

function brier(item: Item): number {
  const [gold, p] = pair(item, (side) => side);
  if (!Array.isArray(p)) throw new AggregationError('brier_score', item);
  return numbers(p).reduce((sum, pk, k) => sum + (pk - (k === gold ? 1 : 0)) ** 2, 0);
}

// ---- bootstrap

function resampledPerplexity(items: readonly Item[]): OfDrawn {
  const x = numbers(items);
  return (drawn) => {
    let sum = 0;
    for (let i = 0; i < drawn.length; i++) sum += x[drawn[i]!]!;
    return Math.exp(-sum / drawn.length);
  };
}

function resampledNanMean(items: readonly Item[]): OfDrawn {
  const x = numbers(items);
  return (drawn) => {
    let [sum, n] = [0, 0];
    for (let i = 0; i < drawn.length; i++) {
      const value = x[drawn[i]!]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      n++;
    }
    return sum / n;
  };
}

function resampledMedian(items: readonly Item[]): OfDrawn {
  const x = numbers(items);
  const sorted = [...x.keys()].sort((a, b) => x[a]! - x[b]!);
  const rank = new Uint32Array(x.length);
  for (const [place, i] of sorted.entries()) rank[i] = place;
  const counts = new Uint32Array(x.length);
  return (drawn) => {
    counts.fill(0);
    for (let i = 0; i < drawn.length; i++) counts[rank[drawn[i]!]!]!++;
    let place = 0;
    for (let below = counts[0]!; below <= Math.floor(drawn.length / 2); below += counts[place]!) place++;
    return x[sorted[place]!]!;
  };
}

/** Of a table of counts, which is all that a resample changes. A gold class outside 0 .. K-1 is a class of its own. */
function ofClasses(name: 'f1' | 'matthews'): Aggregation {
  const table = (items: readonly Item[]) => {
    const pairs = items.map((item) => pair(item, numeric));
    const predicted = pairs.map(([, p]) => p);
    const gold = pairs.map(([g]) => (Number.isInteger(g) && g >= 0 ? g : -1));
    const classes = Math.max(1, ...predicted, ...gold) + 1;
    if (name === 'f1' && classes > 2) throw new AggregationError('f1 of two classes', [classes - 1]);
    const size = gold.includes(-1) ? classes + 1 : classes;
    const cell = Uint32Array.from(gold, (g, i) => (g < 0 ? classes : g) * size + predicted[i]!);
    const counts = Array.from({ length: size }, () => new Array<number>(size).fill(0));
    return (drawn: Uint32Array): number => {
      const flat = new Uint32Array(size * size);
      for (let i = 0; i < drawn.length; i++) flat[cell[drawn[i]!]!]!++;
      for (const [k, count] of flat.entries()) counts[Math.floor(k / size)]![k % size] = count;
      return ofCounts[name](counts);
    };
  };
  return {
    aggregate: (items) => table(items)(Uint32Array.from(items.keys())),
    errors: { by: 'bootstrap', resampled: table },
  };
}

// ---- what items are

/** An item that its aggregation cannot take: a task's metric and aggregation do not go together. */
export class AggregationError extends Error {
  readonly wanted: string;
  readonly item: Item;
  constructor(wanted: string, item: Item) {
    super(`${wanted} of ${JSON.stringify(item)}`);
    this.wanted = wanted;
    this.item = item;
  }
}

const numbers = (items: readonly Item[]): Float64Array => Float64Array.from(items, numeric);

function numeric(item: Item): number {
  if (typeof item !== 'number' && typeof item !== 'boolean') throw new AggregationError('a number', item);
  return Number(item);
}

function pair<T>(item: Item, of: (side: Item) => T): [T, T] {
  if (!Array.isArray(item) || item.length !== 2) throw new AggregationError('a pair', item);
  return [of(item[0]), of(item[1])];
}
