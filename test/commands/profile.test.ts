// The table of `gpt bench --profile`: what counts as work, and that the rows add up to the step.

import { expect, test } from 'vitest';
import { Profile, profileText } from '../../src/commands/profile.js';

const LIMITS = {
  device: 'cpu',
  threads: 2,
  backend: 'native',
  matmul_gflops: 200,
  matmul_bf16_gflops: 400,
  copy_gb_s: 20,
};

test('rates products by their operations, the rest by bytes, and adds up to the step', () => {
  const profile = new Profile();
  for (let step = 0; step < 2; step++) {
    profile.record({ name: 'GptLinear', ms: 10, bytes: 1e6, attrs: [100, 1000, 5000, 0] }); // 1e9 operations
    profile.record({ name: 'GptLinear', ms: 10, bytes: 1e6, attrs: [100, 1000, 5000, 0] });
    profile.record({ name: 'GptAdam', ms: 4, bytes: 4e7, attrs: [] });
  }
  const rows = profile.rows(2, 30, LIMITS, 'fp32');
  expect(rows.map(({ name, calls, ms }) => [name, calls, ms])).toEqual([
    ['GptLinear', 2, 20],
    ['GptAdam', 1, 4],
    ['JavaScript', 0, 6],
  ]);
  expect(rows.map(({ gflops, limit }) => [gflops, limit])).toEqual([
    [100, 0.5],
    [null, 0.5], // 10 GB/s of 20
    [null, null],
  ]);
  expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  const text = profileText(rows, LIMITS, 'fp32');
  expect(text).toMatch(/GptLinear +2 +20\.0 +66\.7 % +100 GFLOP\/s +50 %/);
  expect(text).toContain('200 GFLOP/s (matrix product, fp32)');
  const [bf16] = profile.rows(2, 30, LIMITS, 'bf16');
  expect(bf16!.limit).toBe(0.25); // of the rate in bfloat16, where instructions have one
  expect(profile.rows(2, 30, { ...LIMITS, matmul_bf16_gflops: null }, 'bf16')[0]!.limit).toBe(0.5);
  expect(text).toMatch(/GptAdam +1 +4\.00 +13\.3 % +10\.0 GB\/s +50 %/);
});

test.each([
  [[1, 4, 1, 8, 4], 10], // dense: 1 + 2 + 3 + 4 pairs of query and key
  [[1, 4, 1, 8, 2], 7], // a band of two: 1 + 2 + 2 + 2
  [[3, 4, 5, 8, 1], 60],
])('attention %j works on %i visible pairs', (attrs, pairs) => {
  const profile = new Profile();
  profile.record({ name: 'GptAttention', ms: 1, bytes: 1, attrs });
  profile.record({ name: 'GptAttentionGrad', ms: 1, bytes: 1, attrs });
  const rows = profile.rows(1, 2, LIMITS, 'fp32');
  expect(
    rows
      .slice(0, 2)
      .map(({ gflops }) => Math.round(gflops! * 1e6))
      .sort((a, b) => a - b),
  ).toEqual([4 * 8 * pairs, 10 * 8 * pairs]);
});
