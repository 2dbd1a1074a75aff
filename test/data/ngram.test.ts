import { expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { baselines } from '../../src/data/ngram.js';
import type { TokenSource } from '../../src/data/token_file.js';

const sourceOf = (ids: ArrayLike<number>): TokenSource => ({
  length: ids.length,
  bytes: null,
  read: (offset, count) => Int32Array.from({ length: count }, (_, i) => ids[offset + i]!),
  close() {},
});

/** Interpolated Kneser-Ney written down directly, with strings and Maps. */
function slowFiveGram(train: number[], val: number[], V: number): number {
  const raw = Array.from({ length: 6 }, () => new Map<string, number>());
  for (let i = 0; i < train.length; i++) {
    for (let k = 1; k <= 5 && i - k + 1 >= 0; k++) {
      const gram = train.slice(i - k + 1, i + 1).join();
      raw[k]!.set(gram, (raw[k]!.get(gram) ?? 0) + 1);
    }
  }
  const counts = raw.map((grams, k) => {
    if (k === 5) return grams;
    const before = new Map<string, number>();
    for (const longer of raw[k + 1]?.keys() ?? []) {
      const gram = longer.slice(longer.indexOf(',') + 1);
      before.set(gram, (before.get(gram) ?? 0) + 1);
    }
    return before;
  });
  const discount = counts.map((grams) => {
    const n = (c: number) => [...grams.values()].filter((x) => x === c).length;
    return n(1) > 0 && n(2) > 0 ? n(1) / (n(1) + 2 * n(2)) : 0.5;
  });
  const p = (k: number, history: number[], w: number): number => {
    if (k === 0) return 1 / V;
    const shorter = p(k - 1, history.slice(1), w);
    const children = Array.from({ length: V }, (_, id) => counts[k]!.get([...history, id].join()) ?? 0);
    const total = children.reduce((a, b) => a + b, 0);
    if (total === 0) return shorter;
    const types = children.filter((c) => c > 0).length;
    return (Math.max(children[w]! - discount[k]!, 0) + discount[k]! * types * shorter) / total;
  };
  let nats = 0;
  for (let i = 0; i < val.length; i++) {
    const k = Math.min(5, i + 1);
    nats -= Math.log(p(k, val.slice(i - k + 1, i), val[i]!));
  }
  return nats / val.length;
}

function markov(n: number, V: number, seed: number): number[] {
  const random = new Random(seed, Stream.test);
  const ids = [0];
  while (ids.length < n) ids.push(random.below(4) > 0 ? (ids.at(-1)! * 3 + 1) % V : random.below(V));
  return ids;
}

test('equals the formula written down directly', () => {
  const V = 7;
  const train = markov(400, V, 1);
  const val = markov(120, V, 2);
  expect(baselines(sourceOf(train), sourceOf(val), V).five_gram).toBeCloseTo(slowFiveGram(train, val, V), 10);
});

test('the unigram loss is that of smoothed frequencies', () => {
  const { unigram } = baselines(sourceOf([0, 0, 0, 1]), sourceOf([0, 1, 2]), 3);
  expect(unigram).toBeCloseTo(-(Math.log(4 / 7) + Math.log(2 / 7) + Math.log(1 / 7)) / 3, 12);
});

test('context helps where there is some, and costs little where there is none', () => {
  const V = 50;
  const structured = baselines(sourceOf(markov(60_000, V, 3)), sourceOf(markov(5_000, V, 4)), V);
  expect(structured.five_gram).toBeLessThan(structured.unigram - 1.5);
  const random = new Random(5, Stream.test);
  const noise = Array.from({ length: 60_000 }, () => random.below(V));
  const { unigram, five_gram } = baselines(sourceOf(noise.slice(5_000)), sourceOf(noise.slice(0, 5_000)), V);
  expect(unigram).toBeCloseTo(Math.log(V), 1);
  expect(five_gram).toBeLessThan(Math.log(V) + 0.6);
  expect(five_gram).toBeGreaterThan(Math.log(V) - 0.05);
});

test('reads no more tokens than it is told', () => {
  const reads: number[] = [];
  const source: TokenSource = {
    length: 1e12,
    bytes: null,
    read: (_, count) => {
      reads.push(count);
      return new Int32Array(count);
    },
    close() {},
  };
  baselines(source, source, 2, { maxTrain: 1000, maxVal: 10 });
  expect(reads).toEqual([1000, 10]);
});
