// `gpt pretrain --precision`: products of bfloat16, on a CPU with instructions for them or without.

import { cpSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { BACKEND, complaint, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());
const config = (run: string) => place.events(run, 'start').at(-1)!.config as { train: { precision: string } };

test.skipIf(BACKEND !== 'native')(
  'bf16 trains nearly as fp32 does, and a resume is exact (needs the addon)',
  async () => {
    await place.train('fp32');
    await place.train('bf16', '--precision', 'bf16', '--train.save_every', '10');
    const [exact, rounded] = [place.losses('fp32'), place.losses('bf16')];
    expect(rounded).not.toEqual(exact);
    const off = rounded.map((loss, i) => Math.abs(loss - exact[i]!) / exact[i]!);
    expect(Math.max(...off)).toBeLessThan(0.01);
    expect(Math.max(...off)).toBeGreaterThan(1e-6);
    expect(place.events('bf16', 'start')[0]!.precision).toBe('bf16');
    expect(place.read('bf16', 'report.html').toString()).toContain('bf16');

    cpSync(place.path('bf16'), place.path('resumed'), { recursive: true });
    const { code } = await place.gpt(['pretrain', '--resume', 'resumed/step-000010', '--threads', '2']);
    expect(code).toBe(0);
    expect(place.events('resumed', 'start').at(-1)!.precision).toBe('bf16');
    expect(place.state('resumed', 'step-000020-2')).toEqual(place.state('bf16', 'step-000020'));
  },
);

test.skipIf(BACKEND !== 'native')('bf16 works by emulation too (needs the addon)', async () => {
  const emulated = ['pretrain', '--data', 'text.txt', '--out', 'emulated', ...TINY, '--precision', 'bf16'];
  expect((await place.gpt(emulated, { GPT_ISA: 'avx2' })).code).toBe(0);
  const [first] = place.losses('emulated');
  await place.train('here', '--precision', 'bf16');
  expect(Math.abs(first! - place.losses('here')[0]!)).toBeLessThan(1e-4);
});

describe('auto', () => {
  test('is stated in the run as what it became, so that a resume goes on with it', async () => {
    await place.train('auto', '--precision', 'auto', '--train.max_steps', '4');
    const { precision, origins } = place.events('auto', 'start')[0]!;
    expect(['fp32', 'bf16']).toContain(precision);
    expect(config('auto').train.precision).toBe(precision);
    expect(origins['train.precision']).toBe('the faster one on this machine');
    expect((await place.gpt(['pretrain', '--resume', 'auto', '--train.max_steps', '6'])).code).toBe(0);
    expect(config('auto').train.precision).toBe(precision);
  });

  test('is fp32 where no instructions do it', async () => {
    const flags = [...TINY, '--train.max_steps', '2', '--precision', 'auto'];
    const { code } = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'plain', ...flags], {
      GPT_ISA: 'avx2',
    });
    expect(code).toBe(0);
    expect(place.events('plain', 'start')[0]!.precision).toBe('fp32');
  });
});

test('bf16 on a portable backend is refused, and leaves nothing', async () => {
  const flags = [...TINY, '--backend', 'cpu', '--precision', 'bf16'];
  const ended = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'refused', ...flags]);
  expect(complaint(ended)).toMatchObject({ code: 3, wellFormed: true, text: expect.stringContaining('bf16') });
  expect(place.names()).not.toContain('refused');
});

test('another precision is a usage error', async () => {
  const ended = await place.gpt(['pretrain', 'quickstart', '--precision', 'fp8']);
  expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('bf16') });
});
