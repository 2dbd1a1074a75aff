// The result of a fine-tuned task, as terminal and report both show it: which evaluations are the last ones, how
// metrics are called, and what stands beside them.

import type { Baseline, EvalEvent, Task } from './events.js';

/** A metric on its way into a table. */
export interface ResultRow {
  readonly split: string; //          val, test, or a file of its own
  readonly metric: string; //         its key
  readonly value: number;
  readonly stderr: number | null;
  readonly baseline: number | null;
}

const NAMES: Readonly<Record<string, string>> = {
  f1: 'F1',
  macro_f1: 'macro F1',
  matthews: 'Matthews',
  pearson: 'Pearson',
  spearman: 'Spearman',
  mse: 'squared error',
};

/** macro_f1 -> macro F1 */
export const metricLabel = (key: string): string => NAMES[key] ?? key;

/** Four decimals: shares and correlations are compared digit by digit. */
export const metricText = (value: number): string => value.toFixed(4);

/** 0.9128 ± 0.0096 */
export const measuredText = ({ value, stderr }: { value: number; stderr?: number | null | undefined }): string =>
  stderr == null ? metricText(value) : `${metricText(value)} ± ${metricText(stderr)}`;

/** 0.913 ± 0.010, where room is short */
export const briefText = ({ value, stderr }: { value: number; stderr?: number | null | undefined }): string =>
  stderr == null ? value.toFixed(3) : `${value.toFixed(3)} ± ${stderr.toFixed(3)}`;

export const isFinal = (e: EvalEvent): boolean => e.settings?.['which'] === 'final';

/** The last word on each split: the evaluation of the finished run; until there is one, the best so far. */
export function finalEvals(evals: readonly EvalEvent[]): EvalEvent[] {
  const last = new Map(evals.filter(isFinal).map((e) => [e.name, e]));
  if (last.size > 0) return [...last.values()];
  return [evals.findLast((e) => e.best === true)].flatMap((e) => e ?? []);
}

/** What an evaluation is compared with: its own baseline, else that of the run, which is one of the validation. */
export const baselineOf = (e: EvalEvent, task?: Task): Baseline | undefined =>
  e.baseline ?? (e.name === 'val' ? task?.baseline : undefined);

export function resultRows(evals: readonly EvalEvent[], task?: Task): ResultRow[] {
  return evals.flatMap((e) =>
    Object.entries(e.metrics).map(([metric, { value, stderr = null }]) => ({
      split: e.name,
      metric,
      value,
      stderr,
      baseline: baselineOf(e, task)?.metrics[metric] ?? null,
    })),
  );
}

/** entailment of 2 classes; similarity, a score (cosine readout) */
export function taskText({ form, objective, readout, labels }: Task): string {
  const what = { classes: ` of ${labels.length} classes`, regression: ', a score', choice: '' }[objective];
  return `${form}${what}${readout === 'cosine' ? ' by cosine' : ''}`;
}

/** Of each class its share of a split, as far as the split has labels. */
export function classShares(split: Task['splits'][number], labels: readonly string[]): (number | null)[] {
  const total = Object.values(split.classes).reduce((a, b) => a + b, 0);
  return labels.map((label) => (total > 0 ? (split.classes[label] ?? 0) / total : null));
}

/** Names of the classes whose shares are shown; for choices and the like, what the splits name. */
export function classNames({ labels, splits }: Task): string[] {
  return labels.length > 0 ? [...labels] : [...new Set(splits.flatMap((s) => Object.keys(s.classes)))];
}
