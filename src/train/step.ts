// One optimizer update: forward and backward of every micro-batch, clipping, AdamW. What the loop runs and `gpt bench` times.

import { tf } from '../base/tf.js';
import type { Batch } from '../data/stream.js';
import type { Gpt } from '../model/gpt.js';
import { accumulateGradients } from '../ops/parameter.js';
import { toTensors } from './evaluate.js';
import type { Optimizer } from './optimizer.js';

/** What one update takes. */
export interface StepOptions {
  readonly model: Gpt;
  readonly optimizer: Optimizer;
  /** Micro-batches, all of one size; made when their turn comes. */
  readonly batches: readonly (() => Batch)[];
  readonly lr: number;
  readonly seed: number;
  /** Micro-batches of the run before this update: dropout masks are functions of it. */
  readonly micro: number;
  /** See ops/recompute.ts. */
  readonly recompute?: boolean;
}

/** Mean loss over the global batch in nats per token, and the gradient norm before clipping. Not finite: no update was made. */
export interface StepResult {
  readonly loss: number;
  readonly gradNorm: number;
}

/** An update that has been asked for; on a GPU it may not be over. To be called once: the numbers that it will have given. */
export type PendingStep = () => Promise<StepResult>;

/**
 * Makes one update; none when the gradients are not finite: the parameters are then still good, the gradients tell.
 * Waits for no result: a GPU has the next step to do while the last one's numbers are read. Lets signals and the screen in
 * between micro-batches: a step of a large batch takes hours on a CPU.
 */
export async function startStep(options: StepOptions): Promise<PendingStep> {
  const { model, optimizer, batches, lr, seed, micro, recompute } = options;
  const losses: tf.Scalar[] = [];
  for (const [i, batchOf] of batches.entries()) {
    const batch = batchOf();
    const value = tf.tidy(() => {
      const { x, y } = toTensors(batch);
      const weights = tf.fill([batch.B, batch.T], 1 / (batch.B * batch.T * batches.length)) as tf.Tensor2D;
      const forward = { dropout: { seed, step: micro + i }, recompute, gradient: true };
      return accumulateGradients(model.parameters(), () => model.loss(x, y, weights, forward)[0]);
    });
    losses.push(value);
    await new Promise(setImmediate);
  }
  const norm = optimizer.update(lr);
  // asked for now: a copy joins the GPU's queue here, and behind the next step's work it would wait for that
  const numbers = Promise.all([norm, ...losses].map(async (t) => (await t.data())[0]!));
  numbers.catch(() => {}); // told to who asks
  return async () => {
    const [gradNorm, ...parts] = await numbers;
    tf.dispose([norm, ...losses]);
    return { loss: parts.reduce((a, b) => a + b, 0), gradNorm: gradNorm! };
  };
}

/** One update, and its numbers. */
export async function trainStep(options: StepOptions): Promise<StepResult> {
  return await (await startStep(options))();
}
