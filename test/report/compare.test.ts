// Several runs in one report: what is compared, what differs, what cannot be, and the files of `gpt report`.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, DataError, type GptError } from '../../src/base/errors.js';
import type { EvalEvent, RunEvent } from '../../src/base/events.js';
import { jsonText } from '../../src/base/json.js';
import { run as reportCommand } from '../../src/commands/report.js';
import { type Comparison, compareRuns } from '../../src/report/compare/compare.js';
import { compareHtml } from '../../src/report/compare/html.js';
import { reportHtml } from '../../src/report/html.js';
import { movingLoss } from '../../src/report/sections/loss.js';
import { plotsIn } from './drawn.js';
import { fakeContext } from './fake_context.js';
import { evaluation, fakeRun } from './fake_run.js';
import { fakeAblation, fakeRuns, readEvents } from './fake_runs.js';

const runs = fakeRuns(3);
const comparison = compareRuns(runs);
const html = compareHtml(comparison);
const valuesOf = ({ measures }: Comparison, name: string) => measures.find((m) => m.name === name)?.values;
/** Cells of the first table row with this beginning. */
const cells = (page: string, beginning: string) =>
  page
    .split('\n')
    .find((line) => line.includes('<tr') && line.includes(beginning))
    ?.split(/(?:<[^>]*>)+/)
    .filter((cell) => cell.trim() !== '');

describe('numbers', () => {
  test('a value per run, of the last validation and of all steps', () => {
    const last = 1 + 4.55 * Math.exp(-300 / 45) + 0.04;
    expect(valuesOf(comparison, 'validation loss')).toEqual([0, 0.1, 0.2].map((d) => expect.closeTo(last + d, 12)));
    expect(valuesOf(comparison, 'perplexity')![2]).toBeCloseTo(Math.exp(last + 0.2), 12);
    expect(valuesOf(comparison, 'parameters')).toEqual([842_496, 1_263_744, 1_684_992]);
    expect(valuesOf(comparison, 'tokens')).toEqual([460_800, 460_800, 460_800]);
    expect(valuesOf(comparison, 'lowest')).toBeUndefined(); // no run was better before its end
  });

  test('curves have tokens and training time of each point', () => {
    const [validation, training] = comparison.curves;
    expect(validation!.title).toBe('validation loss');
    const { steps } = runs[1]!.record;
    const seconds = steps.slice(0, 200).reduce((sum, s) => sum + s.step_ms, 0) / 1000;
    expect(validation!.runs[1]![1]).toEqual({
      step: 200,
      tokens: 200 * 1536,
      seconds: expect.closeTo(seconds, 9),
      value: runs[1]!.record.vals[1]!.loss,
    });
    expect(training!.runs[1]!.map((p) => [p.step, p.value])).toEqual(movingLoss(steps));
  });

  test('only keys that differ', () => {
    expect(comparison.differences).toEqual([{ key: 'train.learning_rate', values: ['0.001', '0.002', '0.003'] }]);
    const [a, b] = fakeRuns(2);
    const { start } = b!.record;
    const config = { ...(start.config as object), extra: { list: [1, 2] } };
    const other = { ...b!.record, start: { ...start, config, device: 'another', environment: { commit: 'ffff' } } };
    const { differences, notes } = compareRuns([a!, { dir: 'b', record: other }]);
    expect(differences.slice(1)).toEqual([
      { key: 'extra.list', values: [null, '[1,2]'] },
      { key: 'device', values: ['Intel Xeon 2.80 GHz, 2 cores', 'another'] },
      { key: 'commit', values: ['0123abc', 'ffff'] },
    ]);
    expect(notes).toEqual(['The machines or their settings differ: so do speed and memory.']);
  });

  test('says why losses cannot be compared, and what is not finished', () => {
    const [a, b] = fakeRuns(2);
    const { start } = b!.record;
    const withStart = (more: Partial<typeof start>) => ({
      ...b!,
      record: { ...b!.record, start: { ...start, ...more } },
    });
    const bpe = withStart({ tokenizer: { type: 'bpe', vocab_size: 2048 } });
    expect(compareRuns([a!, bpe]).notes[0]).toMatch(/vocabularies differ: compare bits per byte/);
    const text = withStart({ data: { ...start.data, fingerprint: 'another' } });
    expect(compareRuns([a!, text]).notes[0]).toMatch(/data differ/);
    const killed = { ...b!, record: { ...b!.record, end: null } };
    expect(compareRuns([a!, killed]).notes).toEqual(['Not finished: lr-2.']);
  });

  test('only seeds that differ, on one text, have a mean', () => {
    const [a] = fakeRuns(1);
    const { start } = a!.record;
    const seeded = (seed: number, fingerprint?: string) => {
      const config = { ...(start.config as object), train: { seed } };
      return {
        dir: `seed-${seed}`,
        record: { ...a!.record, start: { ...start, config, data: { ...start.data, fingerprint } } },
      };
    };
    const groups = (...runs: ReturnType<typeof seeded>[]) =>
      compareRuns(runs as ReturnType<typeof fakeRuns>).seeds.map((s) => s.runs);
    expect(groups(seeded(1), seeded(2))).toEqual([[0, 1]]);
    expect(groups(seeded(1), seeded(1))).toEqual([]);
    expect(groups(seeded(1), seeded(2, 'another'))).toEqual([]);
  });

  test('runs of one name go by their folders', () => {
    const [a] = fakeRuns(1);
    const names = compareRuns([a!, { ...a!, dir: 'elsewhere' }]).runs.map((r) => r.name);
    expect(names).toEqual(['runs/lr-1', 'elsewhere']);
  });

  test('a run without a single step has no curve, and does no harm', () => {
    const [a] = fakeRuns(1);
    const begun = { dir: 'begun', record: readEvents([{ ...a!.record.start, name: 'begun' }]) };
    const { curves, notes, measures } = compareRuns([begun, a!]);
    expect(curves.map((c) => c.runs.map((points) => points.length))).toEqual([
      [0, 3],
      [0, 300],
    ]);
    expect(notes).toEqual(['Not finished: begun.']);
    expect(measures.find((m) => m.name === 'validation loss')?.values[0]).toBeNull();
    const page = compareHtml(compareRuns([begun, begun]));
    expect(page).not.toMatch(/NaN|undefined|Infinity|null/);
    expect(page).not.toContain('Curves');
  });
});

describe('fine-tuning', () => {
  const ablation = compareRuns(fakeAblation());

  test('metrics of each split, and their mean and deviation over seeds', () => {
    expect(valuesOf(ablation, 'accuracy, test')).toEqual(
      [0.8067, 0.7867, 0.6067, 0.5867].map((v) => expect.closeTo(v, 12)),
    );
    const means = ablation.seeds.map((s) => [s.runs, s.means.find((m) => m.name === 'accuracy, val')]);
    const deviation = expect.closeTo(0.02 / Math.SQRT2, 12); // of two values: their distance / sqrt 2
    expect(means).toEqual([
      [[0, 1], { name: 'accuracy, val', mean: expect.closeTo(0.8032, 12), deviation }],
      [[2, 3], { name: 'accuracy, val', mean: expect.closeTo(0.6032, 12), deviation }],
    ]);
    const page = compareHtml(ablation);
    expect(cells(page, '<td>from-scratch-1, from-scratch-2')?.slice(1, 3)).toEqual(['2', '0.6032 ± 0.0141']);
    expect(ablation.curves[0]!.title).toBe('accuracy, validation');
  });

  test('a task and pretraining have nothing in common', () => {
    expect(() => compareRuns([...fakeRuns(1), ...fakeAblation()])).toThrow(/losses measure different things/);
  });
});

describe('page', () => {
  test('marks the best of each column, and nothing where all are equal', () => {
    const row = (name: string) => html.split('\n').find((line) => line.includes(`</svg>${name}</td>`))!;
    const starred = (name: string) => [...row(name).matchAll(/★<\/span> ([^<]*)</g)].map((m) => m[1]);
    expect(starred('lr-1')).toEqual(['1.0458', '2.846', '38.4k']);
    expect(starred('lr-2')).toEqual([]);
  });

  test('a drawing of each axis, and a table of what differs', () => {
    for (const axis of ['step', 'tokens', 'time']) {
      expect(html).toContain(`class="view v-${axis}-linear"`);
      expect(html).toContain(`validation loss by ${axis}`);
    }
    expect(cells(html, '<code>train.learning_rate')).toEqual(['train.learning_rate', '0.001', '0.002', '0.003']);
    expect(html.match(/class="sample"/g)?.length).toBe(3);
  });

  test('tasks that were measured in training: a table, and accuracy by model size where sizes differ', () => {
    const acc: EvalEvent = {
      ...evaluation,
      name: 'tfgpt_cloze',
      settings: { shots: '0' },
      metrics: { acc: { value: 0.5, stderr: 0.02 } },
      baseline: { name: 'chance', metrics: { acc: 0.25 } },
    };
    const measured = runs.map((r, i) => ({
      ...r,
      record: { ...r.record, evals: [acc, { ...acc, metrics: { acc: { value: 0.5 + 0.1 * i, stderr: 0.02 } } }] },
    }));
    const page = compareHtml(compareRuns(measured));
    expect(cells(page, '>tfgpt_cloze<')).toEqual([
      ...['tfgpt_cloze', '0', 'acc'],
      ...['0.5000 ± 0.020', '0.6000 ± 0.020', '0.7000 ± 0.020', '0.2500'],
    ]);
    const [plot] = plotsIn(page);
    expect(plot!.lines[0]!.points.map((p) => [p.x, p.y])).toEqual([
      [842_496, 0.5],
      [1_263_744, 0.6],
      [1_684_992, 0.7],
    ]);
  });

  test('escapes every text', () => {
    const evil = `<script>alert("1")</script>&'`;
    const bad = runs.map(({ record }, i) => ({
      dir: evil,
      record: {
        ...record,
        start: { ...record.start, name: `${evil}${i}`, command: evil, device: `${evil}${i}`, config: { [evil]: i } },
        samples: record.samples.map((s) => ({ ...s, prompt: evil, text: evil })),
      },
    }));
    const page = compareHtml(compareRuns(bad));
    expect(page).not.toContain('<script');
    expect(page).not.toContain(evil);
    expect(page.split('&#60;script&#62;').length).toBeGreaterThan(40);
    expect(page).not.toMatch(/<link|<img|https?:|url\(|@import/);
  });
});

describe('gpt report', () => {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-compare-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const at = (...names: string[]) => join(dir, ...names);
  const folder = (name: string, events: readonly RunEvent[], file = 'run.jsonl') => {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(at(name, file), events.map((e) => `${jsonText(e)}\n`).join(''));
    return at(name);
  };
  const events = fakeRun();
  const [a, b] = [folder('a', events), folder('b', [{ ...events[0]!, name: 'other' } as RunEvent, ...events.slice(1)])];
  const report = async (dirs: string[], out?: string) => {
    const { context, written } = fakeContext();
    const options = { dirs, out, debug: false, quiet: false, json: true, color: 'auto' as const };
    expect(await reportCommand(options, context)).toBe(0);
    return JSON.parse(written.join('')) as { html: string; json: string };
  };

  test('several runs: a page where --out says, with the numbers beside it, written anew the next time', async () => {
    const paths = await report([a, b], at('new', 'compare.html'));
    expect(paths).toEqual({ html: at('new', 'compare.html'), json: at('new', 'compare.json') });
    const json = JSON.parse(readFileSync(paths.json, 'utf8')) as Comparison;
    expect(json.runs.map((r) => r.name)).toEqual(['quickstart', 'other']);
    expect(readFileSync(paths.html, 'utf8')).toBe(compareHtml(json)); // the page shows what the JSON says
    await report([b, a], at('new', 'compare.html'));
    expect(readFileSync(paths.json, 'utf8')).toContain('"name":"other"');
  });

  test('one run: its report where --out says, and none in its folder', async () => {
    await report([a], at('one.html'));
    expect(readFileSync(at('one.html'), 'utf8')).toBe(reportHtml(readEvents(events)));
    expect(JSON.parse(readFileSync(at('one.json'), 'utf8'))).toMatchObject({ format: 'gpt-report-1' });
    expect(existsSync(join(a, 'report.html'))).toBe(false);
  });

  test('the folder of an ablation stands for its runs', async () => {
    writeFileSync(at('ablation.json'), '[]');
    const { json } = await report([dir], at('new', 'all.html'));
    expect((JSON.parse(readFileSync(json, 'utf8')) as Comparison).runs.length).toBe(2);
    rmSync(at('ablation.json'));
  });

  test.each<[string, () => [string[], string?], new (what: string, fix: string) => GptError, RegExp]>([
    ['several runs without --out', () => [[a, b]], ConfigError, /needs a file of its own/],
    ['--out that is no page', () => [[a, b], at('out')], ConfigError, /the report of a run is a page/],
    ['one run twice', () => [[a, `${a}/`], at('x.html')], ConfigError, /named twice/],
    [
      'a run and an evaluation',
      () => [[a, folder('e', [], 'report.json')], at('x.html')],
      ConfigError,
      /e an evaluation/,
    ],
    ['evaluations and a page', () => [[folder('e', [], 'report.json')], at('x.html')], ConfigError, /is a folder/],
    ['a folder of neither', () => [[a, dir], at('x.html')], DataError, /neither run.jsonl .* nor report.json/],
    ['a folder that is not there', () => [[at('nowhere')]], DataError, /run.jsonl is not there/],
    ['a log of half a line', () => [[folder('half', []), a], at('x.html')], DataError, /holds no start event/],
  ])('%s', async (_, given, kind, message) => {
    const [dirs, out] = given();
    const error = await report(dirs, out).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(message);
    expect(existsSync(at('x.html'))).toBe(false);
  });

  test('a file that is no report stays as it is', async () => {
    writeFileSync(at('mine.html'), '<h1>mine</h1>');
    await expect(report([a, b], at('mine.html'))).rejects.toThrow(/mine.html is there already, and is no report/);
    writeFileSync(at('data.json'), '{"mine":1}');
    await expect(report([a, b], at('data.html'))).rejects.toThrow(/data.json is there already/);
    expect(readFileSync(at('mine.html'), 'utf8')).toBe('<h1>mine</h1>');
    expect(existsSync(at('data.html'))).toBe(false);
  });
});
