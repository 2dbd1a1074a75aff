// A data set in the files that its authors publish, as the rows that a task file of lm-evaluation-harness asks for.
//
//   rte/dev.tsv  ->  dataset_path nyu-mll/glue, dataset_name rte, split validation
//
// Names of sets, splits and columns are those of the Hugging Face hub, where the harness finds its data; classes are the
// hub's numbers (ClassLabel), texts are exactly those of the file. Each module of this folder describes one set or a
// family of them; eval_import.ts has them all.

import { DataError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import { readBlocks } from '../blocks.js';
import { type Row, requireColumns } from '../row.js';

/** A row of a data set: column names to values. */
export type Doc = Readonly<Record<string, unknown>>;

/** One split, made of one or more files. */
export interface OriginalSplit {
  /** dataset_path of the task files. */
  readonly path: string;
  /** dataset_name; "default" where they have none. */
  readonly name: string;
  readonly split: string;
  /** Below the folder of the set; each may also be there as .gz. */
  readonly files: readonly string[];
  /** Rows of these files, given with their folder. Throws DataError with file and line. */
  readonly rows: (files: readonly string[]) => AsyncIterable<Doc>;
}

/** A set that `gpt data import` knows. */
export interface OriginalSet {
  /** Also of the folder that holds its files. */
  readonly name: string;
  /** The harness's tasks on it; undefined: it has none. */
  readonly tasks?: string;
  /** As its authors or those who pass it on state it. */
  readonly licence: string;
  /** What a user must know to read results on it. */
  readonly note?: string;
  /** Its tasks take demonstrations from a split "train", which these files have not: trainRows makes one. */
  readonly lacksTrain?: boolean;
  /** The splits that its files may make; those of a family are known only from its folder. */
  readonly splits: (folder: string) => readonly OriginalSplit[];
}

/** Splits of one set that are read alike: names of splits to files. */
export const splitsOf = (
  path: string,
  name: string,
  files: Readonly<Record<string, readonly string[]>>,
  rows: OriginalSplit['rows'],
): OriginalSplit[] => Object.entries(files).map(([split, list]) => ({ path, name, split, files: list, rows }));

/** The number of a class, which may be written as number or name; -1 where the row says that it has none. */
export function classNumber(row: Row, column: string, names: readonly string[]): number {
  const value = requireColumns(row, { [column]: 'any' })[column]!;
  const text = String(value).trim();
  const number = names.includes(text) ? names.indexOf(text) : /^(-1|\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (number < names.length) return number;
  const known = names.map((name, i) => `${i} (${name})`).join(', ');
  throw new DataError(`${row.place}: ${column} is ${quoted(value)}, expected ${known}`, 'correct the row');
}

/** The lines of a file without their ends, empty ones included; the file is in memory as a whole. */
export async function linesOf(file: string): Promise<string[]> {
  const blocks: Buffer[] = [];
  for await (const block of readBlocks(file)) blocks.push(block);
  const lines = Buffer.concat(blocks).toString().split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}
