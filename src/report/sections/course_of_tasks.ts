// Tasks in context that were measured while a model trained (eval.tasks): a chart of each task's first metric by step, a
// line per number of shots. Only shares from 0 to 1 are drawn; evaluation.ts has the table of all.

import type { EvalEvent } from '../../base/events.js';
import { legend, lineChart, type Series } from '../chart.js';
import { tick } from '../numbers.js';
import type { Section } from './section.js';

const COLORS = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)'];

export const courseOfTasks: Section = ({ evals }) => {
  const measured = evals.filter((e) => e.settings?.['shots'] !== undefined && isShare(e));
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

const headline = (e: EvalEvent): string => Object.keys(e.metrics)[0] ?? '';

function isShare(e: EvalEvent): boolean {
  const { value, unit } = e.metrics[headline(e)] ?? { value: Number.NaN };
  return unit === undefined && value >= 0 && value <= 1;
}

function figure(name: string, evals: readonly EvalEvent[]): string {
  const shots = [...new Set(evals.map((e) => e.settings!['shots']!))];
  const metric = headline(evals[0]!);
  const series = shots.map(
    (k, i): Series => ({
      name: `${k} shots`,
      color: COLORS[i % COLORS.length]!,
      style: 'dots',
      points: evals.flatMap((e) =>
        e.settings!['shots'] === k ? [[e.step, e.metrics[headline(e)]!.value] as const] : [],
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
