// A part of the model through which no gradient goes: frozen lower layers. It runs without a tape, so nothing inside is kept
// for the backward pass, which ends where it began.
//
// Fused kernels keep parameters off the tape, and what connects the loss with the tape's only leaf, the anchor
// (parameter.ts), would be the embedding: inside this part. So the part as a whole takes the anchor, whose gradient is zero.

import { tf } from '../base/tf.js';
import { anchor } from './parameter.js';

const KERNEL = 'GptUntaped';

/** part(), without a tape. It may read parameters; their gradients get nothing from it. Test: test/model/frozen.test.ts. */
export function untaped(part: () => tf.Tensor[]): tf.Tensor[] {
  register();
  const named = [anchor()] as unknown as tf.NamedTensorMap; // named by position, as Concat's are
  const attrs = { part } as unknown as tf.NamedAttrMap; // TF.js hands attributes on as they are
  const outputs = tf.engine().runKernel(KERNEL, named, attrs) as unknown as tf.Tensor[];
  return [...outputs]; // the tape holds the array itself
}

function register(): void {
  if (tf.getKernel(KERNEL, tf.getBackend()) !== undefined) return;
  tf.registerKernel({
    kernelName: KERNEL,
    backendName: tf.getBackend(),
    kernelFunc: ({ attrs }) => tf.tidy(() => (attrs as unknown as { part: () => tf.Tensor[] }).part()),
  });
  if (tf.getGradient(KERNEL) !== undefined) return;
  tf.registerGradient({
    kernelName: KERNEL,
    gradFunc: (dy) => {
      tf.dispose(dy);
      return { 0: () => tf.scalar(0) };
    },
  });
}
