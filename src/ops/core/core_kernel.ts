// What replaces a kernel of TF.js: its name, and a function that runs the addon's kernel, or declines.
//
// A core kernel takes float32 only. It declines (returns undefined) for other types and for small tensors, where the call
// into the addon costs more than TF.js's own loop. register.ts then runs the kernel that tfjs-backend-cpu has.

import type { NativeBackend } from '../../backends/native_backend.js';
import type { tf } from '../../base/tf.js';

/** One replaced kernel of TF.js. */
export interface CoreKernel {
  /** Its name in TF.js, which is also that of the addon's kernel. */
  readonly name: string;
  /** The result, or undefined where TF.js's own kernel must run. */
  run(backend: NativeBackend, inputs: unknown, attrs: unknown): tf.TensorInfo | undefined;
}

/** A core kernel from a function that knows the names of its inputs (I) and attributes (A) in TF.js. */
export function coreKernel<I, A = unknown>(
  name: string,
  run: (backend: NativeBackend, inputs: I, attrs: A) => tf.TensorInfo | undefined,
): CoreKernel {
  return { name, run: (backend, inputs, attrs) => run(backend, inputs as I, attrs as A) };
}

/** Settings of all core kernels. */
export const coreSettings = {
  /**
   * Elements (for matrix products: multiplications) below which TF.js's own kernel runs: both take about 5 us there, of
   * which the call into the addon is 1. Tests set 0.
   */
  minSize: 256,
};

/** Elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Whether `size` elements are work for the addon. Empty tensors never are. */
export const isLarge = (size: number): boolean => size > 0 && size >= coreSettings.minSize;

/** Whether all of these are float32. */
export const areFloat32 = (...tensors: tf.TensorInfo[]): boolean => tensors.every(({ dtype }) => dtype === 'float32');
