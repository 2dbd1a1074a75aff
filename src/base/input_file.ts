// A binary file that is read by position, where nothing that it says about itself is believed: a part is asked for by
// position and length, and is checked against the file's size before any memory is taken.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from './errors.js';
import { diskError } from './files.js';

// readSync takes 32-bit lengths.
const CHUNK_BYTES = 1 << 28;

// Otherwise a named pipe waits for who writes into it. Windows has none.
const WITHOUT_WAITING = constants.O_NONBLOCK ?? 0;

/** An open file. */
export interface InputFile {
  readonly path: string;
  readonly size: number;
  /**
   * `length` bytes from `position`, at the beginning of a buffer of their own. Throws DataError where the file does not
   * have them: `what` (a noun) says in the message what should have been there.
   */
  read(position: number, length: number, what: string): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** Throws DataError when the file cannot be opened or is a folder. */
export function openInput(path: string): InputFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | WITHOUT_WAITING);
  } catch (error) {
    throw diskError('read', path, error);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new DataError(
      `cannot read ${path}: it is ${stat.isDirectory() ? 'a folder' : 'no regular file'}`,
      'give a file',
    );
  }
  const { size } = stat;
  return {
    path,
    size,
    read(position, length, what) {
      const end = position + length;
      if (
        !(Number.isSafeInteger(position) && Number.isSafeInteger(length) && position >= 0 && length >= 0 && end <= size)
      ) {
        throw new DataError(
          `${path} is damaged or cut off: ${what} would lie at bytes ${position} to ${end}, and the file has ${size}`,
          'copy or download the file again',
        );
      }
      const bytes = new Uint8Array(length);
      try {
        for (let done = 0; done < length; ) {
          const n = readSync(fd, bytes, done, Math.min(length - done, CHUNK_BYTES), position + done);
          if (n === 0)
            throw new DataError(`${path} became shorter while it was read`, 'something else writes to it: stop that');
          done += n;
        }
      } catch (error) {
        throw diskError('read', path, error);
      }
      return bytes;
    },
    close: () => closeSync(fd),
  };
}
