// Loss on held-out windows: no dropout, no gradient, every window of a fixed set once.

import { tf } from '../base/tf.js';
import type { Batch, ValWindows } from '../data/stream.js';
import type { Gpt } from '../model/gpt.js';

/** A batch as tensors on the active backend; the caller disposes them. */
export function toTensors({ B, T, x, y }: Batch): { x: tf.Tensor2D; y: tf.Tensor2D } {
  return { x: tf.tensor2d(x, [B, T], 'int32'), y: tf.tensor2d(y, [B, T], 'int32') };
}

/**
 * Mean loss in nats per scored token, micro_batch windows at a time; null as soon as `stopped` says so. Yields to the
 * event loop between batches.
 */
export async function evaluate(
  model: Gpt,
  windows: ValWindows,
  microBatch: number,
  stopped: () => boolean = () => false,
): Promise<number | null> {
  let nats = 0;
  for (const batch of windows.batches(microBatch)) {
    const loss = tf.tidy(() => {
      const { x, y } = toTensors(batch);
      return model.loss(x, y, tf.ones([batch.B, batch.T]))[0];
    });
    nats += (await loss.data())[0]!;
    loss.dispose();
    await new Promise(setImmediate);
    if (stopped()) return null;
  }
  return nats / windows.tokens;
}
