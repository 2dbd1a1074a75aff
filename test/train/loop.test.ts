// The loop around a step: what it does when numbers stop being finite. (Order, limits and resume: test/cli/e2e.)

import { beforeAll, expect, test } from 'vitest';
import { DivergedError } from '../../src/base/errors.js';
import type { Reporter, RunEvent } from '../../src/base/events.js';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { RunConfig } from '../../src/config/schema.js';
import { BatchStream } from '../../src/data/stream.js';
import type { TokenSource } from '../../src/data/token_file.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { languageModel } from '../../src/train/language_model.js';
import { type Progress, train } from '../../src/train/loop.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { Schedule } from '../../src/train/schedule.js';

const V = 13;

beforeAll(() =>
  silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  }),
);

const source: TokenSource = {
  length: 200,
  bytes: 200,
  read: (from, n) => Int32Array.from({ length: n }, (_, i) => (from + i) ** 2 % V),
  close: () => {},
};

const fresh: Progress = {
  step: 0,
  tokens: 0,
  seconds: 0,
  best_val_loss: null,
  best_step: null,
  without_better: 0,
  recent_loss: [],
  recent_grad_norm: [],
};

/** Three steps of a tiny model whose `spoil` is called with it after each event. */
function run(
  spoil: (event: RunEvent, model: Gpt) => void,
  { keys = {}, every = 0, stop = new AbortController(), progress = structuredClone(fresh), sample = () => {} } = {} as {
    keys?: object;
    /** Steps between samples. */
    every?: number;
    stop?: AbortController;
    progress?: Progress;
    sample?: () => void;
  },
) {
  const config = RunConfig.parse({
    model: { n_ctx: 8, n_layer: 1, n_head: 2, n_embd: 8 },
    train: {
      max_steps: 3,
      batch_tokens: 16,
      learning_rate: 6e-4,
      eval_every: 1,
      eval_tokens: 16,
      save_every: 1,
      ...keys,
    },
    sample: { tokens: 1, every },
  });
  const shape = resolveModel(config.model, V);
  const model = new Gpt(shape, initialValues(shape, 1));
  const saved: boolean[] = [];
  const order: string[] = [];
  const report: Reporter = {
    on: (event) => {
      order.push(event.type);
      spoil(event, model);
    },
    close: async () => {},
  };
  const outcome = train({
    config,
    optimizer: new Optimizer(model.parameters(), config.train),
    objective: languageModel({
      model,
      stream: new BatchStream({ source, B: 2, T: 8, seed: 1 }),
      val: source,
      microBatch: 2,
      schedule: new Schedule(config.train, 16, 200),
      config: config.train,
      bytesPerToken: null,
      report,
    }),
    progress,
    memory: () => 0,
    peakGflops: null,
    report,
    save: async (best) => {
      saved.push(best);
      order.push('save');
    },
    sample: async () => {
      order.push('sample');
      sample();
    },
    signal: stop.signal,
    deadline: Number.POSITIVE_INFINITY,
  });
  return { outcome, saved, order, progress };
}

const fill = (model: Gpt, name: string, value: number): void => {
  const parameter = model.params.get(name)!;
  tf.tidy(() => void parameter.value.assign(tf.fill(parameter.shape, value)));
};

test('three good steps are validated and saved; what can be made again comes after the last save', async () => {
  const { outcome, saved, order } = run(() => {});
  expect(await outcome).toMatchObject({ reason: 'done' });
  expect(saved.length).toBe(3);
  const each = ['step', 'val', 'save'];
  expect(order).toEqual([...each, ...each, ...each, 'val', 'sample']);
});

test('the best step is decided on the same text each time; the last validation reads more of it', async () => {
  const vals: { scored: number | undefined; loss: number; best: boolean }[] = [];
  const { outcome, progress, saved } = run((event) => {
    if (event.type === 'val') vals.push({ scored: event.scored, loss: event.loss, best: event.best });
  });
  const { valLoss } = await outcome;
  expect(vals.map(({ scored }) => scored)).toEqual([16, 16, 16, 192]);
  const losses = vals.slice(0, 3).map(({ loss }) => loss);
  expect(progress.best_val_loss).toBe(Math.min(...losses));
  expect(saved).toEqual(losses.map((loss, i) => losses.slice(0, i).every((before) => loss < before)));
  expect(vals[3]!.best).toBe(saved[2]);
  expect(valLoss).toBe(vals[3]!.loss);
});

test('a signal cuts a validation short: the step is saved', async () => {
  const stop = new AbortController();
  const { outcome, order } = run((event) => event.type === 'step' && stop.abort(), { stop, keys: { save_every: 0 } });
  expect(await outcome).toMatchObject({ reason: 'interrupted', valLoss: null });
  expect(order).toEqual(['step', 'save']);
});

test('a signal while a sample is written: the step is saved', async () => {
  const stop = new AbortController();
  const keys = { save_every: 0, eval_every: 0 };
  const { outcome, order } = run(() => {}, { stop, keys, every: 1, sample: () => stop.abort() });
  expect(await outcome).toMatchObject({ reason: 'interrupted' });
  expect(order).toEqual(['step', 'sample', 'save']);
});

test('early stopping counts validations, also those before a resume at another interval', async () => {
  const progress = { ...structuredClone(fresh), step: 1, best_val_loss: 0, best_step: 1, without_better: 1 };
  const { outcome } = run(() => {}, { progress, keys: { max_steps: 9, early_stop: 3, eval_every: 2 } });
  expect(await outcome).toMatchObject({ reason: 'done', message: expect.stringContaining('stopped early: 3') });
  expect(progress).toMatchObject({ step: 4, without_better: 3 });
});

test('parameters that are not finite before a step: no update, exit 5, the parameter is named', async () => {
  const { outcome, saved } = run((event, model) => {
    if (event.type === 'val' && event.step === 2) fill(model, 'transformer.h.0.mlp.c_fc.bias', Number.NaN);
  });
  await expect(outcome).rejects.toThrow(DivergedError);
  await expect(outcome).rejects.toThrow(
    /^step 2: parameters are not finite: .*transformer\.h\.0\.mlp\.c_fc\.bias, NaN/,
  );
  await expect(outcome).rejects.toMatchObject({ fix: expect.stringContaining('--train.learning_rate 0.0002') });
  expect(saved.length).toBe(1);
});

test('a validation loss that is not finite is no best one', async () => {
  const { outcome, saved } = run((event, model) => {
    if (event.type === 'step' && event.step === 1) fill(model, 'transformer.ln_f.weight', Number.NaN);
  });
  await expect(outcome).rejects.toThrow(/^step 1: validation loss NaN: .*transformer\.ln_f\.weight, NaN at element 0/);
  await expect(outcome).rejects.toMatchObject({ fix: expect.stringMatching(/^start again with/) });
  expect(saved).toEqual([]);
});
