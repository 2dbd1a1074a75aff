// A file as blocks, or as lines, of checked UTF-8: what every reader of text and rows starts from.
//
// Files that end in .gz or .zst (zstd.ts) are decompressed as they are read. Text must be UTF-8 without NUL bytes; a byte order mark at the
// start is dropped, line ends stay as they are. Byte offsets in errors count from 0, after decompression.
// Nothing here holds more than two blocks of 1 MiB, or one line.

import { isUtf8 } from 'node:buffer';
import { createReadStream, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../base/errors.js';
import { unzstd, ZstdError } from './zstd.js';

const BLOCK = 1 << 20;

/** Bytes that one row may have: a bound on memory, far above any document. */
export const ROW_LIMIT = 64 << 20;

/** Called with the bytes read from the disk since the last call. */
export type OnBytes = (bytes: number) => void;

/** One line, without its line feed. */
export interface Line {
  readonly bytes: Buffer;
  /** Counted from 1. */
  readonly line: number;
}

/** Blocks of a file, checked and cut between characters. Throws DataError with file and byte offset. */
export async function* readBlocks(file: string, onBytes?: OnBytes): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  let offset = 0; // of rest
  for await (const block of rawBlocks(file, onBytes)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, block]) : block;
    const end = bytes.length - unfinished(bytes);
    const checked = bytes.subarray(0, end);
    if (checked.includes(0) || !isUtf8(checked)) throw invalid(file, checked, offset);
    const text = offset === 0 && hasMark(checked) ? checked.subarray(3) : checked;
    if (text.length > 0) yield text;
    rest = Buffer.from(bytes.subarray(end));
    offset += end;
  }
  if (rest.length > 0) throw invalid(file, rest, offset);
}

/**
 * Lines of a file's blocks that are not empty, in groups that must be read to their ends, each before the next.
 * Throws DataError for a line of more than ROW_LIMIT bytes.
 */
export async function* readLines(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<Iterable<Line>> {
  const held = new Pieces(() => `${file}:${line}: the line`);
  let line = 1;
  function* split(block: Buffer): Generator<Line> {
    let from = 0;
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, from)) {
      if (held.length > 0 || at > from) {
        held.add(block.subarray(from, at));
        yield { bytes: held.take(), line };
      }
      line++;
      from = at + 1;
    }
    held.add(block.subarray(from));
  }
  for await (const block of blocks) yield split(block);
  if (held.length > 0) yield [{ bytes: held.take(), line }];
}

/** Bytes of one row, collected from several blocks. */
export class Pieces {
  length = 0;
  #parts: Buffer[] = [];
  readonly #what: () => string;
  readonly #limit: number;

  /** `what` names the row in the error. */
  constructor(what: () => string, limit = ROW_LIMIT) {
    this.#what = what;
    this.#limit = limit;
  }

  /** Throws DataError when more bytes than the limit are held. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.length += bytes.length;
    if (this.length > this.#limit) {
      throw new DataError(
        `${this.#what()} has more than ${this.#limit >> 20} MiB`,
        'split it into several rows; text without rows goes into a .txt file',
      );
    }
  }

  /** All that was held, in one piece. */
  take(): Buffer {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.length = 0;
    return bytes;
  }
}

/** The error for a file from which nothing can be taken. */
export const emptyFile = (file: string, of: string): DataError =>
  new DataError(`${file}: the file is empty (${of})`, 'give a file with text in it, or leave this one out');

/** The error for a file that the system does not let us read. */
export const unreadable = (file: string, error: unknown): DataError =>
  new DataError(`${file}: cannot be read (${(error as Error).message})`, 'check the path and its permissions');

/** Ends of the names of packed files, '' among them: what stands behind .txt, .jsonl ... */
export const PACKED = ['', '.gz', '.zst'] as const;

async function* rawBlocks(file: string, onBytes?: OnBytes): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { highWaterMark: BLOCK });
  try {
    yield* unpacked(file, raw, onBytes);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof ZstdError) && !code?.startsWith('Z_')) throw unreadable(file, error);
    if (raw.bytesRead === 0) throw emptyFile(file, '0 bytes');
    const kind = error instanceof ZstdError ? 'zstd' : 'gzip';
    throw new DataError(`${file}: damaged ${kind} data (${message})`, 'fetch the file again');
  } finally {
    raw.destroy();
  }
}

function unpacked(file: string, raw: ReadStream, onBytes?: OnBytes): AsyncIterable<Buffer> {
  if (!file.endsWith('.gz')) return file.endsWith('.zst') ? full(unzstd(counted(raw, onBytes))) : counted(raw, onBytes);
  const gunzip = createGunzip({ chunkSize: BLOCK });
  raw.on('data', (block) => onBytes?.(block.length));
  return raw.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
}

/** Small blocks in blocks as large as a plain file's: what comes of a text does not depend on how it was packed. */
async function* full(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const block of blocks) {
    parts.push(block);
    length += block.length;
    if (length < BLOCK) continue;
    const all = Buffer.concat(parts);
    yield all.subarray(0, BLOCK);
    parts = [all.subarray(BLOCK)];
    length -= BLOCK;
  }
  if (length > 0) yield Buffer.concat(parts);
}

async function* counted(raw: AsyncIterable<Buffer>, onBytes?: OnBytes): AsyncGenerator<Buffer> {
  for await (const block of raw) {
    onBytes?.(block.length);
    yield block;
  }
}

const hasMark = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

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
  if (bytes[at] === 0) return new DataError(`${where} is NUL: this is a binary file, not text`, 'leave the file out');
  const hex = bytes[at]!.toString(16).toUpperCase();
  return new DataError(
    `${where} (0x${hex}) is not valid UTF-8`,
    'leave the file out if it is binary, else convert it: iconv -f ISO-8859-1 -t UTF-8 IN > OUT',
  );
}
