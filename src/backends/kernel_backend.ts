// What our ops need from a TF.js backend that has fused kernels (native, cuda), and how they find it.

import { tf } from '../base/tf.js';

/** An output of a kernel call: the shape of a new tensor, or a tensor that the kernel updates in place. */
export type KernelOutput = readonly number[] | { readonly update: tf.TensorInfo };

/** A kernel call that has ended. */
export interface KernelCall {
  readonly name: string;
  readonly ms: number;
  /** Of all its tensors: what it reads and writes at least, where it uses all of them once. */
  readonly bytes: number;
  /** The numbers that it was given, dimensions first: the kernel's .cc says which. */
  readonly attrs: readonly number[];
}

/** A TF.js backend with kernels of its own, called by name. */
export interface KernelBackend {
  /** Whether activations may be stored as bfloat16: then everything follows the type of the weights that are read. */
  readonly storesBf16: boolean;
  /** Whether kernels run after call() has returned: results are then better asked for late, by data(). */
  readonly isAsync: boolean;
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
  /** A new tensor with undefined content, for a kernel to update. */
  allocate(shape: readonly number[], dtype: 'float32' | 'int32' | 'bool'): tf.TensorInfo;
  /** Stores a float32 tensor as bfloat16 from now on, rounded to nearest. */
  narrow(tensor: tf.TensorInfo): void;
  /** Measures every kernel call until stopProfile(), which hands them over. */
  startProfile(): void;
  stopProfile(record: (call: KernelCall) => void): void;
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
