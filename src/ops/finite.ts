// Where a run has diverged: the first number of the first tensor that is NaN or infinite. Reads every tensor to the host:
// called once, when the loss or the gradient norm is no finite number. Test: test/ops/finite.test.ts.

import type { tf } from '../base/tf.js';

/** A number that is not finite, by the name of its tensor and its place in it (row-major). */
export interface NonFinite {
  readonly name: string;
  readonly index: number;
  readonly value: number;
}

/** The first element of the first of these tensors that is NaN or infinite, or undefined. Keeps and disposes nothing. */
export async function firstNonFinite(
  tensors: Iterable<{ readonly name: string; readonly tensor: tf.Tensor }>,
): Promise<NonFinite | undefined> {
  for (const { name, tensor } of tensors) {
    const values = await tensor.data<'float32'>();
    for (let index = 0; index < values.length; index++) {
      if (!Number.isFinite(values[index])) return { name, index, value: values[index]! };
    }
  }
  return undefined;
}
