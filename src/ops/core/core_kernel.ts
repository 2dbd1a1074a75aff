// What replaces a kernel of TF.js: its name, and a function that runs the addon's kernel, or declines.
//
// A core kernel takes float32 only. It declines (returns undefined) for other types and for small tensors on the host, where
// the call into the addon costs more than TF.js's own loop. register.ts then runs the kernel that tfjs-backend-cpu has.

import type { KernelBackend } from '../../backends/kernel_backend.js';
import type { tf } from '../../base/tf.js';

/** What core kernels need from a backend: native, cuda. */
export interface CoreBackend extends KernelBackend {
  /** Whether a call over so many elements is better left to TF.js's own kernel, on the host. */
  prefersHost(inputs: readonly tf.TensorInfo[], elements: number, minSize: number): boolean;
  /** A kernel of tfjs-backend-cpu on this backend. */
  stock(kernelFunc: tf.KernelFunc, name: string): tf.KernelFunc;
  /** One more tensor shares this data. */
  incRef(dataId: tf.DataId): void;
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** One replaced kernel of TF.js. */
export interface CoreKernel {
  /** Its name in TF.js, which is also that of the addon's kernel. */
  readonly name: string;
  /** The result, or undefined where TF.js's own kernel must run. */
  run(backend: CoreBackend, inputs: unknown, attrs: unknown): tf.TensorInfo | undefined;
}

/** A core kernel from a function that knows the names of its inputs (I) and attributes (A) in TF.js. */
export function coreKernel<I, A = unknown>(
  name: string,
  run: (backend: CoreBackend, inputs: I, attrs: A) => tf.TensorInfo | undefined,
): CoreKernel {
  return { name, run: (backend, inputs, attrs) => run(backend, inputs as I, attrs as A) };
}

/** Settings of all core kernels. */
export const coreSettings = {
  /**
   * Elements (for matrix products: multiplications) below which TF.js's own kernel runs: both take about 5 us there, of
   * which the call into the native addon is 1. Tests set 0.
   */
  minSize: 256,
};

/** Elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Whether a call over `size` elements is work for the addon. With empty tensors it never is. */
export const isWork = (backend: CoreBackend, size: number, ...inputs: tf.TensorInfo[]): boolean =>
  size > 0 && !backend.prefersHost(inputs, size, coreSettings.minSize);

/** Whether all of these are float32. */
export const areFloat32 = (...tensors: tf.TensorInfo[]): boolean => tensors.every(({ dtype }) => dtype === 'float32');
