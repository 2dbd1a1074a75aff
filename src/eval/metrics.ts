// Metrics of predictions, with standard errors. Classes are 0 .. K-1; scores are any numbers. N examples.
//
//   accuracy   right / N
//   f1         2 TP / (2 TP + FP + FN) of class 1; 0 where class 1 is neither there nor predicted
//   macro_f1   mean of every class's f1, defined the same way: an absent class that nobody predicts counts as 0
//   matthews   correlation of gold and predicted classes; with two classes
//              (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)),
//              with more Gorodkin's R_K; 0 when the root is 0
//   pearson    correlation of gold and predicted scores; 0 when one side is constant
//   spearman   pearson of the ranks; equal scores share the mean of their ranks
//   mse        mean squared difference
//
// A standard error is the bootstrap's: the standard deviation of the metric over `resamples` samples of N examples,
// drawn with replacement (Efron 1979). Numbers of scipy and scikit-learn: test/eval/fixtures/metrics.json.

import { Random, Stream } from '../base/rng.js';

export const METRICS = ['accuracy', 'f1', 'macro_f1', 'matthews', 'pearson', 'spearman', 'mse'] as const;
export type MetricName = (typeof METRICS)[number];

/** Classes, or scores of the regressions. */
type Values = ArrayLike<number>;

/** A metric, and its standard error by bootstrap. */
export interface Measured {
  readonly value: number;
  readonly stderr: number;
}

/** One metric of at least one example. `classes`: K, where predictions and gold may lack the last of them. */
export function metric(
  name: MetricName,
  gold: Values,
  predicted: Values,
  classes = classesIn(gold, predicted),
): number {
  const n = sameLength(gold, predicted);
  switch (name) {
    case 'pearson':
      return pearson(gold, predicted);
    case 'spearman':
      return pearson(ranks(dense(gold)), ranks(dense(predicted)));
    case 'mse':
      return sum(n, (i) => (gold[i]! - predicted[i]!) ** 2) / n;
    default:
      return ofCounts[name](confusionMatrix(gold, predicted, classes));
  }
}

/** Several metrics with standard errors: all of the same resamples, which the seed decides. */
export function measure<M extends MetricName>(
  names: readonly M[],
  gold: Values,
  predicted: Values,
  options: { readonly classes?: number; readonly seed: number; readonly resamples?: number },
): Record<M, Measured> {
  const { classes = classesIn(gold, predicted), seed, resamples = 1000 } = options;
  const n = sameLength(gold, predicted);
  const random = new Random(seed, Stream.bootstrap);
  const chosen = new Uint32Array(n);
  const ofChosen = names.map((name) => resampled(name, gold, predicted, classes));
  const samples = names.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < n; i++) chosen[i] = random.below(n);
    for (const [m, of] of ofChosen.entries()) samples[m]![r] = of(chosen);
  }
  const measured = names.map((name, m): [M, Measured] => [
    name,
    { value: metric(name, gold, predicted, classes), stderr: standardDeviation(samples[m]!) },
  ]);
  return Object.fromEntries(measured) as Record<M, Measured>;
}

/** A metric of chosen examples. Ranks are what costs: values are put in order once, not in every resample. */
function resampled(name: MetricName, gold: Values, predicted: Values, classes: number): (i: Uint32Array) => number {
  const take = (values: Values, chosen: Uint32Array) => map(chosen, (i) => values[i]!);
  if (name !== 'spearman') return (i) => metric(name, take(gold, i), take(predicted, i), classes);
  const [g, p] = [dense(gold), dense(predicted)];
  return (i) => pearson(ranks(take(g, i)), ranks(take(p, i)));
}

/** counts[g][p]: examples of class g that were predicted to be of class p. */
export function confusionMatrix(gold: Values, predicted: Values, classes: number): number[][] {
  const n = sameLength(gold, predicted);
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < n; i++) {
    const row = counts[gold[i]!];
    const p = predicted[i]!;
    if (row?.[p] === undefined) throw new Error(`internal: example ${i} is of class ${gold[i]} or ${p} of ${classes}`);
    row[p]!++;
  }
  return counts;
}

/** What a task is judged by: the headline decides which validation is the best and is among `all`, its first. */
export interface TaskMetrics {
  readonly headline: MetricName;
  readonly all: readonly MetricName[];
}

/**
 * GLUE's choice for its tasks (Wang et al. 2019, table 1), which the format of the data tells; SICK's own three for its
 * relatedness; else accuracy and macro-F1 of classes, accuracy of choices, and both correlations of scores.
 * `chosen`, where it is not "auto", becomes the headline.
 */
export function defaultMetrics(
  form: 'classification' | 'entailment' | 'similarity' | 'multiple-choice',
  objective: 'classes' | 'regression' | 'choice',
  format: string,
  chosen: MetricName | 'auto' = 'auto',
): TaskMetrics {
  const usual = usualMetrics(form, objective, format);
  const all = chosen === 'auto' ? usual : [chosen, ...usual.filter((name) => name !== chosen)];
  return { headline: all[0]!, all };
}

function usualMetrics(form: string, objective: 'classes' | 'regression' | 'choice', format: string): MetricName[] {
  if (objective === 'choice') return ['accuracy'];
  if (objective === 'regression') return format === 'sick' ? ['pearson', 'spearman', 'mse'] : ['pearson', 'spearman'];
  if (form === 'classification' && format === 'sst2') return ['accuracy'];
  if (form === 'classification' && format === 'cola') return ['matthews', 'accuracy'];
  if (form === 'similarity' && format === 'mrpc') return ['f1', 'accuracy'];
  return ['accuracy', 'macro_f1'];
}

// ---- of a confusion matrix

type Counts = readonly (readonly number[])[];

/** Metrics of a confusion matrix. */
export const ofCounts: Record<'accuracy' | 'f1' | 'macro_f1' | 'matthews', (counts: Counts) => number> = {
  accuracy: (counts) => rightOf(counts) / total(counts),
  f1: (counts) => f1Of(counts, 1),
  macro_f1: (counts) => sum(counts.length, (k) => f1Of(counts, k)) / counts.length,
  matthews: (counts) => {
    const n = total(counts);
    const gold = counts.map((_, k) => goldOf(counts, k));
    const predicted = counts.map((_, k) => predictedOf(counts, k));
    const covariance = (a: readonly number[], b: readonly number[]) => n * n - sum(a.length, (k) => a[k]! * b[k]!);
    const root = Math.sqrt(covariance(gold, gold) * covariance(predicted, predicted));
    return root === 0 ? 0 : (n * rightOf(counts) - n * n + covariance(gold, predicted)) / root;
  },
};

function f1Of(counts: Counts, k: number): number {
  const both = counts[k]?.[k] ?? 0;
  const either = goldOf(counts, k) + predictedOf(counts, k); // 2 TP + FP + FN
  return either === 0 ? 0 : (2 * both) / either;
}

const rightOf = (counts: Counts): number => sum(counts.length, (k) => counts[k]![k]!);
const goldOf = (counts: Counts, k: number): number => sum(counts.length, (p) => counts[k]?.[p] ?? 0);
const predictedOf = (counts: Counts, k: number): number => sum(counts.length, (g) => counts[g]![k] ?? 0);
const total = (counts: Counts): number => sum(counts.length, (k) => goldOf(counts, k));

// ---- of scores

function pearson(x: Values, y: Values): number {
  if (isConstant(x) || isConstant(y)) return 0; // exactly: rounding leaves a constant side a variance of its own
  const n = x.length;
  const [xMean, yMean] = [mean(x), mean(y)];
  const xy = sum(n, (i) => (x[i]! - xMean) * (y[i]! - yMean));
  const xx = sum(n, (i) => (x[i]! - xMean) ** 2);
  const yy = sum(n, (i) => (y[i]! - yMean) ** 2);
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy))); // rounding may go beyond
}

/** Whole numbers from 0 in the order of the values, the same for equal values. */
function dense(x: Values): Float64Array {
  const place = new Map([...new Set(Float64Array.from(x).sort())].map((value, i) => [value, i]));
  return map(x, (value) => place.get(value)!);
}

/** Ranks from 1 of dense numbers; equal ones get the mean of the ranks that they take up. */
function ranks(x: Float64Array): Float64Array {
  const counts = new Uint32Array(x.reduce((a, b) => Math.max(a, b), 0) + 1);
  for (const value of x) counts[value]!++;
  let below = 0;
  const rankOf = map(counts, (count) => {
    below += count;
    return below - (count - 1) / 2;
  });
  return map(x, (value) => rankOf[value]!);
}

function isConstant(x: Values): boolean {
  for (let i = 1; i < x.length; i++) if (x[i] !== x[0]) return false;
  return true;
}

// ----

function classesIn(gold: Values, predicted: Values): number {
  let classes = 2;
  for (const side of [gold, predicted]) {
    for (let i = 0; i < side.length; i++) classes = Math.max(classes, Math.floor(side[i]!) + 1);
  }
  return classes;
}

function sameLength(gold: Values, predicted: Values): number {
  const n = gold.length;
  if (n === 0 || predicted.length !== n) {
    throw new Error(`internal: a metric of ${n} labels and ${predicted.length} predictions`);
  }
  return n;
}

function sum(n: number, of: (i: number) => number): number {
  let result = 0;
  for (let i = 0; i < n; i++) result += of(i);
  return result;
}

/** A loop: Float64Array.from with a function takes ten times as long. */
function map(x: Values, of: (value: number) => number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) out[i] = of(x[i]!);
  return out;
}

const mean = (x: Values): number => sum(x.length, (i) => x[i]!) / x.length;

function standardDeviation(x: Values): number {
  if (x.length < 2) return 0;
  const center = mean(x);
  return Math.sqrt(sum(x.length, (i) => (x[i]! - center) ** 2) / (x.length - 1));
}
