// Dropout (Srivastava et al. 2014) with a counter-based mask.
//
//   y = x * mask / (1 - p),   mask[e] = 1 if u32(e) >= p 2^32 else 0
//
// u32(e) are the Philox numbers of counter (e / 4, step, site, Stream.dropout) under the seed: the mask is a function of
// (seed, step, site), the same on every backend, and recomputed in the backward pass instead of stored.
//
// x (any shape) -> y (same shape). Kernel: dropout.cpu.cc, dropout.cuda.cc. Test: test/ops/dropout.test.ts.

import { philox, Stream } from '../../base/rng.js';
import { tf } from '../../base/tf.js';
import { callKernel, defineFusedOp } from '../define.js';

/** Which numbers decide a mask. */
export interface Dropout {
  /** Probability that an element becomes zero, in [0, 1). */
  readonly p: number;
  readonly seed: number;
  /** Forward passes made so far: step * micro-batches + micro-batch. Below 2^32. */
  readonly step: number;
  /** Place in the model: no two masks of one pass share it. */
  readonly site: number;
}

/** Numbers that the kernels take: [threshold, scale, step, site, key0, key1]. */
export function maskAttrs({ p, seed, step, site }: Dropout): number[] {
  return [Math.round(p * 2 ** 32), 1 / (1 - p), step >>> 0, site, seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** mask / (1 - p) for n elements, on the host: the specification of native/philox.h. */
export function maskFactors(n: number, dropout: Dropout): Float32Array {
  const [threshold, scale, step, site, key0, key1] = maskAttrs(dropout) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const factors = new Float32Array(n);
  const block = new Uint32Array(4);
  for (let e = 0; e < n; e++) {
    if (e % 4 === 0) philox(block, 0, e / 4, step, site, Stream.dropout, key0, key1);
    factors[e] = block[e % 4]! >= threshold ? scale : 0;
  }
  return factors;
}

type DropoutInputs = { x: tf.Tensor };

const dropoutOp = defineFusedOp<DropoutInputs, Dropout>({
  name: 'GptDropout',
  check() {},
  composite: ({ x }, attrs) => [tf.mul(x, tf.tensor(maskFactors(x.size, attrs), x.shape))],
  forward: (backend, { x }, attrs) => backend.call('GptDropout', [x], [x.shape], [x.size, ...maskAttrs(attrs)]),
  save: { inputs: [] },
  backward(backend, [dy], _saved, attrs) {
    const [dx] = callKernel(backend, 'GptDropout', [dy!], [dy!.shape], [dy!.size, ...maskAttrs(attrs)]);
    return { x: dx };
  },
});

/** x with dropout; x itself where p is 0. */
export function dropout<T extends tf.Tensor>(x: T, attrs: Dropout): T {
  return attrs.p === 0 ? x : (dropoutOp({ x }, attrs)[0] as T);
}
dropout.op = dropoutOp.op;
