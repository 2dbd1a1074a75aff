// Tasks in context that were measured while a model trained (eval.tasks): a chart of each task's accuracy by step, a line
// per number of shots. What is no share from 0 to 1 is not drawn; evaluation.ts has the table of all.

import { isShare } from '../../base/eval_scores.js';
import type { EvalEvent } from '../../base/events.js';
import { legend, lineChart, type Series } from '../chart.js';
import { tick } from '../numbers.js';
import type { Section } from './section.js';

const COLORS = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)'];

export const courseOfTasks: Section = ({ evals }) => {
  const measured = evals.filter((e) => e.settings?.['shots'] !== undefined && shown(e) !== undefined);
  const names = [...new Set(measured.map((e) => e.name))].filter(
    (name) => new Set(measured.filter((e) => e.name === name).map((e) => e.step)).size > 1, // a point is no curve
  );
  if (names.length === 0) return '';
  const figures = names.map((name) =>
    figure(
      name,
      measured.filter((e) => e.name === name),
    ),
  );
  return `<h2>Tasks in context</h2>\n${figures.join('\n')}`;
};

/** The first metric that is an accuracy or the like. */
const shown = ({ metrics }: EvalEvent): string | undefined =>
  Object.entries(metrics).find(([metric, { value }]) =>
    isShare({ metric, value, filter: 'none', stderr: null, higher_is_better: true }),
  )?.[0];

function figure(name: string, evals: readonly EvalEvent[]): string {
  const shots = [...new Set(evals.map((e) => e.settings!['shots']!))];
  const metric = shown(evals[0]!)!;
  const series = shots.map(
    (k, i): Series => ({
      name: `${k} shots`,
      color: COLORS[i % COLORS.length]!,
      style: 'dots',
      points: evals.flatMap((e) =>
        e.settings!['shots'] === k ? [[e.step, e.metrics[metric]?.value ?? Number.NaN] as const] : [],
      ),
    }),
  );
  const chance = evals.at(-1)?.baseline?.metrics[metric];
  const chart = (width: number, height: number) =>
    lineChart(series, {
      label: `${name}: ${metric} by step`,
      x: 'step',
      width,
      height,
      formatX: tick,
      formatY: tick,
      yFromZero: true,
      references: chance === undefined ? [] : [{ name: 'chance', y: chance }],
    });
  return `<figure>
${legend([{ name: `${name}, ${metric}:`, color: 'transparent', points: [] }, ...series])}
<div class="big">${chart(1000, 260)}</div><div class="small">${chart(400, 240)}</div>
</figure>`;
}
