import { describe, expect, test } from 'vitest';
import { Mixture } from '../../src/data/mixture.js';
import { BatchStream } from '../../src/data/stream.js';
import type { TokenSource } from '../../src/data/token_file.js';

/** Tokens from `first` on, one after the other: an id tells where it stands. */
const source = (length: number, first: number): TokenSource => ({
  length,
  bytes: null,
  read: (offset, count) => Int32Array.from({ length: count }, (_, i) => first + offset + i),
  close: () => {},
});

// GPT-3, table 2.2: Common Crawl, WebText2, Books1, Books2, Wikipedia. The paper's shares sum to 101 %.
const GPT3 = [60, 22, 8, 8, 3];

describe.each([[GPT3], [[1, 1]], [[3, 1]], [[0.001, 1]], [[1, 2, 4, 8, 1000]], [[5]]])('weights %j', (weights) => {
  const n = 20_000;
  const total = weights.reduce((a, b) => a + b);
  const mixture = new Mixture(weights, 42);
  const draws = Array.from({ length: n }, (_, s) => mixture.at(s));

  test('are the shares of the sequences, everywhere', () => {
    const block = Math.max(64, Math.ceil(total / Math.min(...weights)));
    for (const upTo of [block, 3 * block, Math.floor(n / block) * block].filter((s) => s > 0 && s <= n)) {
      for (const [corpus, weight] of weights.entries()) {
        const count = draws.slice(0, upTo).filter((draw) => draw.corpus === corpus).length;
        expect(Math.abs(count - (upTo * weight) / total)).toBeLessThanOrEqual(1);
      }
    }
  });

  test('each corpus gives its sequences 0, 1, 2 ... in order, none twice', () => {
    for (const corpus of weights.keys()) {
      const indices = draws.filter((draw) => draw.corpus === corpus).map(({ index }) => index);
      expect(indices).toEqual(indices.map((_, i) => i));
    }
  });

  test('a sequence is the same whatever was asked for before', () => {
    for (const s of [0, 1, 63, 64, 65, 9_999, 19_999]) expect(new Mixture(weights, 42).at(s)).toEqual(draws[s]);
    expect(new Mixture(weights, 42).at(3_000_000_000).index).toBeGreaterThanOrEqual(0);
  });

  test('counts', () => {
    for (const upTo of [0, 1, 64, 100, 12_345]) {
      const counts = weights.map((_, corpus) => draws.slice(0, upTo).filter((draw) => draw.corpus === corpus).length);
      expect(mixture.counts(upTo)).toEqual(counts);
    }
  });
});

test('another seed gives another order', () => {
  const order = (seed: number) => Array.from({ length: 64 }, (_, s) => new Mixture([1, 1], seed).at(s).corpus).join('');
  expect(order(1)).not.toBe(order(2));
});

describe('batches', () => {
  const T = 8;
  const small = source(100, 0);
  const large = source(1000, 10_000);
  const mix = [
    { source: small, weight: 3 },
    { source: large, weight: 1 },
  ];
  const options = { source: small, mix, T, seed: 5 };

  test('windows are those that each corpus alone would give, in its order', () => {
    const mixed = new BatchStream({ ...options, B: 64 });
    const rows = [0, 1].flatMap((micro) => {
      const { x } = mixed.batchAt(micro);
      return Array.from({ length: 64 }, (_, b) => [...x.subarray(b * T, (b + 1) * T)]);
    });
    for (const [corpus, isOwn] of [
      [small, (row: number[]) => row[0]! < 10_000],
      [large, (row: number[]) => row[0]! >= 10_000],
    ] as const) {
      const own = rows.filter(isOwn);
      const alone = new BatchStream({ source: corpus, B: own.length, T, seed: 5 }).batchAt(0).x;
      expect(own.flat()).toEqual([...alone]);
    }
    expect(rows.filter((row) => row[0]! < 10_000).length).toBe(96); // 3/4 of 128
    expect(mixed.epochsOf(2)).toEqual([96 / 12, 32 / 124]);
    expect(mixed.epochTokens).toBe(1100);
  });

  test('any division into ranks and micro-batches, and a resume, see the same sequences', () => {
    const whole = new BatchStream({ ...options, B: 24 });
    const bySteps = Array.from({ length: 5 }, (_, i) => [...whole.batchAt(i).x]).flat();
    const ranks = [0, 1].map((rank) => new BatchStream({ ...options, B: 4, rank, world: 2 }));
    const divided = Array.from({ length: 15 }, (_, i) => ranks.map((rank) => [...rank.batchAt(i).x])).flat(2);
    expect(divided).toEqual(bySteps);
    const resumed = new BatchStream({ ...options, B: 24 });
    expect(resumed.batchAt(3)).toEqual(whole.batchAt(3));
  });

  test('one corpus of any weight is no mixture', () => {
    const one = new BatchStream({ ...options, mix: [{ source: large, weight: 0.3 }], B: 16 });
    const none = new BatchStream({ source: large, T, seed: 5, B: 16 });
    for (const micro of [0, 1, 7, 100]) expect(one.batchAt(micro)).toEqual(none.batchAt(micro));
    expect([one.windows, one.epochTokens, one.epochOf(9)]).toEqual([none.windows, none.epochTokens, none.epochOf(9)]);
  });
});
