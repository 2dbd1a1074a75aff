// Published data sets that gpt turns into what task files of lm-evaluation-harness ask for: `gpt data import` writes
// them into a data root, eval_sets.ts converts them in memory where a root has the original files.
//
//   <folder>/dev.tsv  ->  <root>/nyu-mll/glue/rte/validation.jsonl
//
// eval_import/ has one module for each family of sets. Everything is converted before the first file is written, each
// file is written whole or not at all, and none is overwritten unasked.

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { exists, makeFolder, writeFileAtomic } from '../base/files.js';
import { nearest } from '../config/spelling.js';
import { copa, cosmosqa, piqa } from './eval_import/choices.js';
import { GLUE } from './eval_import/glue.js';
import { gpt3Synthetic } from './eval_import/gpt3_synthetic.js';
import { hellaswag } from './eval_import/hellaswag.js';
import type { Doc, OriginalSet, OriginalSplit } from './eval_import/original.js';
import { blimp, gsm8k, lambada, sick, wikitext2 } from './eval_import/texts.js';

export type { Doc, OriginalSet } from './eval_import/original.js';

/** Every set that can be imported. */
export const ORIGINAL_SETS: readonly OriginalSet[] = [
  ...GLUE,
  ...[sick, piqa, hellaswag, copa, cosmosqa, lambada, wikitext2, gpt3Synthetic, gsm8k, blimp],
];

/** The set of this name. Throws ConfigError, with the nearest one. */
export function originalSet(name: string): OriginalSet {
  const set = ORIGINAL_SETS.find((one) => one.name === name);
  if (set) return set;
  const names = ORIGINAL_SETS.map((one) => one.name);
  const near = nearest(name, names);
  throw new ConfigError(
    `there is no data set "${name}" that gpt can import`,
    `${near === undefined ? '' : `did you mean ${near}? `}there are ${names.join(', ')}`,
  );
}

/** A split whose files are there. */
export interface FoundSplit extends Pick<OriginalSplit, 'path' | 'name' | 'split'> {
  /** With their folder. */
  readonly files: readonly string[];
  readonly read: () => AsyncIterable<Doc>;
}

/**
 * The splits that the files of a folder make. Where a set lacks the split "train" that its tasks take demonstrations
 * from, the first `trainRows` rows of validation become it; validation then has the others.
 */
export function foundSplits(set: OriginalSet, folder: string, trainRows = 0): FoundSplit[] {
  const found = set.splits(folder).flatMap(({ path, name, split, files, rows }): FoundSplit[] => {
    const paths = files.flatMap((file) => [join(folder, file), join(folder, `${file}.gz`)].find(existsSync) ?? []);
    return paths.length === files.length ? [{ path, name, split, files: paths, read: () => rows(paths) }] : [];
  });
  const validation = found.find(({ split }) => split === 'validation');
  const has = found.some(({ split }) => split === 'train');
  if (!set.lacksTrain || !validation || has || trainRows === 0) return found;
  const part = (split: string, from: number, to: number): FoundSplit => ({
    ...validation,
    split,
    read: () => slice(validation.read(), from, to),
  });
  const others = found.filter((one) => one !== validation);
  return [part('train', 0, trainRows), part('validation', trainRows, Number.POSITIVE_INFINITY), ...others];
}

async function* slice(rows: AsyncIterable<Doc>, from: number, to: number): AsyncGenerator<Doc> {
  let i = 0;
  for await (const row of rows) {
    if (i >= to) return;
    if (i++ >= from) yield row;
  }
}

/** Where a split belongs below a data root, without the ending of its file's name. */
export const placeOf = ({ path, name, split }: Pick<OriginalSplit, 'path' | 'name' | 'split'>): string =>
  join(path, name, split);

/** Options of importSet. */
export interface ImportSetOptions {
  /** Data root to write to. */
  readonly out: string;
  /** Rows of validation that become train, of a set that has none. */
  readonly trainRows?: number | undefined;
  readonly overwrite?: boolean;
}

/** A file that importSet wrote. */
export interface ImportedSplit {
  readonly path: string;
  readonly name: string;
  readonly split: string;
  readonly rows: number;
  readonly file: string;
}

/**
 * Writes the splits that a folder of original files, or one such file, makes. Throws DataError with file and line for
 * a bad row, for a source without such files and for a file that is there already, ConfigError for trainRows of a set
 * that they do not fit.
 */
export async function importSet(
  set: OriginalSet,
  source: string,
  { out, trainRows = 0, overwrite = false }: ImportSetOptions,
): Promise<ImportedSplit[]> {
  const found = sourceSplits(set, source, trainRows);
  const made = found.map((split) => ({ ...split, file: join(out, `${placeOf(split)}.jsonl`) }));
  const taken = made.find(({ file }) => exists(file));
  if (taken && !overwrite) {
    throw new DataError(`${taken.file} exists and is not overwritten`, 'write it anew with --overwrite');
  }
  const texts: string[][] = [];
  for (const split of made) {
    const lines: string[] = [];
    for await (const row of split.read()) lines.push(JSON.stringify(row));
    if (lines.length === 0) throw emptySplit(set, split, trainRows);
    texts.push(lines);
  }
  const written: ImportedSplit[] = [];
  for (const [i, { path, name, split, file }] of made.entries()) {
    makeFolder(dirname(file));
    await writeFileAtomic(file, `${texts[i]!.join('\n')}\n`);
    written.push({ path, name, split, rows: texts[i]!.length, file });
  }
  return written;
}

function sourceSplits(set: OriginalSet, source: string, trainRows: number): FoundSplit[] {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (!stats) throw new DataError(`${source}: there is no such file or folder`, 'check the path');
  const folder = stats.isDirectory() ? source : dirname(source);
  if (trainRows > 0 && !set.lacksTrain) {
    throw new ConfigError(`--train-rows is not for ${set.name}`, 'leave it out: the set has what its tasks need');
  }
  const all = foundSplits(set, folder, trainRows);
  const named = stats.isDirectory()
    ? all
    : all.filter(({ files }) => files.some((file) => resolve(file) === resolve(source)));
  if (named.length > 0) return named;
  const files = [...new Set(set.splits(folder).map((split) => split.files.join(' with ')))];
  throw new DataError(
    `${source}: no files of ${set.name} here`,
    files.length === 0
      ? 'give the folder that has its .jsonl files'
      : `give a folder that has some of these, or one of them (${basename(files[0]!.split(' ')[0]!)} ...): ${files.join(', ')}`,
  );
}

const emptySplit = (set: OriginalSet, { split, files }: FoundSplit, trainRows: number): DataError =>
  new DataError(
    `${files[0]}: no rows for the split "${split}" of ${set.name}`,
    trainRows > 0 ? `--train-rows ${trainRows} leaves none of them: give a smaller number` : 'fetch the file again',
  );
