// Made-up runs that are compared: pretraining with other learning rates and seeds, and fine-tuning with and without
// pretraining.

import type { Json, RunEvent } from '../../src/base/events.js';
import { jsonText } from '../../src/base/json.js';
import { parseRun, type RunRecord } from '../../src/report/record.js';
import { fakeRun } from './fake_run.js';
import { fakeTaskRun } from './fake_task_run.js';

export const readEvents = (events: readonly RunEvent[]): RunRecord => parseRun(events.map(jsonText), 'run.jsonl');

/** Each a little worse than the one before, and half as large again. */
export function fakeRuns(n: number): { dir: string; record: RunRecord }[] {
  return Array.from({ length: n }, (_, i) => ({
    dir: `runs/lr-${i + 1}`,
    record: readEvents(
      fakeRun().map((e): RunEvent => {
        if (e.type === 'start') {
          const config = { ...(e.config as object), train: { learning_rate: 0.001 * (i + 1) } } as Json;
          return { ...e, name: `lr-${i + 1}`, params: e.params * (1 + i / 2), config };
        }
        if (e.type === 'step') return { ...e, loss: e.loss + 0.1 * i, tokens_per_s: e.tokens_per_s / (1 + i) };
        if (e.type === 'val') return { ...e, loss: e.loss + 0.1 * i, perplexity: Math.exp(e.loss + 0.1 * i) };
        return e;
      }),
    ),
  }));
}

/** Two seeds with pretraining, two without. */
export function fakeAblation(): { dir: string; record: RunRecord }[] {
  return ['pretrained-1', 'pretrained-2', 'from-scratch-1', 'from-scratch-2'].map((name, i) => ({
    dir: `ablation/${name}`,
    record: readEvents(
      fakeTaskRun().map((e): RunEvent => {
        const init = i < 2 ? 'pretrained' : 'random';
        if (e.type === 'start') return { ...e, name, config: { finetune: { init }, train: { seed: 1 + (i % 2) } } };
        if (e.type !== 'eval') return e;
        const less = 0.2 * Math.floor(i / 2) + 0.02 * (i % 2);
        const metrics = Object.entries(e.metrics).map(([k, m]) => [k, { ...m, value: m.value - less }]);
        return { ...e, metrics: Object.fromEntries(metrics) };
      }),
    ),
  }));
}
