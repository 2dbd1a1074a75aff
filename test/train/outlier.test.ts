import { expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { WINDOW, ZScore } from '../../src/train/outlier.js';

const normal = (n: number): number[] => {
  const values = new Float32Array(n);
  new Random(1, Stream.test).fillNormal(values, 1);
  return [...values];
};

test('null while the window fills, then the distance from its mean in standard deviations', () => {
  const z = new ZScore();
  const values = normal(WINDOW + 50);
  const scores = values.map((v) => z.next(3 + 0.1 * v));
  expect(scores.slice(0, WINDOW - 1).every((s) => s === null)).toBe(true);
  for (let i = WINDOW - 1; i < values.length; i++) {
    const recent = values.slice(i - WINDOW + 1, i + 1);
    const mean = recent.reduce((a, b) => a + b, 0) / WINDOW;
    const std = Math.sqrt(recent.reduce((a, b) => a + (b - mean) ** 2, 0) / WINDOW);
    expect(scores[i]).toBeCloseTo((values[i]! - mean) / std, 9);
  }
});

test('a spike stands out, and equal values have none', () => {
  const z = new ZScore();
  for (const v of normal(300)) expect(Math.abs(z.next(v) ?? 0)).toBeLessThan(4.5);
  expect(z.next(30)!).toBeGreaterThan(8);
  const flat = new ZScore();
  expect(Array.from({ length: 200 }, () => flat.next(2)).at(-1)).toBe(0);
});
