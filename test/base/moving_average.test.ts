import { expect, test } from 'vitest';
import { MovingAverage } from '../../src/base/moving_average.js';

test('is debiased and skips what is not finite', () => {
  const constant = new MovingAverage(0.9);
  expect(constant.value).toBeNaN();
  expect([2, 2, Number.NaN, 2].map((x) => constant.add(x).toFixed(9))).toEqual(Array(4).fill('2.000000000'));
  const two = new MovingAverage(0.5);
  expect([two.add(1), two.add(2)]).toEqual([1, (0.5 * 1 + 2) / 1.5]);
  expect(two.add(Number.POSITIVE_INFINITY)).toBe(two.value);
});
