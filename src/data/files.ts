// data.path to a list of files: files as they are, folders searched through, globs expanded.
// Of a folder's files those that gpt reads are taken, but not .json, which in most folders is about the data
// (dataset_info.json, tokenizer.json): a .json file must be named, or matched by a glob.
// The list is sorted by path and names no file twice, however it was spelled, so that the order of documents depends on names alone.

import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { DataError } from '../base/errors.js';
import { PACKED } from './blocks.js';
import { ROW_ENDINGS } from './rows.js';

/** What gpt reads, by the end of the file's name. */
export const DATA_ENDINGS: readonly string[] = [
  ...['.txt', '.md'].flatMap((ending) => PACKED.map((packed) => ending + packed)),
  ...ROW_ENDINGS,
  '.bin',
];

const READABLE = `gpt reads .txt .md .jsonl .json .csv .tsv (also .gz and .zst), .parquet and .bin files, folders that hold some, and globs such as 'books/**/*.txt'`;

/**
 * Files named by data.path or data.val_path, relative to the working folder as the user wrote them.
 * Throws DataError when one is missing, is of no known kind, or when nothing matches.
 */
export function findFiles(path: string | readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const one of typeof path === 'string' ? [path] : path) {
    for (const file of expand(one)) if (!found.has(resolve(file))) found.set(resolve(file), file);
  }
  return [...found.values()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function expand(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    const files = globSync('**/*', { cwd: path, dot: false, expandDirectories: false })
      .filter(isData)
      .filter((file) => !/\.json(\.gz|\.zst)?$/.test(file));
    if (files.length === 0) throw new DataError(`${path}: no file to read in this folder`, READABLE);
    return files.map((file) => join(path, file));
  }
  if (stats) {
    if (!isData(path)) throw new DataError(`${path}: not a kind of file that gpt reads`, READABLE);
    return [path];
  }
  if (!isDynamicPattern(path)) throw new DataError(`${path}: there is no such file or folder`, READABLE);
  const files = globSync(path, { dot: false, expandDirectories: false, absolute: isAbsolute(path) }).filter(isData);
  if (files.length === 0) throw new DataError(`${path}: no file matches`, READABLE);
  return files;
}

const isData = (file: string): boolean => DATA_ENDINGS.some((ending) => file.endsWith(ending));
