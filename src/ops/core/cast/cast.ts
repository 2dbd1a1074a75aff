// Cast of int32 or bool to float32. TF.js's own kernel relabels the integers, and then no kernel of the addon could take
// the result.
// Kernels: cast.cpu.cc. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { type CoreKernel, coreKernel, isLarge, sizeOf } from '../core_kernel.js';

export const castKernels: readonly CoreKernel[] = [
  coreKernel<{ x: tf.TensorInfo }, { dtype: tf.DataType }>('Cast', (backend, { x }, { dtype }) => {
    const size = sizeOf(x.shape);
    if (dtype !== 'float32' || (x.dtype !== 'int32' && x.dtype !== 'bool') || !isLarge(size)) return undefined;
    const values = backend.physical(x);
    if (!(values instanceof Int32Array || values instanceof Uint8Array)) return undefined;
    return backend.call('Cast', [x], [x.shape], [size])[0];
  }),
];
