// What a run looks like: on a terminal, in a pipe, with --quiet and with --json.

import { describe, expect, test } from 'vitest';
import type { EndEvent, StepEvent, ValEvent } from '../../src/base/events.js';
import { painter } from '../../src/cli/block.js';
import { barLine } from '../../src/cli/terminal.js';
import { end, fakeRun, start } from '../report/fake_run.js';
import { show } from './show.js';

const events = fakeRun();
const step = events.find((e): e is StepEvent => e.type === 'step' && e.step === 250)!;
const val = events.find((e): e is ValEvent => e.type === 'val' && e.step === 200)!;

describe('without a terminal', () => {
  test('a header, a line every log_every steps and at validations, and an end', async () => {
    const { out, err } = await show(events);
    const lines = out.split('\n');
    expect(lines.filter((line) => /^step \d+\/300 {2}loss/.test(line)).map((line) => line.split('/')[0])).toEqual(
      ['1', '50', '100', '150', '200', '250', '300'].map((n) => `step ${n}`),
    );
    expect(out).toContain('backend  native (C++ kernels with AVX2 and oneDNN 2.6.3) · fp32 · 2 threads');
    expect(out).toContain('842k parameters');
    expect(out).toContain('step 200  val loss 1.0934  ppl 2.98  bpb 1.581  best');
    expect(out).toContain('saved checkpoints/quickstart/step-000200 best');
    expect(out).toContain('done     300 steps in 1m59s · train loss 1.0321');
    expect(out).toContain('gpt generate checkpoints/quickstart --prompt "Once upon"');
    expect(out).not.toContain('\x1b');
    expect(lines.filter((line) => !line.startsWith('step ') && line.length > 80)).toEqual([]);
    expect(err).toBe('warning: only 2 cores are free\n  fix: stop other programs, or wait longer\n');
  });

  test('the sample of the last step stands once, in the end block', async () => {
    const { out } = await show(events);
    expect(out.split('small fox called Mira').length - 1).toBe(1);
    expect(out.indexOf('small fox')).toBeGreaterThan(out.indexOf('done  '));
  });

  test('an interrupted run says how to go on', async () => {
    const stopped: EndEvent = { ...end, reason: 'interrupted', step: 150 };
    const { out } = await show([{ ...start, dir: 'checkpoints/my run' }, stopped]);
    expect(out).toContain('stopped  at step 150');
    expect(out).toContain('gpt pretrain --resume "checkpoints/my run"');
  });

  test('unknown sizes and missing validations leave gaps, not NaN', async () => {
    const bare = {
      ...start,
      peak_gflops: null,
      config: null,
      data: { ...start.data, train_bytes: null, val_bytes: null },
    };
    const quiet: EndEvent = {
      ...end,
      train_loss: null,
      val_loss: null,
      best_val_loss: null,
      best_step: null,
      bits_per_byte: null,
    };
    const { out } = await show([bare, { ...step, step: 10, mfu: null }, { ...val, bits_per_byte: null }, quiet]);
    expect(out).toContain('val loss 1.0934');
    expect(out).not.toMatch(/NaN|undefined|null/);
  });
});

test('--quiet leaves the summary alone', async () => {
  const { out, err } = await show(events, { quiet: true, isTTY: true });
  expect(out).toMatch(/^done {5}300 steps in 1m59s/);
  expect(out).toContain('val loss 1.0987 (perplexity 3.000, 1.588 bits/byte)');
  expect(out.trimEnd().split('\n').length).toBe(3);
  expect(err).toBe('');
});

test('--json: every event is one line, and there is nothing else', async () => {
  const { out, err } = await show(events, { json: true });
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(events);
  expect(err).toBe('');
});

describe('on a terminal', () => {
  test('table lines at validations fit 80 columns and the cursor comes back', async () => {
    const { out } = await show(events, { isTTY: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what stands on a line after it was last cleared
    const rows = out.split('\n').map((line) => line.replace(/.*\x1b\[2K/, ''));
    const table = rows.filter((line) => / best$/.test(line) && line.includes('/300'));
    expect(table.map((line) => line.split(/ +/)[0])).toEqual(['100/300', '200/300', '300/300']);
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(out.lastIndexOf('\x1b[?25l'));
    expect(out.lastIndexOf('\x1b[?7h')).toBeGreaterThan(out.lastIndexOf('\x1b[?7l'));
  });

  test('the bar never wraps, and shows more on wider terminals', () => {
    const readings = { maxSteps: 600_000, resumedFrom: 0, loss: 1.0243, step: { ...step, step: 599_999 }, val };
    const plain = painter(false);
    const widths = Array.from({ length: 181 }, (_, i) => i + 25);
    const wrapped = widths.filter((w) => barLine(0.999, readings, w, plain).length > w - 1);
    expect(wrapped).toEqual([]);
    const narrow = barLine(0.5, readings, 80, plain);
    expect(narrow).toContain('loss 1.024');
    expect(narrow).toContain('eta ');
    expect(narrow).not.toContain('mem');
    const wide = barLine(0.5, readings, 150, plain);
    for (const part of [
      'ppl 2.79',
      'val 1.093',
      'bpb 1.581',
      'lr 1.7e-04',
      '|g| 0.4',
      'tok/s',
      'peak 70.',
      'mem 400M',
    ]) {
      expect(wide).toContain(part);
    }
    const scored = { ...readings, step: { ...readings.step, loss_z: 4.12, grad_norm_z: -0.5 } };
    expect(barLine(0.5, scored, 180, plain)).toContain('z 4.1/-0.5');
    expect(wide).not.toContain('z ');
  });

  test('colours change nothing but colours', () => {
    const readings = { maxSteps: 300, resumedFrom: 0, loss: 1.0243, step, val };
    const coloured = barLine(0.4, readings, 100, painter(true));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(barLine(0.4, readings, 100, painter(false)));
    expect(coloured).toContain('\x1b[36m');
  });

  test('10,000 steps cost a few redraws only', async () => {
    const many = Array.from({ length: 10_000 }, (_, i): StepEvent => ({ ...step, step: i + 1 }));
    const { out } = await show([{ ...start, max_steps: 10_000 }, ...many], { isTTY: true });
    expect(out.split('tok/s').length).toBeLessThan(40);
  });
});
