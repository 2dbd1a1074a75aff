// One side of a split, train or val, as token shards: with counts, and a new shard where one is full.

import { createHash } from 'node:crypto';
import type { Piece, TokenWords } from './encode.js';
import { TokenFileWriter } from './token_file.js';

/** A shard that has been written. */
export interface WrittenShard {
  readonly path: string;
  readonly tokens: number;
  /** Documents that end in it. */
  readonly documents: number;
  /** UTF-8 bytes of the texts that begin in it. */
  readonly textBytes: number;
}

/** Writes shards; what is not finished has no name yet. Throws DataError where the disk refuses. */
export class ShardWriter {
  tokens = 0;
  bytes = 0;
  readonly #pathOf: (shard: number) => string;
  readonly #vocabSize: number;
  readonly #limit: number;
  readonly #hash = createHash('sha256');
  readonly #written: WrittenShard[] = [];
  #file: TokenFileWriter | undefined;
  #documents = 0; // of the open shard, as the next one
  #textBytes = 0;

  /** limit: tokens of a shard; without one there is a single shard. */
  constructor(pathOf: (shard: number) => string, vocabSize: number, limit = Number.POSITIVE_INFINITY) {
    this.#pathOf = pathOf;
    this.#vocabSize = vocabSize;
    this.#limit = limit;
  }

  /** Appends a piece. */
  add(tokens: TokenWords, { text, end }: Pick<Piece, 'text' | 'end'>): void {
    this.tokens += tokens.length;
    const bytes = Buffer.byteLength(text);
    this.bytes += bytes;
    for (let at = 0; at < tokens.length; ) {
      if (this.#file && this.#file.count >= this.#limit) this.#close();
      this.#file ??= this.#open();
      if (at === 0) this.#textBytes += bytes;
      const part = tokens.subarray(at, at + Math.min(tokens.length - at, this.#limit - this.#file.count));
      this.#hash.update(this.#file.append(part));
      at += part.length;
    }
    if (end) this.#documents++;
  }

  /** Gives the last shard its name; all of them in order. evenEmpty: there is one even where nothing was added. */
  finish({ evenEmpty = false } = {}): readonly WrittenShard[] {
    if (evenEmpty && this.#written.length === 0) this.#file ??= this.#open();
    if (this.#file) this.#close();
    return this.#written;
  }

  /** sha256 of all tokens. Once, at the end. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /** Drops an unfinished shard; after finish() it does nothing. */
  abort(): void {
    this.#file?.abort();
    this.#file = undefined;
  }

  #open(): TokenFileWriter {
    return new TokenFileWriter(this.#pathOf(this.#written.length), this.#vocabSize);
  }

  #close(): void {
    this.#file!.finish();
    const path = this.#pathOf(this.#written.length);
    this.#written.push({ path, tokens: this.#file!.count, documents: this.#documents, textBytes: this.#textBytes });
    this.#file = undefined;
    this.#documents = 0;
    this.#textBytes = 0;
  }
}
