// run.jsonl while it grows: a look reads what is new since the last one, never the whole again.
//
//   |- taken in ---------------|- half a line -|- new ------|
//                         last |  waits        | offset     | size of the file
//
// Half a line at the end waits for its rest. Another file of that name, a shorter one, or other bytes where we have been
// (someone copied a log over it) is read from its beginning.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate } from 'node:timers/promises';
import { diskError } from '../../base/files.js';
import { GrowingRecord, type RunRecord } from '../record.js';

const SLICE_BYTES = 1 << 20; // some 30 ms of parsing
const LAST_BYTES = 64; //       losses and times of a step: hardly the same in another log

export class FollowedLog {
  readonly path: string;
  /** Of the last change, in milliseconds since 1970; undefined: there has been no log. */
  changed: number | undefined;
  /** There was a log, and it is gone. What was read of it stays. */
  gone = false;
  #record: GrowingRecord;
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #offset = 0;
  #last: Buffer = Buffer.alloc(0); // of what was read, to know it again
  #file = -1; //                      its inode

  constructor(path: string) {
    this.path = path;
    this.#record = new GrowingRecord(path);
  }

  /** Everything that is known of the run; undefined as long as there is no start event. */
  get record(): RunRecord | undefined {
    return this.#record.record;
  }

  /** Whole lines that were read. */
  get lines(): number {
    return this.#record.lines;
  }

  /**
   * Reads what is new; other work gets its turn meanwhile. Resolves to whether there was anything, or the log has gone or
   * come back. Throws DataError when it cannot be read or is in a newer format.
   */
  async look(): Promise<boolean> {
    let fd: number | undefined;
    try {
      fd = openSync(this.path, 'r'); // anew each time: only then does a network disk tell of new bytes
      return await this.#read(fd);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        this.#file = -1; // from the beginning next time: the error comes again until its cause is gone
        throw diskError('read', this.path, error);
      }
      const was = this.gone;
      this.gone = this.changed !== undefined;
      return this.gone !== was;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  async #read(fd: number): Promise<boolean> {
    const { ino, size, mtimeMs } = fstatSync(fd);
    const begins = ino !== this.#file || !this.#knows(fd);
    if (begins) this.#begin(ino);
    const isNew = this.gone || (begins && this.changed !== undefined) || size > this.#offset;
    this.gone = false;
    this.changed = mtimeMs;
    const slice = Buffer.alloc(Math.min(SLICE_BYTES, size - this.#offset + 1));
    for (let n = this.#slice(fd, slice); n > 0; n = this.#slice(fd, slice)) {
      this.#take(slice.subarray(0, n));
      await setImmediate();
    }
    return isNew;
  }

  #slice(fd: number, into: Buffer): number {
    return readSync(fd, into, 0, into.length, this.#offset);
  }

  /** Whether the bytes before our place are those that we read: not of a shorter or another log. */
  #knows(fd: number): boolean {
    const bytes = Buffer.alloc(this.#last.length);
    if (bytes.length > 0) readSync(fd, bytes, 0, bytes.length, this.#offset - bytes.length);
    return bytes.equals(this.#last);
  }

  #begin(file: number): void {
    this.#record = new GrowingRecord(this.path);
    this.#decoder = new StringDecoder('utf8');
    this.#rest = '';
    this.#offset = 0;
    this.#last = Buffer.alloc(0);
    this.#file = file;
  }

  #take(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#last = Buffer.from(Buffer.concat([this.#last, bytes.subarray(-LAST_BYTES)]).subarray(-LAST_BYTES));
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#record.add(line);
  }
}
