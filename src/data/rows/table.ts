// What .csv and .tsv have in common: a header of unique names, and lines with one field for each.

import { DataError } from '../../base/errors.js';
import { short } from '../../base/format.js';
import { emptyFile } from '../blocks.js';
import { badRow, type OnBadRow, type Row } from '../row.js';

/** More fields than this are no row: the separators are not what they seem. */
export const MOST_FIELDS = 10_000;

/** Options of both. */
export interface TableOptions {
  /** Names of the columns; default: the first line has them. */
  readonly names?: readonly string[];
  /** Drop fields beyond the names. */
  readonly dropExtra?: boolean;
  readonly onBadRow?: OnBadRow;
}

/** Fields of one record, and the line on which it starts. */
export interface Fields {
  readonly fields: readonly string[];
  readonly line: number;
  /** Why the record could not be taken apart. */
  readonly error?: DataError;
}

/** Rows of records. Throws DataError for a header without unique names and for a record of another length. */
export async function* tableRows(
  file: string,
  records: AsyncIterable<Fields>,
  { names: given, dropExtra, onBadRow }: TableOptions,
  quoting: string,
): AsyncGenerator<Row> {
  let names = given;
  for await (const { fields, line, error } of records) {
    const place = `${file}:${line}`;
    if (fields.length > MOST_FIELDS) throw tooManyFields(place);
    if (error !== undefined) {
      badRow(error, names && onBadRow); // without its header the table means nothing
      continue;
    }
    if (names === undefined) {
      checkHeader(place, fields);
      names = fields;
      continue;
    }
    if (fields.length < names.length || (fields.length > names.length && !dropExtra)) {
      const of = given ? 'there are names for' : 'the header has';
      const what = `${place}: the row has ${count(fields.length)}, but ${of} ${names.length}`;
      badRow(new DataError(what, quoting), onBadRow);
      continue;
    }
    yield { place, values: Object.fromEntries(names.map((name, i) => [name, fields[i]!])) };
  }
  if (names === undefined) throw emptyFile(file, 'not even a header line');
}

/** The error for a row of more than MOST_FIELDS fields. */
export const tooManyFields = (place: string): DataError =>
  new DataError(
    `${place}: the row has more than ${MOST_FIELDS} fields`,
    'check that the file has the format of its name',
  );

/** The error for lines that would all be one row. */
export const bareReturns = (file: string): DataError =>
  new DataError(`${file}:1: the line ends in a carriage return alone`, "convert the file: tr '\\r' '\\n' < IN > OUT");

const count = (n: number): string => (n === 1 ? '1 field' : `${n} fields`);

function checkHeader(place: string, names: readonly string[]): void {
  const unnamed = names.findIndex((name) => name.trim() === '');
  if (unnamed >= 0) {
    throw new DataError(
      `${place}: column ${unnamed + 1} of the header has no name`,
      'the first line must name every column (an index that pandas wrote: save with index=False)',
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new DataError(
      `${place}: two columns are named "${short(twice)}"`,
      'the first line must name every column once',
    );
  }
}
