// Words and numbers of an evaluation that terminal and report share: which metric is a share of documents, what is hardly
// better than guessing, how shots are named, what was done in all.

import type { EvalRecord, TaskMetric, TaskRun } from './eval_record.js';
import { integer } from './format.js';

/** Metrics within [0, 1] of which a mean over tasks makes sense. Matthews' correlation reaches -1, BLEU 100. */
const SHARES: ReadonlySet<string> = new Set([
  'acc',
  'acc_norm',
  'acc_bytes',
  'acc_per_token',
  'acc_unconditional',
  'acc_mutual_info',
  'exact_match',
  'f1',
]);

export const isShare = ({ metric, higher_is_better, value }: TaskMetric): boolean =>
  higher_is_better && SHARES.has(metric) && !(value < 0 || value > 1);

/** The headline lies within two standard errors of a guess among the choices. */
export function aboutChance({ metrics, chance }: TaskRun): boolean {
  const headline = metrics[0];
  if (chance === null || headline === undefined || headline.stderr === null) return false;
  return Math.abs(headline.value - chance) <= 2 * headline.stderr;
}

/** "0" -> zero-shot, "few" -> few-shot */
export function shotsName(asked: string): string {
  const words: Readonly<Record<string, string>> = { 0: 'zero-shot', 1: 'one-shot', few: 'few-shot' };
  return words[asked] ?? (/^\d+$/.test(asked) ? `${asked}-shot` : asked);
}

/** few-shot (K 10); zero-shot alone: K is what was asked for. */
export const shotsText = (asked: string, shots: readonly number[]): string =>
  shots.every((k) => String(k) === asked) ? shotsName(asked) : `${shotsName(asked)} (K ${rangeText(shots)})`;

/** 10, or 10-32 */
export function rangeText(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? integer(low) : `${integer(low)}-${integer(high)}`;
}

/** Names of the tasks and groups that are in no group, in order of first occurrence. */
export function outerTasks(runs: readonly TaskRun[]): string[] {
  const inside = new Set(runs.flatMap((r) => r.members ?? []));
  return distinct(runs.map((r) => r.task)).filter((task) => !inside.has(task));
}

/** Values of --shots that occur: numbers in order, then words as they come. */
export function askedShots(runs: readonly TaskRun[]): string[] {
  const asked = distinct(runs.map((r) => r.asked));
  const place = (a: string) => (/^\d+$/.test(a) ? Number(a) : Number.POSITIVE_INFINITY);
  return asked.sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

export interface EvalTotals {
  readonly tasks: number;
  readonly docs: number; //      each document of a task once, under however many models and shots
  readonly requests: number; //  all of them
  readonly truncated: number;
  readonly requests_per_s: number | null;
}

/** Groups count by their members. */
export function totalsOf({ runs, seconds }: Pick<EvalRecord, 'runs' | 'seconds'>): EvalTotals {
  const single = runs.filter((r) => r.members === null);
  const docs = new Map<string, number>();
  for (const { task, docs: n } of single) docs.set(task, Math.max(n, docs.get(task) ?? 0));
  const sum = (of: (r: TaskRun) => number) => single.reduce((total, r) => total + of(r), 0);
  const requests = sum((r) => r.requests);
  return {
    tasks: docs.size,
    docs: [...docs.values()].reduce((a, b) => a + b, 0),
    requests,
    truncated: sum((r) => r.truncated),
    requests_per_s: seconds > 0 ? requests / seconds : null,
  };
}

/** In order of first occurrence. */
export const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
