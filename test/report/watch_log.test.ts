// What a watch makes of a log that grows, stops in the middle of a line, is resumed, shrinks, is replaced or goes away; and
// what it says of the run. The truth about content is readRun(), which reads a log as a whole.

import { appendFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import type { RunEvent } from '../../src/base/events.js';
import { lockFolder } from '../../src/base/lock.js';
import { Random, Stream } from '../../src/base/rng.js';
import { parseRun, readRun } from '../../src/report/record.js';
import { barHtml } from '../../src/report/watch/bar.js';
import { FollowedLog } from '../../src/report/watch/followed_log.js';
import { SILENT_MS, stateOf } from '../../src/report/watch/state.js';
import { WatchedRun } from '../../src/report/watch/watched_run.js';
import { workplace } from '../data/workplace.js';
import { end, fakeRun, start } from './fake_run.js';
import { fakeTaskRun } from './fake_task_run.js';

const work = workplace();
const line = (event: object): string => `${JSON.stringify(event)}\n`;
const lines = fakeRun().map(line);
const steps = lines.filter((l) => l.startsWith('{"type":"step"'));

let folders = 0;
/** The folder of a run with this log. */
function run(...log: readonly string[]): { dir: string; path: string } {
  const path = work.file(`run-${++folders}/run.jsonl`, log.join(''));
  return { dir: join(path, '..'), path };
}

describe('a log that is followed', () => {
  test('is what readRun() reads, wherever the looks come between: in lines, in characters', async () => {
    const bytes = Buffer.from(lines.join('').replaceAll('"what":"', '"what":"Grüße, 世界 🌍: '));
    const { path } = run();
    const log = new FollowedLog(path);
    const random = new Random(7, Stream.test);
    let at = 0;
    for (let looks = 0; at < bytes.length; looks++) {
      const next = Math.min(bytes.length, at + 1 + Math.floor(random.uniform() * (looks % 3 === 0 ? 9000 : 3)));
      appendFileSync(path, bytes.subarray(at, next));
      at = next;
      expect(await log.look()).toBe(true);
      if (looks % 20 !== 0) continue;
      const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a, at - 1) + 1).toString();
      expect(log.record).toEqual(whole === '' ? undefined : parseRun(whole.trimEnd().split('\n'), path));
    }
    expect(log.record).toEqual(readRun(path));
    expect(log.record!.warnings[0]!.what).toContain('Grüße, 世界 🌍: ');
    expect(await log.look()).toBe(false);
  });

  test('a log of several slices', async () => {
    const { path } = run(lines[0]!, ...Array.from({ length: 12 }, () => steps.join('')));
    const log = new FollowedLog(path);
    await log.look();
    expect(log.record).toEqual(readRun(path));
    expect(log.lines).toBe(1 + 12 * 300);
  });

  test('half a line waits for its rest, and is no unreadable one meanwhile', async () => {
    const { path } = run(lines[0]!, steps[0]!, steps[1]!.slice(0, 40));
    const log = new FollowedLog(path);
    await log.look();
    expect(log.record).toMatchObject({ steps: [{ step: 1 }], unreadableLines: { count: 0 } });
    appendFileSync(path, steps[1]!.slice(40));
    await log.look();
    expect(log.record).toMatchObject({ steps: [{ step: 1 }, { step: 2 }], unreadableLines: { count: 0 } });
  });

  test('a resume takes back the steps that are done again', async () => {
    const { path } = run(lines[0]!, ...steps.slice(0, 30));
    const log = new FollowedLog(path);
    await log.look();
    expect(log.record!.steps).toHaveLength(30);
    appendFileSync(path, line({ ...start, resumed_from: 10 }));
    await log.look();
    expect(log.record!.steps).toHaveLength(10);
    expect(log.record!.parts).toHaveLength(2);
  });

  test.each<[string, (path: string) => void]>([
    ['shrinks', (path) => truncateSync(path, lines[0]!.length + steps[0]!.length)],
    [
      'is replaced by another file',
      (path) => {
        writeFileSync(`${path}.new`, [lines[0], ...steps.slice(50, 250)].join(''));
        renameSync(`${path}.new`, path);
      },
    ],
    ['is overwritten by a longer one', (path) => writeFileSync(path, [lines[0], ...steps.slice(100)].join(''))],
  ])('one that %s is read from its beginning', async (_, change) => {
    const { path } = run(lines[0]!, ...steps.slice(0, 40));
    const log = new FollowedLog(path);
    await log.look();
    change(path);
    expect(await log.look()).toBe(true);
    expect(log.record).toEqual(readRun(path));
    expect(await log.look()).toBe(false);
  });

  test('one that goes away keeps what was read, and is read anew when it comes back', async () => {
    const { path } = run(lines[0]!, steps[0]!);
    const log = new FollowedLog(path);
    await log.look();
    rmSync(path);
    expect(await log.look()).toBe(true);
    expect(log.gone).toBe(true);
    expect(log.record!.steps).toHaveLength(1);
    expect(await log.look()).toBe(false);
    writeFileSync(path, lines[0]!);
    expect(await log.look()).toBe(true);
    expect(log.gone).toBe(false);
    expect(log.record!.steps).toEqual([]);
  });

  test('of a newer format: the error stays until the log is another one', async () => {
    const { path } = run(lines[0]!, line({ ...start, format: 99 }), steps[0]!);
    const log = new FollowedLog(path);
    for (let i = 0; i < 2; i++) await expect(log.look()).rejects.toThrow(/format 99/);
    writeFileSync(path, lines[0]! + steps[0]!);
    await log.look();
    expect(log.record!.steps).toHaveLength(1);
  });
});

describe('what is said of the run', () => {
  const of = (...events: RunEvent[]) => parseRun(events.map(line), 'run.jsonl');
  const running = { pid: 4711, host: 'here', running: true };

  test.each([
    ['training', 'training', running, 0],
    ['silent', 'no event for more than 3 minutes; process 4711 is there', running, SILENT_MS],
    ['killed', 'killed: process 4711 is gone', { ...running, running: false }, 0],
    ['training', 'training', { ...running, running: undefined }, 0],
    [
      'silent',
      'no event for more than 3 minutes; perhaps it was killed',
      { ...running, running: undefined },
      SILENT_MS,
    ],
    ['training', 'training', undefined, SILENT_MS - 1],
    ['silent', 'no event for more than 3 minutes; perhaps it was killed', undefined, SILENT_MS],
  ])('without an end: %s, %s', (phase, text, holder, age) => {
    expect(stateOf(of(start), holder, age)).toEqual({ phase, text });
  });

  test.each([
    ['done', 'finished'],
    ['interrupted', 'interrupted'],
    ['diverged', 'diverged'],
    ['failed', 'failed'],
  ] as const)('with an end: %s is %s, whoever has the lock', (reason, phase) => {
    for (const holder of [undefined, running, { ...running, running: false }]) {
      const state = stateOf(of(start, { ...end, reason }), holder, 1e9);
      expect(state).toEqual({ phase, text: `${phase} after 1m59s of training` });
    }
  });

  test('the bar has the numbers of the last step, and no speed when there is none any more', () => {
    const text = (html: string) =>
      html
        .replace(/<[^>]+>/g, '')
        .replace(/\s+/g, ' ')
        .trim();
    const record = of(...fakeRun().slice(0, 150));
    const bar = barHtml(record, { phase: 'training', text: 'training' });
    const { step, tokens_per_s } = record.steps.at(-1)!;
    // the debiased average of the last losses, by its definition
    const weights = record.steps.map((_, i) => 0.9 ** (record.steps.length - 1 - i));
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const loss = sum(record.steps.map((s, i) => s.loss * weights[i]!)) / sum(weights);
    expect(text(bar)).toContain(`training step ${step}/300 loss ${loss.toFixed(3)} val `);
    expect(text(bar)).toContain(`tok/s ${(tokens_per_s / 1000).toFixed(1)}k eta `);
    expect(bar).toContain(`width:${((100 * step) / 300).toFixed(1)}%`);
    expect(barHtml(record, { phase: 'killed', text: 'killed' })).not.toMatch(/tok\/s|eta/);
  });

  test('the bar of a task has its metric', () => {
    const record = of(...fakeTaskRun());
    const { metric } = record.start.task!;
    const { value } = record.evals.findLast((e) => e.metrics[metric])!.metrics[metric]!;
    expect(barHtml(record, { phase: 'training', text: 'training' })).toContain(`<b>${value.toFixed(3)}</b>`);
  });
});

describe('a run that is watched', () => {
  test('waits for folder, log and start event, and says for which', async () => {
    const dir = join(work.dir, 'not-yet');
    const watched = new WatchedRun(dir);
    const said: string[] = [];
    const look = async () => {
      await watched.look();
      said.push(watched.state.text);
      expect(watched.main()).toContain('This page goes on by itself');
    };
    await look();
    work.file('not-yet/lock', '');
    await look();
    const path = work.file('not-yet/run.jsonl', '');
    await look();
    appendFileSync(path, lines[0]!.slice(0, 100));
    await look();
    expect(said).toEqual([
      `waiting: there is no folder ${dir} yet`,
      `waiting: there is no ${path} yet`,
      `waiting: ${path} is empty so far`,
      `waiting: ${path} is empty so far`,
    ]);
    appendFileSync(path, lines[0]!.slice(100));
    expect(await watched.look()).toBe('everything');
    expect(watched.view()).toMatchObject({ title: '0% · quickstart · gpt watch' });
    expect(watched.main()).toContain('<h1>quickstart</h1>');
  });

  test('that crashed before or in its first step is shown', async () => {
    for (const log of [
      [lines[0]!],
      [lines[0]!, line({ ...end, reason: 'failed', step: 0, tokens: 0, seconds: 0, message: 'no <memory>' })],
    ]) {
      const watched = new WatchedRun(run(...log).dir);
      await watched.look();
      const [main, bar] = [watched.main(), watched.view().bar];
      expect(main).toContain('nothing recorded yet');
      expect(bar).toContain('<b>0/300</b>');
      expect(main + bar).not.toContain('<memory>');
    }
  });

  test('is drawn once for each change of its log, and the bar goes its own way', async () => {
    const { dir, path } = run(lines[0]!, steps[0]!);
    const watched = new WatchedRun(dir);
    expect(await watched.look()).toBe('everything');
    expect(await watched.look()).toBeUndefined();
    const main = watched.main();
    expect(watched.view().age).toBeLessThan(60);
    expect(watched.main()).toBe(main);
    const before = Date.now() / 1000 - 3600;
    utimesSync(path, before, before);
    expect(await watched.look()).toBe('bar');
    expect(watched.state.phase).toBe('silent');
    expect(watched.main()).toBe(main);
    expect(watched.view().age).toBeGreaterThanOrEqual(3600);
    const unlock = lockFolder(dir);
    expect(await watched.look()).toBe('bar');
    expect(watched.state.text).toContain(`process ${process.pid} is there`);
    unlock();
    rmSync(path);
    await watched.look();
    expect(watched.state.text).toBe(`${path} has been removed`);
    expect(watched.main()).toContain('<h1>quickstart</h1>');
  });

  test('whose log cannot be read says why, and goes on when it can', async () => {
    const { dir, path } = run(lines[0]!, line({ ...start, format: 99 }));
    const watched = new WatchedRun(dir);
    await watched.look();
    expect(watched.problem).toBeInstanceOf(DataError);
    expect(watched.view().bar).toContain('format 99');
    writeFileSync(path, lines.join(''));
    await watched.look();
    expect(watched.problem).toBeUndefined();
    expect(watched.state.phase).toBe('finished');
  });

  test('shows no text as HTML', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const watched = new WatchedRun(run(line({ ...start, name }), line({ ...end, message: name })).dir);
    await watched.look();
    const [main, bar] = [watched.main(), watched.view().bar];
    expect(bar + main).not.toContain('<img');
  });
});
