// .tsv as GLUE writes it: a tab ends a field, a line feed (or CR LF) a row, and quotes mean nothing. Its CoLA, RTE, SST-2,
// MRPC and STS-B are full of quotes that never close. (pandas: sep='\t', quoting=3)

import { type Line, readLines } from '../blocks.js';
import type { Row } from '../row.js';
import { bareReturns, type Fields, MOST_FIELDS, type TableOptions, tableRows } from './table.js';

/** Rows of a .tsv file; every value is a string. Throws DataError with file and line. */
export function readTsv(file: string, blocks: AsyncIterable<Buffer>, options: TableOptions): AsyncGenerator<Row> {
  const fix = 'a row has one field for each column, and no tab or line break inside a field';
  return tableRows(file, splitTabs(file, readLines(file, blocks)), options, fix);
}

async function* splitTabs(file: string, groups: AsyncIterable<Iterable<Line>>): AsyncGenerator<Fields> {
  for await (const lines of groups) {
    for (const { bytes, line } of lines) {
      const text = bytes.toString('utf8', 0, bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length);
      if (line === 1 && text.includes('\r')) throw bareReturns(file);
      if (text !== '') yield { fields: text.split('\t', MOST_FIELDS + 1), line };
    }
  }
}
