// Philox against the known answers of its authors, and the properties that the rest relies on.

import { describe, expect, test } from 'vitest';
import { philox, Random, Stream } from '../../src/base/rng.js';

// Random123's tests/kat_vectors, philox4x32 10: counter, key, result
const KNOWN = [
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
];
const words = (hex: string) => hex.split(' ').map((word) => Number.parseInt(word, 16));

test.each(KNOWN)('philox4x32-10 of %s under %s', (counter, key, result) => {
  const out = new Uint32Array(6);
  const [c0, c1, c2, c3] = words(counter!) as [number, number, number, number];
  const [k0, k1] = words(key!) as [number, number];
  philox(out, 1, c0, c1, c2, c3, k0, k1);
  expect([...out]).toEqual([0, ...words(result!), 0]);
});

describe('Random', () => {
  test('reads the blocks of (i, i >> 32, substream, stream) under (seed, seed >> 32) in order', () => {
    const seed = 2 ** 40 + 5;
    const random = new Random(seed, Stream.test, 9);
    const want = new Uint32Array(12);
    for (let block = 0; block < 3; block++) philox(want, 4 * block, block, 0, 9, Stream.test, 5, 256);
    expect(Array.from({ length: 12 }, () => random.u32())).toEqual([...want]);
  });

  test('another seed, stream or substream is another sequence', () => {
    const first = (r: Random) => [r.u32(), r.u32()].join();
    const sequences = [
      new Random(1, Stream.init, 0),
      new Random(2, Stream.init, 0),
      new Random(1 + 2 ** 32, Stream.init, 0),
      new Random(1, Stream.dropout, 0),
      new Random(1, Stream.init, 1),
    ].map(first);
    expect(new Set(sequences).size).toBe(sequences.length);
    expect(first(new Random(1, Stream.init, 0))).toBe(sequences[0]);
  });

  test('uniform() lies in [0, 1), is exact in float32, and has the mean and variance of its distribution', () => {
    const random = new Random(7, Stream.test);
    const x = Array.from({ length: 100_000 }, () => random.uniform());
    const mean = x.reduce((a, b) => a + b) / x.length;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
    expect(x.every((v) => v >= 0 && v < 1 && Math.fround(v) === v)).toBe(true);
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.003);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001);
  });

  test('fillNormal() has mean 0, variance std^2, no skew, kurtosis 3, and no correlation of neighbours', () => {
    const x = new Float32Array(100_000);
    new Random(8, Stream.test).fillNormal(x, 2);
    const mean = (f: (i: number) => number) => x.reduce((total, _, i) => total + f(i), 0) / x.length;
    expect(x.every(Number.isFinite)).toBe(true);
    expect(Math.abs(mean((i) => x[i]! / 2))).toBeLessThan(0.01);
    expect(Math.abs(mean((i) => (x[i]! / 2) ** 2) - 1)).toBeLessThan(0.015);
    expect(Math.abs(mean((i) => (x[i]! / 2) ** 3))).toBeLessThan(0.04);
    expect(Math.abs(mean((i) => (x[i]! / 2) ** 4) - 3)).toBeLessThan(0.15);
    expect(Math.abs(mean((i) => (x[i]! * x[(i + 1) % x.length]!) / 4))).toBeLessThan(0.012);
  });

  test('fillNormal() of an odd length is the beginning of a longer one', () => {
    const [short, long] = [new Float32Array(7), new Float32Array(8)];
    new Random(8, Stream.test).fillNormal(short, 1);
    new Random(8, Stream.test).fillNormal(long, 1);
    expect([...short]).toEqual([...long.subarray(0, 7)]);
  });

  test('below(n) is uniform, for n that do not divide 2^32 too', () => {
    const random = new Random(9, Stream.test);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
    expect(counts.every((count) => Math.abs(count - 10_000) < 400)).toBe(true); // 4 standard deviations
    const large = Array.from({ length: 1000 }, () => random.below(3 * 2 ** 30));
    expect(large.every((x) => x >= 0 && x < 3 * 2 ** 30)).toBe(true);
    expect(random.below(1)).toBe(0);
  });

  test('permutation(n) holds every index once, and every index comes first equally often', () => {
    const random = new Random(10, Stream.test);
    expect([...random.permutation(1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(random.permutation(0).length).toBe(0);
    const first = new Array<number>(5).fill(0);
    for (let i = 0; i < 10_000; i++) first[random.permutation(5)[0]!]!++;
    expect(first.every((count) => Math.abs(count - 2000) < 160)).toBe(true); // 4 standard deviations
  });
});
