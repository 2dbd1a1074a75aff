// run.jsonl: written, cut off by kills, appended to by resumes, read back.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { RunEvent, type StepEvent } from '../../src/base/events.js';
import { jsonText } from '../../src/base/json.js';
import { reportHtml } from '../../src/report/html.js';
import { jsonlReporter, parseRun, readRun } from '../../src/report/record.js';
import { writeReport } from '../../src/report/report.js';
import { end, evaluation, fakeRun, start } from './fake_run.js';

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

test('a configuration that is nested too deeply, or named like a property of every object', () => {
  const withConfig = (config: string) => [jsonText({ ...start, config: 'CONFIG' }).replace('"CONFIG"', config)];
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const lines = withConfig(`${open.repeat(100_000)}0${close.repeat(100_000)}`);
    expect(() => parseRun(lines, path)).toThrow(/holds no start event/);
    const { unreadableLines } = parseRun([...lines, jsonText(start)], path);
    expect(unreadableLines.first).toEqual([{ line: 1, problem: 'it is nested too deeply' }]);
  }
  const run = parseRun(withConfig('{"constructor":1,"model":{"arch":{"toString":1},"n_layer":[2]}}'), path);
  expect(reportHtml(run)).toContain(`${'constructor: 1'.padEnd(40)} <span class="origin"># default</span>`);
});

test('what is written is read', async () => {
  const events = fakeRun();
  await write(events);
  const run = readRun(path);
  expect(run.start).toEqual(start);
  expect(run.steps).toEqual(events.filter((e) => e.type === 'step'));
  expect(run.vals.map((v) => v.step)).toEqual([100, 200, 300]);
  expect([run.samples.length, run.checkpoints.length, run.warnings.length]).toEqual([2, 3, 1]);
  expect(run.end).toEqual(end);
  expect(run.unreadableLines).toEqual({ count: 0, first: [] });
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
  expect(readRun(path)).toMatchObject({ unreadableLines: { count: 1 }, end: null });
  await write([{ ...start, resumed_from: 4 }, ...steps(5, 7, 1), end]);
  const run = readRun(path);
  expect(run.unreadableLines).toEqual({ count: 1, first: [{ line: 7, problem: 'it is not JSON' }] });
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
  await write([
    ...first,
    { ...start, resumed_from: 200 },
    ...fakeRun().filter((e) => e.type !== 'warning' && 'step' in e && e.step > 200),
  ]);
  const run = readRun(path);
  expect(run.steps.map((s) => s.step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect(run.vals.map((v) => v.step)).toEqual([100, 200, 300]);
  expect(run.checkpoints.map((c) => c.step)).toEqual([100, 200, 300]);
  expect(run.samples.map((s) => s.step)).toEqual([100, 300]);
});

test('a loss that is not finite survives', async () => {
  await write([start, { ...step, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY }]);
  expect(readRun(path).steps[0]).toMatchObject({ loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY });
});

test('a missing file, and a file that is no log, are errors that name it', () => {
  expect(() => readRun(path)).toThrow(DataError);
  expect(() => readRun(path)).toThrow(path);
  writeFileSync(path, 'hello\n[1]\n{"type":"other"}\n');
  expect(() => readRun(path)).toThrow('no start event');
});

describe('the schema', () => {
  const full: RunEvent[] = [
    ...fakeRun(),
    { ...step, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY, eta_s: Number.NEGATIVE_INFINITY, mfu: null },
    { ...step, loss_z: null, grad_norm_z: 4.5, batch_tokens: 512 },
    evaluation,
    { type: 'warning', what: 'a', fix: 'b', step: 7 },
    { ...end, reason: 'diverged', message: 'at step 7', bits_per_byte: null, best_step: null },
  ];

  test('every line that is written validates, and comes back as it was', async () => {
    await write(full);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => RunEvent.parse(JSON.parse(line)))).toEqual(full);
    expect(readRun(path).unreadableLines).toEqual({ count: 0, first: [] });
  });

  test('a line that does not validate is counted, with its place and the first problem', () => {
    const lines = [
      start,
      { ...step, loss: 'high' },
      { ...step, step: 1.5 },
      { ...end, reason: 'bored' },
      {},
      { ...step, loss: null },
      { ...step, tokens: -1 },
    ];
    const run = parseRun(lines.map(jsonText), path);
    expect(run).toMatchObject({ steps: [], end: null, unreadableLines: { count: 6 } });
    const { first } = run.unreadableLines;
    expect(first.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
    expect(first.map(({ problem }) => problem.split(':')[0])).toEqual([
      'step.loss',
      'step.step',
      'end.reason',
      'it has no "type"',
      'step.loss',
    ]);
  });

  test('events and keys of a newer gpt are skipped, also inside of objects', () => {
    const newer = [
      { ...start, mood: 'good', data: { ...start.data, pages: 12 } },
      { ...step, loss_of_hope: 1 },
      { type: 'gossip', text: 'x' },
    ];
    const run = parseRun(newer.map(jsonText), path);
    expect(run).toMatchObject({ start, steps: [step], unreadableLines: { count: 0 } });
  });

  test('a log in a newer format is refused; one without a format is of format 1', () => {
    expect(() => parseRun([jsonText({ ...start, format: 2 })], path)).toThrow(`${path} is in format 2`);
    const { format: _, ...old } = start;
    expect(parseRun([jsonText(old)], path).start).toEqual(start);
  });
});

test('a part whose start is damaged still replaces the steps that it did again', () => {
  const lines = [start, ...steps(1, 6, 2), 'garbage', ...steps(5, 7, 1)];
  const run = parseRun(lines.map(jsonText), path);
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

test('evaluations stay in any order of steps, and a resume drops those of steps that it does again', () => {
  const at = (step: number) => ({ ...evaluation, step });
  const run = parseRun([start, at(300), at(100), at(200), end].map(jsonText), path);
  expect(run.evals.map((e) => e.step)).toEqual([300, 100, 200]);
  const resumed = parseRun([start, at(300), at(100), { ...start, resumed_from: 150 }].map(jsonText), path);
  expect(resumed.evals.map((e) => e.step)).toEqual([100]);
});

describe('a damaged log', () => {
  const part = (from: number | null, events: RunEvent[]) => [{ ...start, config: {}, resumed_from: from }, ...events];
  const picked = fakeRun().filter((e) => e.type !== 'start' && e.type !== 'end' && !('step' in e && e.type === 'step'));
  const events = [...part(null, [...steps(1, 3, 2), ...picked.slice(0, 4)]), ...part(2, [...steps(3, 4, 1), end])];
  const bytes = Buffer.from(
    events
      .map((e) => `${jsonText(e)}\n`)
      .join('')
      .replace('The end', 'Ænd ☃'),
  );

  test('cut at every byte gives what its whole lines say, or a clear error', () => {
    const firstLine = bytes.indexOf(0x0a);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const lines = bytes.subarray(0, cut).toString('utf8').split('\n');
      if (cut < firstLine) {
        expect(() => parseRun(lines, path)).toThrow(DataError);
        continue;
      }
      const whole = bytes[cut] === 0x0a || bytes[cut - 1] === 0x0a;
      const run = parseRun(lines, path);
      if (run.unreadableLines.count !== (whole ? 0 : 1))
        throw new Error(`cut at ${cut}: ${jsonText(run.unreadableLines)}`);
      if (cut % 50 === 0 || whole) reportHtml(run);
    }
    expect.assertions(firstLine);
  });

  test('with any bytes changed gives a report or a clear error', () => {
    let seed = 1;
    const random = (n: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % n;
    };
    let reports = 0;
    for (let round = 0; round < 200; round++) {
      const damaged = Buffer.from(bytes);
      for (let i = random(4); i >= 0; i--) damaged[random(damaged.length)] = random(256);
      try {
        reports += reportHtml(parseRun(damaged.toString('utf8').split('\n'), path)).length > 1000 ? 1 : 0;
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }
    expect(reports).toBeGreaterThan(150);
  });

  test('cut in a character of several bytes, on the disk', async () => {
    writeFileSync(path, bytes.subarray(0, bytes.indexOf('☃') + 1));
    const { html } = await writeReport(dir);
    expect(readFileSync(html, 'utf8')).toContain('1 line of run.jsonl cannot be read: line 8: it is not JSON');
  });
});

test('lines are found across the blocks that are read', async () => {
  const long = 'é'.repeat(400_000);
  await write([start, ...[1, 2, 3, 4].map((n) => ({ type: 'warning' as const, what: `${n}${long}`, fix: '' }))]);
  expect(readRun(path).warnings.map((w) => w.what)).toEqual([1, 2, 3, 4].map((n) => `${n}${long}`));
});
