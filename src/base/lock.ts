// One process per folder: a file `lock` in it that says who.
//
//   {"pid": 4711, "host": "box", "namespace": "pid:[4026531836]", "born": "<boot id> <start time>",
//    "started": "2026-07-01T12:00:00.000Z"}
//
// It is created with O_EXCL and removed when the process ends; a kill -9 leaves it. A lock is stale, and taken over, when
// its process is gone from this host, or its number now belongs to another process (born differs; Linux only). Whether a
// process of another host, or of another PID namespace (another container), still runs cannot be known: its lock is
// respected, and the error says how to remove it.
// Not for threads, and not a queue: who comes second is refused.

import { lstatSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError } from './errors.js';
import { diskError, exists, type FileSystem, nodeFileSystem, readText, temporaryName, writeAll } from './files.js';
import { born, isAlive, pidNamespace } from './process.js';

const Holder = z.object({
  pid: z.int().positive(),
  host: z.string(),
  namespace: z.string().default(''), // '' where the system does not tell, and in locks of older versions
  born: z.string(), //    '' where the system does not tell
  started: z.string(), // ISO 8601
});
type Holder = z.infer<typeof Holder>;

const held = new Set<() => void>();

/** Gives back every lock that this process holds: for a program that trains in one folder after the other (src/api). */
export function unlockAll(): void {
  for (const unlock of held) unlock();
}

/** What is done in the folder, in the words of an error. */
export interface Work {
  /** "training": it has been ... there. */
  readonly doing: string;
  /** What a signal makes it do. */
  readonly ending: string;
  /** What else the second one may do. */
  readonly instead: string;
}

const TRAINING: Work = { doing: 'training', ending: 'it saves first', instead: 'start a run of your own' };

/** Between creating the file and writing into it, a process may be stopped for this long. */
const WRITING_MS = 5000;

/**
 * Locks a folder for this process and returns what unlocks it; the end of the process does so too. Throws DataError,
 * naming process and host, when another process has it, or the disk refuses.
 */
export function lockFolder(dir: string, fs: FileSystem = nodeFileSystem, work: Work = TRAINING): () => void {
  const path = join(dir, 'lock');
  const { pid } = process;
  const started = new Date().toISOString();
  const me: Holder = { pid, host: hostname(), namespace: pidNamespace(), born: born(pid), started };
  const mine = `${JSON.stringify(me)}\n`;
  try {
    while (!create(path, mine, fs)) {
      const theirs = contentOf(path);
      if (theirs === undefined) {
        if (!exists(path)) continue; // given back just now
        throw new DataError(
          `${path} cannot be read: it does not tell who has been ${work.doing} in ${dir}`,
          'make it readable, or remove it if nobody works there',
        );
      }
      refuseHeld(dir, path, theirs, work);
      takeAway(path, theirs, fs);
    }
  } catch (error) {
    throw diskError('write', path, error);
  }
  const unlock = (): void => {
    process.off('exit', unlock);
    held.delete(unlock);
    if (contentOf(path) !== mine) return;
    try {
      fs.rm(path);
    } catch {} // a disk that refuses now: the lock is stale as soon as this process has ended
  };
  process.on('exit', unlock);
  held.add(unlock);
  return unlock;
}

/** false when there is a lock. */
function create(path: string, content: string, fs: FileSystem): boolean {
  let fd: number;
  try {
    fd = fs.open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    try {
      writeAll(fd, new TextEncoder().encode(content), fs);
    } finally {
      fs.close(fd);
    }
  } catch (error) {
    fs.rm(path);
    throw error;
  }
  return true;
}

function contentOf(path: string): string | undefined {
  try {
    return readText(path);
  } catch {
    return undefined;
  }
}

function refuseHeld(dir: string, path: string, content: string, { doing, ending, instead }: Work): void {
  const holder = parse(content);
  if (holder === undefined) {
    const { mtimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
    if (Date.now() - mtimeMs > WRITING_MS) return;
    throw new DataError(`another process is just starting in ${dir}`, `wait for it, or ${instead}`);
  }
  const { pid, host, started } = holder;
  const running = isRunning(holder);
  if (running === false) return;
  throw new DataError(
    `${dir} is in use: process ${pid} on host ${host} has been ${doing} there since ${started}`,
    running === undefined
      ? `wait for it; if that process is gone, remove ${path} and try again`
      : `wait for it, end it (kill ${pid}: ${ending}), or ${instead}`,
  );
}

/** Who has a folder locked. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** false: it is gone, and was killed, since it left its lock. undefined: that cannot be known from here. */
  readonly running: boolean | undefined;
}

/** For those who only look: undefined where there is no lock, or none that tells who. */
export function lockHolder(dir: string): LockHolder | undefined {
  const content = contentOf(join(dir, 'lock'));
  const holder = content === undefined ? undefined : parse(content);
  return holder && { pid: holder.pid, host: holder.host, running: isRunning(holder) };
}

/** undefined: of another host, or of another PID namespace. */
function isRunning(holder: Holder): boolean | undefined {
  if (holder.host !== hostname() || isOfAnotherNamespace(holder)) return undefined;
  const itsBirth = born(holder.pid);
  const reused = holder.born !== '' && itsBirth !== '' && holder.born !== itsBirth;
  return isAlive(holder.pid) && !reused;
}

/** Whether its number means nothing here. After a restart of the machine it means nothing anywhere: the process is gone. */
function isOfAnotherNamespace({ namespace, born: its }: Holder): boolean {
  const boot = (birth: string) => birth.split(' ')[0];
  const here = pidNamespace();
  return namespace !== '' && here !== '' && namespace !== here && boot(its) === boot(born(process.pid));
}

/** Removes a stale lock; two processes may try at once, and one of them may have put its own there already. */
function takeAway(path: string, stale: string, fs: FileSystem): void {
  const away = temporaryName(path);
  try {
    fs.rename(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (contentOf(away) === stale) fs.rm(away);
  else fs.rename(away, path);
}

function parse(content: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}
