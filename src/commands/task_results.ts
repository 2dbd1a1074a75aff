// From what a head says about examples to labels, metrics and the examples that it gets wrong.

import type { EvalEvent } from '../base/events.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import { confusionMatrix, type MetricName, measure, metric } from '../eval/metrics.js';
import type { TaskExample } from './task_data.js';

/** One example's answer. */
export interface Answer {
  /** Class number, index of the answer, or score in the data's own units. */
  readonly predicted: number;
  /** Of the predicted class or answer; null for a score. */
  readonly probability: number | null;
}

/** Answers of a task's head: outputs are probabilities, or [standardised score]. */
export function answersOf(
  { kind, score }: Pick<TaskFile, 'kind' | 'score'>,
  outputs: readonly Float32Array[],
): Answer[] {
  return outputs.map((values) => {
    if (kind === 'score') return { predicted: values[0]! * score!.std + score!.mean, probability: null };
    const predicted = values.indexOf(values.reduce((a, b) => Math.max(a, b)));
    return { predicted, probability: values[predicted]! };
  });
}

/** What examples should have been answered, in the units of answers. */
export const goldOf = ({ kind }: Pick<TaskFile, 'kind'>, examples: readonly TaskExample[]): number[] =>
  examples.map(({ target, example }) => (kind === 'score' ? Number(example.gold) : target));

/** Metrics of answers that need no training: the most frequent class, the mean score, a blind choice. */
export function baselineOf(
  task: Pick<TaskFile, 'kind' | 'labels' | 'score'>,
  train: readonly TaskExample[],
  val: readonly TaskExample[],
  names: readonly MetricName[],
): { name: string; metrics: Record<string, number> } {
  const gold = goldOf(task, val);
  if (task.kind === 'choice') {
    const chance = val.reduce((sum, { sequences }) => sum + 1 / sequences.length, 0) / val.length;
    return { name: 'chance', metrics: { accuracy: chance } };
  }
  const [name, constant] = task.kind === 'score' ? ['mean score', task.score!.mean] : ['majority', mostFrequent(train)];
  const guess = gold.map(() => constant);
  const entries = names.map((m) => [m, metric(m, gold, guess, task.labels.length || undefined)]);
  return { name, metrics: Object.fromEntries(entries) as Record<string, number> };
}

function mostFrequent(examples: readonly TaskExample[]): number {
  const counts = new Map<number, number>();
  for (const { target } of examples) counts.set(target, (counts.get(target) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]![0];
}

/** Values of metrics, without errors: what a validation in training needs. */
export function metricsOf(
  task: Pick<TaskFile, 'kind' | 'labels' | 'score'>,
  examples: readonly TaskExample[],
  answers: readonly Answer[],
  names: readonly MetricName[],
): Record<string, number> {
  const predicted = answers.map((answer) => answer.predicted);
  const gold = goldOf(task, examples);
  return Object.fromEntries(names.map((m) => [m, metric(m, gold, predicted, task.labels.length || undefined)]));
}

/** Mean loss of the task in nats, or squared standard deviations of scores. Its outputs: taskOutputs(). */
export function lossOf(
  { kind }: Pick<TaskFile, 'kind'>,
  examples: readonly TaskExample[],
  outputs: readonly Float32Array[],
): number {
  const each = examples.map(({ target }, i) =>
    kind === 'score' ? (outputs[i]![0]! - target) ** 2 : -Math.log(Math.max(outputs[i]![target]!, 1e-30)),
  );
  return each.reduce((a, b) => a + b, 0) / each.length;
}

const SHOWN_ERRORS = 10;

/** All that is to be said of a measured split: metrics with their standard errors, confusions or pairs, errors. */
export function resultsOf(
  task: Pick<TaskFile, 'kind' | 'labels' | 'score'>,
  examples: readonly TaskExample[],
  answers: readonly Answer[],
  { names, seed }: { names: readonly MetricName[]; seed: number },
): Pick<EvalEvent, 'metrics'> & Partial<Pick<EvalEvent, 'confusion' | 'scatter' | 'errors'>> {
  const predicted = answers.map((answer) => answer.predicted);
  const gold = goldOf(task, examples);
  const n = examples.length;
  const measured = measure(names, gold, predicted, {
    ...(task.kind === 'classes' ? { classes: task.labels.length } : {}),
    seed,
  });
  const metrics = Object.fromEntries(Object.entries(measured).map(([name, m]) => [name, { ...m, n }]));
  if (task.kind === 'score') return { metrics, scatter: gold.map((g, i): [number, number] => [g, predicted[i]!]) };
  const wrong = answers
    .map((answer, i) => ({ ...answer, i }))
    .filter(({ i }) => gold[i] !== predicted[i])
    .sort((a, b) => b.probability! - a.probability! || a.i - b.i)
    .slice(0, SHOWN_ERRORS);
  const nameOf = ({ example }: TaskExample, answer: number) =>
    task.kind === 'choice' ? example.choices![answer]! : task.labels[answer]!;
  const errors = wrong.map(({ i, probability }) => ({
    place: examples[i]!.example.place,
    text: examples[i]!.example.texts.join('\n'),
    gold: nameOf(examples[i]!, gold[i]!),
    predicted: nameOf(examples[i]!, predicted[i]!),
    confidence: probability!,
  }));
  if (task.kind === 'choice') return { metrics, errors };
  const counts = confusionMatrix(gold, predicted, task.labels.length);
  return { metrics, confusion: { labels: [...task.labels], counts }, errors };
}
