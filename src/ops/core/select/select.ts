// Select: y[i] = condition[i] ? t[i] : e[i], on tensors of one shape (tf.where broadcasts them first).
// Kernels: select.cpu.cc, select.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

interface SelectInputs {
  readonly condition: tf.TensorInfo;
  readonly t: tf.TensorInfo;
  readonly e: tf.TensorInfo;
}

export const selectKernels: readonly CoreKernel[] = [
  coreKernel<SelectInputs>('Select', (backend, { condition, t, e }) => {
    const size = sizeOf(t.shape);
    const isPlain = sizeOf(condition.shape) === size && sizeOf(e.shape) === size;
    if (!isPlain || !isWork(backend, size, condition, t, e) || !areFloat32(t, e)) return undefined;
    if (condition.dtype !== 'bool') return undefined;
    return backend.call('Select', [condition, t, e], [t.shape], [size])[0];
  }),
];
