// Fill: a float32 tensor of one number, in recycled memory.
// Kernels: fill.cpu.cc, fill.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

interface FillAttrs {
  readonly shape: number[];
  readonly value: number | string;
  readonly dtype?: tf.DataType | null;
}

export const fillKernels: readonly CoreKernel[] = [
  coreKernel<unknown, FillAttrs>('Fill', (backend, _, { shape, value, dtype }) => {
    const size = sizeOf(shape);
    const isFloat = dtype === 'float32' || dtype == null; // TF.js takes a number for float32
    if (typeof value !== 'number' || !isFloat || !isWork(backend, size)) return undefined;
    return backend.call('Fill', [], [shape], [size, value])[0];
  }),
];
