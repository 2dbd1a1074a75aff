// Rows of any file of rows, one after the other: what pretraining, fine-tuning and evaluation read data with.
//
//   .jsonl    one JSON object a line                                                     rows/json.ts
//   .json     a list of objects, or an object that has such a list                       rows/json.ts
//   .csv      RFC 4180, the first line names the columns                                 rows/csv.ts
//   .tsv      tabs and line feeds only, a quote is a letter like any other (GLUE)        rows/tsv.ts
//   .parquet  flat or nested columns, every usual codec                                  rows/parquet.ts
//
// All but .parquet may also be packed (.gz, .zst). Blank lines are skipped. Text is streamed: a row of at most 64 MiB is in
// memory at a time, of .parquet a row group. row.ts gives typed access to the columns.

import { emptyFile, type OnBytes, PACKED, readBlocks } from './blocks.js';
import type { OnBadRow, Row } from './row.js';
import { readCsv } from './rows/csv.js';
import { readJson, readJsonl } from './rows/json.js';
import { readTsv } from './rows/tsv.js';

const FORMATS = ['jsonl', 'json', 'csv', 'tsv', 'parquet'] as const;

/** How rows are written. */
export type RowFormat = (typeof FORMATS)[number];

/** Ends of the names of files with rows. */
export const ROW_ENDINGS: readonly string[] = FORMATS.flatMap(endingsOf);

function endingsOf(format: RowFormat): string[] {
  return format === 'parquet' ? ['.parquet'] : PACKED.map((packed) => `.${format}${packed}`);
}

/** Options of readRows. */
export interface RowOptions {
  /** Default: by the end of the file's name. */
  readonly format?: RowFormat;
  /** Names of the columns of a .csv or .tsv file without a header line. */
  readonly names?: readonly string[];
  /** Lines of a .csv or .tsv file may have more fields than there are names: what is beyond them is dropped. */
  readonly dropExtra?: boolean;
  /** Columns that the caller uses. Others may be left out of a .parquet file's rows, which is then read faster. */
  readonly columns?: readonly string[];
  /** Called for a row that cannot be read where the next one can; else such a row is an error. Not for .parquet. */
  readonly onBadRow?: OnBadRow;
  readonly onBytes?: OnBytes;
}

/** Format by the end of the name; undefined for a file that has no rows. */
export function formatOf(file: string): RowFormat | undefined {
  return FORMATS.find((format) => endingsOf(format).some((ending) => file.endsWith(ending)));
}

/** Rows of one file. Throws DataError with file and line, row or byte; without onBadRow also when there is no row. */
export async function* readRows(file: string, options: RowOptions = {}): AsyncGenerator<Row> {
  const format = options.format ?? formatOf(file);
  if (format === undefined) throw new Error(`internal: ${file} has no rows`);
  let some = false;
  for await (const row of await open(file, format, options)) {
    some = true;
    yield row;
  }
  if (!some && !options.onBadRow) throw emptyFile(file, 'no rows');
}

async function open(file: string, format: RowFormat, options: RowOptions): Promise<AsyncGenerator<Row>> {
  if (format === 'parquet') {
    const { readParquet } = await import('./rows/parquet.js'); // its codecs take time to load
    return readParquet(file, options);
  }
  const blocks = readBlocks(file, options.onBytes);
  if (format === 'jsonl') return readJsonl(file, blocks, options.onBadRow);
  if (format === 'json') return readJson(file, blocks, options.onBadRow);
  return format === 'csv' ? readCsv(file, blocks, options) : readTsv(file, blocks, options);
}
