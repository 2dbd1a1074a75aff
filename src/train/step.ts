// One optimizer update: forward and backward of every micro-batch, clipping, AdamW. What the loop runs and `gpt bench` times.

import { tf } from '../base/tf.js';
import { accumulateGradients } from '../ops/parameter.js';
import type { StepLoss } from './objective.js';
import type { Optimizer } from './optimizer.js';

/** What one update takes. */
export interface StepOptions {
  readonly optimizer: Optimizer;
  /** Of the micro-batches: each adds its gradients when its turn comes. */
  readonly losses: readonly (() => StepLoss)[];
  readonly lr: number;
}

/** Loss over the global batch and the gradient norm before clipping. Not finite: no update was made. */
export interface StepResult {
  readonly loss: number;
  readonly gradNorm: number;
  /** Sums of the losses' parts. */
  readonly parts: Readonly<Record<string, number>>;
}

/** An update that has been asked for; on a GPU it may not be over. To be called once: the numbers that it will have given. */
export type PendingStep = () => Promise<StepResult>;

/**
 * Makes one update; none when the gradients are not finite: the parameters are then still good, the gradients tell.
 * Waits for no result: a GPU has the next step to do while the last one's numbers are read. Lets signals and the screen in
 * between micro-batches: a step of a large batch takes hours on a CPU.
 */
export async function startStep({ optimizer, losses, lr }: StepOptions): Promise<PendingStep> {
  const values: tf.Scalar[] = [];
  const parts: [name: string, value: tf.Scalar][] = [];
  for (const lossOf of losses) {
    const value = tf.tidy(() =>
      accumulateGradients(optimizer.parameters, () => {
        const { loss, parts: made } = lossOf();
        for (const [name, part] of Object.entries(made)) parts.push([name, tf.keep(part)]);
        return loss;
      }),
    );
    values.push(value);
    await new Promise(setImmediate);
  }
  const norm = await optimizer.update(lr);
  // asked for now: a copy joins the GPU's queue here, and behind the next step's work it would wait for that
  const tensors = [norm, ...values, ...parts.map(([, part]) => part)];
  const numbers = Promise.all(tensors.map(async (t) => (await t.data())[0]!));
  numbers.catch(() => {}); // told to who asks
  return async () => {
    const [gradNorm, ...rest] = await numbers;
    tf.dispose(tensors);
    const sums: Record<string, number> = {};
    for (const [i, [name]] of parts.entries()) sums[name] = (sums[name] ?? 0) + rest[values.length + i]!;
    return { loss: rest.slice(0, values.length).reduce((a, b) => a + b, 0), gradNorm: gradNorm!, parts: sums };
  };
}

/** One update, and its numbers. */
export async function trainStep(options: StepOptions): Promise<StepResult> {
  return await (await startStep(options))();
}
