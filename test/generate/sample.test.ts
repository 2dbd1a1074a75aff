// sampleToken against plain definitions of GPT-2's sample.py.

import { expect, test } from 'vitest';
import { argmax, type SamplingOptions, sampleToken } from '../../src/generate/sample.js';

const LOGITS = Float32Array.of(1.5, -2, 0.25, 3, 2.75, -0.5, 1, 2.5, -4, 0);
const ALL: SamplingOptions = { temperature: 1, topK: 0, topP: 1, seed: 7 };

/** softmax(logits / temperature), in float64. */
function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const e = Array.from(logits, (x) => Math.exp(x / temperature));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

/** The distribution that sample.py draws from: temperature, then top_k_logits, then top_p_logits. */
function distribution({ temperature, topK, topP }: SamplingOptions): number[] {
  let logits = Array.from(LOGITS, (x) => x / temperature);
  if (topK > 0) {
    const least = [...logits].sort((a, b) => b - a)[topK - 1]!;
    logits = logits.map((x) => (x < least ? -1e10 : x));
  }
  const sorted = [...logits].sort((a, b) => b - a);
  let cumulative = 0;
  const within = softmax(sorted).filter((p) => {
    cumulative += p;
    return cumulative <= topP;
  }).length;
  const least = sorted[Math.max(within - 1, 0)]!;
  return softmax(logits.map((x) => (topP < 1 && x < least ? -1e10 : x)));
}

/** Shares of n draws. */
function frequencies(options: SamplingOptions, n: number): number[] {
  const counts = new Array<number>(LOGITS.length).fill(0);
  for (let i = 0; i < n; i++) counts[sampleToken(LOGITS, options, i >> 10, i & 1023)]!++;
  return counts.map((c) => c / n);
}

test.each<[string, Partial<SamplingOptions>]>([
  ['all', {}],
  ['cold', { temperature: 0.5 }],
  ['hot', { temperature: 2 }],
  ['top-k 3', { topK: 3 }],
  ['top-k beyond the vocabulary', { topK: 100 }],
  ['top-p 0.9', { topP: 0.9 }],
  ['top-p 0.5', { topP: 0.5 }],
  ['top-p 0.01: the likeliest one', { topP: 0.01 }],
  ['all three', { temperature: 1.5, topK: 6, topP: 0.8 }],
])('%s', (_, some) => {
  const options = { ...ALL, ...some };
  const want = distribution(options);
  const n = 20_000;
  const got = frequencies(options, n);
  expect(got.filter((f, i) => f > 0 && want[i]! < 1e-9)).toEqual([]); // none that is cut off
  const chi2 = want.reduce((sum, p, i) => (n * p > 5 ? sum + (n * (got[i]! - p) ** 2) / p : sum), 0);
  expect(chi2).toBeLessThan(27.9); // 0.1 % of the chi-square distribution with 9 degrees of freedom
});

test('temperature 0 and top-k 1 take the likeliest token, the first of equals', () => {
  for (let i = 0; i < 100; i++) {
    expect(sampleToken(LOGITS, { ...ALL, temperature: 0 }, 0, i)).toBe(3);
    expect(sampleToken(LOGITS, { ...ALL, topK: 1 }, 0, i)).toBe(3);
  }
  expect(argmax([1, 5, 5, 2])).toBe(1);
});

test('extreme logits neither overflow nor starve', () => {
  const extreme = Float32Array.of(-3e4, 3e4, 2.9e4, -1e30);
  expect(sampleToken(extreme, { ...ALL, temperature: 0.01 }, 0, 0)).toBe(1);
  expect(sampleToken(extreme, { ...ALL, topP: 0.9 }, 0, 0)).toBe(1);
});

test('a draw is a function of seed, sample and position', () => {
  const draws = (seed: number, sample: number) =>
    Array.from({ length: 64 }, (_, position) => sampleToken(LOGITS, { ...ALL, seed }, sample, position));
  expect(draws(7, 0)).toEqual(draws(7, 0));
  expect(draws(8, 0)).not.toEqual(draws(7, 0));
  expect(draws(7, 1)).not.toEqual(draws(7, 0));
  expect(new Set(draws(7, 0)).size).toBeGreaterThan(3);
});
