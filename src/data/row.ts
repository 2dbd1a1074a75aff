// A row of a data file, and typed access to its columns.
//
// JSON and Parquet have types; the values of .csv and .tsv are strings. A caller asks for the types that it needs, and
// strings become numbers and booleans on the way:
//
//   const { sentence, label } = requireColumns(row, { sentence: 'string', label: [0, 1] });
//   -> train.tsv:17: label is "maybe", expected one of 0, 1

import { DataError } from '../base/errors.js';
import { quoted, short } from '../base/format.js';
import { nearest } from '../config/spelling.js';

/** bigint: an integer of a .parquet file beyond 2^53; Uint8Array: bytes of one that are no UTF-8. */
export type Value =
  | string
  | number
  | boolean
  | null
  | bigint
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value };

/** One row. */
export interface Row {
  /** For messages: "file:line", or "file: row N" where lines mean nothing (.json, .parquet); both count from 1. */
  readonly place: string;
  readonly values: { readonly [key: string]: Value };
}

/** Told of a row that cannot be read, instead of an end to reading. */
export type OnBadRow = (error: DataError) => void;

/** Passes on the error of a row, or throws it where nobody wants to know. */
export function badRow(error: DataError, onBadRow: OnBadRow | undefined): void {
  if (onBadRow === undefined) throw error;
  onBadRow(error);
}

interface Types {
  string: string;
  /** Finite. */
  number: number;
  /** At most 2^53 - 1. */
  integer: number;
  /** true or false, also as a word. */
  boolean: boolean;
  /** A list of strings. */
  strings: readonly string[];
  any: Value;
}

/** The type of a column, or the list of values that it may have. */
export type ColumnType = keyof Types | readonly (string | number)[];

/** What requireColumns returns for what it was asked. */
export type Columns<Wanted> = {
  readonly [Key in keyof Wanted]: Wanted[Key] extends keyof Types
    ? Types[Wanted[Key]]
    : Wanted[Key] extends readonly (infer Choice)[]
      ? Choice
      : never;
};

/** The wanted columns of a row, typed. Throws DataError with the row's place when one is missing or of another type. */
export function requireColumns<const Wanted extends Readonly<Record<string, ColumnType>>>(
  row: Row,
  wanted: Wanted,
): Columns<Wanted> {
  const entries = Object.entries(wanted).map(([name, type]) => [name, requireColumn(row, name, type)]);
  return Object.fromEntries(entries) as Columns<Wanted>; // convert() has checked each of them
}

const LISTED = 200; // characters of names in a message

function requireColumn(row: Row, name: string, type: ColumnType): Value {
  const value = Object.hasOwn(row.values, name) ? row.values[name] : undefined;
  if (value === undefined) {
    const names = Object.keys(row.values);
    const near = nearest(name, names);
    throw new DataError(
      `${row.place}: there is no "${name}" in the row`,
      `${near === undefined ? '' : `did you mean "${near}"? `}it has: ${short(names.join(', '), LISTED)}`,
    );
  }
  const converted = convert(value, type);
  if (converted !== undefined) return converted;
  throw new DataError(
    `${row.place}: ${name} is ${show(value)}, expected ${describe(type)}`,
    'correct the row, or leave it out',
  );
}

/** undefined when the value has another type. */
function convert(value: Value, type: ColumnType): Value | undefined {
  if (typeof type !== 'string') {
    return typeof value === 'object' ? undefined : type.find((choice) => String(choice) === String(value));
  }
  switch (type) {
    case 'any':
      return value;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      return typeof value === 'string' && /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : undefined;
    default: {
      const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
      if (typeof number !== 'number') return undefined;
      return (type === 'integer' ? Number.isSafeInteger(number) : Number.isFinite(number)) ? number : undefined;
    }
  }
}

const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

const DESCRIPTIONS: Readonly<Record<keyof Types, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  strings: 'a list of strings',
  any: 'any value',
};

const describe = (type: ColumnType): string =>
  typeof type === 'string' ? DESCRIPTIONS[type] : `one of ${type.join(', ')}`;

/** A value in an error message, at most some 60 characters of it. */
function show(value: Value): string {
  if (value instanceof Uint8Array) return `${value.length} bytes that are not UTF-8`;
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : quoted(value);
}
