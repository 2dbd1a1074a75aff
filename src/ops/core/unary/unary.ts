// Elementwise functions of one float32 tensor: y[i] = f(x[i]), same shape. NaN in, NaN out.
// Kernels: unary.cpu.cc, unary.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

const NAMES = [
  'Abs',
  'Erf',
  'Exp',
  'Log',
  'Neg',
  'Reciprocal',
  'Relu',
  'Rsqrt',
  'Sigmoid',
  'Sqrt',
  'Square',
  'Tanh',
] as const;

export const unaryKernels: readonly CoreKernel[] = NAMES.map((name) =>
  coreKernel<{ x: tf.TensorInfo }>(name, (backend, { x }) => {
    const size = sizeOf(x.shape);
    if (!isWork(backend, size, x) || !areFloat32(x)) return undefined;
    return backend.call(name, [x], [x.shape], [size])[0];
  }),
);
