import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { findSplits } from '../../src/data/examples.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();
let folders = 0;

function folder(names: string): string {
  const path = `folder${++folders}`;
  for (const name of names.split(' ')) file(join(path, name), 'x');
  return join(dir, path);
}

test.each<[names: string, splits: Record<string, string>]>([
  ['train.tsv dev.tsv test.tsv ORIGIN.txt README.md', { train: 'train.tsv', val: 'dev.tsv', test: 'test.tsv' }],
  ['train.tsv train_fix.tsv dev.tsv', { train: 'train.tsv', val: 'dev.tsv' }],
  [
    'SICK_train.txt SICK_trial.txt SICK_test_annotated.txt readme.txt',
    { train: 'SICK_train.txt', val: 'SICK_trial.txt', test: 'SICK_test_annotated.txt' },
  ],
  [
    'in_domain_train.tsv in_domain_dev.tsv out_of_domain_dev.tsv',
    { train: 'in_domain_train.tsv', val: 'in_domain_dev.tsv', test: 'out_of_domain_dev.tsv' },
  ],
  ['train.tsv dev.tsv out_of_domain_dev.tsv test.tsv', { train: 'train.tsv', val: 'dev.tsv', test: 'test.tsv' }],
  [
    'sts-train.csv sts-dev.csv sts-test.csv LICENSE.txt',
    { train: 'sts-train.csv', val: 'sts-dev.csv', test: 'sts-test.csv' },
  ],
  [
    'msr_paraphrase_train.txt msr_paraphrase_test.txt',
    { train: 'msr_paraphrase_train.txt', test: 'msr_paraphrase_test.txt' },
  ],
  ['copa-dev.xml copa-test.xml copa-all.xml copa.dtd', { train: 'copa-dev.xml', test: 'copa-test.xml' }],
  [
    'train-00000-of-00001.parquet validation-00000-of-00001.parquet',
    { train: 'train-00000-of-00001.parquet', val: 'validation-00000-of-00001.parquet' },
  ],
  ['Training.jsonl.gz VAL.jsonl', { train: 'Training.jsonl.gz', val: 'VAL.jsonl' }],
  ['train.json valid.json dataset_info.json contest.json', { train: 'train.json', val: 'valid.json' }],
])('%s', (names, splits) => {
  const path = folder(names);
  mkdirSync(join(path, 'train.old.tsv')); // a folder is no file
  expect(findSplits(path)).toEqual(
    Object.fromEntries(Object.entries(splits).map(([key, name]) => [key, join(path, name)])),
  );
});

test('a file is for training', () => {
  const path = file('valid.csv', 'x');
  expect(findSplits(path)).toEqual({ train: path });
});

test.each<[names: string, message: RegExp, fix: RegExp]>([
  [
    'train_a.tsv train_b.tsv',
    /: 2 files may be the train split: train_a\.tsv, train_b\.tsv$/,
    /--data TRAIN --val DEV/,
  ],
  ['train.tsv train.csv train_c.csv', /: 3 files may be the train split: train\.csv, train\.tsv$/, /--data TRAIN/],
  [
    'train.tsv dev_matched.tsv dev_mismatched.tsv',
    /: 2 files may be the val split: dev_matched\.tsv, dev_mismatched/,
    /--val DEV/,
  ],
  ['train.tsv train-dev.tsv', /train-dev\.tsv: its name says train and val$/, /name the files/],
  ['valid.csv README.md', /: no train file among valid\.csv$/, /--data FOLDER\/FILE$/],
  ['notes.md', /: no file of examples$/, /--data FOLDER\/FILE$/],
])('%s is not clear', (names, message, fix) => {
  const path = folder(names);
  expect(() => findSplits(path)).toThrow(DataError);
  try {
    findSplits(path);
  } catch (error) {
    expect((error as DataError).message).toMatch(message);
    expect((error as DataError).message.startsWith(path)).toBe(true);
    expect((error as DataError).fix).toMatch(fix);
  }
});

test('a path that is not there', () => {
  expect(() => findSplits(join(dir, 'none'))).toThrow(/none: there is no such file or folder$/);
});
