// run.jsonl: written, cut off by kills, appended to by resumes, read back.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import type { RunEvent, StepEvent } from '../../src/base/events.js';
import { jsonlReporter, readRun } from '../../src/report/record.js';
import { end, fakeRun, start } from './fake_run.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-record-'));
  path = join(dir, 'run.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true }));

const step = fakeRun().find((e): e is StepEvent => e.type === 'step')!;
const steps = (from: number, to: number, loss: number): StepEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ ...step, step: from + i, loss }));

async function write(events: readonly RunEvent[]): Promise<void> {
  const reporter = jsonlReporter(path);
  for (const event of events) reporter.on(event);
  await reporter.close();
}

test('what is written is read', async () => {
  const events = fakeRun();
  await write(events);
  const run = readRun(path);
  expect(run.start).toEqual(start);
  expect(run.steps).toEqual(events.filter((e) => e.type === 'step'));
  expect(run.vals.map((v) => v.step)).toEqual([100, 200, 300]);
  expect([run.samples.length, run.checkpoints.length, run.warnings.length]).toEqual([2, 3, 1]);
  expect(run.end).toEqual(end);
  expect(run.unreadableLines).toBe(0);
});

test('validations and checkpoints are on the disk at once', () => {
  const reporter = jsonlReporter(path);
  reporter.on(start);
  reporter.on(step);
  const val = fakeRun().find((e) => e.type === 'val')!;
  reporter.on(val);
  expect(readFileSync(path, 'utf8').split('\n').length).toBe(4);
  return reporter.close();
});

test('half a line at the end is skipped, and the next part begins on a line of its own', async () => {
  await write([start, ...steps(1, 5, 2)]);
  appendFileSync(path, '{"type":"step","step":6,"lo');
  expect(readRun(path)).toMatchObject({ unreadableLines: 1, end: null });
  await write([{ ...start, resumed_from: 4 }, ...steps(5, 7, 1), end]);
  const run = readRun(path);
  expect(run.unreadableLines).toBe(1);
  expect(run.parts.map((p) => p.resumed_from)).toEqual([null, 4]);
  expect(run.steps.map((s) => [s.step, s.loss])).toEqual([
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 1],
    [6, 1],
    [7, 1],
  ]);
});

test('replayed validations, samples and checkpoints are there once', async () => {
  const first = fakeRun().filter((e) => e.type !== 'end');
  await write([...first, { ...start, resumed_from: 200 }, ...fakeRun().filter((e) => 'step' in e && e.step > 200)]);
  const run = readRun(path);
  expect(run.steps.map((s) => s.step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect(run.vals.map((v) => v.step)).toEqual([100, 200, 300]);
  expect(run.checkpoints.map((c) => c.step)).toEqual([100, 200, 300]);
  expect(run.samples.map((s) => s.step)).toEqual([100, 300]);
});

test('a loss that is not finite survives', async () => {
  await write([start, { ...step, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY }]);
  expect(readRun(path).steps[0]).toMatchObject({ loss: Number.NaN, grad_norm: Number.NaN });
});

test('a missing file, and a file that is no log, are errors that name it', () => {
  expect(() => readRun(path)).toThrow(DataError);
  expect(() => readRun(path)).toThrow(path);
  writeFileSync(path, 'hello\n[1]\n{"type":"other"}\n');
  expect(() => readRun(path)).toThrow('no start event');
});
