// .csv by RFC 4180: commas, CR LF or LF, and quoted fields that may hold both, with "" for a quote.
//
// Quotes stand only around fields, so a record is complete where the number of quotes so far is even. Records are cut
// by that rule, which gives each its line, and csv-parse takes them apart in groups.

import { CsvError, parse } from 'csv-parse/sync';
import { DataError } from '../../base/errors.js';
import { type Line, Pieces } from '../blocks.js';
import type { Row } from '../row.js';
import { bareReturns, type Fields, MOST_FIELDS, type TableOptions, tableRows, tooManyFields } from './table.js';

const GROUP = 1 << 16; // bytes
const [QUOTE, COMMA, LINE_FEED, RETURN] = [0x22, 0x2c, 0x0a, 0x0d];
const RULE = 'RFC 4180: put the whole field into quotes, and write "" for a quote inside it';

/** Rows of a .csv file; every value is a string. Throws DataError with file and line. */
export function readCsv(file: string, blocks: AsyncIterable<Buffer>, options: TableOptions): AsyncGenerator<Row> {
  const fix = 'put fields that hold commas or line breaks into quotes; tab-separated text is .tsv';
  return tableRows(file, parseRecords(file, splitRecords(file, blocks)), options, fix);
}

/** Groups of records as bytes, with the line on which each starts. */
async function* splitRecords(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let line = 1;
  let start = 1; // line of the record
  let inside = false; // of quotes
  let opened = 1; // line of the quote
  let closed = -1; // offset of the last closing quote
  let fields = 1;
  let returned = false; // the byte before is a carriage return of the first line
  let offset = 0; // of the block
  const held = new Pieces(() => `${file}:${start}: the row${inside ? ` (a quote on line ${opened} is open)` : ''}`);
  for await (const block of blocks) {
    let group: Line[] = [];
    let bytes = 0;
    let from = 0;
    for (let i = 0; i < block.length; i++) {
      const byte = block[i];
      if (returned && byte !== LINE_FEED) throw bareReturns(file);
      returned = byte === RETURN && line === 1 && !inside;
      if (byte === QUOTE) {
        inside = !inside;
        if (!inside) closed = offset + i;
        else if (closed !== offset + i - 1) opened = line; // else it was the first half of ""
      } else if (byte === COMMA && !inside) {
        if (++fields > MOST_FIELDS) throw tooManyFields(`${file}:${start}`);
      } else if (byte === LINE_FEED) {
        line++;
        if (inside) continue;
        if (held.length > 0 || i > from) {
          held.add(block.subarray(from, i + 1));
          bytes += held.length;
          group.push({ bytes: held.take(), line: start });
        }
        from = i + 1;
        start = line;
        fields = 1;
        if (bytes >= GROUP) {
          yield group;
          group = [];
          bytes = 0;
        }
      }
    }
    held.add(block.subarray(from));
    offset += block.length;
    yield group;
  }
  if (returned) throw bareReturns(file);
  if (inside) throw new DataError(`${file}:${opened}: a quote opens on this line and is never closed`, RULE);
  if (held.length === 0) return;
  held.add(Buffer.of(LINE_FEED));
  yield [{ bytes: held.take(), line: start }];
}

async function* parseRecords(file: string, groups: AsyncIterable<Line[]>): AsyncGenerator<Fields> {
  for await (const group of groups) yield* parseGroup(file, group);
}

function* parseGroup(file: string, records: readonly Line[]): Generator<Fields> {
  const group = records.filter(({ bytes }) => bytes.length > 2 || (bytes[0] !== RETURN && bytes[0] !== LINE_FEED));
  const text = Buffer.concat(group.map(({ bytes }) => bytes));
  let rows: string[][];
  try {
    rows = parse(text, { record_delimiter: ['\r\n', '\n'], relax_column_count: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (group.length === 1) {
      const { line } = group[0]!;
      yield { fields: [], line, error: new DataError(`${file}:${line}: a quote stands inside a field`, RULE) };
    } else {
      for (const record of group) yield* parseGroup(file, [record]);
    }
    return;
  }
  for (const [i, fields] of rows.entries()) yield { fields, line: group[i]!.line };
}
