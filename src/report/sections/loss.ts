// Training and validation loss by step, beside what simple models lose; and the steps that stand out.

import { integer } from '../../base/format.js';
import { MovingAverage } from '../../base/moving_average.js';
import { SPIKE_Z } from '../../base/spike.js';
import { legend, lineChart, type Series } from '../chart.js';
import { short, tick } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import { dataTable } from '../table.js';
import { resumes } from './course.js';
import type { Section } from './section.js';

export const LOSS_DECAY = 0.9; // about the last 10 steps, as in the progress bar

export const loss: Section = ({ start, steps, vals, parts }, { spikes }) => {
  const average = new MovingAverage(LOSS_DECAY);
  const series: Series[] = [
    { name: 'training, each step', color: 'var(--c1)', style: 'faint', points: steps.map((s) => [s.step, s.loss]) },
    { name: 'training, moving average', color: 'var(--c1)', points: steps.map((s) => [s.step, average.add(s.loss)]) },
    { name: 'validation', color: 'var(--c2)', style: 'dots', points: vals.map((v) => [v.step, v.loss]) },
  ];
  const { uniform, unigram, five_gram } = start.baselines;
  const references = [
    { name: 'uniform (ln V)', y: uniform },
    { name: 'unigram', y: unigram },
    { name: '5-gram', y: five_gram },
  ];
  return `<h2>Loss</h2>
${lossFigure(series, references, spikes, parts)}
<p class="note">Nats per token. Dashed: what a model would lose that finds every token equally likely (uniform), knows how often
each token occurs (unigram), or counts the four tokens before (5-gram). Dotted: resumed.</p>${spikeTable(spikes)}`;
};

/** Losses by step, linear or logarithmic as the reader likes, with the spikes ringed. */
export function lossFigure(
  lines: readonly Series[],
  references: readonly { readonly name: string; readonly y: number | null }[],
  spikes: RunSummary['spikes'],
  parts: RunRecord['parts'],
): string {
  const series = [...lines];
  const shown = strongest(spikes, SPIKES_IN_CHART);
  if (shown.length > 0) {
    series.push({ name: 'spike', color: 'var(--bad)', style: 'marks', points: shown.map((s) => [s.step, s.loss]) });
  }
  const chart = (width: number, height: number, xLog: boolean) =>
    lineChart(series, {
      label: 'training and validation loss by step',
      x: xLog ? 'step (logarithmic)' : 'step',
      width,
      height,
      xLog,
      formatX: tick,
      formatY: tick,
      references: references.flatMap(({ name, y }) => (y === null ? [] : [{ name, y }])),
      marks: resumes(parts),
    });
  const view = (name: string, xLog: boolean) =>
    `<div class="view ${name}"><div class="big">${chart(1000, 400, xLog)}</div><div class="small">${chart(400, 300, xLog)}</div></div>`;
  return `<figure>
<input class="pick" type="radio" name="axis" id="linear" checked><input class="pick" type="radio" name="axis" id="log">
<div class="picks"><label for="linear">linear</label><label for="log">log</label></div>
${legend(series)}
${view('linear', false)}${view('log', true)}
</figure>`;
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
