import { describe, expect, test } from 'vitest';
import { TrainConfig } from '../../src/config/schema.js';
import { Schedule } from '../../src/train/schedule.js';

const config = (some: Partial<TrainConfig>): TrainConfig =>
  TrainConfig.parse({ learning_rate: 1, min_lr_ratio: 0.1, batch_tokens: 100, max_steps: 100, ...some });
/** Micro-batches of 100 tokens, an epoch of a million. */
const schedule = (some: Partial<TrainConfig>): Schedule => new Schedule(config(some), 100, 1e6);
const rates = (some: Partial<TrainConfig>, steps: readonly number[]): number[] =>
  steps.map((step) => Number(schedule(some).learningRate(step).toFixed(12)));

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
    for (const more of [{ warmup_steps: 7 }, { warmup_steps: 7, batch_tokens: 800, batch_ramp_tokens: 9000 }]) {
      const steps = Array.from({ length: 120 }, (_, i) => i);
      const all = rates({ lr_schedule, batch_start_tokens: 100, ...more }, steps);
      expect(Math.max(...all)).toBe(1);
      expect(all.slice(7).every((lr, i, rest) => i === 0 || lr <= rest[i - 1]!)).toBe(true);
      expect(Math.min(...all.slice(7))).toBeCloseTo(0.1, 12);
    }
  }
});

test('a warm-up longer than the run', () => {
  expect(rates({ warmup_steps: 10, lr_schedule: 'cosine', max_steps: 5 }, [0, 4])).toEqual([0.1, 0.5]);
});

test('the number of steps, from steps, tokens or epochs', () => {
  const steps = (some: Partial<TrainConfig>, epoch: number) =>
    new Schedule(config({ max_steps: undefined, ...some }), 100, epoch).steps;
  expect(steps({ max_steps: 12 }, 1e6)).toBe(12);
  expect(steps({ max_tokens: 1001 }, 1e6)).toBe(11); // at least that many tokens
  expect(steps({ max_epochs: 2 }, 1000)).toBe(20);
  expect(steps({ max_epochs: 0.01 }, 100)).toBe(1);
});

test('without a ramp every update has the same micro-batches', () => {
  const s = new Schedule(config({ batch_tokens: 600 }), 200, 1e6);
  expect([0, 1, 7].map((step) => [s.microsBefore(step), s.micros(step), s.tokensBefore(step)])).toEqual([
    [0, 3, 0],
    [3, 3, 600],
    [21, 3, 4200],
  ]);
});

describe('a batch ramp', () => {
  const ramp = { batch_tokens: 1000, batch_start_tokens: 200, batch_ramp_tokens: 4000 };

  test('grows linearly in the tokens that were trained on, in whole micro-batches', () => {
    const s = schedule(ramp);
    for (let step = 0; step < 30; step++) {
      const t = s.tokensBefore(step);
      const wanted = 200 + 800 * Math.min(1, t / 4000);
      expect(Math.abs(s.micros(step) * 100 - wanted)).toBeLessThanOrEqual(50);
      expect(s.tokensBefore(step + 1)).toBe(t + s.micros(step) * 100);
    }
    expect(s.micros(0)).toBe(2);
    expect(s.micros(29)).toBe(10);
  });

  test('counts steps, warm-up and decay in tokens, where they are given so', () => {
    const s = schedule({
      ...ramp,
      max_steps: undefined,
      max_tokens: 20_000,
      warmup_tokens: 1000,
      lr_schedule: 'linear',
      lr_decay_tokens: 9000,
      min_lr_ratio: 0,
    });
    expect(s.tokensBefore(s.steps)).toBeGreaterThanOrEqual(20_000);
    expect(s.tokensBefore(s.steps - 1)).toBeLessThan(20_000);
    for (let step = 0; step < s.steps; step++) {
      const [before, after] = [s.tokensBefore(step), s.tokensBefore(step + 1)];
      const want = before < 1000 ? Math.min(1, after / 1000) : Math.max(0, 1 - (before - 1000) / 9000);
      expect(s.learningRate(step)).toBeCloseTo(want, 12);
    }
  });

  test('has at least one micro-batch, and a ramp shorter than an update is one update', () => {
    expect(new Schedule(config({ ...ramp, batch_start_tokens: 10 }), 500, 1e6).micros(0)).toBe(1);
    const small = new Schedule(config({ ...ramp, batch_start_tokens: 5000 }), 100, 1e6); // above the full batch
    expect([small.micros(0), small.micros(9)]).toEqual([10, 10]);
    const s = new Schedule(config({ ...ramp, batch_ramp_tokens: 1 }), 100, 1e6);
    expect([s.micros(0), s.micros(1), s.micros(2)]).toEqual([2, 10, 10]);
  });

  test('GPT-3 175B: 32k to 3.2M tokens over 12 billion, warm-up over 375M, cosine over 260 billion', () => {
    const n_ctx = 2048;
    const s = new Schedule(
      TrainConfig.parse({
        batch_tokens: 3194880,
        batch_ramp_tokens: 12e9,
        max_tokens: 300e9,
        learning_rate: 0.6e-4,
        warmup_tokens: 375e6,
        lr_decay_tokens: 260e9,
      }),
      n_ctx,
      1e9,
    );
    expect(s.micros(0) * n_ctx).toBe(32768);
    const at = (tokens: number) => {
      let [low, high] = [0, s.steps];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (s.tokensBefore(middle) < tokens) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    expect(s.micros(at(6e9)) * n_ctx).toBeCloseTo((32768 + 3194880) / 2, -4);
    expect(s.micros(at(12e9)) * n_ctx).toBe(3194880);
    expect(s.learningRate(at(187.5e6))).toBeCloseTo(0.3e-4, 7);
    expect(s.learningRate(at(375e6))).toBeCloseTo(0.6e-4, 8);
    expect(s.learningRate(at(130.375e9))).toBeCloseTo(0.6e-4 * 0.55, 8);
    expect(s.learningRate(at(261e9))).toBeCloseTo(0.6e-5, 10);
    expect(s.learningRate(s.steps - 1)).toBeCloseTo(0.6e-5, 10);
  });
});
