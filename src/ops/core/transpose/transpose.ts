// Transpose of a float32 tensor by any permutation of its axes.
//
// Axes that stay neighbours are merged and those of size 1 dropped first. What moves no element shares x's buffer.
// Kernels: transpose.cpu.cc, transpose.cuda.cu. Test: test/ops/core/core.test.ts.

import type { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

/** Sizes of the result's axes and the input's strides along them, merged, from outer to inner. */
function mergedAxes(shape: readonly number[], perm: readonly number[]): { size: number; stride: number }[] {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const axes: { size: number; stride: number }[] = [];
  for (const axis of perm) {
    const size = shape[axis]!;
    const stride = strides[axis]!;
    if (size === 1) continue;
    const last = axes.at(-1);
    if (last?.stride === stride * size) axes[axes.length - 1] = { size: last.size * size, stride };
    else axes.push({ size, stride });
  }
  return axes;
}

export const transposeKernels: readonly CoreKernel[] = [
  coreKernel<{ x: tf.TensorInfo }, { perm: number[] }>('Transpose', (backend, { x }, { perm }) => {
    const size = sizeOf(x.shape);
    if (!isWork(backend, size, x) || !areFloat32(x)) return undefined;
    const shape = perm.map((axis) => x.shape[axis]!);
    const axes = mergedAxes(x.shape, perm);
    if (axes.length < 2) {
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape, dtype: x.dtype };
    }
    const numbers = axes.flatMap(({ size: n, stride }) => [n, stride]);
    return backend.call('Transpose', [x], [shape], [size, axes.length, ...numbers])[0];
  }),
];
