// Rows by index, and sums of rows by index: GatherV2 and UnsortedSegmentSum, its gradient.
//
//   GatherV2            y (batch, outer, I, slice) = x (batch, outer, indices (batch, I), slice)
//   UnsortedSegmentSum  y (S, slice): row s is the sum of the rows n of x (N, slice) with ids[n] = s, in their order
//
// Indices are int32. An index outside x throws; an id outside [0, S) is left out: both as in TF.js. On a GPU, whose
// results are not waited for, such an index gives a row of NaN.
// Kernels: gather.cpu.cc, gather.cuda.cu. Test: test/ops/core/core.test.ts.

import { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

const gather = coreKernel<{ x: tf.Tensor; indices: tf.Tensor }, { axis: number; batchDims?: number | null }>(
  'GatherV2',
  (backend, { x, indices }, { axis, batchDims }) => {
    if (!areFloat32(x) || indices.dtype !== 'int32') return undefined;
    const [alongAxis] = tf.util.parseAxisParam(axis, x.shape) as [number];
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, alongAxis, batchDims ?? 0);
    if (sizeOf(x.shape) === 0 || !isWork(backend, sizeOf(outputShape), x, indices)) return undefined;
    const perBatch = sizeOf(indices.shape) / batchSize;
    const numbers = [batchSize, outerSize, dimSize, sliceSize, perBatch];
    return backend.call('GatherV2', [x, indices], [outputShape], numbers)[0];
  },
);

const segmentSum = coreKernel<{ x: tf.TensorInfo; segmentIds: tf.TensorInfo }, { numSegments: number }>(
  'UnsortedSegmentSum',
  (backend, { x, segmentIds: ids }, { numSegments: segments }) => {
    const [N, ...slice] = x.shape as [number, ...number[]];
    const shape = [segments, ...slice];
    const isPlain = ids.shape.length === 1 && ids.shape[0] === N;
    if (!isPlain || !areFloat32(x) || ids.dtype !== 'int32') return undefined;
    // TF.js's own kernel takes one pass over x for each segment
    if (sizeOf(shape) === 0 || !isWork(backend, sizeOf(x.shape) * segments, x, ids)) return undefined;
    return backend.call('UnsortedSegmentSum', [x, ids], [shape], [N, segments, sizeOf(slice)])[0];
  },
);

export const gatherKernels: readonly CoreKernel[] = [gather, segmentSum];
