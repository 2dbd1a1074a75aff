// Text files to documents, streamed: .txt and .md are one document a file, .jsonl and .jsonl.gz one a row.
//
// A document arrives in one or more chunks of about 1 MiB. A chunk ends before a run of white space, where every
// tokenizer of ours gives the same ids for the parts as for the whole (tokenizer/bpe.ts says why). A stretch of more than
// 16 MiB without such a place is cut between two characters.
// Text must be UTF-8 without NUL bytes; a byte order mark at the start of a file is dropped, line ends stay as they are.
// Byte offsets in errors count from 0, in .gz files after decompression.

import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../base/errors.js';

const BLOCK = 1 << 20;
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
  /** Key of the text in .jsonl rows. */
  readonly textKey: string;
  /** Bytes read from the disk since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

/** Reads files one after the other. Throws DataError with file and byte offset, or file and line. */
export async function* readText(files: readonly string[], options: ReadOptions): AsyncGenerator<TextChunk> {
  for (const file of files) {
    const blocks = readBlocks(file, options.onBytes);
    const rows = file.endsWith('.jsonl') || file.endsWith('.jsonl.gz');
    yield* rows ? readRows(file, blocks, options.textKey) : readDocument(file, blocks);
  }
}

/** Raw blocks of a file, decompressed. */
async function* readBlocks(file: string, onBytes?: (bytes: number) => void): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { highWaterMark: BLOCK });
  const gunzip = file.endsWith('.gz') ? createGunzip({ chunkSize: BLOCK }) : undefined;
  if (gunzip) {
    raw.on('data', (block) => onBytes?.(block.length));
    raw.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  }
  try {
    for await (const block of gunzip ?? raw) {
      if (!gunzip) onBytes?.(block.length);
      yield block;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw new DataError(`${file}: damaged gzip data (${message})`, 'fetch the file again');
    throw new DataError(`${file}: cannot be read (${message})`, 'check the path and its permissions');
  } finally {
    raw.destroy();
  }
}

async function* readDocument(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<TextChunk> {
  let parts: string[] = []; // held back, so that the last chunk of the document is not empty
  let held = 0;
  let docStart = true;
  for await (const text of decode(file, blocks)) {
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
  if (held === 0) throw empty(file);
  yield { file, text: parts.join(''), docStart, docEnd: true };
}

/** Where the last run of white space that follows other characters starts; 0 if there is none. */
function lastCut(text: string): number {
  for (let i = text.length - 1; i > 0; i--) {
    if (isSpace(text, i) && !isSpace(text, i - 1)) return i;
  }
  return 0;
}

const isSpace = (text: string, i: number): boolean => /\p{White_Space}/u.test(text[i]!);

/** Checked text of blocks, cut between characters. */
async function* decode(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  let offset = 0; // of rest
  for await (const block of blocks) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, block]) : block;
    const end = bytes.length - unfinished(bytes);
    const text = decodeChecked(file, bytes.subarray(0, end), offset);
    if (text !== '') yield text;
    rest = Buffer.from(bytes.subarray(end));
    offset += end;
  }
  if (rest.length > 0) throw invalid(file, rest, offset);
}

/** Number of bytes at the end that begin a UTF-8 sequence which is not complete. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const b = bytes[bytes.length - back]!;
    if (b < 0x80) return 0;
    if (b >= 0xc0) return sequenceLength(b) > back ? back : 0;
  }
  return 0;
}

const sequenceLength = (lead: number): number => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1);

function decodeChecked(file: string, bytes: Buffer, offset: number): string {
  const nul = bytes.indexOf(0);
  if (nul >= 0 || !isUtf8(bytes)) throw invalid(file, bytes, offset);
  const mark = offset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', mark ? 3 : 0);
}

/** The error for the first NUL or invalid byte of bytes, which start at offset in the file. */
function invalid(file: string, bytes: Buffer, offset: number): DataError {
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const next = at + sequenceLength(bytes[at]!);
    if (next > bytes.length || !isUtf8(bytes.subarray(at, next))) break;
    at = next;
  }
  const where = `${file}: byte ${offset + at}`;
  const start = offset === 0 ? bytes.subarray(0, 2).toString('hex') : '';
  if (start === 'fffe' || start === 'feff') {
    return new DataError(`${where} is not UTF-8: the file is UTF-16`, 'convert it: iconv -f UTF-16 -t UTF-8 IN > OUT');
  }
  if (bytes[at] === 0) {
    return new DataError(`${where} is NUL: this is a binary file, not text`, 'leave it out of data.path');
  }
  const hex = bytes[at]!.toString(16).toUpperCase();
  return new DataError(
    `${where} (0x${hex}) is not valid UTF-8`,
    'leave the file out if it is binary, else convert it: iconv -f ISO-8859-1 -t UTF-8 IN > OUT',
  );
}

const empty = (file: string): DataError =>
  new DataError(`${file}: the file is empty (0 bytes of text)`, 'give a file with text in it, or leave this one out');

async function* readRows(file: string, blocks: AsyncIterable<Buffer>, textKey: string): AsyncGenerator<TextChunk> {
  let line = 0;
  let some = false;
  for await (const { bytes, offset } of splitLines(blocks)) {
    line++;
    const json = decodeChecked(file, bytes, offset);
    if (json.trim() === '') continue;
    const text = textOfRow(`${file}:${line}`, json, textKey);
    if (text === '') continue; // a row without text is no document
    some = true;
    yield { file, text, docStart: true, docEnd: true };
  }
  if (!some) throw empty(file);
}

/** Lines without their line feed. */
async function* splitLines(blocks: AsyncIterable<Buffer>): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  let parts: Buffer[] = [];
  let held = 0;
  let offset = 0; // of the line
  for await (const block of blocks) {
    let from = 0;
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, from)) {
      const tail = block.subarray(from, at);
      yield { bytes: parts.length > 0 ? Buffer.concat([...parts, tail]) : tail, offset };
      offset += held + tail.length + 1;
      parts = [];
      held = 0;
      from = at + 1;
    }
    parts.push(block.subarray(from));
    held += block.length - from;
  }
  if (held > 0) yield { bytes: Buffer.concat(parts), offset };
}

function textOfRow(where: string, json: string, textKey: string): string {
  let row: unknown;
  try {
    row = JSON.parse(json);
  } catch (error) {
    throw new DataError(`${where}: not JSON (${(error as Error).message})`, 'a .jsonl file has one JSON object a line');
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new DataError(`${where}: the row is not an object`, `a row looks like {"${textKey}": "..."}`);
  }
  const text: unknown = Object.hasOwn(row, textKey) ? (row as Record<string, unknown>)[textKey] : undefined;
  if (typeof text !== 'string') {
    const what = text === undefined ? `the row has no key "${textKey}"` : `"${textKey}" is not a string`;
    throw new DataError(`${where}: ${what}`, `set data.text_key to one of: ${Object.keys(row).join(', ')}`);
  }
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
