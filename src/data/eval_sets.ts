// Rows of the data sets that task files of lm-evaluation-harness name, from folders on this machine: nothing here opens
// the network. A data root is a folder with
//
//   <dataset_path>/<dataset_name, or "default">/<split>.jsonl     also .json .csv .tsv (all also .gz, .zst) and .parquet
//   <dataset_path>/<dataset_name>/<split>-00000-of-00002.parquet  as the Hugging Face hub cuts its files
//   <owner>/<set>/<file>                                          what hf://datasets/<owner>/<set>/<file> names
//   rte/dev.tsv, piqa/valid.jsonl ...                             original files: eval_import.ts converts them in memory
//
// Where dataset_path is json, csv or parquet, dataset_kwargs.data_files names the files (eval_sets/data_files.ts).
// Values have the types of the file. The columns of .csv and .tsv are numbers where all their values are
// (eval_sets/cells.ts), as Hugging Face reads them: a label is an index, not a text.

import { readdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataError } from '../base/errors.js';
import { emptyFile } from './blocks.js';
import { type Doc, type FoundSplit, foundSplits, ORIGINAL_SETS, type OriginalSet, placeOf } from './eval_import.js';
import { readTyped } from './eval_sets/cells.js';
import { fileOptions, type HubFile, hubFile, isBuilder, namedFiles } from './eval_sets/data_files.js';
import { ROW_ENDINGS } from './rows.js';

export type { Doc } from './eval_import.js';

/** What a task file says about its data. */
export interface EvalSet {
  /** dataset_path */
  readonly path: string;
  /** dataset_name */
  readonly name?: string | null | undefined;
  /** dataset_kwargs; only data_files, delimiter, sep, quoting and field are read. */
  readonly kwargs?: Readonly<Record<string, unknown>> | null | undefined;
  /** Folder of the task file: data_files are looked for here first, then in the working folder, then in the roots. */
  readonly folder?: string | undefined;
}

/** Options of evalRows. */
export interface EvalRowsOptions {
  /** Of original files without a split "train": so many rows of validation become it, and validation loses them. */
  readonly trainRows?: number | undefined;
}

/** Where gpt data import and get write, and gpt eval looks, without being told. */
export const DEFAULT_ROOT = 'data/sets';

const BUNDLED_ROOT = fileURLToPath(new URL('../../data/eval', import.meta.url));

/**
 * Data roots in the order in which they are searched: those given, or else those of GPT_DATA (with a ":" between them);
 * then the default one and the bundled one. Throws DataError for a given one that is no folder.
 */
export function evalRoots(given: readonly string[], variable: string | undefined): string[] {
  const named = given.length > 0 ? given : (variable?.split(delimiter) ?? []).filter((root) => root !== '');
  for (const root of named) {
    if (isFolder(root)) continue;
    const how = given.length > 0 ? '--data-root' : 'GPT_DATA';
    throw new DataError(`${how} ${root}: there is no such folder`, 'give the folder that holds the data sets');
  }
  return [...named, DEFAULT_ROOT, BUNDLED_ROOT].filter(isFolder);
}

/**
 * All rows of a split. Throws DataError: with the paths that were looked for where there is none, with file and line
 * for a bad row, and for a split without rows.
 */
export async function evalRows(
  roots: readonly string[],
  set: EvalSet,
  split: string,
  { trainRows = 0 }: EvalRowsOptions = {},
): Promise<Doc[]> {
  const named = isBuilder(set) ? namedFiles(set, split) : undefined;
  if (named === undefined) {
    const place = placeOf({ path: set.path, name: set.name ?? 'default', split });
    return (await rowsAt(roots, place, undefined, trainRows)) ?? missing(roots, set, split, trainRows);
  }
  const parts: Doc[][] = [];
  for (const name of named) {
    const hub = hubFile(name);
    if (hub) {
      parts.push((await rowsAt(roots, hub.place, hub.ending, trainRows)) ?? missingHubFile(roots, name, hub));
    } else {
      const file = localFile(roots, set, name);
      parts.push(await readTyped(file, await fileOptions(set, file)));
    }
  }
  return parts.flat();
}

/** A folder that has some splits of a set. */
export interface Whereabouts {
  readonly folder: string;
  /** Original files, which are converted when they are read. */
  readonly original: boolean;
  readonly splits: readonly string[];
}

/** Where the roots have a set that can be imported. */
export function whereIs(roots: readonly string[], set: OriginalSet): Whereabouts[] {
  return roots.flatMap((root) => {
    const folder = join(root, set.name);
    const found = foundSplits(set, folder);
    const own = found.length > 0 ? [{ folder, original: true, splits: found.map(({ split }) => split) }] : [];
    const all = set.splits('');
    const imported = [...new Set(all.map(({ path }) => path))].flatMap((path) => {
      const ofPath = all.filter((one) => one.path === path);
      const there = ofPath.filter((one) => filesAt(root, placeOf(one), undefined).length > 0);
      const names = [...new Set(ofPath.map(({ name }) => name))];
      const below = join(root, path, ...(names.length === 1 ? names : []));
      return there.length > 0 ? [{ folder: below, original: false, splits: there.map(({ split }) => split) }] : [];
    });
    return [...imported, ...own];
  });
}

/** Rows of the first root that has the place; undefined: none has. An ending says which file it must be. */
async function rowsAt(
  roots: readonly string[],
  place: string,
  ending: string | undefined,
  trainRows: number,
): Promise<Doc[] | undefined> {
  for (const root of roots) {
    const files = filesAt(root, place, ending);
    if (files.length > 0) return (await Promise.all(files.map((file) => readTyped(file)))).flat();
    const original = originalAt(root, place, trainRows);
    if (original) return readOriginal(original);
  }
  return undefined;
}

const CUT = /-(\d{5})-of-(\d{5})\.parquet$/;

function filesAt(root: string, place: string, ending: string | undefined): string[] {
  const endings = ending === undefined ? ROW_ENDINGS : [ending];
  const whole = endings.map((end) => join(root, place + end)).find(isFile);
  if (whole !== undefined || ending !== undefined) return whole === undefined ? [] : [whole];
  const folder = join(root, dirname(place));
  const cut = namesIn(folder).filter((file) => file.replace(CUT, '') === basename(place) && CUT.test(file));
  const all = Number(CUT.exec(cut[0] ?? '')?.[2] ?? 0);
  if (cut.length < all) {
    throw new DataError(`${join(folder, cut[0]!)}: ${cut.length} of ${all} parts are there`, 'fetch the others too');
  }
  return cut.map((file) => join(folder, file));
}

function originalAt(root: string, place: string, trainRows: number): FoundSplit | undefined {
  for (const set of ORIGINAL_SETS) {
    const found = foundSplits(set, join(root, set.name), trainRows).find((split) => placeOf(split) === place);
    if (found) return found;
  }
  return undefined;
}

async function readOriginal({ files, read }: FoundSplit): Promise<Doc[]> {
  const rows: Doc[] = [];
  for await (const row of read()) rows.push(row);
  if (rows.length === 0) throw emptyFile(files[0]!, 'no rows');
  return rows;
}

/** A file of dataset_kwargs.data_files. */
function localFile(roots: readonly string[], { folder }: EvalSet, name: string): string {
  const places = [...(folder === undefined ? [] : [folder]), '.', ...roots].map((place) => resolve(place, name));
  const found = places.find(isFile);
  if (found !== undefined) return relative('.', found);
  throw new DataError(
    `data_files: there is no ${name}; looked for${lines([...new Set(places)])}`,
    'paths are relative to the folder of the task file, to the working folder or to a data root (--data-root)',
  );
}

function missingHubFile(roots: readonly string[], name: string, { place, ending }: HubFile): never {
  throw new DataError(
    `data_files: ${name} is not on this machine; looked for${lines(roots.map((root) => join(root, place + ending)))}`,
    `put it there${importHint(place, ', or ')}, or name the folder that has it (--data-root, GPT_DATA)`,
  );
}

function missing(roots: readonly string[], set: EvalSet, split: string, trainRows: number): never {
  const name = set.name ?? 'default';
  const place = placeOf({ path: set.path, name, split });
  const called = `${set.path}${set.name ? `, ${set.name}` : ''}`;
  const places = roots.map((root) => `${join(root, place)}.jsonl (or .json .csv .tsv, also .gz .zst; or .parquet)`);
  const validation = placeOf({ path: set.path, name, split: 'validation' });
  if (split === 'train' && trainRows === 0 && roots.some((root) => originalAt(root, validation, 0))) {
    throw new DataError(
      `${called}: the original files have no split "train" to take demonstrations from`,
      'use the first rows of validation for it, e.g. --train-rows 900; or evaluate without demonstrations: --shots 0',
    );
  }
  throw new DataError(
    `${called}: no rows of its split "${split}"${others(roots, set, name)}; looked for${lines(places)}`,
    `put them there, fetch them (gpt data get ${[set.path, set.name].filter(Boolean).join(' ')})${importHint(
      place,
      ', convert the original files (',
      ')',
    )}, or name the folder that has them (--data-root, GPT_DATA)`,
  );
}

/** What the roots have of the set instead. */
function others(roots: readonly string[], { path }: EvalSet, name: string): string {
  const stem = (file: string) => file.replace(CUT, '').replace(/\.[a-z.]+$/, '');
  const splits = roots.flatMap((root) => namesIn(join(root, path, name)).map(stem));
  if (splits.length > 0) return ` (there are ${[...new Set(splits)].join(', ')})`;
  const names = roots.flatMap((root) => namesIn(join(root, path)));
  return names.length > 0 ? ` (of this set there are ${[...new Set(names)].join(', ')})` : '';
}

function importHint(place: string, before: string, after = ''): string {
  const known = ORIGINAL_SETS.find((set) => set.splits('').some((split) => placeOf(split) === place));
  if (!known) return '';
  const rows = known.lacksTrain && basename(place) === 'train' ? ' --train-rows 900' : '';
  return `${before}gpt data import ${known.name} FOLDER${rows}${after}`;
}

const lines = (paths: readonly string[]): string => paths.map((path) => `\n  ${path}`).join('');
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const namesIn = (folder: string): string[] => (isFolder(folder) ? readdirSync(folder).sort() : []);
