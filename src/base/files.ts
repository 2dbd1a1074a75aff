// Files and folders that are always whole: after a crash, a kill or a full disk, the old one or the new one is there,
// never half of one.
//
//   NAME.tmp-PID   everything is written here first, each file and then the folder is fsynced
//   NAME           appears by one rename, and its parent folder is fsynced
//
// The first line is staging, the second committing: a checkpoint is committed by another thread (checkpoint/publish.ts)
// while the run goes on. A name that ends in .tmp-PID is unfinished: readers ignore it, and the next write to NAME
// removes it.
// Everything that changes the disk goes through FileSystem, so that tests can fail or "kill" at every single call.

import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, DataError } from './errors.js';
import { isAlive } from './process.js';

type OpenFlags = 'w' | 'wx' | 'r+' | 'r';

/** The calls that change the disk, and how much of it is free. They throw what node:fs throws. */
export interface FileSystem {
  /** w: create or empty; wx: create, or fail with EEXIST; r+: existing file; r: folder (to fsync it). */
  open(path: string, flags: OpenFlags): number;
  /** Number of bytes written, which may be fewer than given. */
  write(fd: number, bytes: Uint8Array): number;
  fsync(fd: number): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  /** Not recursive: fails with EEXIST, which makes it a lock. */
  mkdir(path: string): void;
  /** With all contents; a missing path is no error. */
  rm(path: string): void;
  /** Bytes that we may still write to the disk of this folder. */
  freeBytes(dir: string): number;
}

export const nodeFileSystem: FileSystem = {
  open: (path, flags) => openSync(path, flags),
  write: (fd, bytes) => writeSync(fd, bytes),
  fsync: fsyncSync,
  close: closeSync,
  rename: renameSync,
  mkdir: (path) => mkdirSync(path),
  rm: (path) => rmSync(path, { recursive: true, force: true }),
  freeBytes: (dir) => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  },
};

// Linux writes at most 2 GiB - 4 KiB at a time, and Node takes 32-bit lengths.
const CHUNK_BYTES = 1 << 28;

const TEMPORARY = /^(.+)\.tmp-(\d+)$/;
/** Where a file or folder is staged until commit(). */
export const temporaryName = (path: string): string => `${path}.tmp-${process.pid}`;

/** Whether a file or folder name marks something unfinished. */
export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

/**
 * The name that a user gave to a new file or folder, without a slash at the end. Throws ConfigError for one that marks
 * something unfinished: it would be ignored, and deleted as a leftover.
 */
export function outputPath(path: string): string {
  if (!isTemporary(basename(path))) return join(dirname(path), basename(path));
  throw new ConfigError(
    `${path}: a name that ends in .tmp-NUMBER is that of an unfinished file`,
    'choose another name',
  );
}

/** Opens, hands over the descriptor, closes whatever happens. */
export async function withFile<T>(
  path: string,
  flags: OpenFlags,
  use: (fd: number) => T | Promise<T>,
  fs: FileSystem,
): Promise<T> {
  const fd = fs.open(path, flags);
  try {
    return await use(fd);
  } finally {
    fs.close(fd);
  }
}

/** Writes all bytes at the descriptor's position, in chunks. */
export function writeAll(fd: number, bytes: Uint8Array, fs: FileSystem): void {
  let done = 0;
  while (done < bytes.length) done += fs.write(fd, bytes.subarray(done, done + CHUNK_BYTES));
}

/** A plain write without any guarantee: for files inside the folder that writeFolderAtomic() hands out. */
export async function writeFile(path: string, content: Uint8Array | string, fs: FileSystem): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await withFile(path, 'w', (fd) => writeAll(fd, bytes, fs), fs);
}

/**
 * Replaces or creates a file. Throws DataError when the disk refuses; the old content is then still there
 * (or, when only the last fsync failed, the new one).
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string, fs = nodeFileSystem): Promise<void> {
  await stage(path, (tmp) => writeFile(tmp, content, fs), fs);
  commit(path, fs);
}

/** The same for a new file too large for memory: `write` gets the open descriptor. Throws DataError when `path` exists. */
export async function writeNewFileAtomic(
  path: string,
  write: (fd: number) => void | Promise<void>,
  fs = nodeFileSystem,
): Promise<void> {
  refuseExisting(path);
  await stage(path, (tmp) => withFile(tmp, 'w', write, fs), fs);
  commit(path, fs, { replace: false });
}

/** Whether there is something of this name: a link to nothing is. */
export function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false; // where it cannot be known, the next call on it says why
  }
}

/** Throws DataError where there is something of this name. */
export function refuseExisting(path: string): void {
  if (!exists(path)) return;
  throw new DataError(`${path} exists and is not overwritten`, 'choose another name or remove it');
}

/**
 * Creates a folder with everything that `write` puts into the temporary folder that it is given. Throws DataError when
 * the disk refuses or `dir` exists: folders are never overwritten. Errors of `write` itself pass through.
 */
export async function writeFolderAtomic(
  dir: string,
  write: (tmpDir: string) => void | Promise<void>,
  fs = nodeFileSystem,
): Promise<void> {
  await stageFolder(dir, write, fs);
  commit(dir, fs);
}

/** The first half of writeFolderAtomic(): everything is written under temporaryName(dir), nothing is durable yet. */
export async function stageFolder(
  dir: string,
  write: (tmpDir: string) => void | Promise<void>,
  fs = nodeFileSystem,
): Promise<void> {
  refuseExisting(dir);
  const fill = async (tmp: string) => {
    fs.mkdir(tmp);
    await write(tmp);
  };
  await stage(dir, fill, fs);
}

/**
 * The second half: makes what is staged under temporaryName(path) durable, and gives it its name. Throws DataError when
 * the disk refuses, or a file has the name meanwhile and is not to be replaced; what was staged is then removed (or,
 * when only the last fsync failed, there under its name).
 */
export function commit(path: string, fs = nodeFileSystem, { replace = true } = {}): void {
  const tmp = temporaryName(path);
  let renamed = false;
  try {
    syncTree(tmp, fs);
    if (!replace) refuseExisting(path); // staging and fsync take minutes: another process may have been faster
    fs.rename(tmp, path);
    renamed = true;
    syncFolder(dirname(path), fs);
  } catch (error) {
    if (!renamed) discard(path, fs);
    throw diskError('write', path, error);
  }
}

/** Removes what is staged. Quietly: the error that led here says more than one of the clean-up would. */
export function discard(path: string, fs = nodeFileSystem): void {
  try {
    fs.rm(temporaryName(path));
  } catch {} // the next write to this path tries again
}

async function stage(path: string, write: (tmp: string) => Promise<void>, fs: FileSystem): Promise<void> {
  try {
    const target = basename(path);
    removeLeftovers(dirname(path), (name) => name === target, fs);
    await write(temporaryName(path));
  } catch (error) {
    discard(path, fs);
    throw diskError('write', path, error);
  }
}

/** Makes a folder and those above it, where they are missing. Throws DataError. */
export function makeFolder(dir: string): void {
  try {
    makeLevels(resolve(dir));
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === 'EEXIST'; // a folder would do
    throw isFile
      ? new DataError(`cannot write ${dir}: it is a file`, 'choose a folder')
      : diskError('write', dir, error);
  }
}

/** Not mkdir's own recursion: Node 20's never ends where mkdir says ENOENT though the parent is there (/proc/x). */
function makeLevels(dir: string): void {
  const parent = dirname(dir);
  if (!exists(parent)) makeLevels(parent);
  try {
    mkdirSync(dir);
  } catch (error) {
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Removes a folder so that it vanishes at once: what a kill leaves behind has a temporary name. */
export async function removeFolderAtomic(dir: string, fs = nodeFileSystem): Promise<void> {
  const tmp = temporaryName(dir);
  try {
    fs.rm(tmp);
    fs.rename(dir, tmp);
    fs.rm(tmp);
  } catch (error) {
    throw diskError('remove', dir, error);
  }
}

/**
 * Removes what killed writes left in a folder, of the targets that `of` accepts. What another living process is
 * writing just now stays; one of another host or PID namespace looks dead from here, so a folder that several may write
 * to needs a lock (lock.ts), as a run folder has.
 */
export function removeLeftovers(dir: string, of: (target: string) => boolean, fs = nodeFileSystem): void {
  for (const name of readdirSync(dir)) {
    const match = TEMPORARY.exec(name);
    if (!match || !of(match[1]!)) continue;
    // after a restart in a container our own number may be that of the killed process: then the leftover is ours
    const pid = Number(match[2]);
    if (pid === process.pid || !isAlive(pid)) fs.rm(join(dir, name));
  }
}

// V8's strings end at half a gigabyte, and what is read so is a configuration or a state of a few kilobytes.
const LONGEST_TEXT = 1 << 28;

/** The text of a small file. Throws DataError, naming it, when it cannot be read or is not small. */
export function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > LONGEST_TEXT)
      throw new DataError(`${path} has ${size} bytes: it cannot be what it is named`, 'copy it again');
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw diskError('read', path, error);
  }
}

/** The error for the user where the operating system refused; anything else (a bug) is returned as it is. */
export function diskError(verb: 'read' | 'write' | 'remove', path: string, error: unknown): unknown {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error;
  const reason: Record<string, [what: string, fix: string]> = {
    ENOENT: ['no such file or folder', 'check the path'],
    ENOSPC: ['no space left on the disk', 'free some space, or choose a folder on another disk'],
    EFBIG: ['the file would be larger than a limit allows', 'raise the limit (ulimit -f), or use another disk'],
    EDQUOT: ['your disk quota is used up', 'free some space, or choose a folder on another disk'],
    EACCES: ['permission denied', 'choose a folder that you may use, or change its permissions'],
    EPERM: ['permission denied', 'choose a folder that you may use, or change its permissions'],
    EROFS: ['the disk is read-only', 'choose a folder on another disk'],
    EISDIR: ['it is a folder', 'give a file'],
    ENOTDIR: ['a part of the path is a file', 'check the path'],
    ENOTEMPTY: ['it exists and is not overwritten', 'choose another name or remove it'],
    EEXIST: ['it exists and is not overwritten', 'choose another name or remove it'],
  };
  const [what, fix] = reason[code ?? ''] ?? [message, 'check the disk (dmesg, df -h) and try again'];
  return new DataError(`cannot ${verb} ${path}: ${what}`, fix);
}

function syncTree(path: string, fs: FileSystem): void {
  const entries = readdirOrFile(path);
  for (const name of entries ?? []) syncTree(join(path, name), fs);
  if (entries === null) sync(path, 'r+', fs);
  else syncFolder(path, fs);
}

function sync(path: string, flags: 'r+' | 'r', fs: FileSystem): void {
  const fd = fs.open(path, flags);
  try {
    fs.fsync(fd);
  } finally {
    fs.close(fd);
  }
}

function readdirOrFile(path: string): string[] | null {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Makes a rename or a new name in the folder durable, where the system can: Windows and some network disks cannot. */
export function syncFolder(dir: string, fs: FileSystem): void {
  try {
    sync(dir, 'r', fs);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES'].includes(code ?? '')) throw error;
  }
}
