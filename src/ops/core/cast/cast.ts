// Cast of int32 or bool to float32. TF.js's own kernel relabels the integers, and then no kernel of the addon could take
// the result. A cast that changes nothing shares its input's data, wherever that lies.
// Kernels: cast.cpu.cc, cast.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

export const castKernels: readonly CoreKernel[] = [
  coreKernel<{ x: tf.TensorInfo }, { dtype: tf.DataType }>('Cast', (backend, { x }, { dtype }) => {
    if (x.dtype === dtype && dtype !== 'complex64' && dtype !== 'string') {
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype };
    }
    const size = sizeOf(x.shape);
    if (dtype !== 'float32' || (x.dtype !== 'int32' && x.dtype !== 'bool') || !isWork(backend, size, x))
      return undefined;
    return backend.call('Cast', [x], [x.shape], [size])[0];
  }),
];
