// Elementwise functions of two float32 tensors with broadcasting, comparisons, and the sum of several tensors.
//
//   c = f(a, b)   c has the broadcast shape; float32, or bool for comparisons
//
// Maximum and Minimum are NaN where an operand is, as Math.max is.
// Kernels: binary.cpu.cc, binary.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { broadcast } from '../broadcast.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

const ARITHMETIC = ['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference'] as const;
const COMPARISONS = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'] as const;

const binary = (name: string, result: 'float32' | 'bool'): CoreKernel =>
  coreKernel<{ a: tf.TensorInfo; b: tf.TensorInfo }>(name, (backend, { a, b }) => {
    if (!isWork(backend, Math.max(sizeOf(a.shape), sizeOf(b.shape)), a, b) || !areFloat32(a, b)) return undefined;
    const { shape, dims } = broadcast(a.shape, b.shape);
    const size = sizeOf(shape);
    if (size === 0) return undefined;
    const attrs = [size, dims.length, ...dims.flat()];
    if (result === 'float32') return backend.call(name, [a, b], [shape], attrs)[0];
    const c = backend.allocate(shape, 'bool');
    backend.call(name, [a, b], [{ update: c }], attrs);
    return c;
  });

const addN = coreKernel<[tf.TensorInfo, ...tf.TensorInfo[]]>('AddN', (backend, tensors) => {
  const [{ shape }] = tensors;
  const size = sizeOf(shape);
  if (!isWork(backend, size, ...tensors) || !areFloat32(...tensors)) return undefined;
  return backend.call('AddN', tensors, [shape], [size])[0];
});

export const binaryKernels: readonly CoreKernel[] = [
  ...ARITHMETIC.map((name) => binary(name, 'float32')),
  ...COMPARISONS.map((name) => binary(name, 'bool')),
  addN,
];
