// Softmax over the last axis: y = exp(x - max x) / sum of exp(x - max x).
//
// tf.logSoftmax has no kernel in TF.js 4: it is composed of Max, Sub, Exp, Sum and Log, which are core kernels too.
// Kernels: softmax.cpu.cc, softmax.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

export const softmaxKernels: readonly CoreKernel[] = [
  coreKernel<{ logits: tf.TensorInfo }, { dim: number }>('Softmax', (backend, { logits: x }, { dim }) => {
    const isLastAxis = dim === -1 || dim === x.shape.length - 1;
    const size = sizeOf(x.shape);
    if (!isLastAxis || x.shape.length === 0 || !isWork(backend, size, x) || !areFloat32(x)) return undefined;
    const C = x.shape.at(-1)!;
    return backend.call('Softmax', [x], [x.shape], [size / C, C])[0];
  }),
];
