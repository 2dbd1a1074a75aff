// Evaluations that are merged, and read again.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { figuresOf } from '../../src/base/eval_figures.js';
import { jsonText } from '../../src/base/json.js';
import type { CommandContext } from '../../src/commands/options.js';
import { run as report } from '../../src/commands/report.js';
import { mergeEvalRecords } from '../../src/report/eval/merge.js';
import { readEvalRecord } from '../../src/report/eval/read.js';
import { evalReportHtml, evalReportJson, writeEvalReport } from '../../src/report/eval/report.js';
import { workplace } from '../data/workplace.js';
import { fakeEval, fakeEvalOf, models } from './fake_eval.js';

const work = workplace();
const parts = [0, 1, 2].map(fakeEvalOf);

describe('merge', () => {
  test('three checkpoints evaluated apart are the evaluation of all three', () => {
    const { runs, models: merged, notes, seconds } = mergeEvalRecords(parts);
    expect(runs).toEqual(fakeEval().runs);
    expect(merged).toEqual(models);
    expect(notes).toEqual(fakeEval().notes);
    expect(seconds).toBe(3 * 161);
    expect(figuresOf({ ...parts[0]!, models: merged, runs })).toEqual(figuresOf(fakeEval()));
  });

  test('of the same run the later record counts, in the place of the first', () => {
    const later = {
      ...parts[0]!,
      date: '2027-01-01T00:00:00.000Z',
      gpt: '0.8.0',
      runs: parts[0]!.runs.slice(0, 1).map((r) => ({ ...r, docs: 5 })),
    };
    const merged = mergeEvalRecords([later, parts[1]!, parts[0]!, later]);
    expect(merged.models.map((m) => m.name)).toEqual(['icl-tiny', 'icl-small']);
    expect(merged.runs.length).toBe(24);
    expect(merged.runs[0]).toMatchObject({ model: 0, task: 'rte', docs: 5 });
    expect([merged.date, merged.gpt]).toEqual([later.date, '0.8.0, 0.7.0']);
  });

  test('another step of the same folder is another model; names stay unique', () => {
    const at = (step: number, dir = 'checkpoints/icl-tiny') => ({
      ...parts[0]!,
      models: [{ ...models[0]!, step, dir }],
    });
    const merged = mergeEvalRecords([at(1), at(2), at(3), at(4, 'other')]);
    expect(merged.models.map((m) => m.name)).toEqual([
      'icl-tiny',
      'icl-tiny (checkpoints/icl-tiny)',
      'icl-tiny (checkpoints/icl-tiny) 2',
      'icl-tiny (other)',
    ]);
    expect(merged.runs.map((r) => r.model)).toEqual([0, 1, 2, 3].flatMap((m) => Array(12).fill(m)));
  });

  test('one record is itself, none is a mistake', () => {
    expect(mergeEvalRecords([parts[1]!])).toBe(parts[1]);
    expect(() => mergeEvalRecords([])).toThrow('internal');
  });
});

describe('report.json', () => {
  test('is written beside report.html, and is the record again', async () => {
    const paths = await writeEvalReport(work.dir, fakeEval());
    expect(readEvalRecord(paths.json)).toEqual(fakeEval());
    expect(readFileSync(paths.html, 'utf8')).toBe(evalReportHtml(fakeEval()));
  });

  test('reads back as the record that was written, NaN and all', () => {
    const record = fakeEval();
    const [run, ...rest] = record.runs;
    const metrics = [{ ...run!.metrics[0]!, value: Number.NaN, stderr: Number.POSITIVE_INFINITY }];
    const odd = { ...record, runs: [{ ...run!, metrics }, ...rest] };
    const path = work.file('report.json', jsonText(evalReportJson(odd)));
    expect(readEvalRecord(path)).toEqual(odd);
  });

  test.each([
    ['no file', undefined, 'ENOENT'],
    ['half a file', '{"format":1,', 'is no JSON'],
    ['a report of a run', '{"format":"gpt-report-1"}', 'is no evaluation: format'],
    ['a run of no model', jsonText({ ...parts[0], models: [models[0]], runs: [fakeEval().runs[20]] }), 'not listed'],
    ['a wrong type', jsonText({ ...parts[0], runs: [{ ...parts[0]!.runs[0], docs: 'many' }] }), 'runs.0.docs'],
  ])('%s is refused', (name, content, message) => {
    const path = content === undefined ? `${work.dir}/none.json` : work.file(`${name}.json`, content);
    const read = () => readEvalRecord(path);
    expect(read).toThrow(DataError);
    expect(read).toThrow(message);
  });
});

test('gpt report writes one report of several evaluations, with the figures as files', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-merge-'));
  try {
    for (const name of ['a', 'b']) mkdirSync(join(dir, name));
    await writeEvalReport(join(dir, 'a'), fakeEvalOf(0));
    await writeEvalReport(join(dir, 'b'), fakeEvalOf(2));
    expect(readdirSync(join(dir, 'a')).sort()).toEqual(['accuracy_by_shots.svg', 'report.html', 'report.json']);
    const options = { debug: false, quiet: true, json: false, color: 'auto' as const };
    const context = {} as CommandContext; // quiet: nothing is said
    const dirs = [join(dir, 'a'), join(dir, 'b')];
    expect(await report({ ...options, dirs, out: join(dir, 'both') }, context)).toBe(0);
    expect(readEvalRecord(join(dir, 'both/report.json'))).toEqual(mergeEvalRecords([fakeEvalOf(0), fakeEvalOf(2)]));
    expect(readdirSync(join(dir, 'both'))).toContain('accuracy_by_size.svg');
    await expect(report({ ...options, dirs, out: undefined }, context)).rejects.toThrow('a folder of its own');
    await expect(report({ ...options, dirs: [dir, dirs[0]!], out: join(dir, 'c') }, context)).rejects.toThrow(
      `${dir} holds neither run.jsonl`,
    );
    expect(readdirSync(dir)).not.toContain('c');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
