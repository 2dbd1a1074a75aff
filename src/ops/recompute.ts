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

/** A part of the model: activations to activations. It may dispose tensors that it made, not those it was given. */
export type Part = (inputs: tf.Tensor[]) => tf.Tensor[];

const KERNEL = 'GptRecompute';

/** part(inputs), computed again in the backward pass. Where the backend has no fused kernels: part(inputs) as it is. */
export function recomputed(part: Part, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  if (kernelBackend() === undefined) return part([...inputs]);
  register();
  const named = [...inputs] as unknown as tf.NamedTensorMap; // named by position, as Concat's are
  const attrs = { part } as unknown as tf.NamedAttrMap; // TF.js hands attributes on as they are
  const outputs = tf.engine().runKernel(KERNEL, named, attrs) as unknown as tf.Tensor[];
  return [...outputs]; // the tape holds the array itself
}

function register(): void {
  if (tf.getKernel(KERNEL, tf.getBackend()) !== undefined) return;
  tf.registerKernel({
    kernelName: KERNEL,
    backendName: tf.getBackend(),
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => partOf(attrs)(Object.values(inputs) as tf.Tensor[])),
  });
  if (tf.getGradient(KERNEL) !== undefined) return;
  tf.registerGradient({
    kernelName: KERNEL,
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const dys = Array.isArray(dy) ? dy : [dy];
      const grads = gradientsOf(partOf(attrs), saved, dys);
      for (const tensor of [...saved, ...dys]) tensor.dispose();
      return Object.fromEntries(grads.map((grad, i) => [i, () => grad]));
    },
  });
}

const partOf = (attrs: unknown): Part => (attrs as { part: Part }).part;

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
