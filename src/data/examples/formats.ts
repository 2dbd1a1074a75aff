// The published data sets that gpt reads as they come, and how it knows them.
//
//   sst2      sentence<TAB>0|1 without a header; GLUE's and Hugging Face's files with one
//   cola      source<TAB>0|1<TAB>|*<TAB>sentence without a header (CoLA 1.0 "raw", GLUE); files with one
//   rte       GLUE's header: sentence1, sentence2, label (test.tsv: none, or -1)
//   sick      sentence_A, sentence_B, relatedness_score, entailment_judgment: for entailment and for similarity
//   stsb      STS benchmark: tabs, no header, score in field 5, texts in 6 and 7, sources in further ones; GLUE's
//   mrpc      header: Quality, #1 ID, #2 ID, #1 String, #2 String
//   copa      XML (copa.ts); SuperGLUE's .jsonl: premise, choice1, choice2, question: cause or effect
//   cosmosqa  id, context, question, answer0 ... answer3, label
//
// A format is recognized where nothing else looks like it. GLUE's sets share headers: "sentence, label" is SST-2 or
// CoLA where the file or its folder is named sst or cola, and else just rows; so is "sentence1, sentence2, label" RTE.

import { basename, dirname, resolve } from 'node:path';
import { DataError } from '../../base/errors.js';
import { short } from '../../base/format.js';
import { emptyFile, readBlocks } from '../blocks.js';
import type { OnBadRow, Row } from '../row.js';
import { formatOf, type RowFormat, type RowOptions, readRows } from '../rows.js';
import type { KnownColumns } from './columns.js';
import { readCopa } from './copa.js';
import type { ExampleFormat, TaskForm } from './example.js';

type DataSet = Exclude<ExampleFormat, 'rows'>;

/** One data set. */
export interface Format {
  /** Columns of the forms that it is made for. */
  readonly columns: { readonly [Form in TaskForm]?: KnownColumns };
  /** Columns of a file without a header. More fields than these are dropped where `more`. */
  readonly names?: readonly string[];
  readonly more?: boolean;
  /** The only classes of these columns, in the order of their numbers where they may hold numbers. */
  readonly classes?: {
    readonly columns: readonly string[];
    readonly names: readonly string[];
    readonly numbered: boolean;
  };
  readonly looks: (head: Head) => boolean;
}

/** The beginning of a file. */
interface Head {
  readonly kind: RowFormat | 'xml';
  /** Of the first lines, the fields between tabs; none of .json, .jsonl and .parquet. */
  readonly lines: readonly (readonly string[])[];
  /** Names in the first line, or keys of the first row. */
  readonly columns: readonly string[];
  /** Words in the names of the file and its folder. */
  readonly words: readonly string[];
}

const BIT = /^[01]$/;
const SCORE = /^\d(\.\d+)?$/;
const pair = { first: ['sentence1'], second: ['sentence2'] };

/** Every format but rows. */
export const FORMATS: Readonly<Record<DataSet, Format>> = {
  sst2: {
    columns: { classification: { text: ['sentence'], label: ['label'] } },
    names: ['sentence', 'label'],
    classes: { columns: ['label'], names: ['negative', 'positive'], numbered: true },
    looks: (head) =>
      mostly(head, (fields) => fields.length === 2 && BIT.test(fields[1]!)) ||
      (named(head, 'sst', 'sst2') && has(head, 'sentence')),
  },
  cola: {
    columns: { classification: { text: ['sentence'], label: ['label'] } },
    names: ['source', 'label', 'original', 'sentence'],
    classes: { columns: ['label'], names: ['unacceptable', 'acceptable'], numbered: true },
    looks: (head) =>
      mostly(head, (fields) => fields.length === 4 && BIT.test(fields[1]!) && /^\*?$/.test(fields[2]!)) ||
      (named(head, 'cola') && has(head, 'sentence')),
  },
  rte: {
    columns: { entailment: { ...pair, label: ['label'] } },
    classes: { columns: ['label'], names: ['entailment', 'not_entailment'], numbered: true },
    looks: (head) => named(head, 'rte') && has(head, 'sentence1', 'sentence2'),
  },
  sick: {
    columns: {
      entailment: {
        first: ['sentence_A'],
        second: ['sentence_B'],
        label: ['entailment_judgment', 'entailment_label'],
      },
      similarity: { first: ['sentence_A'], second: ['sentence_B'], label: ['relatedness_score'] },
    },
    classes: {
      columns: ['entailment_judgment', 'entailment_label'],
      names: ['ENTAILMENT', 'NEUTRAL', 'CONTRADICTION'],
      numbered: false,
    },
    looks: (head) => has(head, 'sentence_A', 'sentence_B', 'relatedness_score'),
  },
  stsb: {
    columns: { similarity: { ...pair, label: ['score', 'label'] } },
    names: ['genre', 'filename', 'year', 'index', 'score', 'sentence1', 'sentence2'],
    more: true, // sources of the texts
    looks: (head) =>
      mostly(head, (fields) => fields.length >= 7 && SCORE.test(fields[4]!)) ||
      has(head, 'genre', 'sentence1', 'sentence2') ||
      (named(head, 'stsb') && has(head, 'sentence1', 'sentence2')),
  },
  mrpc: {
    columns: { similarity: { first: ['#1 String'], second: ['#2 String'], label: ['Quality'] } },
    classes: { columns: ['Quality'], names: ['not_equivalent', 'equivalent'], numbered: true },
    looks: (head) => has(head, '#1 String', '#2 String'),
  },
  copa: {
    columns: {
      'multiple-choice': { context: ['premise'], question: ['question'], answers: ['choice'], label: ['label'] },
    },
    looks: (head) => head.kind === 'xml' || has(head, 'premise', 'choice1', 'choice2', 'question'),
  },
  cosmosqa: {
    columns: {
      'multiple-choice': { context: ['context'], question: ['question'], answers: ['answer'], label: ['label'] },
    },
    looks: (head) => has(head, 'id', 'context', 'question', 'answer0', 'answer1', 'answer2', 'answer3'),
  },
};

const has = ({ columns }: Head, ...names: string[]): boolean => names.every((name) => columns.includes(name));
const named = ({ words }: Head, ...names: string[]): boolean => names.some((name) => words.includes(name));

/** Lines look like rows from the first on, but for one in ten: bad rows are reported when they are read. */
function mostly({ lines }: Head, test: (fields: readonly string[]) => boolean): boolean {
  const first = lines[0];
  return first !== undefined && test(first) && lines.filter(test).length >= 0.9 * lines.length;
}

/** A file whose format is known. */
export interface Source {
  readonly format: ExampleFormat;
  /** The first line was taken for names of columns. */
  readonly header: boolean;
  readonly rows: (onBadRow: OnBadRow | undefined) => AsyncGenerator<Row>;
}

/** Looks at the beginning of a file and says how to read it. Throws DataError for one that is no file of examples. */
export async function openSource(file: string, wanted: ExampleFormat | 'auto'): Promise<Source> {
  const head = await readHead(file);
  const found = wanted === 'auto' ? recognize(head) : wanted;
  if (head.kind === 'xml') {
    if (found === 'copa') return { format: 'copa', header: false, rows: (onBadRow) => readCopa(file, onBadRow) };
    throw new DataError(
      `${file}: XML is only read as COPA's, and the format is ${found}`,
      'set data.format copa or auto',
    );
  }
  const { names, more }: Partial<Format> = found === 'rows' ? {} : FORMATS[found];
  const headless = names !== undefined && head.lines.length > 0 && !names.some((name) => head.columns.includes(name));
  const options: RowOptions = { format: head.kind, ...(headless ? { names, dropExtra: more ?? false } : {}) };
  const header = !headless && (head.kind === 'tsv' || head.kind === 'csv');
  return {
    format: found,
    header,
    rows: (onBadRow) => readRows(file, { ...options, ...(onBadRow ? { onBadRow } : {}) }),
  };
}

const recognize = (head: Head): ExampleFormat =>
  (Object.keys(FORMATS) as DataSet[]).find((format) => FORMATS[format].looks(head)) ?? 'rows';

const MOST_LINES = 50;

async function readHead(file: string): Promise<Head> {
  const words = [basename(resolve(file)), basename(dirname(resolve(file)))].flatMap((name) => wordsOf(name));
  const kind = /\.xml(\.gz)?$/.test(file)
    ? 'xml'
    : (formatOf(file) ?? (/\.txt(\.gz)?$/.test(file) ? 'tsv' : undefined));
  if (kind === undefined) {
    throw new DataError(
      `${file}: not a kind of file with examples`,
      'examples are in .tsv .csv .json .jsonl files (also .gz), in .parquet, and in the data sets of data.format',
    );
  }
  if (kind === 'xml') return { kind, lines: [], columns: [], words };
  if (kind === 'tsv' || kind === 'csv') {
    const text = await readStart(file);
    const lines = text.split(/\r?\n/).filter((line) => line !== '');
    const fields = lines.slice(0, MOST_LINES).map((line) => line.split('\t'));
    const first = fields[0] ?? [];
    if (first.length > 1) return { kind: 'tsv', lines: fields, columns: first, words }; // also a .csv: STS-B's
    if (!/\.(tsv|csv)(\.gz)?$/.test(file)) {
      const seen = `there is no tab in its first line, "${short(lines[0] ?? '')}"`;
      throw new DataError(
        `${file}: not a table: ${seen}`,
        'a .txt file of examples is tab-separated; plain text has none',
      );
    }
  }
  let columns: string[] = [];
  for await (const row of readRows(file, { format: kind, onBadRow: () => {} })) {
    columns = Object.keys(row.values);
    break;
  }
  return { kind, lines: [], columns, words };
}

/** The first lines of a file, each complete. */
async function readStart(file: string): Promise<string> {
  let text = '';
  for await (const block of readBlocks(file)) {
    text += block.toString();
    if (text.length > 1 << 16 && text.includes('\n')) return text.slice(0, text.lastIndexOf('\n'));
  }
  if (text === '') throw emptyFile(file, '0 bytes');
  return text;
}

/** Words of a name: SICK_test_annotated.txt has sick, test, annotated, txt; SST-2 has sst. */
export const wordsOf = (name: string): string[] => name.toLowerCase().split(/[^a-z0-9]+/);
