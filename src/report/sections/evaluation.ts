// Tasks and labelled data sets. Evaluations that have the same metrics share a table, a row each: several tasks, or one
// task at several steps. Classes of the last evaluation of a name follow in a table of their own.

import type { EvalEvent, Metric } from '../../base/events.js';
import { integer } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { short } from '../numbers.js';
import { type Column, dataTable, type Row } from '../table.js';
import type { Section } from './section.js';

export const evaluation: Section = ({ evals }) => {
  if (evals.length === 0) return null;
  const tables = groupBy(evals, metricNames).map((group) => {
    const rows = group.map((e) => ({ first: [e.name, settings(e), integer(e.step)], metrics: e.metrics }));
    return metricTable(['', '', 'step'], rows);
  });
  const last = new Map(evals.map((e) => [`${e.name}\n${settings(e)}`, e]));
  const body = [...tables, ...[...last.values()].flatMap(classTables)].join('\n');
  const note = body.includes('±') ? '\n<p class="note after">± one standard error.</p>' : '';
  return { id: 'evaluation', title: 'Evaluation', html: `${body}${note}` };
};

function classTables(e: EvalEvent): string[] {
  const classes = Object.entries(e.classes ?? {}).map(([name, metrics]) => ({ first: [name], metrics }));
  if (classes.length === 0) return [];
  const title = [e.name, `step ${integer(e.step)}`, settings(e)].filter((t) => t !== '').join(', ');
  const tables = groupBy(classes, metricNames).map((group) => metricTable([''], group));
  return [`<h3 class="table">${escapeHtml(title)}</h3>`, ...tables];
}

const metricNames = ({ metrics }: Pick<EvalEvent, 'metrics'>): string => Object.keys(metrics).join('\n');

const settings = ({ settings = {} }: EvalEvent): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

/** A column per metric, and one for the number of examples where the metrics of a row agree on it. */
function metricTable(
  firstColumns: readonly string[],
  rows: readonly { readonly first: readonly string[]; readonly metrics: Readonly<Record<string, Metric>> }[],
): string {
  const names = Object.keys(rows[0]!.metrics);
  const examples = rows.map(({ metrics }) => {
    const [n, ...others] = new Set(Object.values(metrics).flatMap((m) => m.n ?? []));
    return others.length > 0 || n === undefined ? '' : integer(n);
  });
  const columns: Column[] = [
    ...firstColumns.map((name) => ({ name, numeric: name === 'step' })),
    ...names.map((name) => ({ name, numeric: true })),
    { name: 'examples', numeric: true },
  ];
  const lines: Row[] = rows.map(({ first, metrics }, i) => ({
    cells: [...first, ...names.map((name) => measured(metrics[name]!)), examples[i]!],
  }));
  return dataTable(...withoutEmpty(columns, lines));
}

const measured = ({ value, stderr, unit }: Metric): string =>
  `${short(value)}${stderr === undefined ? '' : ` ± ${stderr.toPrecision(2)}`}${unit === undefined ? '' : ` ${unit}`}`;

function withoutEmpty(columns: readonly Column[], rows: readonly Row[]): [Column[], Row[]] {
  const used = columns.map((_, i) => rows.some((row) => row.cells[i] !== ''));
  const keep = <T>(list: readonly T[]) => list.filter((_, i) => used[i]);
  return [keep(columns), rows.map((row) => ({ ...row, cells: keep(row.cells) }))];
}

function groupBy<T>(list: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}
