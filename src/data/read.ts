// Files to documents, streamed: .txt and .md (.gz, .zst) are one document a file, files of rows (rows.ts) one a row.
//
// A document of a text file arrives in one or more chunks of about 1 MiB. A chunk ends before white space, where tokenizers
// give the same ids for the parts as for the whole (tokenizer/cut.ts says why). A stretch of more than 16 MiB without such
// a place is cut between two characters. What text must be is in blocks.ts.

import { DataError } from '../base/errors.js';
import { short } from '../base/format.js';
import { nearest } from '../config/spelling.js';
import { lastCut } from '../tokenizer/cut.js';
import { emptyFile, type OnBytes, readBlocks } from './blocks.js';
import type { Row } from './row.js';
import { formatOf, readRows } from './rows.js';

const LONGEST = 16 << 20;

/** A part of a document. */
export interface TextChunk {
  readonly file: string;
  /** Never empty, and never with half a surrogate pair at an end. */
  readonly text: string;
  /** First part of its document. */
  readonly docStart: boolean;
  /** Last part of its document. */
  readonly docEnd: boolean;
}

/** Options of readText. */
export interface ReadOptions {
  /** Key or column of the text in rows. */
  readonly textKey: string;
  readonly onBytes?: OnBytes;
}

/** Reads files one after the other. Throws DataError with file and byte offset, line or row. */
export async function* readText(files: readonly string[], options: ReadOptions): AsyncGenerator<TextChunk> {
  for (const file of files) {
    yield* formatOf(file) === undefined ? readDocument(file, options.onBytes) : readRowTexts(file, options);
  }
}

async function* readDocument(file: string, onBytes?: OnBytes): AsyncGenerator<TextChunk> {
  let parts: string[] = []; // held back, so that the last chunk of the document is not empty
  let held = 0;
  let docStart = true;
  for await (const block of readBlocks(file, onBytes)) {
    const text = block.toString();
    const cut = lastCut(text);
    if (cut > 0 || held > LONGEST) {
      yield { file, text: parts.join('') + text.slice(0, cut), docStart, docEnd: false };
      docStart = false;
      parts = [];
      held = 0;
    }
    parts.push(text.slice(cut));
    held += text.length - cut;
  }
  if (held === 0) throw emptyFile(file, '0 bytes of text');
  yield { file, text: parts.join(''), docStart, docEnd: true };
}

async function* readRowTexts(file: string, { textKey, onBytes }: ReadOptions): AsyncGenerator<TextChunk> {
  let some = false;
  for await (const row of readRows(file, { columns: [textKey], ...(onBytes ? { onBytes } : {}) })) {
    const text = textOf(row, textKey);
    if (text === '') continue; // a row without text is no document
    some = true;
    yield { file, text, docStart: true, docEnd: true };
  }
  if (!some) throw emptyFile(file, 'no row has text');
}

function textOf({ place, values }: Row, textKey: string): string {
  const text = Object.hasOwn(values, textKey) ? values[textKey] : undefined;
  if (text === null) return '';
  if (typeof text === 'string') return text.replace(/\p{Surrogate}/gu, '\uFFFD');
  const what = text === undefined ? `the row has no key "${textKey}"` : `"${textKey}" is not a string`;
  const others = Object.keys(values).filter((key) => typeof values[key] === 'string');
  const near = nearest(textKey, others);
  throw new DataError(
    `${place}: ${what}`,
    others.length === 0
      ? 'a row needs its text in a string'
      : `set data.text_key (or --text-key) to one of: ${short(others.join(', '), 200)}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
  );
}
