// header.ts of a fine-tuning run: what the task is, and its metrics beside the baseline.

import { bytes, count, duration, integer } from '../../base/format.js';
import { briefText, metricLabel, taskText } from '../../base/task_result.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import { describeModel, headerOf } from './header.js';

export function taskHeader(record: RunRecord, s: RunSummary): string {
  const { start, evals } = record;
  const { task } = start;
  if (!task || !s.task) return '';
  const headline = s.task.results.filter(({ metric }) => metric === task.metric);
  const baseline = task.baseline.metrics[task.metric];
  const { best } = s.task;
  const ofEpochs = evals.reduce((most, e) => Math.max(most, e.epoch ?? 0), 0);
  const steps = s.step < start.max_steps ? `${integer(s.step)} of ${integer(start.max_steps)}` : integer(s.step);
  const cards: [string, string][] = [
    ...headline.map((row): [string, string] => [`${metricLabel(row.metric)}, ${row.split}`, briefText(row)]),
    [`baseline: ${task.baseline.name}`, baseline === undefined ? '-' : briefText({ value: baseline })],
    ['best epoch', best?.epoch == null ? '-' : `${Number(best.epoch.toFixed(2))} of ${Number(ofEpochs.toFixed(2))}`],
    ['parameters', count(start.params)],
    ['steps', steps],
    ['tokens trained on', count(s.tokens)],
    ['training time', duration(s.seconds)],
    ['tokens per second', s.tokens_per_s === null ? '-' : count(s.tokens_per_s)],
    ['peak memory', s.peak_memory_bytes === null ? '-' : bytes(s.peak_memory_bytes)],
  ];
  const labels = task.labels.length > 8 ? [...task.labels.slice(0, 8), '...'] : task.labels;
  const auxiliary = task.lm_coef > 0 ? `auxiliary LM loss × ${task.lm_coef}` : 'no auxiliary LM loss';
  const lines = [
    [taskText(task), labels.join(', '), `judged by ${metricLabel(task.metric)}`],
    [describeModel(start.config), `context ${integer(start.n_ctx)}`, auxiliary],
  ];
  return headerOf(
    record,
    s,
    lines.map((parts) => parts.filter((p) => p !== '').join(' · ')),
    cards,
  );
}
