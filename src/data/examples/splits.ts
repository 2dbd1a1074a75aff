// Which files of a folder are its training, validation and test examples: by the words in their names.
//
//   train   train, training
//   val     dev, devel, development, val, valid, validation, trial (SICK)
//   test    test, testing; and a dev set "out of domain" (CoLA) where there is no other
//
// Of several files the one whose name is the word alone counts (train.tsv before train_fix.tsv); else the choice is the
// user's. COPA has no training file: its dev set is one (as SuperGLUE uses it), and validation is held out from it.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../base/errors.js';
import { short } from '../../base/format.js';
import { ROW_ENDINGS } from '../rows.js';
import { wordsOf } from './formats.js';

/** Files with the examples of a task. */
export interface Splits {
  readonly train: string;
  readonly val?: string;
  readonly test?: string;
}

const WORDS = {
  train: ['train', 'training'],
  val: ['dev', 'devel', 'development', 'val', 'valid', 'validation', 'trial'],
  test: ['test', 'testing'],
};
const SPLITS = ['train', 'val', 'test'] as const;
type Split = (typeof SPLITS)[number];

const ENDINGS = [...ROW_ENDINGS, '.txt', '.txt.gz', '.xml', '.xml.gz'];
const NAME_THEM = 'name the files: --data TRAIN --val DEV (and data.test)';

/** The splits of a folder, or of a file: its examples are for training. Throws DataError where names are not clear. */
export function findSplits(path: string): Splits {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new DataError(`${path}: there is no such file or folder`, 'name a file of examples, or a folder');
  if (!stats.isDirectory()) return { train: path };
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && endingOf(entry.name) !== undefined)
    .map((entry) => entry.name)
    .sort();
  const of: Record<Split, string[]> = { train: [], val: [], test: [] };
  const other: string[] = []; // out of domain
  for (const name of files) {
    const words = wordsOf(stemOf(name));
    const splits = SPLITS.filter((split) => WORDS[split].some((word) => words.includes(word)));
    if (splits.length > 1) {
      throw new DataError(`${join(path, name)}: its name says ${splits.join(' and ')}`, NAME_THEM);
    }
    const outside = splits[0] === 'val' && words.join(' ').includes('out of domain');
    if (outside) other.push(name);
    else if (splits[0]) of[splits[0]].push(name);
  }
  if (of.test.length === 0) of.test = other;
  if (of.train.length === 0 && of.val.length === 1 && wordsOf(stemOf(of.val[0]!)).includes('copa')) {
    of.train = of.val.splice(0);
  }
  const found = Object.fromEntries(
    SPLITS.flatMap((split) => {
      const name = choose(path, split, of[split]);
      return name === undefined ? [] : [[split, join(path, name)]];
    }),
  ) as Partial<Record<Split, string>>;
  const { train, ...rest } = found;
  if (train !== undefined) return { train, ...rest };
  const seen = files.length === 0 ? 'no file of examples' : `no train file among ${short(files.join(', '), 200)}`;
  throw new DataError(`${path}: ${seen}`, 'to train on one of its files, name that: --data FOLDER/FILE');
}

function choose(path: string, split: Split, names: readonly string[]): string | undefined {
  if (names.length < 2) return names[0];
  const exact = names.filter((name) => WORDS[split].includes(stemOf(name).toLowerCase()));
  if (exact.length === 1) return exact[0];
  const list = short((exact.length > 1 ? exact : names).join(', '), 200);
  throw new DataError(`${path}: ${names.length} files may be the ${split} split: ${list}`, NAME_THEM);
}

const endingOf = (name: string): string | undefined => ENDINGS.find((ending) => name.endsWith(ending));
const stemOf = (name: string): string => name.slice(0, -(endingOf(name)?.length ?? 0));
