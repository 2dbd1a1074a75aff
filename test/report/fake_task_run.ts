// Made-up fine-tuning runs of 300 steps in 3 epochs, the second of them the best: with classes, and with a score.

import type { EvalEvent, RunEvent, StartEvent, StepEvent, Task } from '../../src/base/events.js';
import { end, fakeRun, start } from './fake_run.js';

const STEPS_PER_EPOCH = 100;

export const classesTask: Task = {
  form: 'classification',
  objective: 'classes',
  readout: null,
  metric: 'accuracy',
  labels: ['negative', 'positive'],
  format: 'sst2',
  lm_coef: 0.5,
  splits: [
    {
      name: 'train',
      files: ['sst2/train.tsv'],
      examples: 60_615,
      sequences: 60_615,
      tokens: 806_180,
      classes: { negative: 26_803, positive: 33_812 },
      length: { mean: 13.3, median: 10, p95: 34, max: 70 },
      truncated: 0,
      skipped: 3,
    },
    {
      name: 'val',
      files: ['sst2/train.tsv'],
      examples: 6_734,
      sequences: 6_734,
      tokens: 89_562,
      classes: { negative: 2_977, positive: 3_757 },
      length: { mean: 13.3, median: 10, p95: 34, max: 66 },
      truncated: 0,
      skipped: 0,
    },
    {
      name: 'test',
      files: ['sst2/test.tsv'],
      examples: 1_821,
      sequences: 1_821,
      tokens: 44_250,
      classes: { negative: 912, positive: 909 },
      length: { mean: 24.3, median: 23, p95: 44, max: 68 },
      truncated: 2,
      skipped: 0,
    },
  ],
  baseline: { name: 'majority', metrics: { accuracy: 0.5579, macro_f1: 0.3581 } },
};

export const scoreTask: Task = {
  ...classesTask,
  form: 'similarity',
  objective: 'regression',
  readout: 'cosine',
  metric: 'pearson',
  labels: [],
  format: 'stsb',
  splits: classesTask.splits.slice(0, 2).map((s) => ({ ...s, files: ['stsb/train.tsv'], classes: {} })),
  baseline: { name: 'mean score', metrics: { pearson: 0, spearman: 0 } },
};

export const taskStart = (task: Task): StartEvent => ({
  ...start,
  command: 'gpt finetune checkpoints/quickstart --task classification --data sst2',
  name: 'quickstart-sst2',
  dir: 'checkpoints/quickstart-sst2',
  config: {
    ...(start.config as object),
    finetune: { task: task.form, lm_coef: 0.5 },
    train: { batch_size: 32, max_epochs: 3, log_every: 50 },
  },
  baselines: { uniform: task.objective === 'classes' ? Math.log(2) : null, unigram: null, five_gram: null },
  task,
});

const errors: EvalEvent['errors'] = Array.from({ length: 10 }, (_, i) => ({
  place: `sst2/train.tsv:${1200 + 7 * i}`,
  text:
    i === 0
      ? 'not <b>once</b> does it come close to being exciting & yet the picture, made by people who know the sea,' +
        ' is never dull\nfor a minute of its two hours'
      : 'a quiet film in which nothing is said twice',
  gold: i % 2 === 0 ? 'positive' : 'negative',
  predicted: i % 2 === 0 ? 'negative' : 'positive',
  confidence: 0.9991 - 0.004 * i,
}));

const ofClasses = {
  val: { accuracy: [0.7, 0.8132, 0.8], macro_f1: [0.68, 0.8101, 0.79] },
  loss: [0.58, 0.43, 0.47],
};

export const classesVal: EvalEvent = {
  type: 'eval',
  name: 'val',
  step: 200,
  epoch: 2,
  loss: 0.43,
  metrics: {
    accuracy: { value: 0.8132, stderr: 0.0047, n: 6734 },
    macro_f1: { value: 0.8101, stderr: 0.0048, n: 6734 },
  },
  settings: { split: 'val', which: 'final' },
  confusion: {
    labels: ['negative', 'positive'],
    counts: [
      [2_236, 741],
      [517, 3_240],
    ],
  },
  errors,
};

export const classesTest: EvalEvent = {
  ...classesVal,
  name: 'test',
  metrics: {
    accuracy: { value: 0.8067, stderr: 0.0092, n: 1821 },
    macro_f1: { value: 0.8066, stderr: 0.0092, n: 1821 },
  },
  settings: { split: 'test', which: 'final' },
  baseline: { name: 'majority', metrics: { accuracy: 0.4992, macro_f1: 0.333 } },
  confusion: {
    labels: ['negative', 'positive'],
    counts: [
      [729, 183],
      [169, 740],
    ],
  },
};

const scatter = Array.from({ length: 150 }, (_, i): [number, number] => {
  const gold = (i * 37) % 26;
  return [gold / 5, Math.min(5, Math.max(0, 1.4 + 0.5 * (gold / 5) + Math.sin(i * 12.9898)))];
});

export const scoreVal: EvalEvent = {
  type: 'eval',
  name: 'val',
  step: 200,
  epoch: 2,
  loss: 1.1,
  metrics: { pearson: { value: 0.61, stderr: 0.021, n: 150 }, spearman: { value: 0.602, stderr: 0.023, n: 150 } },
  settings: { split: 'val', which: 'final' },
  scatter,
  errors: errors.map((e, i) => ({ ...e, gold: '4.8', predicted: '1.32', confidence: 3.48 - 0.1 * i })),
};

/** The events of a run in order. The same every time. */
export function fakeTaskRun(kind: 'classes' | 'score' = 'classes'): RunEvent[] {
  const isScore = kind === 'score';
  const steps = fakeRun().filter((e): e is StepEvent => e.type === 'step');
  const events: RunEvent[] = [taskStart(isScore ? scoreTask : classesTask)];
  for (const s of steps) {
    const task_loss = 0.25 + 0.44 * Math.exp(-s.step / 80) + 0.05 * Math.sin(s.step * 78.233);
    const lm_loss = 3.1 + 0.8 * Math.exp(-s.step / 60) + 0.1 * Math.sin(s.step * 12.9898);
    const padding = 0.06 + 0.03 * Math.sin(s.step);
    const epoch = s.step / STEPS_PER_EPOCH;
    events.push({ ...s, epoch, loss: task_loss + 0.5 * lm_loss, task_loss, lm_loss, padding });
    if (!Number.isInteger(epoch)) continue;
    const { val, loss } = ofClasses;
    const [accuracy, macro_f1] = [val.accuracy[epoch - 1]!, val.macro_f1[epoch - 1]!];
    events.push({
      type: 'eval',
      name: 'val',
      step: s.step,
      epoch,
      loss: loss[epoch - 1]!,
      metrics: isScore
        ? { pearson: { value: accuracy - 0.2 }, spearman: { value: macro_f1 - 0.2 } }
        : { accuracy: { value: accuracy }, macro_f1: { value: macro_f1 } },
      best: epoch < 3,
    });
    const dir = `checkpoints/quickstart-sst2/step-${String(s.step).padStart(6, '0')}`;
    events.push({ type: 'checkpoint', step: s.step, dir, bytes: 10.2 * 2 ** 20, seconds: 0.21, best: epoch < 3 });
  }
  events.push(...(isScore ? [scoreVal] : [classesVal, classesTest]));
  const metric = isScore ? { name: 'pearson', value: 0.6132 } : { name: 'accuracy', value: 0.8132 };
  events.push({
    ...end,
    train_loss: 1.8021,
    val_loss: 0.47,
    best_val_loss: 0.43,
    best_step: 200,
    bits_per_byte: null,
    best_metric: metric,
  });
  return events;
}
