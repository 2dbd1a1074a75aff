// What `gpt selftest` checks: one call of a kernel, and the numbers that it must give, computed in float64.
//
// A case knows nothing of the backend. The same cases run on a GPU, and in tests on the simulated driver, with every order
// of threads: test/cuda. A family of kernels has one file here: its cases, and the mathematics once more, as plainly as it
// can be written.

import { elements, toBfloat16, toFloat32 } from '../base/array.js';
import { Random, Stream } from '../base/rng.js';

/** An input, or what an updated output holds before the call. */
export interface CaseTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Stored as bfloat16 on the device; `values` are rounded already. */
  readonly bf16?: boolean;
}

/** One call of a kernel. */
export interface KernelCase {
  /** Its name in the addon. */
  readonly kernel: string;
  /** The sizes, in a few words. */
  readonly label: string;
  readonly inputs: readonly CaseTensor[];
  /** The shape of a new result, or a tensor to be updated in place. */
  readonly outputs: readonly (readonly number[] | { readonly update: CaseTensor })[];
  readonly attrs: readonly number[];
  /** What every output must hold, in their order, float64; undefined: any value. Not there: the case is only timed. */
  readonly expected?: () => readonly (Float64Array | undefined)[];
  /** Largest |got - want| / (1 + max |want|) of an output. */
  readonly tolerance: number;
  /** Bytes read and written, or floating-point operations: what its rate is computed from. */
  readonly bytes?: number;
  readonly operations?: number;
}

/** `small` runs on the simulated driver too: odd sizes, every edge. `large` is for a GPU: sizes of real models. */
export type CaseSize = 'small' | 'large';

let ordinal = 0;

/**
 * Standard normal numbers times `scale`, plus `shift`; other ones at each call. bf16: rounded, and stored so. They repeat
 * after 2^20: numbers for the large cases cost no time.
 */
export function normal(shape: readonly number[], bf16 = false, scale = 1, shift = 0): CaseTensor {
  const random = new Random(31, Stream.test, ordinal++);
  const values = new Float32Array(elements(shape));
  const drawn = values.subarray(0, 2 ** 20);
  random.fillNormal(drawn, scale);
  for (let at = drawn.length; at < values.length; at *= 2) values.copyWithin(at, 0, at);
  return tensor(
    shape,
    values.map((x) => x + shift),
    bf16,
  );
}

/** These numbers; bf16: rounded, and stored so. */
export function tensor(shape: readonly number[], values: Float32Array, bf16 = false): CaseTensor {
  if (!bf16) return { shape, values };
  const bytes = new Uint8Array(toBfloat16(values).buffer);
  return { shape, values: toFloat32({ dtype: 'BF16', shape: [values.length], bytes }), bf16 };
}

/** Uniform integers in [from, to). */
export function integers(shape: readonly number[], from: number, to: number): CaseTensor {
  const random = new Random(32, Stream.test, ordinal++);
  return { shape, values: Int32Array.from({ length: elements(shape) }, () => from + random.below(to - from)) };
}

/** Relative rounding of bfloat16 results: half a unit in the last of 8 bits, and some for sums of rounded numbers. */
export const BF16_TOLERANCE = 8e-3;
