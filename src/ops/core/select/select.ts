// Select: y[i] = condition[i] ? t[i] : e[i], on tensors of one shape (tf.where broadcasts them first).
// Kernels: select.cpu.cc. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isLarge, sizeOf } from '../core_kernel.js';

interface SelectInputs {
  readonly condition: tf.TensorInfo;
  readonly t: tf.TensorInfo;
  readonly e: tf.TensorInfo;
}

export const selectKernels: readonly CoreKernel[] = [
  coreKernel<SelectInputs>('Select', (backend, { condition, t, e }) => {
    const size = sizeOf(t.shape);
    const isPlain = sizeOf(condition.shape) === size && sizeOf(e.shape) === size;
    if (!isPlain || !isLarge(size) || !areFloat32(t, e)) return undefined;
    if (condition.dtype !== 'bool' || !(backend.physical(condition) instanceof Uint8Array)) return undefined;
    return backend.call('Select', [condition, t, e], [t.shape], [size])[0];
  }),
];
