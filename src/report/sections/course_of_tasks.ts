// Tasks in context that were measured while a model trained (eval.tasks): accuracy by number of shots at the last step that
// measured them, a line per task; and a chart of each task's accuracy by step, a line per number of shots. What is no share
// from 0 to 1 is not drawn; evaluation.ts has the table of all.

import type { Panel } from '../../base/eval_figures.js';
import { isShare } from '../../base/eval_scores.js';
import type { EvalEvent } from '../../base/events.js';
import { escapeHtml, legend, lineChart, type Series } from '../chart.js';
import { lookOf } from '../eval/look.js';
import { plot } from '../eval/plot.js';
import { tick } from '../numbers.js';
import { stepText } from '../x_axes.js';
import type { Section } from './section.js';

const COLORS = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)'];

export const courseOfTasks: Section = ({ evals }) => {
  const measured = evals.filter((e) => e.settings?.['shots'] !== undefined && shown(e) !== undefined);
  const names = [...new Set(measured.map((e) => e.name))].filter(
    (name) => new Set(measured.filter((e) => e.name === name).map((e) => e.step)).size > 1, // a point is no curve
  );
  const figures = names.map((name) =>
    byStep(
      name,
      measured.filter((e) => e.name === name),
    ),
  );
  const all = [byShots(measured), ...figures].filter((f) => f !== '');
  return all.length === 0 ? null : { id: 'tasks', title: 'Tasks in context', html: all.join('\n') };
};

/** The first metric that is an accuracy or the like. */
const shown = ({ metrics }: EvalEvent): string | undefined =>
  Object.entries(metrics).find(([metric, { value }]) =>
    isShare({ metric, value, filter: 'none', stderr: null, higher_is_better: true }),
  )?.[0];

/** Of the last step; '' where no task has several numbers of shots. */
function byShots(measured: readonly EvalEvent[]): string {
  const step = measured.reduce((most, e) => Math.max(most, e.step), 0);
  const last = measured.filter((e) => e.step === step);
  const shots = [...new Set(last.map((e) => e.settings!['shots']!))];
  if (shots.length < 2) return '';
  const names = [...new Set(last.map((e) => e.name))];
  const lines: Panel['lines'] = names.map((name, style) => ({
    name,
    role: 'single',
    style,
    points: last.flatMap((e) => {
      if (e.name !== name) return [];
      const { value, stderr = null } = e.metrics[shown(e)!]!;
      const asked = e.settings!['shots']!;
      return [{ x: shots.indexOf(asked), y: value, stderr, model: 0, asked, k: [0, 0] as const }];
    }),
  }));
  const panel: Panel = {
    title: 'tasks',
    task: names.length === 1 ? names[0]! : null,
    tasks: names,
    left_out: [],
    protocol: 'gpt3',
    metric: 'accuracy',
    share: true,
    higher_is_better: true,
    x: 'asked',
    ticks: shots.map((label, x) => ({ x, label, detail: '' })),
    chance: null,
    lines,
  };
  const swatches = names.map((name, i) => {
    const { className, marker, dash } = lookOf(i);
    const line = `<path class="curve"${dash ? ` stroke-dasharray="${dash}"` : ''} d="M0 6H34"/>`;
    return `<span class="${className}"><svg viewBox="0 0 34 12" aria-hidden="true">${line}<path class="pt" transform="translate(17 6)" d="${marker}"/></svg>${escapeHtml(name)}</span>`;
  });
  const draw = (id: string, width: number) => plot(panel, { id: `shots-${id}`, width, height: 260 });
  return `<figure><h3>Accuracy by number of shots, ${stepText(step)}</h3>
<p class="legend">${swatches.join('')}</p>
<div class="big">${draw('big', 1000)}</div><div class="small">${draw('small', 400)}</div>
</figure>`;
}

function byStep(name: string, evals: readonly EvalEvent[]): string {
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
  return `<figure><h3>${escapeHtml(`${name}, ${metric}, by step`)}</h3>
${legend(series)}
<div class="big">${chart(1000, 260)}</div><div class="small">${chart(400, 240)}</div>
</figure>`;
}
