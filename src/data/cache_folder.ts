// Folders of a cache that several processes share, also those of other containers and machines.
//
//   KEY.tmp-RANDOM   where one process writes, and no other: process ids do not tell containers apart
//   KEY              appears by one rename; where another process was faster, its folder stays. A damaged one is replaced
//
// KEY: 16 hexadecimal digits.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { diskError, makeFolder, nodeFileSystem, syncFolder } from '../base/files.js';

const PRIVATE = /^[0-9a-f]{16}\.tmp-[0-9a-f]{8}$/;
const privateName = (dir: string): string => `${dir}.tmp-${randomBytes(4).toString('hex')}`;
const ABANDONED_MS = 3_600_000; // without a write: the pass that only counts takes minutes for all that a shard can hold

/**
 * Makes the folder `dir`, which is missing or damaged. `fill` gets the private one, and fsyncs what it writes; isWhole()
 * says whether `dir` can be used. Throws DataError when the disk refuses; errors of `fill` pass through.
 */
export async function fillCacheFolder(
  dir: string,
  fill: (tmp: string) => Promise<void>,
  isWhole: () => Promise<boolean>,
): Promise<void> {
  const tmp = privateFolder(dir);
  try {
    await fill(tmp);
    await publish(tmp, dir, isWhole);
  } finally {
    remove(tmp);
  }
}

/** A new private folder. Removes those that killed processes left. */
function privateFolder(dir: string): string {
  const cache = dirname(dir);
  makeFolder(cache);
  try {
    for (const path of readdirSync(cache).map((name) => join(cache, name))) {
      if (PRIVATE.test(basename(path)) && isAbandoned(path)) remove(path);
    }
    const tmp = privateName(dir);
    mkdirSync(tmp);
    return tmp;
  } catch (error) {
    throw diskError('write', dir, error);
  }
}

/** By the time of the last write, since a process of another container cannot be asked. */
function isAbandoned(folder: string): boolean {
  try {
    const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))];
    return paths.every((path) => Date.now() - statSync(path).mtimeMs > ABANDONED_MS);
  } catch {
    return false; // it vanished just now
  }
}

/** Quietly: what is left of a private folder is abandoned. */
function remove(folder: string): void {
  try {
    nodeFileSystem.rm(folder);
  } catch {}
}

async function publish(tmp: string, dir: string, isWhole: () => Promise<boolean>): Promise<void> {
  for (let tries = 1; !(await isWhole()); tries++) {
    try {
      if (existsSync(dir)) {
        const damaged = privateName(dir);
        nodeFileSystem.rename(dir, damaged);
        remove(damaged);
      }
      nodeFileSystem.rename(tmp, dir);
      syncFolder(dirname(dir), nodeFileSystem);
    } catch (error) {
      if (tries === 3) throw diskError('write', dir, error); // else another process has come in between
    }
  }
}
