import { describe, expect, test } from 'vitest';
import { type DType, toBfloat16, toFloat16, toFloat32 } from '../../src/base/array.js';

const back = (dtype: DType, halves: Uint16Array<ArrayBuffer>) =>
  toFloat32({ dtype, shape: [halves.length], bytes: new Uint8Array(halves.buffer) });
/** All 65,536 bit patterns. */
const ALL = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe.each([
  ['F16', toFloat16, 0x7c00],
  ['BF16', toBfloat16, 0x7f80],
] as const)('%s', (dtype, encode, infinity) => {
  test('every number comes back as the same bits, NaN as NaN', () => {
    const again = encode(back(dtype, ALL));
    const wrong = [...ALL].filter((bits) => {
      const isNan = (bits & 0x7fff) > infinity;
      return isNan ? !((again[bits]! & 0x7fff) > infinity) : again[bits] !== bits;
    });
    expect(wrong).toEqual([]);
  });

  test('rounds to nearest, ties to even', () => {
    const positive = ALL.subarray(0, infinity); // in ascending order of value
    const values = back(dtype, positive.slice());
    for (let i = 0; i + 1 < positive.length; i += 7) {
      const [low, high] = [values[i]!, values[i + 1]!];
      const tie = (low + high) / 2;
      const [below, above] = [low + (high - low) * 0.49, low + (high - low) * 0.51];
      const even = i % 2 === 0 ? i : i + 1;
      const found = [...encode(Float32Array.of(below, tie, above, -below, -tie))];
      // below the smallest bfloat16 the tie itself is a number of float32, the quarters may not be
      if (tie < 1e-37) expect(found[1]).toBe(even);
      else expect(found).toEqual([i, even, i + 1, 0x8000 | i, 0x8000 | even]);
    }
  });

  test('zero keeps its sign, infinity stays', () => {
    const values = Float32Array.of(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect([...encode(values)]).toEqual([0, 0x8000, infinity, 0x8000 | infinity]);
  });
});

test('binary16 ends at 65,504', () => {
  expect([...toFloat16(Float32Array.of(65504, 65519, 65520, 1e30))]).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00]);
});

test('a view of a larger array is read where it lies', () => {
  const values = Float32Array.of(1, 2, 3, 4);
  expect([...toBfloat16(values.subarray(2))]).toEqual([0x4040, 0x4080]);
});
