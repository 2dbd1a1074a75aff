import { expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { WINDOW, zScore } from '../../src/train/outlier.js';

const normal = (n: number): number[] => {
  const values = new Float32Array(n);
  new Random(1, Stream.test).fillNormal(values, 1);
  return [...values];
};

test('null while the window fills, then the distance from its mean in standard deviations', () => {
  const recent: number[] = [];
  const values = normal(WINDOW + 50);
  const scores = values.map((v) => zScore(recent, 3 + 0.1 * v));
  expect(scores.slice(0, WINDOW - 1).every((s) => s === null)).toBe(true);
  for (let i = WINDOW - 1; i < values.length; i++) {
    const window = values.slice(i - WINDOW + 1, i + 1);
    const mean = window.reduce((a, b) => a + b, 0) / WINDOW;
    const std = Math.sqrt(window.reduce((a, b) => a + (b - mean) ** 2, 0) / WINDOW);
    expect(scores[i]).toBeCloseTo((values[i]! - mean) / std, 9);
  }
});

test('a spike stands out, and equal values have none', () => {
  const recent: number[] = [];
  for (const v of normal(300)) expect(Math.abs(zScore(recent, v) ?? 0)).toBeLessThan(4.5);
  expect(zScore(recent, 30)!).toBeGreaterThan(8);
  const flat: number[] = [];
  expect(Array.from({ length: 200 }, () => zScore(flat, 2)).at(-1)).toBe(0);
  expect(flat.length).toBe(WINDOW);
});
