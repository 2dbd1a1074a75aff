// One value for one key, from one place; and what is wrong with it, said with that place.

import { quoted, short } from '../base/format.js';
import type { KeyTable } from './keys.js';
import { keyHint, nearest } from './spelling.js';

/** A key with the value that a file or a flag gives it. */
export interface Setting {
  readonly path: string; //   "train.max_steps"
  readonly value: unknown;
  readonly origin: string; // "configs/mini.yaml:12" or "--train.max_steps": what --print-config shows
  readonly where: string; //  the same with the column: what errors show
}

/** What is wrong with a setting, as one line; undefined: nothing. */
export function settingProblem({ path, value, where }: Setting, table: KeyTable): string | undefined {
  const key = table.keys.get(path);
  if (!key) return unknownKey(path, where, table);
  if (key.schema.safeParse(value).success) return undefined;
  return `${where}: ${path}: expected ${key.type}; got ${shown(value)}${valueHint(key.type, value)}`;
}

/** The line for a key that the schema lacks. */
export function unknownKey(path: string, where: string, table: KeyTable): string {
  const hint = keyHint(path, table);
  return `${where}: ${short(path)}: unknown key${hint ? `; ${hint}` : ''}`;
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing';
  return quoted(value);
}

function valueHint(type: string, value: unknown): string {
  if (typeof value !== 'string') return '';
  if (type.includes('number')) {
    const digits = value.replace(/[_,' ]/g, '');
    return /^\d+(\.\d+)?$/.test(digits) && digits !== value ? ` (write plain digits: ${digits})` : '';
  }
  const near = nearest(value, type.split(/, | or /));
  return near ? ` (did you mean ${near}?)` : '';
}
