// data.ts of a fine-tuning run: the examples of each split, their classes, and how long they are.

import type { Json, Task } from '../../base/events.js';
import { integer, percent } from '../../base/format.js';
import { classNames, classShares } from '../../base/task_result.js';
import { dataTable, keyValueTable } from '../table.js';
import type { Section } from './section.js';

const CLASSES = 50; // in the table

export const taskData: Section = ({ start }) => {
  const { task, config } = start;
  if (!task) return null;
  const numbers = (names: readonly string[]) => names.map((name) => ({ name, numeric: true }));
  const sizes = dataTable(
    [
      { name: '' },
      ...numbers(['examples', 'sequences', 'tokens', 'mean', 'median', '95 %', 'longest', 'truncated', 'skipped']),
    ],
    task.splits.map(
      ({ name, examples, sequences, tokens, length: { mean, median, p95, max }, truncated, skipped }) => ({
        cells: [
          name,
          ...[examples, sequences, tokens].map(integer),
          mean.toFixed(1),
          ...[median, p95, max].map(integer),
          ...[truncated, skipped].map(integer),
        ],
      }),
    ),
  );
  const { batch_size } = Object(Object(config)['train']) as { batch_size?: Json };
  const html = `${sizes}
<p class="note after">Length in tokens of a sequence, with its start, delimiter and extract tokens.
Truncated: examples that did not fit the context. Skipped: rows that could not be read.</p>
${classTable(task)}
${keyValueTable([
  ['format', task.format],
  ...task.splits.map(({ name, files }) => [name, files.join(', ')] as const),
  ...(typeof batch_size === 'number' ? [['batch', `${integer(batch_size)} examples per step`] as const] : []),
])}`;
  return { id: 'data', title: 'Data', html };
};

function classTable(task: Task): string {
  const names = classNames(task);
  if (names.length === 0) return '';
  const shares = task.splits.map((split) => classShares(split, names));
  const cell = (split: number, k: number) => {
    const share = shares[split]![k];
    return share == null ? '-' : `${integer(task.splits[split]!.classes[names[k]!] ?? 0)} (${percent(share)})`;
  };
  const rows = names.slice(0, CLASSES).map((name, k) => ({ cells: [name, ...task.splits.map((_, i) => cell(i, k))] }));
  const left = names.length - CLASSES;
  const more = left > 0 ? `<p class="note after">${left} more are in report.json.</p>` : '';
  return `<h3 class="table">${task.objective === 'choice' ? 'Right answers' : 'Classes'}</h3>
${dataTable([{ name: '' }, ...task.splits.map(({ name }) => ({ name, numeric: true }))], rows)}${more}`;
}
