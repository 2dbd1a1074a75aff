// Sum, Mean, Prod, Max and Min of a float32 tensor over any axes.
//
// The shape is seen as runs of neighbouring axes that are all reduced or all kept. Each reduced run is one call:
// (outer, reduce, inner) -> (outer, inner). Usually there is one. Max and Min are NaN where an element is.
// Kernels: reduce.cpu.cc, reduce.cuda.cu. Test: test/ops/core/core.test.ts.

import { tf } from '../../../base/tf.js';
import { areFloat32, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

/** A run of axes: their number of elements, and whether they are reduced. */
interface Run {
  size: number;
  readonly reduced: boolean;
}

function runsOf(shape: readonly number[], axes: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const reduced = axes.includes(axis);
    const last = runs.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else runs.push({ size, reduced });
  }
  return runs;
}

type Axes = number | number[];

/** Max names its axes otherwise than the rest. */
interface ReductionAttrs {
  readonly axis?: Axes;
  readonly reductionIndices?: Axes;
  readonly keepDims?: boolean;
}

const reduction = (name: string): CoreKernel =>
  coreKernel<{ x: tf.TensorInfo }, ReductionAttrs>(name, (backend, { x }, { axis, reductionIndices, keepDims }) => {
    if (!isWork(backend, sizeOf(x.shape), x) || !areFloat32(x)) return undefined;
    const axes = tf.util.parseAxisParam((axis ?? reductionIndices)!, x.shape);
    const [kept, reducedShape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
    const runs = runsOf(x.shape, axes);
    if (!runs.some(({ reduced }) => reduced)) runs.push({ size: 1, reduced: true }); // still a copy
    let result = x;
    while (runs.some(({ reduced }) => reduced)) {
      const at = runs.findIndex(({ reduced }) => reduced);
      const outer = runs[at - 1]?.size ?? 1;
      const inner = runs.slice(at + 1).reduce((n, { size }) => n * size, 1);
      const reduce = runs[at]!.size;
      runs.splice(at, 1);
      if (at > 0 && at < runs.length) runs.splice(at - 1, 2, { size: outer * runs[at]!.size, reduced: false });
      const isLast = !runs.some(({ reduced }) => reduced);
      const count = isLast ? sizeOf(reducedShape) : 1; // what Mean divides by
      const outShape = isLast ? shape : [outer, inner];
      const [next] = backend.call(name, [result], [outShape], [outer, reduce, inner, count]);
      if (result !== x) backend.disposeIntermediateTensorInfo(result);
      result = next!;
    }
    return result;
  });

export const reduceKernels: readonly CoreKernel[] = ['Sum', 'Mean', 'Prod', 'Min', 'Max'].map(reduction);
