// A file that only grows, and that other programs read while it does: run.jsonl, TensorBoard's event files.
//
// What is appended waits in memory until flush(), or until a second has passed: a kill loses at most that. Where the
// disk refuses (it is full, say), what it did not take stays in memory, and the next flush goes on with exactly the
// byte that failed: the file is always a prefix of what was appended.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { diskError } from '../base/files.js';

const FLUSH_MS = 1000; // what a kill may lose of the steps, which a resume does again anyway

/** All methods throw DataError, which names the file, where the disk refuses. */
export class AppendedFile {
  readonly #path: string;
  readonly #fd: number;
  #pending: Buffer[] = [];
  #flushed = Date.now();
  #open = true;

  /** Opens or creates the file. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = this.#try(() => openSync(path, 'a+'));
  }

  /** The last byte of the file; undefined when it is empty. */
  lastByte(): number | undefined {
    return this.#try(() => {
      const { size } = fstatSync(this.#fd);
      const last = Buffer.alloc(1);
      return size > 0 && readSync(this.#fd, last, 0, 1, size - 1) === 1 ? last[0] : undefined;
    });
  }

  append(content: string | Uint8Array): void {
    this.#pending.push(Buffer.from(content));
    if (Date.now() - this.#flushed >= FLUSH_MS) this.flush();
  }

  /** To the operating system, and with `sync` to the disk itself. */
  flush({ sync = false } = {}): void {
    this.#flushed = Date.now();
    let rest = Buffer.concat(this.#pending);
    try {
      while (rest.length > 0) rest = rest.subarray(this.#try(() => writeSync(this.#fd, rest)));
      if (sync) this.#try(() => fsyncSync(this.#fd));
    } finally {
      this.#pending = [rest];
    }
  }

  /** Flushes to the disk and closes; a second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.flush({ sync: true });
    } finally {
      closeSync(this.#fd);
    }
  }

  #try<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw diskError('write', this.#path, error);
    }
  }
}
