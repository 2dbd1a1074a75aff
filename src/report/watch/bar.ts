// The bar above a watched run: where it stands, in one line, whatever part of the report is in view.
//
//   ▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬-----------------------------------
//   training   step 312/1,100   loss 2.413   val 2.587   14.2k tok/s   eta 1m12s          updated 1 s ago

import type { StepEvent } from '../../base/events.js';
import { count, duration, integer } from '../../base/format.js';
import { MovingAverage } from '../../base/moving_average.js';
import { metricLabel } from '../../base/task_result.js';
import { escapeHtml } from '../chart.js';
import type { RunRecord } from '../record.js';
import { LOSS_DECAY } from '../sections/loss.js';
import type { State } from './state.js';

/** HTML. The same numbers as on the progress line of the run's own terminal. */
export function barHtml(record: RunRecord | undefined, { phase, text }: State): string {
  const items = record ? quantities(record, phase === 'training' || phase === 'silent') : [];
  const shown = items.map(([name, value]) => `<span>${escapeHtml(name)} <b>${escapeHtml(value)}</b></span>`);
  const done = record ? shareDone(record) : 0;
  return `<div class="done" style="width:${(100 * done).toFixed(1)}%"></div>
<p><b class="${phase}">${escapeHtml(text)}</b> ${shown.join(' ')}</p>`;
}

/** 28%, of the title. */
export const doneText = (record: RunRecord): string => `${Math.floor(100 * shareDone(record))}%`;

const stepOf = ({ start, steps, end }: RunRecord): number => end?.step ?? steps.at(-1)?.step ?? start.resumed_from ?? 0;

const shareDone = (record: RunRecord): number =>
  record.start.max_steps > 0 ? Math.min(1, stepOf(record) / record.start.max_steps) : 0;

function quantities(record: RunRecord, goesOn: boolean): [name: string, value: string][] {
  const { start, steps, vals, evals } = record;
  const items: [string, string][] = [['step', `${integer(stepOf(record))}/${integer(start.max_steps)}`]];
  const last = steps.at(-1);
  if (last) items.push(['loss', smoothLoss(steps).toFixed(3)]);
  const val = vals.at(-1);
  if (val) items.push(['val', val.loss.toFixed(3)]);
  const { task } = start;
  const metric = task && evals.findLast((e) => e.metrics[task.metric])?.metrics[task.metric];
  if (task && metric) items.push([metricLabel(task.metric), metric.value.toFixed(3)]);
  if (last && goesOn) items.push(['tok/s', count(last.tokens_per_s)], ['eta', duration(last.eta_s)]);
  return items;
}

const EXACT = 300; // values: 0.9^300 is beyond what a double can hold beside 1

function smoothLoss(steps: readonly StepEvent[]): number {
  const average = new MovingAverage(LOSS_DECAY);
  for (const { loss } of steps.slice(-EXACT)) average.add(loss);
  return average.value;
}
