// How fast the run was and what it took: tokens per second, share of peak, time of a step, waiting for data, memory.

import type { StepEvent } from '../../base/events.js';
import { bytes, count, duration, integer, percent, plural } from '../../base/format.js';
import { type ChartOptions, lineChart } from '../chart.js';
import { histogram } from '../histogram.js';
import { short, tick } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import { dataTable, keyValueTable } from '../table.js';
import { evenly } from '../x_axes.js';
import { resumes } from './loss.js';
import type { Section } from './section.js';

const [WIDTH, HEIGHT] = [480, 250];

export const throughput: Section = (record, summary) => {
  const { steps, parts, start } = record;
  if (steps.length === 0) return null;
  const chart = (title: string, color: string, of: (s: StepEvent) => number, options: Partial<ChartOptions> = {}) =>
    `<figure><h3>${title}</h3>${lineChart([{ name: title, color, points: steps.map((s) => [s.step, of(s)]) }], {
      label: `${title} by step`,
      x: 'step',
      width: WIDTH,
      height: HEIGHT,
      yFromZero: true,
      formatX: tick,
      formatY: tick,
      marks: resumes(parts),
      ...options,
    })}</figure>`;
  const batch = (s: StepEvent) => s.batch_tokens ?? start.batch_tokens;
  const batchGrows = steps.some((s) => batch(s) !== batch(steps[0]!));
  const hasShares = steps.some((s) => s.mfu !== null);
  const waited = steps.some((s) => s.data_ms !== undefined);
  const times = histogram(
    steps.map((s) => s.step_ms),
    {
      label: 'how many steps took how long',
      x: 'milliseconds (the last bar: and longer)',
      unit: 'ms',
      color: 'var(--c3)',
      width: WIDTH,
      height: HEIGHT,
      format: tick,
    },
  );
  const charts = [
    chart('Tokens per second', 'var(--c3)', (s) => s.tokens_per_s),
    ...(hasShares ? [chart('Share of peak, %', 'var(--c3)', (s) => 100 * (s.mfu ?? Number.NaN))] : []),
    `<figure><h3>Steps by duration</h3>${times}</figure>`,
    ...(waited ? [chart('Waiting for data, %', 'var(--c2)', (s) => 100 * (dataShare(s) ?? Number.NaN))] : []),
    chart('Memory of the process, MiB', 'var(--c1)', (s) => s.memory_bytes / 2 ** 20, { formatY: integer }),
    ...(batchGrows ? [chart('Tokens per step', 'var(--c1)', batch)] : []),
  ];
  const peak = start.peak_gflops === null ? '' : ` of ${integer(start.peak_gflops)} GFLOP/s measured on this machine`;
  const share = `Share of peak: floating-point operations of the model (attention by its visible keys alone)${peak}.`;
  return {
    id: 'throughput',
    title: 'Throughput and memory',
    html: `${keyValueTable(rows(record, summary))}
<div class="charts after">
${charts.join('\n')}
</div>${hasShares ? `\n<p class="note after">${share}</p>` : ''}
${numbers(steps)}`,
  };
};

const dataShare = ({ data_ms, step_ms }: StepEvent): number | null =>
  data_ms === undefined || !(step_ms > 0) ? null : data_ms / step_ms;

function rows({ checkpoints, vals, start }: RunRecord, s: RunSummary): [string, string][] {
  const [middle, slow] = s.step_ms ?? [Number.NaN, Number.NaN];
  const seconds = (list: readonly { readonly seconds: number }[]) => list.reduce((sum, e) => sum + e.seconds, 0);
  const blocked = checkpoints.flatMap((c) => c.blocked_seconds ?? []);
  const saved = `${plural(checkpoints.length, 'checkpoint')} of ${bytes(checkpoints.at(-1)?.bytes ?? 0)}`;
  const table: [string, string | null][] = [
    ['tokens per second', s.tokens_per_s === null ? null : `${count(s.tokens_per_s)} (median)`],
    ['share of peak', s.mfu === null ? null : `${percent(s.mfu)} (median)`],
    ['time of a step', s.step_ms === null ? null : `${short(middle)} ms (median), ${short(slow)} ms (95 % are faster)`],
    ['waiting for data', s.data_share === null ? null : `${percent(s.data_share)} of the training time`],
    ['padding', s.task?.padding == null ? null : `${percent(s.task.padding)} of the computed tokens`],
    ['training', duration(s.seconds)],
    ['validation', vals.length === 0 ? null : `${duration(seconds(vals))} for ${plural(vals.length, 'validation')}`],
    [
      'saving',
      checkpoints.length === 0
        ? null
        : `${saved}${blocked.length > 0 ? `, for which the training waited ${duration(blocked.reduce((a, b) => a + b))}` : ''}`,
    ],
    ['peak memory', s.peak_memory_bytes === null ? null : bytes(s.peak_memory_bytes)],
    ['planned memory', start.memory_estimate_bytes > 0 ? bytes(start.memory_estimate_bytes) : null],
  ];
  return table.flatMap(([name, value]) => (value === null ? [] : [[name, value] as [string, string]]));
}

function numbers(steps: RunRecord['steps']): string {
  const names = ['step', 'tokens per second', 'share of peak', 'ms per step', 'waiting for data', 'memory'];
  const share = (x: number | null) => (x === null ? '-' : percent(x));
  const lines = evenly(steps, 12).map((s) => ({
    cells: [
      integer(s.step),
      integer(s.tokens_per_s),
      share(s.mfu),
      short(s.step_ms),
      share(dataShare(s)),
      bytes(s.memory_bytes),
    ],
  }));
  return `<details><summary>The curves as a table</summary>
${dataTable(
  names.map((name) => ({ name, numeric: true })),
  lines,
)}</details>`;
}
