// Broadcasting of two shapes, reduced to few dimensions: what broadcast.h walks through.
//
//   a (8,1,16,32), b (16,32)    ->  a: (8, 512) with strides (512, 1),  b: the same with strides (0, 1)

import { tf } from '../../base/tf.js';

/** Result shape, and per merged dimension its size and the strides of a and b in elements; 0 = repeated. */
export interface Broadcast {
  readonly shape: number[];
  /** (size, stride of a, stride of b) of each dimension, from outer to inner; at least one, possibly of size 1. */
  readonly dims: readonly (readonly [size: number, a: number, b: number])[];
}

/** Throws TF.js's own error where the shapes do not fit. */
export function broadcast(a: readonly number[], b: readonly number[]): Broadcast {
  const shape = tf.backend_util.assertAndGetBroadcastShape([...a], [...b]);
  const dims: [number, number, number][] = [];
  let strideA = 1;
  let strideB = 1;
  for (let i = 1; i <= shape.length; i++) {
    const size = shape.at(-i)!;
    const sizeA = a.at(-i) ?? 1;
    const sizeB = b.at(-i) ?? 1;
    if (size !== 1) {
      const own = [sizeA === 1 ? 0 : strideA, sizeB === 1 ? 0 : strideB] as const;
      const inner = dims[0];
      // continues the dimension inside it, if both tensors do
      if (inner !== undefined && own[0] === inner[0] * inner[1] && own[1] === inner[0] * inner[2]) inner[0] *= size;
      else dims.unshift([size, ...own]);
    }
    strideA *= sizeA;
    strideB *= sizeB;
  }
  if (dims.length === 0) dims.push([1, 0, 0]);
  return { shape, dims };
}
