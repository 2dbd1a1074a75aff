// How a fine-tuning went: the metric that decides by epoch, and total, task and LM loss by step.

import type { StepEvent } from '../../base/events.js';
import { MovingAverage } from '../../base/moving_average.js';
import { isFinal, metricLabel, metricText } from '../../base/task_result.js';
import { legend, lineChart, type Series } from '../chart.js';
import { tick } from '../numbers.js';
import type { RunRecord } from '../record.js';
import { LOSS_DECAY, lossFigure, spikeTable } from './loss.js';
import type { Section } from './section.js';

/** Metrics by epoch. */
export const taskValidation: Section = (record) =>
  record.start.task && record.evals.length > 0
    ? { id: 'validation', title: 'Validation', html: metricFigure(record) }
    : null;

export const taskLoss: Section = (record, { spikes }) => {
  const { start, steps } = record;
  if (!start.task) return null;
  const average = (of: (s: StepEvent) => number | undefined): Series['points'] => {
    const mean = new MovingAverage(LOSS_DECAY);
    return steps.flatMap((s) => {
      const value = of(s);
      return value === undefined ? [] : [[s.step, mean.add(value)] as const];
    });
  };
  const series: Series[] = [
    { name: 'total, each step', color: 'var(--c1)', style: 'faint', points: steps.map((s) => [s.step, s.loss]) },
    { name: 'total', color: 'var(--c1)', points: average((s) => s.loss) },
    { name: 'task', color: 'var(--c3)', points: average((s) => s.task_loss) },
    { name: 'language model', color: 'var(--c4)', points: average((s) => s.lm_loss) },
    {
      name: 'task, validation',
      color: 'var(--c2)',
      style: 'dots',
      points: validations(record).flatMap((e) => (e.loss === undefined ? [] : [[e.step, e.loss] as const])),
    },
  ];
  const { objective, lm_coef } = start.task;
  const guess = objective === 'choice' ? 'every answer equally likely' : 'every class equally likely';
  const sum = lm_coef > 0 ? `; language model: nats per token; total = task + ${lm_coef} × language model` : '';
  const unit = objective === 'regression' ? 'the mean squared error' : 'nats per example';
  const html = `${lossFigure(
    record,
    series.filter(({ points }) => points.length > 0),
    [{ name: guess, y: start.baselines.uniform }],
    spikes,
  )}
<p class="note">Moving averages of about 10 steps. Task: ${unit}${sum}. Time is that of training alone.</p>${spikeTable(spikes)}`;
  return { id: 'loss', title: 'Loss', html };
};

/** One per epoch: the last evaluation of the finished run is of an epoch that has its own already. */
const validations = ({ evals }: RunRecord): RunRecord['evals'] =>
  evals.filter((e) => e.name === 'val' && e.epoch !== undefined && !isFinal(e));

function metricFigure(record: RunRecord): string {
  const { task } = record.start;
  const found = validations(record);
  const names = task ? [task.metric, ...Object.keys(found.at(-1)?.metrics ?? {}).filter((m) => m !== task.metric)] : [];
  const colors = ['var(--c2)', 'var(--c1)', 'var(--c3)', 'var(--c4)'];
  const points = (metric: string): Series['points'] =>
    found.flatMap((e) => {
      const value = e.metrics[metric]?.value;
      return value === undefined ? [] : [[e.epoch!, value] as const];
    });
  const lines = names
    .slice(0, colors.length)
    .map((m, i): Series => ({ name: metricLabel(m), color: colors[i]!, style: 'dots', points: points(m) }));
  const best = found.findLast((e) => e.best);
  const value = best?.metrics[task?.metric ?? '']?.value;
  const series: Series[] =
    best && value !== undefined
      ? [...lines, { name: 'best', color: 'var(--fg)', style: 'marks', points: [[best.epoch!, value]] }]
      : lines;
  const baseline = task?.baseline.metrics[task.metric];
  const name = `${task?.baseline.name}: ${metricLabel(task?.metric ?? '')} ${metricText(baseline ?? 0)}`;
  const chart = (width: number, height: number) =>
    lineChart(series, {
      label: 'validation metrics by epoch',
      x: 'epoch',
      width,
      height,
      formatX: tick,
      formatY: tick,
      references: baseline === undefined ? [] : [{ name, y: baseline }],
    });
  return `<figure>
${legend(series)}
<div class="big">${chart(1000, 300)}</div><div class="small">${chart(400, 260)}</div>
</figure>`;
}
