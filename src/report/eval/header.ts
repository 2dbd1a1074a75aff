// What was evaluated, and what it took.

import type { EvalRecord } from '../../base/eval_record.js';
import { outerTasks, totalsOf } from '../../base/eval_scores.js';
import { count, duration, integer } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { dataTable } from '../table.js';

/** Name of the page: the models. */
export const titleOf = ({ models }: EvalRecord): string =>
  models.length > 3 ? `Evaluation of ${models.length} models` : `Evaluation of ${models.map((m) => m.name).join(', ')}`;

export function header(record: EvalRecord): string {
  const { models, runs, backend, date, seconds } = record;
  const totals = totalsOf(record);
  const [only] = models;
  const cards: [string, string][] = [
    ...(models.length === 1 && only
      ? ([
          ['parameters', count(only.parameters)],
          ['context', integer(only.n_ctx)],
        ] satisfies [string, string][])
      : ([['models', integer(models.length)]] satisfies [string, string][])),
    ['tasks', integer(totals.tasks)],
    ['documents', integer(totals.docs)],
    ['requests', integer(totals.requests)],
    ['time', duration(seconds)],
    ['requests per second', totals.requests_per_s === null ? '-' : count(totals.requests_per_s)],
    ['truncated prompts', integer(totals.truncated)],
  ];
  const tasks = outerTasks(runs);
  const named = tasks.length > 12 ? [...tasks.slice(0, 12), `and ${tasks.length - 12} more`] : tasks;
  const lines = [named.join(', '), `${backend} · ${date.slice(0, 16).replace('T', ' ')}`];
  return `<header>
<h1>${escapeHtml(titleOf(record))}</h1>
<p class="muted">${lines.map(escapeHtml).join('<br>')}</p>
<div class="cards">${cards.map(([k, v]) => `<div><span>${k}</span><b>${escapeHtml(v)}</b></div>`).join('')}</div>
</header>
${models.length > 1 ? modelTable(record) : ''}`;
}

const modelTable = ({ models }: EvalRecord): string => `<h2>Models</h2>
${dataTable(
  [
    { name: 'model', whole: true },
    ...['parameters', 'context', 'updates'].map((name) => ({ name, numeric: true })),
    { name: 'folder', whole: true },
  ],
  models.map(({ name, parameters, n_ctx, step, dir }) => ({
    cells: [name, integer(parameters), integer(n_ctx), step === null ? '-' : integer(step), dir],
  })),
)}`;
