// Which columns of a row are the texts, the answers and the label of an example.
//
// A name that the user gives counts alone. Otherwise the names known for the role are looked for; that two of them are
// there is an error, not a guess. The answers of multiple choice are one column with a list, or numbered columns
// (answer0 answer1 ...), the first with 0 or 1, of which the last may be empty in rows with fewer answers.

import { ConfigError, DataError } from '../../base/errors.js';
import { short } from '../../base/format.js';
import { type Row, requireColumns } from '../row.js';
import type { ColumnNames, TaskForm } from './example.js';

/** What a column is to an example; also the name of its key in the section data, and of its flag. */
export type Role = 'text' | 'first' | 'second' | 'context' | 'question' | 'answers' | 'label';

/** Names of columns by role; of answers those of lists, and what numbered columns start with. */
export type KnownColumns = { readonly [R in Role]?: readonly string[] };

/** ColumnNames without those that are undefined. */
export type GivenColumns = { readonly [R in keyof ColumnNames]?: NonNullable<ColumnNames[R]> };

/** The columns of a file. Of context and question one may be missing, and the label where it is optional. */
export interface Chosen {
  readonly texts: readonly string[];
  readonly answers?: { readonly list: string } | { readonly numbered: readonly string[] };
  readonly label?: string;
}

const LABELS = ['label', 'gold', 'score', 'answer'];

/** What gpt looks for in any file of rows. */
export const USUAL_COLUMNS: Readonly<Record<TaskForm, KnownColumns>> = {
  classification: { text: ['text', 'sentence'], label: LABELS },
  entailment: { first: ['premise', 'sentence1'], second: ['hypothesis', 'sentence2'], label: LABELS },
  similarity: { first: ['sentence1', 'text1', 'a'], second: ['sentence2', 'text2', 'b'], label: LABELS },
  'multiple-choice': {
    context: ['context'],
    question: ['question'],
    answers: ['answer', 'ending', 'choice'],
    label: LABELS,
  },
};

const TEXTS: Readonly<Record<TaskForm, readonly Role[]>> = {
  classification: ['text'],
  entailment: ['first', 'second'],
  similarity: ['first', 'second'],
  'multiple-choice': ['context', 'question'],
};

/** The columns that are given. Throws ConfigError for one that the form has no use for. */
export function checkColumns(form: TaskForm, columns: ColumnNames): GivenColumns {
  const roles: readonly string[] = [...TEXTS[form], ...(form === 'multiple-choice' ? ['answers'] : []), 'label'];
  const given = Object.entries(columns).filter(([, name]) => name !== undefined);
  const other = given.find(([role]) => !roles.includes(role))?.[0] as Role | undefined;
  if (other === undefined) return Object.fromEntries(given) as GivenColumns;
  const options = roles.map((role) => `data.${role}`).join(', ');
  throw new ConfigError(`${option(other)} is no column of the task ${form}`, `its columns are ${options}`);
}

const NAMES: Readonly<Record<Role, string>> = {
  text: 'text',
  first: 'first text',
  second: 'second text',
  context: 'context',
  question: 'question',
  answers: 'answers',
  label: 'label',
};

/** What is known about a file's columns. */
export interface ColumnOptions {
  readonly form: TaskForm;
  readonly given: GivenColumns;
  readonly known: KnownColumns;
  readonly optionalLabel: boolean;
  /** For the message when columns are missing: what else the file may be, and where the names come from. */
  readonly hint: string;
  readonly named: string;
}

/** Chooses the columns by the names in one row. Throws DataError with its place and what is missing or not clear. */
export function chooseColumns(row: Row, { form, given, known, optionalLabel, hint, named }: ColumnOptions): Chosen {
  const names = Object.keys(row.values);
  const { answers: ownAnswers = [], label: ownLabel, ...own } = given;
  const required = [
    ...Object.values(own),
    ...ownAnswers,
    ...(ownLabel === undefined || optionalLabel ? [] : [ownLabel]),
  ];
  requireColumns(row, Object.fromEntries(required.map((name) => [name, 'any'] as const)));
  const missing: Role[] = [];
  const find = (role: Exclude<Role, 'answers'>, optional: boolean): string | undefined => {
    const wanted = given[role] === undefined ? (known[role] ?? []) : [given[role]];
    const found = wanted.filter((name) => names.includes(name));
    if (found.length > 1) throw unclear(row, role, found);
    if (found.length === 0 && !optional) missing.push(role);
    return found[0];
  };
  const choice = form === 'multiple-choice';
  const texts = TEXTS[form].flatMap((role) => find(role as Exclude<Role, 'answers'>, choice) ?? []);
  if (texts.length === 0 && choice) missing.push('context', 'question');
  const answers = choice ? findAnswers(row, names, given.answers, known.answers ?? []) : undefined;
  if (choice && answers === undefined) missing.push('answers');
  const label = find('label', optionalLabel);
  if (missing.length > 0) throw absent(row, missing, known, `${named}: ${short(names.join(', '), 200)}`, hint);
  return { texts, ...(answers ? { answers } : {}), ...(label === undefined ? {} : { label }) };
}

function findAnswers(
  row: Row,
  names: readonly string[],
  given: readonly string[] | undefined,
  known: readonly string[],
): Chosen['answers'] {
  if (given !== undefined) return given.length === 1 ? { list: given[0]! } : { numbered: given };
  const lists = known.map((name) => `${name}s`).filter((name) => names.includes(name));
  const series = known.flatMap((name) => {
    const numbers = names.filter((column) => column.startsWith(name)).map((column) => column.slice(name.length));
    const sorted = numbers.filter((number) => /^(0|[1-9]\d?)$/.test(number)).sort((a, b) => Number(a) - Number(b));
    return sorted.length > 0 ? [{ name, numbers: sorted }] : [];
  });
  const all = [...lists, ...series.map(({ name, numbers }) => `${name}${numbers[0]} ...`)];
  if (all.length > 1) throw unclear(row, 'answers', all);
  if (lists.length === 1) return { list: lists[0]! };
  if (series.length === 0) return undefined;
  const { name, numbers } = series[0]!;
  const gap = numbers.findIndex((number, i) => Number(number) !== Number(numbers[0]) + i);
  if (gap >= 0 || Number(numbers[0]) > 1) {
    const wanted = gap >= 0 ? Number(numbers[0]) + gap : 0;
    throw new DataError(
      `${row.place}: there is ${name}${numbers[Math.max(gap, 0)]}, but no ${name}${wanted}`,
      'number the columns of the answers without gaps, or name them: data.answers (--answers)',
    );
  }
  return { numbered: numbers.map((number) => `${name}${number}`) };
}

const option = (role: Role): string => `data.${role} (--${role})`;

const unclear = (row: Row, role: Role, found: readonly string[]): DataError =>
  new DataError(
    `${row.place}: the ${NAMES[role]} may be in ${found.map((name) => `"${short(name)}"`).join(' or ')}`,
    `say in which: ${option(role)}`,
  );

function absent(row: Row, missing: readonly Role[], known: KnownColumns, seen: string, hint: string): DataError {
  const what = missing.map((role) => {
    const looked = known[role]?.map((name) => (role === 'answers' ? `${name}s, ${name}0 ...` : name)) ?? [];
    return `${NAMES[role]}${looked.length > 0 ? ` (looked for ${looked.join(', ')})` : ''}`;
  });
  return new DataError(
    `${row.place}: no column for the ${what.join(', and for the ')}${hint}`,
    `name ${missing.length > 1 ? 'them' : 'it'} with ${missing.map(option).join(', ')}; ${seen}`,
  );
}
