import { describe, expect, test } from 'vitest';
import { permuted } from '../../src/data/permutation.js';
import { BatchStream, valWindows } from '../../src/data/stream.js';
import type { TokenSource } from '../../src/data/token_file.js';

/** The token at position i is i, so that a batch shows where it comes from. */
const counting = (length: number): TokenSource => ({
  length,
  bytes: null,
  read(offset, count) {
    if (offset < 0 || offset + count > length) throw new RangeError('outside');
    return Int32Array.from({ length: count }, (_, i) => offset + i);
  },
  close() {},
});

const T = 8;
const stream = (o: { length?: number; B?: number; seed?: number; rank?: number; world?: number } = {}) =>
  new BatchStream({
    source: counting(o.length ?? 1003),
    B: o.B ?? 4,
    T,
    seed: o.seed ?? 1,
    rank: o.rank ?? 0,
    world: o.world ?? 1,
  });

describe('permuted', () => {
  test.each([1, 2, 3, 5, 16, 17, 1000, 65_537])('is a permutation of 0 .. %d-1', (n) => {
    const seen = new Set(Array.from({ length: n }, (_, i) => permuted(i, n, 7, 3)));
    expect(seen.size).toBe(n);
    expect(Math.min(...[...seen].slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect([...seen].every((i) => i < n)).toBe(true);
  });

  test('differs by seed and epoch, and mixes', () => {
    const n = 4096;
    const order = (seed: number, epoch: number) => Array.from({ length: n }, (_, i) => permuted(i, n, seed, epoch));
    const base = order(1, 0);
    for (const other of [order(2, 0), order(1, 1), order(1 + 2 ** 40, 0)]) {
      const same = other.filter((to, i) => to === base[i]).length;
      expect(same).toBeLessThan(12); // expected: 1
    }
    // Mean of |p(i+1) - p(i)| is n/3 for a random order, 1 for none.
    let jump = 0;
    for (let i = 1; i < n; i++) jump += Math.abs(base[i]! - base[i - 1]!);
    expect(jump / n / n).toBeGreaterThan(0.31);
    expect(jump / n / n).toBeLessThan(0.36);
  });

  test('works on ranges too large for a table', () => {
    const n = 4_000_000_007 - 2 ** 26;
    const to = Array.from({ length: 100 }, (_, i) => permuted(i, n, 1, 0));
    expect(new Set(to).size).toBe(100);
    expect(to.every((i) => i >= 0 && i < n)).toBe(true);
    expect(Math.max(...to)).toBeGreaterThan(2 ** 31);
  });
});

describe('BatchStream', () => {
  test('y is what follows x, on a ring', () => {
    const batches = Array.from({ length: 200 }, (_, step) => stream().batchAt(step));
    expect(batches[0]).toMatchObject({ B: 4, T });
    const wrong = batches.flatMap(({ x, y }) => [...x].filter((id, i) => y[i] !== (id + 1) % 1003));
    expect(wrong).toEqual([]);
    const broken = batches.flatMap(({ x }) => [...x].filter((id, i) => i % T > 0 && id !== (x[i - 1]! + 1) % 1003));
    expect(broken).toEqual([]);
  });

  test('is a function of the seed and the number of the micro-batch', () => {
    const one = stream();
    for (let step = 0; step < 50; step++) one.batchAt(2 * step);
    expect(one.batchAt(35)).toEqual(stream().batchAt(35));
    expect(one.batchAt(35)).not.toEqual(stream({ seed: 2 }).batchAt(35));
    expect(one.batchAt(35)).not.toEqual(one.batchAt(34));
  });

  test('visits every window once an epoch, elsewhere in each', () => {
    const s = stream();
    expect(s.windows).toBe(125);
    const epoch = (e: number) => Array.from({ length: 125 }, (_, i) => s.startOf(e * 125 + i));
    const coverage: number[][] = [];
    for (const e of [0, 1, 2, 7]) {
      const starts = epoch(e);
      const covered = new Set(starts.flatMap((start) => Array.from({ length: T }, (_, t) => (start + t) % 1003)));
      expect(covered.size).toBe(1000);
      coverage.push(starts);
    }
    expect(coverage[0]).not.toEqual(coverage[1]);
    const offsets = coverage.map((starts) => new Set(starts.map((start) => start % T)).size);
    expect(offsets.every((n) => n <= 4)).toBe(true); // one offset, and those behind the end of the ring
    expect(new Set(coverage.map((starts) => [...starts].sort((a, b) => a - b).join())).size).toBe(4);
  });

  test('any division into ranks and micro-batches sees the same sequences in a step', () => {
    const of = (B: number, micros: number, world: number, step: number): number[] => {
      const firsts: number[] = [];
      for (let rank = 0; rank < world; rank++) {
        const s = stream({ B, rank, world });
        for (let micro = 0; micro < micros; micro++) {
          const { x } = s.batchAt(step * micros + micro);
          for (let b = 0; b < B; b++) firsts.push(x[b * T]!);
        }
      }
      return firsts.sort((a, b) => a - b);
    };
    for (const step of [0, 9, 40]) {
      const whole = of(12, 1, 1, step);
      expect(new Set(whole).size).toBe(12);
      for (const [B, micros, world] of [
        [4, 3, 1],
        [2, 6, 1],
        [2, 2, 3],
        [1, 3, 4],
        [6, 1, 2],
      ] as const) {
        expect(of(B, micros, world, step)).toEqual(whole);
      }
    }
  });

  test('counts epochs', () => {
    expect(stream({ B: 5 }).epochOf(25)).toBe(1);
    expect(stream({ B: 5, world: 2 }).epochOf(75)).toBe(6);
  });

  test('works with a single window, and not with less', () => {
    const s = stream({ length: T + 1, B: 2 });
    expect(s.windows).toBe(1);
    expect(s.batchAt(3).x.length).toBe(2 * T);
    expect(() => stream({ length: T })).toThrow(/internal/);
  });
});

describe('valWindows', () => {
  test('are disjoint, evenly spread, always the same, and all of them when allowed', () => {
    const source = counting(1003);
    const some = valWindows(source, T, 100);
    expect([some.windows, some.tokens]).toEqual([12, 96]);
    const batches = [...some.batches(5)];
    expect(batches.map((b) => b.B)).toEqual([5, 5, 2]);
    const firsts = batches.flatMap(({ x, B }) => Array.from({ length: B }, (_, b) => x[b * T]!));
    expect(firsts).toEqual([0, 80, 160, 248, 328, 416, 496, 576, 664, 744, 832, 912]);
    expect([...valWindows(source, T, 100).batches(5)]).toEqual(batches);
    const all = [...valWindows(source, T).batches(7)].flatMap(({ y }) => [...y]);
    expect(all).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(valWindows(source, T, 3).windows).toBe(1);
    expect(() => valWindows(counting(T), T)).toThrow(/internal/);
  });
});
