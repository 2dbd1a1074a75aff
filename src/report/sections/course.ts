// How the training went besides the loss: learning rate, gradient norm, speed, memory, one small chart each.

import type { StepEvent } from '../../base/events.js';
import { integer } from '../../base/format.js';
import { type ChartOptions, lineChart } from '../chart.js';
import { tick } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { Section } from './section.js';

/** Dotted lines where a run was resumed. */
export const resumes = (parts: RunRecord['parts']): { name: string; x: number }[] =>
  parts.flatMap((p) =>
    p.resumed_from === null ? [] : [{ name: `resumed from step ${p.resumed_from}`, x: p.resumed_from }],
  );

export const course: Section = ({ steps, parts, start }) => {
  const chart = (title: string, color: string, of: (s: StepEvent) => number, options: Partial<ChartOptions>) =>
    `<figure><h3>${title}</h3>${lineChart([{ name: title, color, points: steps.map((s) => [s.step, of(s)]) }], {
      label: `${title} by step`,
      x: 'step',
      width: 480,
      height: 250,
      formatX: tick,
      formatY: tick,
      marks: resumes(parts),
      ...options,
    })}</figure>`;
  const batch = (s: StepEvent) => s.batch_tokens ?? start.batch_tokens;
  const batchGrows = steps.some((s) => batch(s) !== batch(steps[0]!));
  const hasShares = steps.some((s) => s.mfu !== null);
  const charts = [
    chart('Learning rate', 'var(--c1)', (s) => s.lr, {
      formatY: (y) => (y === 0 ? '0' : Number(y.toPrecision(2)).toExponential()),
      yFromZero: true,
    }),
    chart('Gradient norm before clipping', 'var(--c1)', (s) => s.grad_norm, { yLog: true }),
    ...(batchGrows ? [chart('Tokens per step', 'var(--c1)', batch, { yFromZero: true })] : []),
    chart('Tokens per second', 'var(--c3)', (s) => s.tokens_per_s, { yFromZero: true }),
    ...(hasShares
      ? [chart('Share of peak, %', 'var(--c3)', (s) => 100 * (s.mfu ?? Number.NaN), { yFromZero: true })]
      : []),
    chart('Memory of the process, MiB', 'var(--c3)', (s) => s.memory_bytes / 2 ** 20, {
      yFromZero: true,
      formatY: integer,
    }),
    chart('Milliseconds per step', 'var(--c3)', (s) => s.step_ms, { yFromZero: true }),
  ];
  const peak = start.peak_gflops === null ? '' : ` of ${integer(start.peak_gflops)} GFLOP/s measured on this machine`;
  return `<h2>Course of the training</h2>
<div class="charts">
${charts.join('\n')}
</div>
<p class="note">Share of peak: floating-point operations of the model (attention by its visible keys alone)${peak}.</p>`;
};
