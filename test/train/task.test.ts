// The four task forms of GPT-1 against PyTorch in float64: losses, logits, gradients, and four updates of OpenAI's Adam, on
// native and on cpu. Learning rates against a literal.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { toFloat64, toInt32 } from '../../src/base/array.js';
import { tf } from '../../src/base/tf.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import type { HeadShape } from '../../src/config/head.js';
import { FinetuneConfig } from '../../src/config/schema.js';
import type { TaskBatch } from '../../src/data/task_batch.js';
import { TaskHead } from '../../src/model/heads.js';
import { accumulateGradients } from '../../src/ops/parameter.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { taskLearningRate, taskLoss } from '../../src/train/task.js';
import { FOLDERS, modelOf } from '../model/reference.js';
import { native } from '../ops/parity.js';

const FOLDER = FOLDERS[0]!; // gpt1-tiny
const file = openSafetensors(path.join(FOLDER, 'finetune.safetensors'));
const numbers = JSON.parse(readFileSync(path.join(FOLDER, 'finetune.json'), 'utf8')) as {
  n_labels: Record<string, number>;
  cases: Record<string, { total_loss: number; clf_loss: number; lm_loss: number; grad_norm: number }>;
};
const { openai_adam: adam } = numbers.cases['classification'] as unknown as {
  openai_adam: {
    lr: number;
    t_total: number;
    warmup: number;
    steps: { loss: number; lrt: number; grad_norm: number }[];
    loss_after_update4: number;
  };
};
const f64 = (name: string) => toFloat64(file.read(name));
const ints = (name: string) => toInt32(file.read(name));

/** Sequences per example. */
const SEQUENCES = { classification: 1, entailment: 1, similarity: 2, multiple_choice: 4 };
const CASES = Object.keys(SEQUENCES) as (keyof typeof SEQUENCES)[];

function batchOf(name: keyof typeof SEQUENCES): TaskBatch {
  const [B, T] = file.info(`${name}.input_ids`).shape as [number, number];
  const [x, mask, at] = [ints(`${name}.input_ids`), ints(`${name}.mask`), ints(`${name}.extract_pos`)];
  const K = SEQUENCES[name];
  const E = B / K;
  const y = x.map((_, i) => (i % T < T - 1 && mask[i + 1] === 1 ? x[i + 1]! : -1));
  const predicted = (b: number) => y.subarray(b * T, (b + 1) * T).filter((id) => id >= 0).length;
  const tokenShares = Float32Array.from(y, (id, i) => (id < 0 ? 0 : 1 / predicted(Math.floor(i / T))));
  const rows = at.map((pos, b) => b * T + pos);
  const targets = Float32Array.from(ints(`${name}.labels`));
  const ones = (n: number) => new Float32Array(n).fill(1);
  return { B, T, x, y, E, K, rows, valid: ones(B), targets, weights: ones(E), tokenShares, tokens: B * T };
}

function setUp(name: keyof typeof SEQUENCES) {
  const kind = name === 'multiple_choice' ? 'choice' : 'classes';
  const shape: HeadShape = { kind, readout: 'pair', outputs: numbers.n_labels[name]! };
  const model = modelOf(FOLDER);
  const values = new Map([
    ['head.weight', () => Float32Array.from(f64(`${name}.clf.weight`))],
    ['head.bias', () => Float32Array.from(f64(`${name}.clf.bias`))],
  ]);
  const head = new TaskHead(shape, model.config.n_embd, values);
  const config = FinetuneConfig.parse({
    finetune: { lm_coef: 0.5, clf_pdrop: 0 },
    train: { learning_rate: adam.lr, warmup: adam.warmup },
  });
  const batch = batchOf(name);
  const share = { task: 1 / batch.E, lm: 0.5 / batch.B };
  const parameters = [...model.parameters(), ...head.parameters()];
  return { model, head, config, batch, share, parameters };
}

const far = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  expect(got.length).toBe(want.length);
  return Array.from(got).reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i]!)), 0);
};

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  test.skipIf(none).each(CASES)("%s: losses, logits and gradients are PyTorch's", async (name) => {
    await tf.setBackend(backend);
    const { model, head, config, batch, share, parameters } = setUp(name);
    const before = tf.memory().numTensors;
    let parts: Record<string, tf.Scalar> = {};
    const loss = tf.tidy(() =>
      accumulateGradients(parameters, () => {
        const made = taskLoss({ model, head, config, frozenLayers: 0 }, batch, share);
        parts = Object.fromEntries(Object.entries(made.parts).map(([part, value]) => [part, tf.keep(value)]));
        return made.loss;
      }),
    );
    const want = numbers.cases[name]!;
    expect(loss.dataSync()[0]! / want.total_loss - 1).toBeCloseTo(0, 5);
    expect(parts['task_loss']!.dataSync()[0]! / want.clf_loss - 1).toBeCloseTo(0, 5);
    expect(parts['lm_loss']!.dataSync()[0]! / want.lm_loss - 1).toBeCloseTo(0, 5);
    tf.dispose([loss, parts]);

    const logits = tf.tidy(() => {
      const hidden = model.hidden(tf.tensor2d(batch.x, [batch.B, batch.T], 'int32'));
      return head.logits(hidden, batch, { pdrop: 0 }).dataSync();
    });
    expect(far(logits, f64(`${name}.clf_logits`))).toBeLessThan(1e-4);

    // the key third of c_attn.bias has a gradient of exactly zero: float32 leaves its rounding there
    expect(far(head.weight.grad.dataSync(), f64(`${name}.grad.clf.weight`))).toBeLessThan(5e-6);
    expect(far(head.bias.grad.dataSync(), f64(`${name}.grad.clf.bias`))).toBeLessThan(5e-6);
    const squares = parameters.flatMap((p) => Array.from(p.grad.dataSync(), (g) => g * g));
    const norm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
    expect(norm / want.grad_norm - 1).toBeCloseTo(0, 5);
    if (name === 'classification') {
      for (const p of model.parameters()) {
        expect(far(p.grad.dataSync(), f64(`${name}.grad.${p.name}`)), p.name).toBeLessThan(5e-6);
      }
    }
    expect(tf.memory().numTensors - before - parameters.length).toBeLessThanOrEqual(1); // gradients; the tape's anchor
    tf.dispose(parameters.map(({ value }) => value));
  });

  test.skipIf(none)("four updates of OpenAI's Adam", async () => {
    await tf.setBackend(backend);
    const { model, head, config, batch, share, parameters } = setUp('classification');
    const optimizer = new Optimizer(parameters, { ...config.train, weight_decay: 0.01 });
    for (const [step, { loss, grad_norm }] of adam.steps.entries()) {
      const lr = taskLearningRate(config.train, step, adam.t_total);
      const found = await trainStep({
        optimizer,
        losses: [() => taskLoss({ model, head, config, frozenLayers: 0 }, batch, share)],
        lr,
      });
      expect(found.loss / loss - 1).toBeCloseTo(0, 5);
      expect(found.gradNorm / grad_norm - 1).toBeCloseTo(0, 4);
    }
    const after = tf.tidy(() => taskLoss({ model, head, config, frozenLayers: 0 }, batch, share).loss.dataSync()[0]!);
    expect(after / adam.loss_after_update4 - 1).toBeCloseTo(0, 5);
    for (const { name, value, shape } of model.parameters()) {
      const [got, want] = [value.dataSync().slice(), f64(`classification.after4.${name}`)];
      if (name.endsWith('c_attn.bias')) {
        const third = shape[0]! / 3;
        for (let i = third; i < 2 * third; i++) got[i] = want[i]!;
      }
      expect(far(got, want), name).toBeLessThan(5e-4);
      const beyond = Array.from(got).filter((v, i) => Math.abs(v - want[i]!) > 3e-6).length;
      expect(beyond / got.length, name).toBeLessThan(1e-3);
    }
  });
});

test("learning rates: OpenAI's first update has none, then a short rise and a line to zero", () => {
  const { train } = FinetuneConfig.parse({ train: { learning_rate: 2, warmup: 0.1 } });
  const rates = [0, 5, 10, 50, 100].map((step) => taskLearningRate(train, step, 100));
  expect(rates).toEqual([0, 2 * 0.5 * 0.95, 2 * 0.9, 2 * 0.5, 0]);
  expect(taskLearningRate({ ...train, lr_schedule: 'constant' }, 50, 100)).toBe(2);
  expect(taskLearningRate({ ...train, lr_schedule: 'cosine' }, 50, 100)).toBeCloseTo(1, 12);
  expect(taskLearningRate({ ...train, warmup: 0 }, 0, 100)).toBe(2);
  // what the fixture's updates used, with Adam's bias correction taken out again
  const own = FinetuneConfig.parse({ train: { learning_rate: adam.lr, warmup: adam.warmup } }).train;
  for (const [t, { lrt }] of adam.steps.entries()) {
    const correction = Math.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1));
    expect(taskLearningRate(own, t, adam.t_total) * correction).toBeCloseTo(lrt, 12);
  }
});
