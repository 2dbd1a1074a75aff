import { expect, test } from 'vitest';
import { TrainConfig } from '../../src/config/schema.js';
import { learningRate, totalSteps } from '../../src/train/schedule.js';

const config = (some: Partial<TrainConfig>): TrainConfig =>
  TrainConfig.parse({ learning_rate: 1, min_lr_ratio: 0.1, batch_tokens: 100, ...some });
const rates = (some: Partial<TrainConfig>, steps: readonly number[], maxSteps = 100): number[] =>
  steps.map((step) => Number(learningRate(config(some), step, maxSteps).toFixed(12)));

test('warm-up rises in equal steps to the peak and never starts at zero', () => {
  expect(rates({ warmup_steps: 4, lr_schedule: 'constant' }, [0, 1, 2, 3, 4, 99])).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  expect(rates({ warmup_tokens: 400, lr_schedule: 'constant' }, [0, 1, 2, 3, 4])).toEqual([0.25, 0.5, 0.75, 1, 1]);
});

test('cosine: peak, half-way, end', () => {
  expect(rates({ lr_schedule: 'cosine' }, [0, 50, 100, 200])).toEqual([1, 0.55, 0.1, 0.1]);
  expect(rates({ lr_schedule: 'cosine', warmup_steps: 20 }, [20, 60, 100])).toEqual([1, 0.55, 0.1]);
  const quarter = 0.1 + (0.9 * (1 + Math.cos(Math.PI / 4))) / 2;
  expect(rates({ lr_schedule: 'cosine' }, [25])[0]).toBeCloseTo(quarter, 10);
});

test('linear and constant', () => {
  expect(rates({ lr_schedule: 'linear' }, [0, 25, 50, 100, 150])).toEqual([1, 0.775, 0.55, 0.1, 0.1]);
  expect(rates({ lr_schedule: 'linear', min_lr_ratio: 0 }, [75, 100])).toEqual([0.25, 0]);
  expect(rates({ lr_schedule: 'constant' }, [0, 50, 100])).toEqual([1, 1, 1]);
});

test('the decay may end before the run, in steps or in tokens after the warm-up (GPT-3, appendix B)', () => {
  expect(rates({ lr_schedule: 'linear', lr_decay_steps: 50 }, [0, 25, 50, 99])).toEqual([1, 0.55, 0.1, 0.1]);
  const tokens = { lr_schedule: 'linear', warmup_tokens: 1000, lr_decay_tokens: 4000 } as const; // 10 and 40 steps
  expect(rates(tokens, [9, 10, 30, 50, 99])).toEqual([1, 1, 0.55, 0.1, 0.1]);
});

test('it never rises after the warm-up and never falls below the least rate', () => {
  for (const lr_schedule of ['cosine', 'linear'] as const) {
    const all = rates(
      { lr_schedule, warmup_steps: 7 },
      Array.from({ length: 120 }, (_, i) => i),
    );
    expect(Math.max(...all)).toBe(1);
    expect(all.slice(7).every((lr, i, rest) => i === 0 || lr <= rest[i - 1]!)).toBe(true);
    expect(Math.min(...all.slice(7))).toBeCloseTo(0.1, 12);
  }
});

test('a warm-up longer than the run', () => {
  expect(rates({ warmup_steps: 10, lr_schedule: 'cosine' }, [0, 4], 5)).toEqual([0.1, 0.5]);
});

test('the number of steps, from steps, tokens or epochs', () => {
  expect(totalSteps(config({ max_steps: 12 }), 1e6)).toBe(12);
  expect(totalSteps(config({ max_tokens: 1001 }), 1e6)).toBe(11); // at least that many tokens
  expect(totalSteps(config({ max_epochs: 2 }), 1000)).toBe(20);
  expect(totalSteps(config({ max_epochs: 0.01 }), 100)).toBe(1);
});
