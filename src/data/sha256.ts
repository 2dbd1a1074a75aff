// The SHA-256 of a file, as sha256sum prints it.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { diskError } from '../base/files.js';

/** Hexadecimal. Throws DataError where the file cannot be read. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const block of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(block as Buffer);
  } catch (error) {
    throw diskError('read', file, error);
  }
  return hash.digest('hex');
}
