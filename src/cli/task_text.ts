// The blocks of text of a fine-tuned task, from its events: the data at the start, a line per epoch, the result at the
// end. The other blocks: run_text.ts.

import type { EvalEvent, Task } from '../base/events.js';
import { integer, percent, plural } from '../base/format.js';
import {
  baselineOf,
  classNames,
  classShares,
  measuredText,
  metricLabel,
  metricText,
  resultRows,
  taskText,
} from '../base/task_result.js';
import { LABEL, oneLine, type Paint, row, tableWidth, textTable } from './block.js';

/** Examples, classes and lengths of each split, and the baseline. */
export function dataBlock(task: Task, columns: number, paint: Paint): string {
  const { splits, baseline, metric, format } = task;
  const names = classNames(task);
  const shares = splits.map((split) => classShares(split, names).map((s) => (s === null ? '-' : percent(s))));
  const sizes = ['mean tokens', '95 %', 'longest', 'truncated', 'skipped'];
  const table = (withClasses: boolean) => [
    ['split', 'examples', ...(withClasses ? names.map((n) => oneLine(n, MAX_LABEL)) : []), ...sizes],
    ...splits.map((s, i) => [
      s.name,
      integer(s.examples),
      ...(withClasses ? shares[i]! : []),
      s.length.mean.toFixed(1),
      ...[s.length.p95, s.length.max, s.truncated, s.skipped].map(integer),
    ]),
  ];
  const fits = tableWidth(table(true)) < columns;
  const shown = names.slice(0, MAX_CLASSES);
  const more = names.length > shown.length ? [`and ${names.length - shown.length} more`] : [];
  const below = fits
    ? []
    : splits.map(({ name }, i) =>
        row(
          name,
          [...shown.map((label, k) => `${oneLine(label, MAX_LABEL)} ${shares[i]![k]}`), ...more],
          columns,
          paint,
        ),
      );
  const metrics = Object.entries(baseline.metrics).map(([key, value]) => `${metricLabel(key)} ${metricText(value)}`);
  return [
    row('data', [format, taskText(task), `judged by ${metricLabel(metric)}`], columns, paint),
    textTable(table(fits), { left: 1, paint }),
    ...below,
    row('baseline', [baseline.name, ...metrics], columns, paint),
  ].join('');
}

const MAX_LABEL = 16; // characters
const MAX_CLASSES = 10;

/** Metrics of an epoch as terminal lines name them, the headline first: [['accuracy', '0.8132'], ...] */
export function epochMetrics({ metrics }: EvalEvent, headline: string | undefined): [name: string, text: string][] {
  const keys = Object.keys(metrics).sort((a, b) => Number(b === headline) - Number(a === headline));
  return keys.map((key) => [metricLabel(key), metricText(metrics[key]!.value)]);
}

/** epoch 2  step 200  val loss 0.4300  accuracy 0.8132  best */
export function plainEpoch(e: EvalEvent, headline: string | undefined): string {
  return [
    e.epoch === undefined ? '' : `epoch ${epochText(e.epoch)}`,
    `step ${integer(e.step)}`,
    e.loss === undefined ? '' : `${e.name} loss ${e.loss.toFixed(4)}`,
    ...epochMetrics(e, headline).map(([name, text]) => `${name} ${text}`),
    e.best ? 'best' : '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** 2, 0.5 */
export const epochText = (epoch: number): string => String(Number(epoch.toFixed(2)));

/** val accuracy 0.8132 ± 0.0047, for the summary of --quiet. */
export const headlineParts = (evals: readonly EvalEvent[], task: Task | undefined): string[] =>
  resultRows(evals, task)
    .filter(({ metric }) => task === undefined || metric === task.metric)
    .map((r) => `${r.split} ${metricLabel(r.metric)} ${measuredText(r)}`);

/** Metrics beside the baseline, confusion matrix or binned scores, and the most confident errors. */
export function resultBlock(
  evals: readonly EvalEvent[],
  task: Task | undefined,
  columns: number,
  paint: Paint,
): string {
  const parts = [metricsBlock(evals, task, columns, paint)];
  for (const { name, confusion, scatter = [] } of evals) {
    if (confusion) parts.push(row('confused', [`${name}: gold by row, predicted by column`], columns, paint));
    if (confusion) parts.push(confusionTable(confusion, columns, paint));
    if (scatter.length > 0) parts.push(row('scores', [`${name}: what is predicted where gold is`], columns, paint));
    if (scatter.length > 0) parts.push(binnedTable(scatter, paint));
  }
  const wrong = evals.find(({ errors = [] }) => errors.length > 0);
  if (wrong) parts.push(errorBlock(wrong, task, columns, paint));
  return parts.join('');
}

function metricsBlock(evals: readonly EvalEvent[], task: Task | undefined, columns: number, paint: Paint): string {
  const rows = resultRows(evals, task);
  const names = new Set(evals.flatMap((e) => baselineOf(e, task)?.name ?? []));
  const hasBaseline = rows.some(({ baseline }) => baseline !== null);
  const table = rows.map(({ split, metric, baseline, ...measured }) => [
    split,
    metricLabel(metric),
    measuredText(measured),
    ...(hasBaseline ? [baseline === null ? '-' : metricText(baseline)] : []),
  ]);
  const best = evals.find((e) => e.epoch !== undefined);
  const sizes = evals.flatMap((e) => {
    const n = Object.values(e.metrics)[0]?.n;
    return n === undefined ? [] : [`${e.name}: ${plural(n, 'example')}`];
  });
  const head = ['split', 'metric', 'value ± error', ...(hasBaseline ? [[...names].join(', ')] : [])];
  const which = best?.epoch === undefined ? '' : `best epoch ${epochText(best.epoch)} (step ${integer(best.step)})`;
  return row('result', [which, ...sizes], columns, paint) + textTable([head, ...table], { left: 2, paint });
}

type Confusion = NonNullable<EvalEvent['confusion']>;

/** Counts with their shares of the row; where that is too wide, the counts alone; then the most frequent mistakes. */
function confusionTable({ labels, counts }: Confusion, columns: number, paint: Paint): string {
  const names = labels.map((label) => oneLine(label, MAX_LABEL));
  const totals = counts.map((line) => line.reduce((a, b) => a + b, 0));
  const table = (cell: (n: number, total: number) => string) => [
    ['', ...names],
    ...counts.map((line, g) => [names[g] ?? String(g), ...line.map((n) => cell(n, totals[g]!))]),
  ];
  const tables = [
    table((n, total) => `${integer(n)} ${total > 0 ? percent(n / total).padStart(6) : '-'.padStart(6)}`),
    table(integer),
  ];
  const fitting = tables.find((lines) => tableWidth(lines) < columns);
  if (fitting) return textTable(fitting, { left: 1, paint });
  const mistakes = counts
    .flatMap((line, g) => line.map((n, p) => ({ n, g, p })))
    .filter(({ n, g, p }) => n > 0 && g !== p)
    .sort((a, b) => b.n - a.n)
    .slice(0, MISTAKES);
  const lines = mistakes.map(({ n, g, p }) => [names[g]!, names[p]!, `${integer(n)} of ${integer(totals[g]!)}`]);
  return textTable([['gold', 'taken for', 'examples'], ...lines], { left: 2, paint });
}

const MISTAKES = 10;
const BINS = 5;

/** Gold scores in bins of equal width, and what is predicted in each. */
function binnedTable(scatter: NonNullable<EvalEvent['scatter']>, paint: Paint): string {
  const gold = scatter.map(([g]) => g);
  const [low, high] = [gold.reduce((a, b) => Math.min(a, b)), gold.reduce((a, b) => Math.max(a, b))];
  const width = (high - low) / BINS || 1;
  const lines = Array.from({ length: BINS }, (_, bin) => {
    const inside = scatter.filter(([g]) => Math.min(BINS - 1, Math.floor((g - low) / width)) === bin);
    if (inside.length === 0) return [];
    const mean = (of: (pair: (typeof inside)[number]) => number) =>
      inside.reduce((sum, pair) => sum + of(pair), 0) / inside.length;
    const center = mean(([, p]) => p);
    const spread = Math.sqrt(mean(([, p]) => (p - center) ** 2));
    const range = `${(low + bin * width).toFixed(2)} to ${(low + (bin + 1) * width).toFixed(2)}`;
    const off = mean(([g, p]) => Math.abs(p - g)).toFixed(2);
    return [[range, integer(inside.length), center.toFixed(2), spread.toFixed(2), off]];
  });
  return textTable([['gold', 'examples', 'predicted', 'spread', 'off by'], ...lines.flat()], { left: 1, paint });
}

function errorBlock(
  { name, errors = [], scatter }: EvalEvent,
  task: Task | undefined,
  columns: number,
  paint: Paint,
): string {
  const isScore = scatter !== undefined || task?.objective === 'regression';
  const sure = (confidence: number) => (isScore ? confidence.toFixed(2) : percent(confidence)).padStart(6);
  const label = (text: string) => oneLine(text, MAX_LABEL);
  const taken = errors.map(({ gold, predicted }) => `${label(gold)} -> ${label(predicted)}`);
  const width = Math.max(...taken.map((text) => text.length));
  const lines = errors.map(({ text, confidence }, i) => {
    const head = `${' '.repeat(LABEL)}${sure(confidence)}  ${taken[i]!.padEnd(width)}  `;
    return `${head}${paint.dim(oneLine(text, columns - 1 - head.length))}\n`;
  });
  const title = isScore ? 'the largest, and by how much' : 'the most confident, gold -> predicted';
  return row('errors', [`${name}: ${title}`], columns, paint) + lines.join('');
}
