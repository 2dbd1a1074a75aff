// Metrics against the numbers of scipy and scikit-learn (fixtures/make_metrics.py), and standard errors against theory.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { confusionMatrix, defaultMetrics, type MetricName, measure, metric } from '../../src/eval/metrics.js';

interface Case {
  readonly name: string;
  readonly classes?: number;
  readonly gold: readonly number[];
  readonly predicted: readonly number[];
  readonly confusion?: readonly (readonly number[])[];
  readonly metrics: Readonly<Partial<Record<MetricName, number>>>;
  readonly stderr?: Readonly<Partial<Record<MetricName, number>>>;
}
const file = new URL('fixtures/metrics.json', import.meta.url);
const fixtures = JSON.parse(readFileSync(file, 'utf8')) as { classes: readonly Case[]; scores: readonly Case[] };
const cases = [...fixtures.classes, ...fixtures.scores];

const entries = (numbers: Case['metrics']) => Object.entries(numbers) as [MetricName, number][];

test.each(cases)('$name', ({ classes, gold, predicted, confusion, metrics }) => {
  const names = entries(metrics);
  expect(names.length).toBeGreaterThanOrEqual(3);
  for (const [name, value] of names)
    expect([name, metric(name, gold, predicted, classes)]).toEqual([name, close(value)]);
  if (confusion) expect(confusionMatrix(gold, predicted, classes!)).toEqual(confusion);
});

const close = (value: number): unknown => expect.closeTo(value, 9);

test('float32 predictions, as a model gives them', () => {
  const { gold, predicted, metrics } = fixtures.scores[0]!;
  expect(metric('pearson', gold, Float32Array.from(predicted))).toBeCloseTo(metrics.pearson!, 6);
});

test('a constant side is no correlation, whatever its rounding', () => {
  for (const n of [3, 7, 60, 1001]) {
    const constant = new Float64Array(n).fill(0.1);
    const rising = Float64Array.from({ length: n }, (_, i) => i);
    for (const name of ['pearson', 'spearman'] as const) {
      expect(metric(name, constant, rising)).toBe(0);
      expect(metric(name, rising, constant)).toBe(0);
    }
  }
});

test('Pearson does not leave [-1, 1], nor lose itself in scores of any size', () => {
  for (const scale of [1e-150, 1e-3, 1, 1e150]) {
    const x = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i) * scale);
    expect(metric('pearson', x, x)).toBe(1);
    const opposite = x.map((v) => -v);
    expect(metric('pearson', x, opposite)).toBe(-1);
  }
});

test('no examples, and lists of different lengths, are bugs of the caller', () => {
  expect(() => metric('accuracy', [], [])).toThrow('internal: a metric of 0 labels and 0 predictions');
  expect(() => metric('mse', [1, 2], [1])).toThrow('internal: a metric of 2 labels and 1 predictions');
  expect(() => confusionMatrix([0, 2], [0, 0], 2)).toThrow('internal: example 1 is of class 2 or 0 of 2');
  expect(() => confusionMatrix([0, 1], [0, -1], 2)).toThrow('internal: example 1 is of class 1 or -1 of 2');
});

describe('standard errors', () => {
  /** 0/1 predictions, right with this probability. */
  function coin(n: number, right: number): { gold: Int32Array; predicted: Int32Array } {
    const random = new Random(5, Stream.test);
    const gold = Int32Array.from({ length: n }, () => random.below(2));
    return { gold, predicted: gold.map((g) => (random.uniform() < right ? g : 1 - g)) };
  }

  test.each([
    [100, 0.9],
    [872, 0.8],
    [2000, 0.5],
  ])('of accuracy: sqrt(p (1 - p) / n), n = %i, p = %f', (n, right) => {
    const { gold, predicted } = coin(n, right);
    const { accuracy } = measure(['accuracy'], gold, predicted, { seed: 1, resamples: 4000 });
    const expected = Math.sqrt((accuracy.value * (1 - accuracy.value)) / n);
    // of a standard deviation over R resamples: about 1 / sqrt(2 R) = 1.1 %, four of them
    expect(Math.abs(accuracy.stderr / expected - 1)).toBeLessThan(0.045);
    expect(accuracy.stderr).not.toBe(expected);
  });

  const withErrors = cases.filter(({ stderr }) => stderr !== undefined);

  test.each(withErrors)('of all metrics: 20,000 resamples of numpy, $name', ({ gold, predicted, metrics, stderr }) => {
    const names = entries(stderr!);
    expect(names.length).toBe(3);
    const measured = measure(
      names.map(([name]) => name),
      gold,
      predicted,
      { seed: 3, resamples: 4000 },
    );
    for (const [name, value] of names) {
      expect(measured[name].value).toBeCloseTo(metrics[name]!, 9);
      expect([name, Math.abs(measured[name].stderr / value - 1) < 0.06]).toEqual([name, true]);
    }
  });

  test('the seed decides them, and only them', () => {
    const { gold, predicted } = coin(50, 0.7);
    const at = (seed: number) => measure(['accuracy', 'f1'], gold, predicted, { seed });
    expect(at(1)).toEqual(at(1));
    expect(at(2).f1.value).toBe(at(1).f1.value);
    expect(at(2).f1.stderr).not.toBe(at(1).f1.stderr);
  });

  test('a metric has the same one beside others and alone', () => {
    const { gold, predicted } = coin(50, 0.7);
    const alone = measure(['f1'], gold, predicted, { seed: 1 });
    expect(measure(['accuracy', 'f1'], gold, predicted, { seed: 1 }).f1).toEqual(alone.f1);
  });

  test('of a class that resamples may lack', () => {
    const gold = [0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    const { macro_f1 } = measure(['macro_f1'], gold, gold, { classes: 3, seed: 1 });
    expect(macro_f1.value).toBeCloseTo(2 / 3, 12);
    expect(macro_f1.stderr).toBeGreaterThan(0.1);
  });
});

test.each([
  ['classification', 'classes', 'sst2', ['accuracy']],
  ['classification', 'classes', 'cola', ['matthews', 'accuracy']],
  ['classification', 'classes', 'table', ['accuracy', 'macro_f1']],
  ['similarity', 'classes', 'mrpc', ['f1', 'accuracy']],
  ['similarity', 'regression', 'stsb', ['pearson', 'spearman']],
  ['similarity', 'regression', 'sick', ['pearson', 'spearman', 'mse']],
  ['entailment', 'classes', 'sick', ['accuracy', 'macro_f1']],
  ['entailment', 'classes', 'rte', ['accuracy', 'macro_f1']],
  ['multiple-choice', 'choice', 'cosmosqa', ['accuracy']],
] as const)('the metrics of %s, %s, %s', (form, objective, format, all) => {
  expect(defaultMetrics(form, objective, format)).toEqual({ headline: all[0], all });
});

test('a chosen metric becomes the headline', () => {
  const chosen = (name: MetricName) => defaultMetrics('classification', 'classes', 'cola', name);
  expect(chosen('accuracy')).toEqual({ headline: 'accuracy', all: ['accuracy', 'matthews'] });
  expect(chosen('macro_f1')).toEqual({ headline: 'macro_f1', all: ['macro_f1', 'matthews', 'accuracy'] });
});
