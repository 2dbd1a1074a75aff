import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { findFiles } from '../../src/data/files.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();
const a = file('books/a.txt', 'a');
const b = file('books/deep/b.md', 'b');
const c = file('books/c[1].jsonl', '{}');
const d = file('d.jsonl.gz', '');
const image = file('books/picture.png', '');
mkdirSync(join(dir, 'empty'));

test('takes files, folders and globs, sorted and once each', () => {
  expect(findFiles(a)).toEqual([a]);
  expect(findFiles(join(dir, 'books'))).toEqual([a, c, b]);
  expect(findFiles(join(dir, '**/*.{md,gz}'))).toEqual([b, d]);
  expect(findFiles([d, join(dir, 'books/*'), a])).toEqual([a, c, d]);
  expect(findFiles([a, relative('.', a), `${dir}/books/../books/a.txt`])).toEqual([a]);
  expect(findFiles(c)).toEqual([c]); // a name with the characters of a glob
});

test('takes rows of every kind, but .json from a folder only when it is named or matched', () => {
  const named = ['a.csv', 'b.tsv.gz', 'c.json', 'd.json.gz', 'e.parquet', 'f.jsonl'].map((name) =>
    file(`rows/${name}`, ''),
  );
  const other = file('rows/g.parquet.gz', '');
  const folder = join(dir, 'rows');
  expect(findFiles(folder)).toEqual(named.filter((name) => !name.includes('.json') || name.endsWith('.jsonl')));
  expect(findFiles(join(folder, '*'))).toEqual(named);
  expect(findFiles([named[2]!, folder])).toEqual(named.filter((name) => !name.endsWith('.json.gz')));
  expect(() => findFiles(other)).toThrow(/g\.parquet\.gz: not a kind of file that gpt reads/);
});

test.each([
  ['a missing file', join(dir, 'nowhere.txt'), /nowhere\.txt: there is no such file/],
  ['a glob without a match', join(dir, '*.txt'), /\*\.txt: no file matches/],
  ['an empty folder', join(dir, 'empty'), /empty: no file to read in this folder/],
  ['another kind of file', image, /picture\.png: not a kind of file/],
])('refuses %s', (_, path, message) => {
  expect(() => findFiles(path)).toThrow(message);
  expect(() => findFiles(path)).toThrow(DataError);
});
