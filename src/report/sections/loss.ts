// Training and validation loss by step, tokens or time, beside what simple models lose; learning rate and gradient norm
// below, on the same axis; and the steps that stand out.

import type { StepEvent } from '../../base/events.js';
import { duration, integer } from '../../base/format.js';
import { MovingAverage } from '../../base/moving_average.js';
import { SPIKE_Z } from '../../base/spike.js';
import { legend, lineChart, type Mark, NOTHING, type Series, thin } from '../chart.js';
import { learningRate, short, tick } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import { switched } from '../switch.js';
import { dataTable } from '../table.js';
import { evenly, stepText, type XAxis, xAxes } from '../x_axes.js';
import type { Section } from './section.js';

export const LOSS_DECAY = 0.9; // about the last 10 steps, as in the progress bar

export const loss: Section = (record, { spikes }) => {
  const { start, steps, vals } = record;
  const average = movingLoss(steps);
  const series: Series[] = [
    { name: 'training, each step', color: 'var(--c1)', style: 'faint', points: steps.map((s) => [s.step, s.loss]) },
    { name: 'training, moving average', color: 'var(--c1)', points: average },
    { name: 'validation', color: 'var(--c2)', style: 'dots', points: vals.map((v) => [v.step, v.loss]) },
  ];
  const { uniform, unigram, five_gram } = start.baselines;
  const references = [
    { name: 'uniform (ln V)', y: uniform },
    { name: 'unigram', y: unigram },
    { name: '5-gram', y: five_gram },
  ];
  return {
    id: 'loss',
    title: 'Loss',
    html: `${lossFigure(record, series, references, spikes)}
<p class="note after">Nats per token. Dashed: what a model would lose that finds every token equally likely (uniform), knows
how often each token occurs (unigram), or counts the four tokens before (5-gram). Time is that of training alone.</p>
${numbers(record, average)}${spikeTable(spikes)}`,
  };
};

/** Mean of about the last ten losses at each step. */
export function movingLoss(steps: RunRecord['steps']): (readonly [number, number])[] {
  const average = new MovingAverage(LOSS_DECAY);
  return steps.map((s) => [s.step, average.add(s.loss)] as const);
}

/** Where the run was resumed. */
export const resumes = (parts: RunRecord['parts']): Mark[] =>
  parts.flatMap((p) =>
    p.resumed_from === null ? [] : [{ name: `resumed from step ${p.resumed_from}`, x: p.resumed_from }],
  );

const checkpointPins = (checkpoints: RunRecord['checkpoints']): Mark[] => {
  const best = checkpoints.findLast((c) => c.best);
  return checkpoints.map((c) => ({
    name: `checkpoint, ${stepText(c.step)}${c === best ? ', the best' : ''}`,
    x: c.step,
    own: c === best,
  }));
};

/** Losses by step, tokens or time, linear or logarithmic, with the spikes ringed; below them what drives the training. */
export function lossFigure(
  record: RunRecord,
  lines: readonly Series[],
  references: readonly { readonly name: string; readonly y: number | null }[],
  spikes: RunSummary['spikes'],
): string {
  const { steps, parts, checkpoints } = record;
  if (lines.every((s) => s.points.length === 0)) return `<figure>${NOTHING}</figure>`;
  const shown = strongest(spikes, SPIKES_IN_CHART);
  const ringed: Series = {
    name: 'spike',
    color: 'var(--bad)',
    style: 'marks',
    points: shown.map((s) => [s.step, s.loss]),
  };
  const series = (shown.length > 0 ? [...lines, ringed] : lines).map(thinned);
  const [pins, marks] = [checkpointPins(checkpoints), resumes(parts)];
  const known = references.flatMap(({ name, y }) => (y === null ? [] : [{ name, y }]));
  const more = [
    ...(pins.length > 0 ? ['<span><i class="pin"></i>checkpoint (the best coloured)</span>'] : []),
    ...(marks.length > 0 ? ['<span><i class="mark"></i>resumed</span>'] : []),
  ];
  const line = (name: string, color: string, of: (s: StepEvent) => number): Series =>
    thinned({ name, color, points: steps.map((s) => [s.step, of(s)]) });
  const lr = line('learning rate', 'var(--c4)', (s) => s.lr);
  const norm = line('gradient norm', 'var(--c3)', (s) => s.grad_norm);
  return switched('loss-figure', xAxes(steps), legend(series, more.join('')), ({ axis, log, width }) => {
    const on = (list: readonly Series[]) => list.map((s) => onAxis(s, axis));
    const places = on(series).flatMap((s) => s.points.map(([x]) => x).filter(Number.isFinite));
    const common = {
      width,
      xLog: log,
      xFraction: axis.fraction,
      formatX: axis.format,
      marks: marks.map((m) => ({ ...m, x: axis.place(m.x) })),
      xRange: places.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)] as const, [
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ] as const),
    };
    const below = (s: Series, title: string, yLog: boolean, formatY: (y: number) => string) =>
      lineChart(on([s]), {
        ...common,
        label: `${title} by ${axis.name}`,
        title,
        x: '',
        height: 122,
        yLog,
        yFromZero: !yLog,
        formatY,
      });
    const main = lineChart(on(series), {
      ...common,
      label: `training and validation loss by ${axis.name}`,
      x: log ? `${axis.label} (logarithmic)` : axis.label,
      height: width > 600 ? 400 : 300,
      formatY: tick,
      references: known,
      pins: pins.map((p) => ({ ...p, x: axis.place(p.x) })),
    });
    if (steps.length === 0) return main;
    return `${main}${below(lr, 'learning rate', false, learningRate)}${below(norm, 'gradient norm before clipping', true, tick)}`;
  });
}

/** Before it is drawn in twelve ways. */
const thinned = (s: Series): Series =>
  s.style === 'dots' || s.style === 'marks' ? s : { ...s, points: thin(s.points) };

const onAxis = (s: Series, axis: XAxis): Series => ({ ...s, points: s.points.map(([x, y]) => [axis.place(x), y]) });

const ROWS = 12;

/** The curves at some steps, and at all validations up to a number, as a table. */
function numbers({ steps, vals }: RunRecord, average: readonly (readonly [number, number])[]): string {
  if (steps.length === 0) return '';
  const [, , time] = xAxes(steps, 1); // in seconds
  const wanted = new Set([...evenly(steps, ROWS), ...evenly(vals, ROWS)].map(({ step }) => step));
  const valAt = new Map(vals.map((v) => [v.step, v.loss]));
  const rows = steps.flatMap((s, i) =>
    wanted.has(s.step)
      ? [
          [
            integer(s.step),
            integer(s.tokens),
            duration(time.place(s.step)),
            average[i]![1].toFixed(4),
            valAt.get(s.step)?.toFixed(4) ?? '',
            learningRate(s.lr),
            short(s.grad_norm),
          ],
        ]
      : [],
  );
  const names = ['step', 'tokens', 'time', 'training loss', 'validation loss', 'learning rate', 'gradient norm'];
  return `<details><summary>The curves as a table</summary>
${dataTable(
  names.map((name) => ({ name, numeric: true })),
  rows.map((cells) => ({ cells })),
)}</details>`;
}

const SPIKES_IN_CHART = 50;
const SPIKES_IN_TABLE = 10;

/** The n of the largest z, in order of steps. */
function strongest(spikes: RunSummary['spikes'], n: number): RunSummary['spikes'] {
  const size = (s: RunSummary['spikes'][number]) => Math.max(s.loss_z ?? 0, s.grad_norm_z ?? 0);
  const chosen = [...spikes].sort((a, b) => size(b) - size(a)).slice(0, n);
  return chosen.sort((a, b) => a.step - b.step);
}

export function spikeTable(spikes: RunSummary['spikes']): string {
  if (spikes.length === 0) return '';
  const z = (x: number | null) => (x === null ? '-' : `${x > 0 ? '+' : ''}${x.toFixed(1)}`);
  const shown = strongest(spikes, SPIKES_IN_TABLE);
  const which = shown.length < spikes.length ? `the ${shown.length} strongest of ${integer(spikes.length)}` : 'all';
  return `
<h3 class="table">Spikes</h3>
${dataTable(
  ['step', 'loss', 'z', 'gradient norm', 'z'].map((name) => ({ name, numeric: true })),
  shown.map((s) => ({
    cells: [integer(s.step), s.loss.toFixed(4), z(s.loss_z), short(s.grad_norm), z(s.grad_norm_z)],
  })),
)}
<p class="note after">Steps whose loss or gradient norm is more than ${SPIKE_Z} standard deviations (z) above the steps before: ${which}.</p>`;
}
