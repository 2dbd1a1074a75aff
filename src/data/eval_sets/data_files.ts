// Task files that name files instead of a set: dataset_path is the name of a reader, dataset_kwargs says what it reads.
//
//   dataset_path: json                        json: one object a line, or a list of objects      csv       parquet
//   dataset_kwargs:
//     data_files:                             a file or list of files alone is the split "train"
//       validation: rows.jsonl                a file of each split, or a list
//     delimiter: "\t"                         of csv: "," or a tab; then quotes mean nothing (quoting: 3)
//
// hf://datasets/<owner>/<set>/<file> is <owner>/<set>/<file> below a data root: task files that would fetch it run
// without a network. Addresses (https://...) are refused.

import { ConfigError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import { isRecord } from '../../base/json.js';
import { nearest } from '../../config/spelling.js';
import { readBlocks } from '../blocks.js';
import { formatOf, ROW_ENDINGS, type RowOptions } from '../rows.js';

/** The part of an EvalSet that is read here. */
interface Described {
  readonly path: string;
  readonly kwargs?: Readonly<Record<string, unknown>> | null | undefined;
}

/** dataset_path names a reader, not a set. */
export const isBuilder = ({ path }: Described): boolean => ['json', 'csv', 'parquet'].includes(path);

/** The files of a split, as they are written. Throws ConfigError where there are none, or none for this split. */
export function namedFiles({ path, kwargs }: Described, split: string): string[] {
  const given = kwargs?.['data_files'];
  const bySplit = isRecord(given) ? given : { train: given };
  const files = bySplit[split];
  const list = typeof files === 'string' ? [files] : files;
  if (Array.isArray(list) && list.length > 0 && list.every((file) => typeof file === 'string')) return list;
  if (given === undefined || given === null) {
    throw new ConfigError(
      `dataset_path is ${path}, but dataset_kwargs has no data_files`,
      'name the files of each split: data_files: {test: rows.jsonl}',
    );
  }
  if (files !== undefined && files !== null) {
    throw new ConfigError(`data_files: ${split} is ${quoted(files)}`, 'give a file, or a list of files');
  }
  const splits = Object.keys(bySplit);
  const near = nearest(split, splits);
  throw new ConfigError(
    `data_files has no split "${split}"`,
    `${near === undefined ? '' : `did you mean ${near}? `}it has ${splits.join(', ')}`,
  );
}

/** A file of the hub. */
export interface HubFile {
  /** Below a data root, without its ending. */
  readonly place: string;
  readonly ending: string;
}

/** What an address names; undefined for a path. Throws ConfigError for an address that is not the hub's. */
export function hubFile(name: string): HubFile | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(name);
  if (!scheme) return undefined;
  const path = scheme[1] === 'hf' ? /^datasets\/([^/]+\/[^/@]+)(?:@[^/]+)?\/(.+)$/.exec(scheme[2]!) : null;
  const file = path ? `${path[1]}/${path[2]}` : undefined;
  const ending = file && [...ROW_ENDINGS].sort((a, b) => b.length - a.length).find((end) => file.endsWith(end));
  if (file && ending) return { place: file.slice(0, -ending.length), ending };
  throw new ConfigError(
    `data_files: ${name} is an address, and gpt eval opens no network`,
    'fetch the file, and name its path instead',
  );
}

/** How to read a file of the set. Throws ConfigError for a delimiter that is neither comma nor tab. */
export async function fileOptions({ path, kwargs }: Described, file: string): Promise<RowOptions> {
  if (path === 'parquet') return { format: 'parquet' };
  if (path === 'json') return { format: (await startsList(file)) || kwargs?.['field'] ? 'json' : 'jsonl' };
  const delimiter = kwargs?.['delimiter'] ?? kwargs?.['sep'];
  if (delimiter === undefined || delimiter === null) return { format: formatOf(file) === 'tsv' ? 'tsv' : 'csv' };
  if (delimiter === ',') return { format: 'csv' };
  if (delimiter === '\t') return { format: 'tsv' };
  throw new ConfigError(`dataset_kwargs: delimiter is ${quoted(delimiter)}`, 'gpt reads "," and "\\t"');
}

/** The name of a .json file does not say whether it is a list or has one object a line. */
async function startsList(file: string): Promise<boolean> {
  for await (const block of readBlocks(file)) {
    const start = block.toString().trimStart();
    if (start !== '') return start.startsWith('[');
  }
  return false;
}
