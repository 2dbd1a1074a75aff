// Examples of a task, from any file of rows or a published data set: what gpt finetune, eval and predict read.
//
//   file -> rows (rows.ts) -> format (examples/formats.ts) -> columns (examples/columns.ts) -> examples
//
// Texts lose white space at their ends; nothing else of them changes. A row that is no example (an empty text, no
// label, an answer that is not there, a score that is no number, a line that cannot be read) is an error with file and
// line, or is counted. labels.ts learns the classes.

import { statSync } from 'node:fs';
import { ConfigError, DataError } from '../base/errors.js';
import { integer, quoted } from '../base/format.js';
import { emptyFile } from './blocks.js';
import { type Chosen, checkColumns, chooseColumns, type GivenColumns, USUAL_COLUMNS } from './examples/columns.js';
import type { Example, ExampleFormat, ExampleOptions, ExampleSet } from './examples/example.js';
import { FORMATS, type Format, openSource, type Source } from './examples/formats.js';
import { type Row, requireColumns, type Value } from './row.js';

export type {
  ColumnNames,
  Example,
  ExampleFormat,
  ExampleOptions,
  ExampleSet,
  TaskForm,
} from './examples/example.js';
export { EXAMPLE_FORMATS } from './examples/example.js';
export { findSplits, type Splits } from './examples/splits.js';

const OR_SKIP = 'or leave the row out (--on-bad-row skip)';
const FIRST = 5; // messages of bad rows that are kept

/**
 * Reads files of one format. Throws DataError with file and line for a bad row, unless those are skipped, and for a
 * file without any example.
 */
export async function readExamples(paths: readonly string[], options: ExampleOptions): Promise<ExampleSet> {
  const columns = checkColumns(options.form, options.columns);
  const examples: Example[] = [];
  const first: string[] = [];
  let count = 0;
  let named = false; // the format says what the classes are
  let format: ExampleFormat | undefined;
  for (const file of paths) {
    checkFile(file);
    const source = await openSource(file, options.format);
    checkFormat(file, source.format, format, options);
    format = source.format;
    const before = { examples: examples.length, count };
    let bad: DataError | undefined; // the first of this file
    const onBadRow = (error: DataError): void => {
      if (options.onBadRow === 'fail') throw error;
      bad ??= error;
      count++;
      if (first.length < FIRST) first.push(error.message);
    };
    const reader = new ExampleReader(source, { ...options, columns });
    for await (const row of source.rows(onBadRow)) {
      try {
        examples.push(reader.read(row));
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        onBadRow(error);
      }
    }
    named ||= reader.classes !== undefined;
    if (examples.length === before.examples) throw noExamples(file, count - before.count, bad);
  }
  const names = format === undefined || format === 'rows' || !named ? undefined : FORMATS[format].classes;
  return {
    examples,
    format: format ?? 'rows',
    files: paths,
    skipped: { count, first },
    classNames: names?.numbered ? Object.fromEntries(names.names.map((name, i) => [String(i), name])) : null,
  };
}

function checkFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) throw new DataError(`${file}: there is no such file`, 'check the path');
  if (stats.isDirectory()) throw new DataError(`${file}: a folder, expected a file of examples`, 'name its files');
}

function checkFormat(
  file: string,
  found: ExampleFormat,
  before: ExampleFormat | undefined,
  { form, format }: ExampleOptions,
): void {
  if (before !== undefined && found !== before) {
    throw new DataError(`${file}: looks like ${found}, but the files before like ${before}`, 'set data.format for all');
  }
  if (format === 'auto' || format === 'rows' || FORMATS[format].columns[form]) return;
  const forms = Object.keys(FORMATS[format].columns).join(' and ');
  throw new ConfigError(
    `data.format ${format} is for ${forms}, and the task is ${form}`,
    'leave data.format out and name the columns, or give another task',
  );
}

function noExamples(file: string, bad: number, first: DataError | undefined): DataError {
  if (first === undefined) return emptyFile(file, 'no rows');
  return new DataError(
    `${file}: none of its ${integer(bad)} rows is an example; the first: ${first.message}`,
    first.fix,
  );
}

type ReaderOptions = ExampleOptions & { readonly columns: GivenColumns };

/** Rows of one file to examples. */
class ExampleReader {
  readonly #options: ReaderOptions;
  readonly #source: Source;
  readonly #format: Format | undefined;
  #keys: string | undefined; // of the last row
  #chosen: Chosen | undefined; // by its keys

  constructor(source: Source, options: ReaderOptions) {
    this.#options = options;
    this.#source = source;
    this.#format = source.format === 'rows' ? undefined : FORMATS[source.format];
  }

  /** The only classes that labels may have. */
  get classes(): Format['classes'] {
    const { classes } = this.#format ?? {};
    const label = this.#chosen?.label;
    if (label === undefined || this.#options.score) return undefined;
    return classes?.columns.includes(label) ? classes : undefined;
  }

  read(row: Row): Example {
    const { form, labels } = this.#options;
    const { texts: columns, answers, label } = this.#choose(row);
    const parts = columns.map((column) => textOf(row, column));
    if (this.#source.format === 'copa' && parts[1] !== undefined) parts[1] = copaQuestion(row.place, parts[1]);
    const choices = answers && answersOf(row, answers);
    const texts = form === 'multiple-choice' ? [parts.join(' ')] : parts;
    const gold = label === undefined ? null : this.#gold(row, label, choices?.length);
    if (gold === null && labels === 'required') throw unlabelled(row, label!);
    return { place: row.place, texts, ...(choices ? { choices } : {}), gold };
  }

  /** In .json each row has keys of its own. */
  #choose(row: Row): Chosen {
    const keys = JSON.stringify(Object.keys(row.values));
    if (this.#chosen && keys === this.#keys) return this.#chosen;
    const { form, columns, labels } = this.#options;
    const known = this.#format?.columns[form];
    const made = this.#format && Object.keys(this.#format.columns).join(' and ');
    this.#chosen = chooseColumns(row, {
      form,
      given: columns,
      known: known ?? USUAL_COLUMNS[form],
      optionalLabel: labels === 'optional',
      hint: made === undefined || known ? '' : `; it looks like ${this.#source.format}, which is for ${made}`,
      named: this.#source.header ? 'the first line names' : 'the row has',
    });
    this.#keys = keys;
    return this.#chosen;
  }

  /** null: the row says that it has no label. */
  #gold(row: Row, column: string, answers: number | undefined): string | number | null {
    const value = requireColumns(row, { [column]: 'any' })[column]!;
    if (isEmpty(value)) return null;
    // GLUE and Hugging Face write -1 for "no label"
    if ((this.#format || answers !== undefined) && /^\s*-1(\.0+)?\s*$/.test(String(value))) return null;
    if (answers !== undefined) return answerIndex(row, column, value, answers);
    if (this.#options.score) return requireColumns(row, { [column]: 'number' })[column]!;
    const gold = classOrNumber(row, column, value);
    const { classes } = this;
    if (classes === undefined || classes.names.includes(String(gold))) return gold;
    if (classes.numbered && typeof gold === 'number' && classes.names[gold] !== undefined) return gold;
    const known = classes.names.map((name, i) => (classes.numbered ? `${i} (${name})` : name)).join(', ');
    throw new DataError(
      `${row.place}: ${column} is ${quoted(value)}, expected one of ${known}`,
      `correct the row; if the file is not ${this.#source.format}, set data.format rows and name its columns`,
    );
  }
}

/** Text without white space at its ends. Half surrogate pairs, which no tokenizer takes, become U+FFFD. */
function clean(row: Row, column: string, text: string): string {
  const trimmed = text.trim().replace(/\p{Surrogate}/gu, '\uFFFD');
  if (trimmed === '') throw new DataError(`${row.place}: ${column} is empty`, `give the text, ${OR_SKIP}`);
  return trimmed;
}

const textOf = (row: Row, column: string): string =>
  clean(row, column, requireColumns(row, { [column]: 'string' })[column]!);

function answersOf(row: Row, answers: NonNullable<Chosen['answers']>): string[] {
  let texts: string[];
  if ('list' in answers) {
    const { list } = answers;
    texts = requireColumns(row, { [list]: 'strings' })[list]!.map((text, i) => clean(row, `${list}[${i}]`, text));
  } else {
    const last = answers.numbered.findLastIndex((column) => !isEmpty(row.values[column]));
    texts = answers.numbered.slice(0, last + 1).map((column) => textOf(row, column));
  }
  if (texts.length >= 2) return texts;
  throw new DataError(
    `${row.place}: multiple choice with ${texts.length === 1 ? 'one answer' : 'no answers'}`,
    `give two answers or more, ${OR_SKIP}`,
  );
}

/** NaN is what pandas writes for a missing number. */
const isEmpty = (value: Value | undefined): boolean =>
  value === undefined || value === null || Number.isNaN(value) || (typeof value === 'string' && value.trim() === '');

/** The index of the right answer, from 0; it may be written as a letter. */
function answerIndex(row: Row, column: string, value: Value, answers: number): number {
  const letter = typeof value === 'string' && /^\s*[A-Z]\s*$/.test(value);
  const index = letter ? value.trim().charCodeAt(0) - 65 : requireColumns(row, { [column]: 'integer' })[column]!;
  if (index >= 0 && index < answers) return index;
  throw new DataError(
    `${row.place}: ${column} is ${quoted(value)}, but the row has ${answers} answers: 0 to ${answers - 1}`,
    `the right answer is given by its index from 0, or by a letter from A; correct the row, ${OR_SKIP}`,
  );
}

/** A class as it is written: by name, or by number. */
function classOrNumber(row: Row, column: string, value: Value): string | number {
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value !== 'string') {
    requireColumns(row, { [column]: 'string' }); // throws
    throw new Error('internal: a label of another type');
  }
  const text = value.trim();
  const number = Number(text);
  return /^[+-]?\d+(\.\d+)?$/.test(text) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
}

function copaQuestion(place: string, asked: string): string {
  if (asked === 'cause') return 'What was the cause?';
  if (asked === 'effect') return 'What happened as a result?';
  throw new DataError(`${place}: question is ${quoted(asked)}, expected cause or effect`, 'correct the row');
}

const unlabelled = (row: Row, column: string): DataError => {
  const value = row.values[column];
  const is = isEmpty(value) ? 'empty' : `${quoted(value)}: the example has no label`;
  return new DataError(
    `${row.place}: ${column} is ${is}`,
    `give the label, ${OR_SKIP}; gpt predict takes rows without`,
  );
};
