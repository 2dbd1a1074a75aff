// Rows of a file with the types that Hugging Face's readers give them.
//
// Values of .jsonl, .json and .parquet have types. Those of .csv and .tsv are text, and become numbers by the column: where
// each value is a whole or decimal number or empty, and one at least is there, the column has numbers, and null for the
// empty ones. "5" among words stays a text. So labels are indices, as task files expect, and identifiers of digits too.

import type { Row, Value } from '../row.js';
import { formatOf, type RowOptions, readRows } from '../rows.js';

type Values = Row['values'];

/** All rows of a file. Throws DataError with file and line, and for a file without rows. */
export async function readTyped(file: string, options: RowOptions = {}): Promise<Values[]> {
  const rows: Values[] = [];
  for await (const { values } of readRows(file, options)) rows.push(values);
  const format = options.format ?? formatOf(file);
  return format === 'csv' || format === 'tsv' ? typed(rows) : rows;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+$/;

/** Whole numbers that a double cannot hold stay texts. */
const isNumber = (value: Value | undefined): boolean =>
  typeof value === 'string' && NUMBER.test(value) && (!WHOLE.test(value) || Number.isSafeInteger(Number(value)));

function typed(rows: readonly Values[]): Values[] {
  const columns = Object.keys(rows[0] ?? {}).filter((column) => {
    const values = rows.map((row) => row[column]).filter((value) => value !== '');
    return values.length > 0 && values.every(isNumber);
  });
  const number = (value: Value | undefined): Value => (value === '' ? null : Number(value));
  return rows.map((row) => ({ ...row, ...Object.fromEntries(columns.map((name) => [name, number(row[name])])) }));
}
