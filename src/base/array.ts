// Tensors outside TF.js, as safetensors files hold them: a dtype, a shape, and little-endian bytes in C order.
// Conversions to the typed arrays that the rest of gpt works with. The host is taken to be little-endian, as is every
// machine that Node is built for.

/** Element types of safetensors that gpt reads, in the order in which Hugging Face's library sorts them. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type DType = keyof typeof DTYPE_BYTES;

/** `bytes` starts at the beginning of its buffer, so that a view of any element type is aligned. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Number of elements; 1 for a scalar's shape []. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** A number of things, or a position. */
export const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

export const isCounts = (x: unknown): x is number[] => Array.isArray(x) && x.every(isCount);

/** F32 without a copy; F64 rounded to nearest; F16 and BF16 exactly. Any other dtype is a RangeError. */
export function toFloat32(tensor: HostTensor): Float32Array<ArrayBuffer> {
  const { buffer } = tensor.bytes;
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(buffer));
    case 'F16':
      return float16ToFloat32(new Uint16Array(buffer));
    default:
      throw new RangeError(`internal: ${tensor.dtype} is no floating-point dtype`);
  }
}

/** Like toFloat32(), without rounding F64. */
export function toFloat64(tensor: HostTensor): Float64Array<ArrayBuffer> {
  return tensor.dtype === 'F64' ? new Float64Array(tensor.bytes.buffer) : Float64Array.from(toFloat32(tensor));
}

/** I32 without a copy, I64 where every value fits. Any other dtype or value is a RangeError. */
export function toInt32(tensor: HostTensor): Int32Array<ArrayBuffer> {
  const { buffer } = tensor.bytes;
  if (tensor.dtype === 'I32') return new Int32Array(buffer);
  if (tensor.dtype !== 'I64') throw new RangeError(`internal: ${tensor.dtype} is no signed integer dtype`);
  return Int32Array.from(new BigInt64Array(buffer), (value) => {
    if (BigInt.asIntN(32, value) !== value) throw new RangeError(`internal: ${value} does not fit into 32 bits`);
    return Number(value);
  });
}

/** A bfloat16 is the upper half of a float32. */
function bfloat16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}

/** bfloat16 of each value: the upper half of the float32, rounded to nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNan = (b & 0x7fffffff) > 0x7f800000; // which rounding could make infinite
    halves[i] = isNan ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** binary16 of each value, rounded to nearest, ties to even; from 65,520 on it becomes infinite. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = float16Bits(bits[i]!);
  return halves;
}

function float16Bits(b: number): number {
  const sign = (b >>> 16) & 0x8000;
  const exponent = ((b >>> 23) & 0xff) - 127;
  if ((b & 0x7fffffff) > 0x7f800000) return sign | 0x7e00; // NaN
  if (exponent > 15) return sign | 0x7c00;
  if (exponent < -25) return sign; // below half of the smallest, 2^-24
  const normal = exponent >= -14;
  const shift = normal ? 13 : -1 - exponent; // bits that are lost
  const fraction = normal ? b & 0x7fffff : (b & 0x7fffff) | 0x800000;
  const kept = (normal ? (exponent + 15) << 10 : 0) + (fraction >>> shift);
  const lost = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (lost > half || (lost === half && (kept & 1) === 1) ? 1 : 0)); // a carry reaches the exponent
}
