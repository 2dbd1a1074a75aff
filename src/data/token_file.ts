// Token shards: the ids of a corpus in one binary file, read by position.
//
// llm.c's format, little-endian:
//   byte 0     256 int32: [0] magic, [1] version, [2] number of tokens, the rest 0
//   byte 1024  the tokens: uint16 (magic 20240520, version 1), or uint32 (20240801, version 7; vocabularies over 65,536)
// nanoGPT's format is read too: bare uint16 without a header. It is told apart by the missing magic number, which as two
// uint16 would be (55432, 308), and 55,432 is no id of GPT-2's.
//
// Writing is atomic (base/files.ts): into a file of another name, flushed to the disk, renamed.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from '../base/errors.js';
import { commit, discard, diskError, type FileSystem, nodeFileSystem, temporaryName, writeAll } from '../base/files.js';

const HEADER_BYTES = 1024;
const FORMATS = [
  { magic: 20240520, version: 1, width: 2 },
  { magic: 20240801, version: 7, width: 4 },
] as const;

/** A sequence of token ids that is read by position. */
export interface TokenSource {
  /** Number of tokens. */
  readonly length: number;
  /** UTF-8 bytes of the text behind the tokens (end-of-text has none); null where it is not known. */
  readonly bytes: number | null;
  /** Ids offset .. offset+count-1. Throws DataError on an id outside the vocabulary. */
  read(offset: number, count: number): Int32Array;
  close(): void;
}

/** Writes a shard; until finish() returns nothing exists under its name. Throws DataError when the disk refuses. */
export class TokenFileWriter {
  readonly #path: string;
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #format: (typeof FORMATS)[number];
  #count = 0;
  #open = true;

  constructor(path: string, vocabSize: number, fs = nodeFileSystem) {
    this.#path = path;
    this.#fs = fs;
    this.#format = FORMATS[vocabSize <= 65536 ? 0 : 1];
    this.#fd = this.#try(() => fs.open(temporaryName(path), 'w'));
    this.#write(this.#header());
  }

  /** Tokens written so far. */
  get count(): number {
    return this.#count;
  }

  /** Appends ids and returns their bytes as written. Throws DataError when the format's counter would overflow. */
  append(ids: ArrayLike<number>): Uint8Array {
    const Words = this.#format.width === 2 ? Uint16Array : Uint32Array;
    const words = ids instanceof Words ? ids : new Words(ids);
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#count += words.length;
    if (this.#count > 2 ** 31 - 1) {
      throw new DataError(`${this.#path}: more than 2^31 tokens in one shard`, 'tokenize the corpus in parts');
    }
    this.#write(bytes);
    return bytes;
  }

  /** Makes the file appear under its name. */
  finish(): void {
    this.#close();
    const fd = this.#try(() => this.#fs.open(temporaryName(this.#path), 'r+'));
    try {
      this.#try(() => writeAll(fd, this.#header(), this.#fs)); // now that the number of tokens is known
    } finally {
      this.#try(() => this.#fs.close(fd));
    }
    commit(this.#path, this.#fs);
  }

  /** Drops an unfinished file; after finish() it does nothing. */
  abort(): void {
    if (this.#open) this.#close();
    discard(this.#path, this.#fs);
  }

  #close(): void {
    this.#open = false;
    this.#try(() => this.#fs.close(this.#fd));
  }

  #write(bytes: Uint8Array): void {
    this.#try(() => writeAll(this.#fd, bytes, this.#fs));
  }

  #try<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw diskError('write', this.#path, error);
    }
  }

  #header(): Uint8Array {
    const header = new Int32Array(HEADER_BYTES / 4);
    header.set([this.#format.magic, this.#format.version, this.#count]);
    return new Uint8Array(header.buffer);
  }
}

/**
 * Opens a shard of either format. vocabSize: bound of the ids. bytes: of the text, where known.
 * Throws DataError when the file is missing, cut short, of an unknown version, or too short to be one.
 */
export function openTokenFile(path: string, vocabSize: number, bytes: number | null = null): TokenSource {
  const fd = openShard(path);
  try {
    const { start, width, length } = readHeader(fd, path);
    const read = (offset: number, count: number): Int32Array => {
      if (offset < 0 || count < 0 || offset + count > length) {
        throw new RangeError(`internal: tokens ${offset}..${offset + count} of ${length} in ${path}`);
      }
      const buffer = new ArrayBuffer(count * width);
      readFully(fd, path, new Uint8Array(buffer), start + offset * width);
      const ids = Int32Array.from(width === 2 ? new Uint16Array(buffer) : new Int32Array(buffer));
      const wrong = ids.findIndex((id) => id < 0 || id >= vocabSize);
      if (wrong >= 0) {
        throw new DataError(
          `${path}: token ${offset + wrong} has the id ${ids[wrong]! >>> 0}, but the vocabulary has ${vocabSize}`,
          'use the tokenizer that the file was made with (--tokenizer.type, or --tokenizer.path)',
        );
      }
      return ids;
    };
    return { length, bytes, read, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openShard(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw diskError('read', path, error);
  }
}

function readHeader(fd: number, path: string): { start: number; width: 2 | 4; length: number } {
  const size = fstatSync(fd).size;
  const magic = new Int32Array(3);
  if (size >= 12) readFully(fd, path, new Uint8Array(magic.buffer), 0);
  const format = FORMATS.find((f) => f.magic === magic[0]);
  if (!format) {
    if (size === 0) throw new DataError(`${path}: the file is empty`, 'leave it out, or make it again');
    if (size % 2 === 1) {
      throw new DataError(
        `${path}: ${size} bytes is an odd length and there is no llm.c header, so these are no uint16 tokens`,
        'a .bin file holds tokens; give text as .txt',
      );
    }
    return { start: 0, width: 2, length: size / 2 };
  }
  if (magic[1] !== format.version) {
    throw new DataError(
      `${path}: version ${magic[1]} of the token format, expected ${format.version}`,
      'make the file again with a current writer',
    );
  }
  const length = magic[2]!;
  const want = HEADER_BYTES + length * format.width;
  if (length < 0 || size !== want) {
    throw new DataError(
      `${path}: ${size} bytes, but its header promises ${length} tokens = ${want} bytes`,
      'the file was cut short or damaged: fetch or make it again',
    );
  }
  return { start: HEADER_BYTES, width: format.width, length };
}

function readFully(fd: number, path: string, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const n = readSync(fd, bytes, at, bytes.length - at, position + at);
    if (n === 0) throw new DataError(`${path}: ends at byte ${position + at}`, 'the file shrank while it was in use');
    at += n;
  }
}

/** Several sources as one. */
export function concatSources(sources: readonly TokenSource[]): TokenSource {
  if (sources.length === 1) return sources[0]!;
  const length = sources.reduce((n, source) => n + source.length, 0);
  return {
    length,
    bytes: sources.reduce<number | null>((n, s) => (n === null || s.bytes === null ? null : n + s.bytes), 0),
    read(offset, count) {
      const ids = new Int32Array(count);
      let start = 0;
      for (const source of sources) {
        const from = Math.max(offset, start);
        const to = Math.min(offset + count, start + source.length);
        if (from < to) ids.set(source.read(from - start, to - from), from - offset);
        start += source.length;
      }
      return ids;
    },
    close: () => {
      for (const source of sources) source.close();
    },
  };
}

/** Tokens from .. to-1 of a source. Closing it closes the source. */
export function sliceSource(source: TokenSource, from: number, to: number): TokenSource {
  return {
    length: to - from,
    bytes: null,
    read: (offset, count) => {
      if (offset + count > to - from) throw new RangeError('internal: read behind the end of a slice');
      return source.read(from + offset, count);
    },
    close: () => source.close(),
  };
}
