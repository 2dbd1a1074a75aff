// A part of the model as one kernel of TF.js: it runs without a tape, so nothing inside is kept for the backward pass, and its
// gradient is what the kernel says: recompute.ts, untaped.ts.

import { tf } from '../base/tf.js';

/** A part of the model: activations to activations. It may dispose tensors that it made, not those it was given. */
export type Part = (inputs: tf.Tensor[]) => tf.Tensor[];

/** How the backward pass goes through parts. */
export interface PartKernel {
  readonly name: string;
  /** Whether `gradient` needs the inputs. */
  readonly savesInputs: boolean;
  /** d loss / d input of every input, given d loss / d output of every output. Both of its arguments are disposed afterwards. */
  gradient(part: Part, inputs: tf.Tensor[], dys: tf.Tensor[]): tf.Tensor[];
}

/** part(inputs), as this kernel. */
export function runPart(kernel: PartKernel, part: Part, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  register(kernel);
  const named = [...inputs] as unknown as tf.NamedTensorMap; // named by position, as Concat's are
  const attrs = { part } as unknown as tf.NamedAttrMap; // TF.js hands attributes on as they are
  const outputs = tf.engine().runKernel(kernel.name, named, attrs) as unknown as tf.Tensor[];
  return [...outputs]; // the tape holds the array itself
}

function register({ name, savesInputs, gradient }: PartKernel): void {
  if (tf.getKernel(name, tf.getBackend()) !== undefined) return;
  tf.registerKernel({
    kernelName: name,
    backendName: tf.getBackend(),
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => partOf(attrs)(Object.values(inputs) as tf.Tensor[])),
  });
  if (tf.getGradient(name) !== undefined) return;
  tf.registerGradient({
    kernelName: name,
    saveAllInputs: savesInputs,
    gradFunc: (dy, saved, attrs) => {
      const dys = Array.isArray(dy) ? dy : [dy];
      const grads = gradient(partOf(attrs), saved, dys);
      for (const tensor of [...saved, ...dys]) tensor.dispose();
      return Object.fromEntries(grads.map((grad, i) => [i, () => grad]));
    },
  });
}

const partOf = (attrs: unknown): Part => (attrs as { part: Part }).part;
