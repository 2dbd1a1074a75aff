// One update on the cpu backend: which numbers it depends on, clipping, and what it leaves behind.

import { beforeAll, expect, test, vi } from 'vitest';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig, TrainConfig } from '../../src/config/schema.js';
import type { Batch } from '../../src/data/stream.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { evaluate } from '../../src/train/evaluate.js';
import { languageLosses } from '../../src/train/language_model.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { startStep, trainStep } from '../../src/train/step.js';

const V = 13;
const T = 8;

beforeAll(() =>
  silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  }),
);

const batch = (from: number): Batch => {
  const ids = (shift: number) => Int32Array.from({ length: 2 * T }, (_, i) => (from + shift + i * i) % V);
  return { B: 2, T, x: ids(0), y: ids(1) };
};

function trainer(pdrop: number, train: Partial<TrainConfig> = {}) {
  const dropout = { attn_pdrop: pdrop, resid_pdrop: pdrop, embd_pdrop: pdrop };
  const shape = resolveModel(ModelConfig.parse({ n_ctx: T, n_layer: 1, n_head: 2, n_embd: 8, ...dropout }), V);
  const model = new Gpt(shape, initialValues(shape, 2));
  const optimizer = new Optimizer(model.parameters(), TrainConfig.parse({ weight_decay: 0, ...train }));
  const step = (batches: Batch[], { lr = 0, seed = 1, micro = 0 } = {}) =>
    trainStep({
      optimizer,
      losses: languageLosses(
        model,
        batches.map((b) => () => b),
        { seed, micro },
      ),
      lr,
    });
  return { model, optimizer, step };
}

test('dropout masks differ by step, micro-batch and seed, and are functions of them', async () => {
  const { step } = trainer(0.3);
  const b = batch(0);
  const first = (await step([b])).loss;
  expect((await step([b])).loss).toBe(first); // lr 0: the model is the same
  expect((await step([b], { micro: 1 })).loss).not.toBe(first);
  expect((await step([b], { seed: 2 })).loss).not.toBe(first);
  expect((await step([b, b])).loss).not.toBe(first); // the mean over two different masks
});

test('without dropout the loss depends on the batch alone, and is the mean over the micro-batches', async () => {
  const { step } = trainer(0);
  const [a, b] = [(await step([batch(0)])).loss, (await step([batch(5)])).loss];
  expect((await step([batch(0)], { micro: 3, seed: 9 })).loss).toBe(a);
  expect((await step([batch(0), batch(5)])).loss).toBeCloseTo((a + b) / 2, 6);
  expect(Math.abs(a - Math.log(V))).toBeLessThan(0.2);
});

test('of scored positions alone, the loss is the mean over all of the update, however they lie in micro-batches', async () => {
  const { model, optimizer } = trainer(0);
  const masked = (from: number, isScored: (i: number) => boolean): Batch => {
    const whole = batch(from);
    return { ...whole, y: whole.y.map((id, i) => (isScored(i) ? id : -1)) };
  };
  const batches = [masked(0, (i) => i < 3), masked(5, (i) => i % 2 === 1)]; // 3 and 8 of 16
  const nats = batches.flatMap(({ B, x, y }) =>
    tf.tidy(() => {
      const logits = model.logits(model.hidden(tf.tensor2d(x, [B, T], 'int32')));
      const logp = tf.logSoftmax(logits).dataSync();
      return [...y].flatMap((id, i) => (id < 0 ? [] : [-logp[i * V + id]!]));
    }),
  );
  expect(nats.length).toBe(11);
  const mean = nats.reduce((sum, nll) => sum + nll, 0) / 11;
  const losses = languageLosses(
    model,
    batches.map((b) => () => b),
    { seed: 1, micro: 0, scored: 11 },
  );
  const { loss, gradNorm } = await trainStep({ optimizer, losses, lr: 0 });
  expect(loss).toBeCloseTo(mean, 5);
  expect(gradNorm).toBeGreaterThan(0.01);
  const windows = { windows: 4, tokens: 11, batches: () => batches.values() as Generator<Batch> };
  expect(await evaluate(model, windows, 2)).toBeCloseTo(mean, 5);
});

test('an update in which nothing is scored moves nothing', async () => {
  const { model, optimizer } = trainer(0);
  const nothing = { ...batch(0), y: new Int32Array(2 * T).fill(-1) };
  const losses = languageLosses(model, [() => nothing], { seed: 1, micro: 0, scored: 0 });
  expect(await trainStep({ optimizer, losses, lr: 1 })).toMatchObject({ loss: 0, gradNorm: 0 });
});

test('gradients start from zero in every update', async () => {
  const { step } = trainer(0);
  const norms: number[] = [];
  for (let i = 0; i < 3; i++) norms.push((await step([batch(0)])).gradNorm);
  expect(new Set(norms).size).toBe(1);
  expect(norms[0]).toBeGreaterThan(0.01);
});

test('the reported norm is that before clipping, and clipping makes the moments smaller', async () => {
  const moments = async (grad_clip: number) => {
    const { step, model } = trainer(0, { grad_clip, optimizer: 'adamw', eps: 1 }); // a large eps: updates ~ gradients
    const { gradNorm } = await step([batch(0)], { lr: 1 });
    const before = initialValues(model.config, 2);
    const moved = Math.hypot(
      ...model.parameters().flatMap(({ name, value }) => {
        const start = before.get(name)!();
        return Array.from(value.dataSync<'float32'>(), (x, i) => x - start[i]!);
      }),
    );
    return { gradNorm, moved };
  };
  const [free, clipped] = [await moments(0), await moments(0.01)];
  expect(clipped.gradNorm).toBe(free.gradNorm);
  expect(free.gradNorm).toBeGreaterThan(0.1);
  expect(clipped.moved).toBeLessThan(0.3 * free.moved);
});

test('learns a batch by heart, without leaving tensors behind', async () => {
  const { step } = trainer(0);
  const first = (await step([batch(0)], { lr: 1e-2 })).loss;
  const tensors = tf.memory().numTensors;
  let last = first;
  for (let i = 1; i < 60; i++) last = (await step([batch(0)], { lr: 1e-2, micro: i })).loss;
  expect(tf.memory().numTensors).toBe(tensors);
  expect(last).toBeLessThan(0.5 * first);
});

test('the numbers of a step are asked for with it: behind the next step a GPU would have to end that first', async () => {
  const { model, optimizer } = trainer(0);
  const read = vi.spyOn(tf.backend(), 'read');
  try {
    const batches = [() => batch(0), () => batch(5)];
    const numbers = await startStep({
      optimizer,
      losses: languageLosses(model, batches, { seed: 1, micro: 0 }),
      lr: 0,
    });
    expect(read).toHaveBeenCalledTimes(4); // one is the update's own, which only a backend without fused kernels makes
    expect((await numbers()).loss).toBeGreaterThan(0);
    expect(read).toHaveBeenCalledTimes(4);
    // nobody may ask for numbers that cannot be had, as after a failure of the next step
    read.mockRejectedValue(new Error('the GPU is gone')).mockResolvedValueOnce(Float32Array.of(1));
    const lost = await startStep({ optimizer, losses: languageLosses(model, batches, { seed: 1, micro: 2 }), lr: 0 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(lost()).rejects.toThrow('the GPU is gone');
  } finally {
    read.mockRestore();
  }
});
