// Parameters own their gradients.
//
// A Parameter is a TF.js variable with a float32 gradient buffer of the same shape, made when it is first asked for (a model
// that only generates has none). On a backend with fused kernels, the backward of an op that takes a parameter adds straight
// into that buffer: micro-batches accumulate in place, the tied embedding needs no dense copies, and only activations travel
// on TF.js's tape. On other backends TF.js differentiates the composites and the result is added to the same buffers.
//
// A parameter that is not `trainable` is frozen: it has no gradient, and backward passes spend nothing on one, except where a
// kernel makes dx and the gradients of parameters together: there it is thrown away (target() in define.ts).
//
// With `bf16` a parameter has a bfloat16 copy for the matrix products of linear layers and the head. All copies are made
// again after an update, or one when it is first read; the value, its moments and its gradient stay float32.

import { kernelBackend } from '../backends/kernel_backend.js';
import { tf } from '../base/tf.js';

const parameters = new WeakMap<object, Parameter>(); // by the data of their values

/** A tensor of the model: its value, and a gradient buffer from the first time that one is asked for. */
export class Parameter {
  readonly name: string;
  readonly value: tf.Variable;
  /** false: frozen, see the head of this file. */
  trainable = true;
  readonly #copy: tf.Variable | undefined;
  #copyIsOld = true;
  #grad: tf.Variable | undefined;

  /** Takes ownership of `value`'s data. The gradient starts at zero. bf16: products read a matrix rounded to bfloat16. */
  constructor(name: string, value: tf.Tensor, bf16 = false) {
    this.name = name;
    this.value = tf.variable(value, true);
    if (bf16 && value.shape.length === 2) {
      this.#copy = tf.tidy(() => tf.variable(tf.fill(value.shape, 0), false));
      kernelBackend()!.narrow(this.#copy);
    }
    parameters.set(this.value.dataId, this);
  }

  /** Sum of the gradients so far; zero at first. */
  get grad(): tf.Variable {
    this.#grad ??= tf.tidy(() => tf.variable(tf.fill(this.shape, 0), false));
    return this.#grad;
  }

  /** The value rounded to bfloat16, and stored so; undefined: products read the value. */
  get copy(): tf.Variable | undefined {
    if (this.#copyIsOld) Parameter.#round([this]);
    return this.#copy;
  }

  /** To be called when the value was changed in place. */
  changed(): void {
    this.#copyIsOld = true;
  }

  /** To be called when all of these values were changed in place: makes their copies again, in one call. */
  static changed(parameters: readonly Parameter[]): void {
    Parameter.#round(parameters);
  }

  static #round(parameters: readonly Parameter[]): void {
    const copied = parameters.filter((p) => p.#copy !== undefined);
    const values = copied.map(({ value }) => value);
    const updates = copied.map((p) => ({ update: p.#copy! }));
    if (copied.length > 0) kernelBackend()!.call('GptRoundWeights', values, updates, []);
    for (const p of parameters) p.#copyIsOld = false;
  }

  get shape(): number[] {
    return this.value.shape;
  }

  /** Number of elements. */
  get size(): number {
    return this.value.size;
  }

  dispose(): void {
    parameters.delete(this.value.dataId);
    this.value.dispose();
    this.#grad?.dispose();
    this.#copy?.dispose();
  }
}

/** The parameter whose data this tensor shows, or undefined for any other tensor. */
export const parameterOf = (tensor: tf.TensorInfo): Parameter | undefined => parameters.get(tensor.dataId);

/** What a matrix product reads for this weight, and whether it rounds the other side to bfloat16 too. */
export function forProduct(weight: tf.TensorInfo): { operand: tf.TensorInfo; bf16: boolean } {
  const copy = parameters.get(weight.dataId)?.copy;
  return { operand: copy ?? weight, bf16: copy !== undefined };
}

let anchorVariable: tf.Variable | undefined;

/**
 * A scalar leaf of the tape. Fused kernels keep parameters off the tape, so the embedding takes this as an input: it
 * connects the loss with something that TF.js can differentiate. Its gradient is always zero.
 */
export function anchor(): tf.Variable {
  anchorVariable ??= tf.tidy(() => tf.variable(tf.scalar(0), true, 'gpt_anchor'));
  return anchorVariable;
}

/**
 * Runs `loss` and adds d loss / d p to p.grad for every trainable parameter. Returns the loss (a scalar that the caller
 * disposes). What was in p.grad before stays in the sum: call it once per micro-batch.
 */
export function accumulateGradients(parameters: readonly Parameter[], loss: () => tf.Scalar): tf.Scalar {
  if (kernelBackend() !== undefined) {
    const { value, grads } = tf.variableGrads(loss, [anchor()]);
    tf.dispose(grads);
    return value;
  }
  const trained = parameters.filter((p) => p.trainable);
  const { value, grads } = tf.variableGrads(
    loss,
    trained.map((p) => p.value),
  );
  for (const p of trained) {
    const grad = grads[p.value.name];
    if (grad === undefined) continue; // a position or head that this batch does not use
    tf.tidy(() => p.grad.assign(tf.add(p.grad, grad)));
    grad.dispose();
  }
  return value;
}
