// Activation checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): a part of the model keeps
// only its inputs for the backward pass and computes its activations a second time when their turn comes.
//
//   forward    out = part(in), without a tape: nothing inside is saved
//   backward   part(in) again, with a tape of its own, and from it d loss / d in
//
// Dropout masks are functions of (seed, step, site), so the second pass is bitwise the first one. Only on backends with
// fused kernels: there a part's parameters own their gradients (parameter.ts) and need no place on the outer tape.

import { kernelBackend } from '../backends/kernel_backend.js';
import { tf } from '../base/tf.js';
import { type Part, type PartKernel, runPart } from './part.js';

const RECOMPUTE: PartKernel = { name: 'GptRecompute', savesInputs: true, gradient: gradientsOf };

/** part(inputs), computed again in the backward pass. Where the backend has no fused kernels: part(inputs) as it is. */
export function recomputed(part: Part, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  return kernelBackend() === undefined ? part([...inputs]) : runPart(RECOMPUTE, part, inputs);
}

/** d loss / d input, given d loss / d output of every output. */
function gradientsOf(part: Part, inputs: tf.Tensor[], dys: tf.Tensor[]): tf.Tensor[] {
  // A scalar whose gradient is what the outer tape brought: TF.js differentiates one output at a time.
  const joined = tf.customGrad((...args) => ({
    value: tf.scalar(0),
    gradFunc: () => args.slice(0, dys.length).map((_, i) => dys[i]!.clone()),
  }));
  const engine = tf.engine();
  const outer = engine.state.activeTape; // the inner gradient would empty it
  try {
    const { value, grads } = engine.gradients(() => joined(...part(inputs)), inputs);
    value.dispose();
    return grads;
  } finally {
    engine.state.activeTape = outer;
  }
}
