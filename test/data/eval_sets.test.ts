// Rows of data sets by dataset_path, dataset_name and split, from data roots written here.

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type EvalSet, evalRoots, evalRows } from '../../src/data/eval_sets.js';
import { tinyParquet } from './tiny_parquet.js';
import { workplace } from './workplace.js';

const work = workplace();
const root = (name: string) => join(work.dir, name);
const QUESTIONS = { path: 'me/questions', name: 'easy' };
const ROWS = [
  { question: 'Is 2 even?', label: 1, choices: { text: ['no', 'yes'] } },
  { question: '2', label: 0, choices: { text: [] } },
];
const JSONL = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');

/** The error that evalRows ends in. */
async function refusal(roots: readonly string[], set: EvalSet, split: string) {
  return evalRows(roots, set, split).then(
    () => expect.fail('there was no error'),
    (error: { message: string; fix: string; exitCode: number }) => error,
  );
}

describe('a data root', () => {
  test.each([
    ['jsonl', JSONL],
    ['jsonl.gz', gzipSync(JSONL)],
    ['json', JSON.stringify(ROWS)],
  ])('.%s: values keep their types', async (ending, content) => {
    work.file(`typed-${ending}/me/questions/easy/test.${ending}`, content);
    expect(await evalRows([root(`typed-${ending}`)], QUESTIONS, 'test')).toEqual(ROWS);
  });

  test.each([
    ['csv', 'text,label,score,code,mixed,none\n"a, b",1,0.5,12345678901234567890,5,\nc,0,,1,x,\n'],
    ['tsv', 'text\tlabel\tscore\tcode\tmixed\tnone\na, b\t1\t0.5\t12345678901234567890\t5\t\nc\t0\t\t1\tx\t\n'],
  ])('.%s: a column has numbers where all its values are numbers', async (ending, content) => {
    work.file(`cells-${ending}/me/questions/easy/test.${ending}`, content);
    expect(await evalRows([root(`cells-${ending}`)], QUESTIONS, 'test')).toEqual([
      { text: 'a, b', label: 1, score: 0.5, code: '12345678901234567890', mixed: '5', none: '' },
      { text: 'c', label: 0, score: null, code: '1', mixed: 'x', none: '' },
    ]);
  });

  test('.parquet, whole or cut as the hub does; a cut that is not there', async () => {
    const file = (n: number) => tinyParquet({ values: new Uint8Array(Int32Array.of(n, 9).buffer) }); // n, null, 9
    work.file('parquet/me/questions/easy/test.parquet', file(7));
    work.file('parquet/me/questions/easy/train-00000-of-00002.parquet', file(1));
    work.file('parquet/me/questions/easy/train-00001-of-00002.parquet', file(2));
    work.file('parquet/me/questions/easy/dev-00001-of-00002.parquet', file(2));
    const at = [root('parquet')];
    expect(await evalRows(at, QUESTIONS, 'test')).toEqual([{ n: 7 }, { n: null }, { n: 9 }]);
    const train = await evalRows(at, QUESTIONS, 'train');
    expect(train.map(({ n }) => n)).toEqual([1, null, 9, 2, null, 9]);
    expect((await refusal(at, QUESTIONS, 'dev')).message).toContain(
      'dev-00001-of-00002.parquet: 1 of 2 parts are there',
    );
  });

  test('no name: default; the first root that has the split counts', async () => {
    work.file('first/me/plain/default/test.jsonl', '{"from":1}\n');
    work.file('second/me/plain/default/test.jsonl', '{"from":2}\n');
    work.file('second/me/plain/default/train.jsonl', '{"from":2}\n');
    const roots = [root('first'), root('second')];
    expect(await evalRows(roots, { path: 'me/plain', name: null }, 'test')).toEqual([{ from: 1 }]);
    expect(await evalRows(roots, { path: 'me/plain' }, 'train')).toEqual([{ from: 2 }]);
  });

  test('a set that is nowhere: the exact paths, and how to get it', async () => {
    const error = await refusal([root('first'), root('second')], { path: 'nyu-mll/glue', name: 'rte' }, 'validation');
    expect(error.exitCode).toBe(4);
    expect(error.message).toBe(
      `nyu-mll/glue, rte: no rows of its split "validation"; looked for
  ${root('first')}/nyu-mll/glue/rte/validation.jsonl (or .json .csv .tsv, also .gz .zst; or .parquet)
  ${root('second')}/nyu-mll/glue/rte/validation.jsonl (or .json .csv .tsv, also .gz .zst; or .parquet)`,
    );
    expect(error.fix).toContain('gpt data get nyu-mll/glue rte');
    expect(error.fix).toContain('gpt data import rte FOLDER');
    expect(error.fix).toContain('--data-root');
    const other = await refusal([root('first')], { path: 'me/other' }, 'test');
    expect(other.fix).not.toContain('gpt data import');
  });

  test('a split or name that is not there: what is', async () => {
    const at = [root('second')];
    expect((await refusal(at, { path: 'me/plain' }, 'validation')).message).toContain('(there are test, train)');
    expect((await refusal(at, { path: 'me/plain', name: 'x' }, 'test')).message).toContain(
      '(of this set there are default)',
    );
  });

  test('an empty split, and a line that is no JSON', async () => {
    work.file('bad/me/empty/default/test.jsonl', '');
    work.file('bad/me/broken/default/test.jsonl', '{"a":1}\n{"a":\n');
    const empty = await refusal([root('bad')], { path: 'me/empty' }, 'test');
    expect([empty.message, empty.exitCode]).toEqual([
      expect.stringMatching(/me\/empty\/default\/test\.jsonl: the file is empty/),
      4,
    ]);
    const broken = await refusal([root('bad')], { path: 'me/broken' }, 'test');
    expect(broken.message).toMatch(/me\/broken\/default\/test\.jsonl:2: not JSON/);
  });
});

describe('data_files', () => {
  const rows = (kwargs: Record<string, unknown>, split: string, path = 'json') =>
    evalRows([root('roots')], { path, kwargs, folder: root('tasks') }, split);

  test('of the folder of the task file, a list, or of a root; a bare one is train', async () => {
    work.file('tasks/here.jsonl', '{"n":1}\n');
    work.file('tasks/list.json', '[{"n":2},{"n":3}]');
    work.file('tasks/lines.json', '\n{"n":4}\n{"n":5}\n');
    work.file('tasks/inside.json', '{"version":1,\n"data":[{"n":6}]}');
    work.file('roots/there.jsonl', '{"n":7}\n');
    const data_files = { train: 'here.jsonl', test: ['list.json', 'lines.json', 'there.jsonl'] };
    expect(await rows({ data_files }, 'train')).toEqual([{ n: 1 }]);
    expect(await rows({ data_files }, 'test')).toEqual([{ n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, { n: 7 }]);
    expect(await rows({ data_files: 'here.jsonl' }, 'train')).toEqual([{ n: 1 }]);
    expect(await rows({ data_files: 'inside.json', field: 'data' }, 'train')).toEqual([{ n: 6 }]);
  });

  test('csv with commas, or tabs and quotes that mean nothing', async () => {
    work.file('tasks/a.csv', 'text,label\n"x, y",1\n');
    work.file('tasks/b.txt', 'text\tlabel\n"x\t1\n');
    expect(await rows({ data_files: 'a.csv' }, 'train', 'csv')).toEqual([{ text: 'x, y', label: 1 }]);
    const tabs = { data_files: 'b.txt', delimiter: '\t', quoting: 3 };
    expect(await rows(tabs, 'train', 'csv')).toEqual([{ text: '"x', label: 1 }]);
    await expect(rows({ data_files: 'a.csv', sep: ';' }, 'train', 'csv')).rejects.toThrow('delimiter is ";"');
  });

  test('hf:// is a file below a root', async () => {
    work.file('roots/me/sums/data/two.jsonl', '{"n":8}\n');
    expect(await rows({ data_files: 'hf://datasets/me/sums/data/two.jsonl' }, 'train')).toEqual([{ n: 8 }]);
    expect(await rows({ data_files: 'hf://datasets/me/sums@main/data/two.jsonl' }, 'train')).toEqual([{ n: 8 }]);
    const missing = 'hf://datasets/EleutherAI/arithmetic/data/two_digit_addition.jsonl';
    const error = await refusal([root('roots')], { path: 'json', kwargs: { data_files: missing } }, 'train');
    expect(error.message).toContain(`\n  ${root('roots')}/EleutherAI/arithmetic/data/two_digit_addition.jsonl`);
    expect(error.fix).toContain('gpt data import gpt3_synthetic FOLDER');
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['none', {}, /dataset_kwargs has no data_files/],
    ['another split', { data_files: { validation: 'here.jsonl', vest: 'x' } }, /no split "test"/],
    ['no path', { data_files: { test: 5 } }, /test is 5/],
    ['an address', { data_files: { test: 'https://x.org/a.jsonl' } }, /is an address, and gpt eval opens no network/],
    [
      'no such file',
      { data_files: { test: 'gone.jsonl' } },
      /there is no gone\.jsonl; looked for\n {2}.*\/tasks\/gone\.jsonl\n/,
    ],
  ])('%s', async (_, kwargs, message) => {
    await expect(rows(kwargs, 'test')).rejects.toThrow(message);
  });
});

test('roots: those given, else those of GPT_DATA; the bundled one is the last', () => {
  const [a, b] = [root('first'), root('second')];
  const bundled = join(import.meta.dirname, '../../data/eval');
  expect(evalRoots([b, a], a).filter((one) => one !== 'data/sets')).toEqual([b, a, bundled]);
  expect(evalRoots([], `${a}:${b}`).filter((one) => one !== 'data/sets')).toEqual([a, b, bundled]);
  expect(evalRoots([], undefined).filter((one) => one !== 'data/sets')).toEqual([bundled]);
  expect(() => evalRoots([root('nowhere')], undefined)).toThrow(
    `--data-root ${root('nowhere')}: there is no such folder`,
  );
  expect(() => evalRoots([], root('nowhere'))).toThrow('GPT_DATA');
});
