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

/** Mean loss over the global batch in nats per token, and the gradient norm before clipping. */
export interface StepResult {
  readonly loss: number;
  readonly gradNorm: number;
}

/**
 * Makes one update; none when loss or gradient are not finite: the parameters are then still good, the gradients tell.
 * Lets signals and the screen in between micro-batches: a step of a large batch takes hours on a CPU.
 */
export async function trainStep(options: StepOptions): Promise<StepResult> {
  const { model, optimizer, batches, lr, seed, micro, recompute } = options;
  let loss = 0;
  for (const [i, batchOf] of batches.entries()) {
    const batch = batchOf();
    const value = tf.tidy(() => {
      const { x, y } = toTensors(batch);
      const weights = tf.fill([batch.B, batch.T], 1 / (batch.B * batch.T * batches.length)) as tf.Tensor2D;
      const forward = { dropout: { seed, step: micro + i }, recompute, gradient: true };
      return accumulateGradients(model.parameters(), () => model.loss(x, y, weights, forward)[0]);
    });
    loss += value.dataSync()[0]!;
    value.dispose();
    await new Promise(setImmediate);
  }
  return { loss, gradNorm: Number.isFinite(loss) ? optimizer.update(lr) : optimizer.gradNorm() };
}
