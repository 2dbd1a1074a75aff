// What our ops need from a TF.js backend that has fused kernels (native, later cuda), and how they find it.

import { tf } from '../base/tf.js';

/** An output of a kernel call: the shape of a new float32 tensor, or a tensor that the kernel updates in place. */
export type KernelOutput = readonly number[] | { readonly update: tf.TensorInfo };

/** A TF.js backend with kernels of its own, called by name. */
export interface KernelBackend {
  /** Whether a kernel of this name exists. */
  hasKernel(name: string): boolean;
  /**
   * Runs a kernel. `attrs` are plain numbers in the order that the kernel's .cc states. Returns the new outputs,
   * without the updated ones. Throws GptError (exit 6) when memory runs out.
   */
  call(
    name: string,
    inputs: readonly tf.TensorInfo[],
    outputs: readonly KernelOutput[],
    attrs: readonly number[],
  ): tf.TensorInfo[];
  /** A new tensor with undefined content. */
  allocate(shape: readonly number[], dtype: 'float32' | 'int32'): tf.TensorInfo;
  /** Stores a float32 tensor as bfloat16 from now on, rounded to nearest. */
  narrow(tensor: tf.TensorInfo): void;
}

/** The active backend if it has fused kernels, else undefined: then ops run their composite of stock TF.js ops. */
export function kernelBackend(): KernelBackend | undefined {
  const backend = tf.backend() as unknown as Partial<KernelBackend>;
  return typeof backend.hasKernel === 'function' ? (backend as KernelBackend) : undefined;
}

/** Wraps kernel outputs as tensors that the enclosing tidy() owns. */
export function toTensors(infos: readonly tf.TensorInfo[]): tf.Tensor[] {
  return infos.map((info) => tf.engine().makeTensorFromTensorInfo(info));
}
