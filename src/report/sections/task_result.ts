// The result of a fine-tuned task: metrics beside the baseline, and which class is taken for which, or scores as dots.

import type { EvalEvent } from '../../base/events.js';
import { integer, percent, plural } from '../../base/format.js';
import { baselineOf, finalEvals, isFinal, measuredText, metricLabel, metricText } from '../../base/task_result.js';
import { escapeHtml, NOTHING } from '../chart.js';
import { scatterChart } from '../scatter.js';
import { dataTable } from '../table.js';
import type { Section } from './section.js';

export const taskResult: Section = ({ start, evals }, { task }) => {
  if (!task || task.results.length === 0) return { id: 'result', title: 'Result', html: NOTHING };
  const last = finalEvals(evals);
  const rows = task.results.map((row, i) => ({
    own: row.metric === task.metric,
    cells: [
      row.split === task.results[i - 1]?.split ? '' : row.split,
      metricLabel(row.metric),
      measuredText(row),
      row.baseline === null ? '-' : metricText(row.baseline),
    ],
  }));
  const guess = last.map((e) => baselineOf(e, start.task)?.name).find((name) => name !== undefined);
  const columns = ['value', guess === undefined ? 'baseline' : `baseline: ${guess}`];
  const { best } = task;
  const epoch = best?.epoch == null ? '' : `, epoch ${Number(best.epoch.toFixed(2))}`;
  const which = best ? `Of step ${integer(best.step)}${epoch}, the best on the validation examples. ` : '';
  const sizes = last.flatMap((e) => {
    const n = Object.values(e.metrics)[0]?.n;
    return n === undefined ? [] : [`${e.name}: ${plural(n, 'example')}`];
  });
  const errors = last.some(isFinal) ? ' ± one standard error, by bootstrap.' : ' The run has not finished.';
  const html = `${dataTable([{ name: '' }, { name: '' }, ...columns.map((name) => ({ name, numeric: true }))], rows)}
<p class="note after">${escapeHtml(`${which}${sizes.join(', ')}${sizes.length > 0 ? '.' : ''}${errors}`)}</p>
${sideBySide(last.flatMap((e) => [confusion(e), scatter(e)]))}`;
  return { id: 'result', title: 'Result', html };
};

const sideBySide = (blocks: readonly string[]): string =>
  `<div class="side">${blocks
    .filter((block) => block !== '')
    .map((block) => `<div>${block}</div>`)
    .join('\n')}</div>`;

function confusion({ name, confusion }: EvalEvent): string {
  if (!confusion) return '';
  const { labels, counts } = confusion;
  const cell = (count: number, total: number, right: boolean) => {
    const share = total > 0 ? count / total : 0;
    const style = `--share:${(50 * share).toFixed(1)}%`;
    const text = `${integer(count)}<small>${total > 0 ? percent(share) : '-'}</small>`;
    return `<td class="${right ? 'right' : 'wrong'}" style="${style}">${text}</td>`;
  };
  const rows = counts.map((row, g) => {
    const total = row.reduce((a, b) => a + b, 0);
    const cells = row.map((count, p) => cell(count, total, g === p));
    return `<tr><th>${escapeHtml(labels[g] ?? String(g))}</th>${cells.join('')}</tr>`;
  });
  const head = labels.map((label) => `<th class="n">${escapeHtml(label)}</th>`).join('');
  return `<h3 class="table">Confusion matrix, ${escapeHtml(name)}</h3>
<div class="scroll"><table class="confusion">
<tr><th>gold ↓ predicted →</th>${head}</tr>
${rows.join('\n')}</table></div>
<p class="note after">Examples, and their share of the row.</p>`;
}

function scatter({ name, scatter }: EvalEvent): string {
  if (!scatter || scatter.length === 0) return '';
  const label = `predicted by gold score, ${name}`;
  return `<h3 class="table">Scores, ${escapeHtml(name)}</h3>
<figure class="square">${scatterChart(scatter, { label, x: 'gold', y: 'predicted', size: 460 })}</figure>`;
}
