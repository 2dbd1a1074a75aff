// A supervised task as a training objective (Radford et al. 2018, section 3.2).
//
//   loss = mean over examples of the task's loss + lm_coef * mean over sequences of the LM loss within the sequence
//
// The LM loss covers every token after the first, <delimiter> and <extract> included. With class weights the task's mean is
// weighted, as PyTorch's. Learning rate at update s of S, x = s / S, w = train.warmup (OpenAI's opt.py):
//
//   linear    lr * min(1, x / w) * (1 - x)      cosine    lr * (x / w, or (1 + cos(pi x)) / 2 after the warm-up)
//
// so the first update has rate 0 (without a warm-up the full one). Micro-batches: data/task_batch.ts.

import { tf } from '../base/tf.js';
import { flopsPerToken } from '../config/arithmetic.js';
import type { FinetuneConfig } from '../config/schema.js';
import {
  type BatchExample,
  microBatches,
  positions,
  type TaskBatch,
  type TaskOrder,
  toBatch,
} from '../data/task_batch.js';
import type { DropoutPass, Gpt } from '../model/gpt.js';
import { classLoss, scoreLoss, type TaskHead } from '../model/heads.js';
import type { Objective, StepLoss, ValidateCall, Validation } from './objective.js';

/** Masks of update s, micro-batch i are those of pass s * MOST_MICROS + i. */
const MOST_MICROS = 1024;

/** What the objective is made of. */
export interface TaskOptions {
  readonly model: Gpt;
  readonly head: TaskHead;
  readonly order: TaskOrder<BatchExample>;
  /** Updates of the run: taskSteps(). */
  readonly steps: number;
  readonly config: FinetuneConfig;
  readonly microTokens: number;
  /** Blocks from below, with the embeddings, that keep their weights: Gpt.freezeLayers(). */
  readonly frozenLayers: number;
  /** Measures on held-out examples and reports it; null: it was stopped. */
  readonly validate: (call: ValidateCall) => Promise<Validation | null>;
}

/** Updates of a run on so many examples. */
export function taskSteps({ max_steps, max_epochs = 3 }: FinetuneConfig['train'], perEpoch: number): number {
  return max_steps ?? Math.max(1, Math.round(max_epochs * perEpoch));
}

/** Learning rate of update `step` of `steps`. */
export function taskLearningRate(
  { learning_rate, lr_schedule, warmup }: FinetuneConfig['train'],
  step: number,
  steps: number,
): number {
  const x = step / steps;
  const rising = x <= warmup && warmup > 0 ? x / warmup : 1;
  if (lr_schedule === 'constant') return learning_rate * rising;
  if (lr_schedule === 'linear') return learning_rate * rising * (1 - x);
  return learning_rate * (rising < 1 ? rising : (1 + Math.cos(Math.PI * x)) / 2);
}

/** Training on a task. */
export function taskObjective(o: TaskOptions): Objective {
  const { model, config, microTokens, order, steps } = o;
  const { train } = config;
  const { n_ctx } = model.config;
  let last: { step: number; batches: TaskBatch[] } | undefined; // asked for three times: losses, flops, notes
  const micros = (step: number): TaskBatch[] => {
    if (last?.step !== step) {
      const groups = microBatches(order.batchAt(step), microTokens, n_ctx);
      last = { step, batches: groups.map((group) => toBatch(group, n_ctx)) };
    }
    return last.batches;
  };
  const flops = (T: number) => flopsPerToken(model.config, T, { causal: true, backward: true });

  // Sizes of the updates, cheap beside training them: numbers of tokens are asked for ahead.
  const before = [0];
  const tokensBefore = (step: number): number => {
    for (let s = before.length - 1; s < step; s++) {
      const groups = microBatches(order.batchAt(s), microTokens, n_ctx);
      before.push(before[s]! + groups.reduce((n, group) => n + positions(group, n_ctx), 0));
    }
    return before[step]!;
  };

  return {
    steps,
    learningRate: (step) => taskLearningRate(train, step, steps),
    tokensBefore,
    flops: (step) => micros(step).reduce((n, { B, T }) => n + B * T * flops(T), 0),
    epoch: (step) => (step + 1) / order.stepsPerEpoch,
    notes(step) {
      const all = micros(step);
      const tokens = all.reduce((n, b) => n + b.tokens, 0);
      return { padding: 1 - tokens / all.reduce((n, { B, T }) => n + B * T, 0) };
    },
    losses(step) {
      const batches = micros(step);
      if (batches.length > MOST_MICROS) throw new Error(`internal: ${batches.length} micro-batches in an update`);
      const share = {
        task: 1 / batches.reduce((n, { weights }) => n + weights.reduce((a, b) => a + b, 0), 0),
        lm: config.finetune.lm_coef / batches.reduce((n, { B }) => n + B, 0),
      };
      return batches.map((batch, i) => () => {
        const pass = { seed: train.seed, step: step * MOST_MICROS + i };
        return taskLoss(o, batch, share, pass);
      });
    },
    validate: (call) => (call.final ? Promise.resolve(null) : o.validate(call)),
  };
}

/** The loss of one micro-batch. share: what multiplies a unit of weight of the task's loss, and of a sequence's LM loss. */
export function taskLoss(
  { model, head, config, frozenLayers }: Pick<TaskOptions, 'model' | 'head' | 'config' | 'frozenLayers'>,
  batch: TaskBatch,
  share: { readonly task: number; readonly lm: number },
  pass?: DropoutPass,
): StepLoss {
  const { clf_pdrop } = config.finetune;
  const { B, T } = batch;
  const x = tf.tensor2d(batch.x, [B, T], 'int32');
  const hidden = model.hidden(x, { dropout: pass, recompute: config.train.recompute, frozen_layers: frozenLayers });
  const logits = head.logits(hidden, batch, { pdrop: clf_pdrop, pass });
  const weights = batch.weights.map((w) => w * share.task);
  const lossOf = head.shape.kind === 'score' ? scoreLoss : classLoss;
  const task_loss = lossOf(logits, batch.targets, weights);
  // where all of it is frozen there is nothing that an LM loss could teach
  if (share.lm === 0 || frozenLayers === model.config.n_layer) return { loss: task_loss, parts: { task_loss } };
  const y = tf.tensor2d(batch.y, [B, T], 'int32');
  const lmWeights = tf.tensor2d(
    batch.tokenShares.map((w) => w * share.lm),
    [B, T],
  );
  const [lm] = model.lossOf(hidden, y, lmWeights, true);
  const lm_loss = tf.div(lm, config.finetune.lm_coef) as tf.Scalar;
  return { loss: tf.add(lm, task_loss), parts: { task_loss, lm_loss } };
}

/**
 * What the head says about each example, in their order: probabilities of classes or answers, or [score]. Yields to the
 * event loop between batches.
 */
export async function taskOutputs(
  model: Gpt,
  head: TaskHead,
  examples: readonly BatchExample[],
  microTokens: number,
): Promise<Float32Array[]> {
  const outputs: Float32Array[] = Array.from({ length: examples.length });
  const numbered = examples.map((example, index) => ({ ...example, index }));
  for (const group of microBatches(numbered, microTokens, model.config.n_ctx)) {
    const batch = toBatch(group, model.config.n_ctx);
    const result = tf.tidy(() => {
      const hidden = model.hidden(tf.tensor2d(batch.x, [batch.B, batch.T], 'int32'));
      const logits = head.logits(hidden, batch, { pdrop: 0 });
      return head.shape.kind === 'score' ? logits : tf.softmax(logits);
    });
    const values = (await result.data()) as Float32Array;
    result.dispose();
    const n = values.length / batch.E;
    for (const [e, { index, sequences }] of group.entries()) {
      const answers = head.shape.kind === 'choice' ? sequences.length : n;
      outputs[index] = values.slice(e * n, e * n + answers);
    }
    await new Promise(setImmediate);
  }
  return outputs;
}
