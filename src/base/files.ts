// Files and folders that are always whole: after a crash, a kill or a full disk, the old one or the new one is there,
// never half of one.
//
//   NAME.tmp-PID   everything is written here first, each file and then the folder is fsynced
//   NAME           appears by one rename, and its parent folder is fsynced
//
// A name that ends in .tmp-PID is unfinished: readers ignore it, and the next write to NAME removes it.
// Everything that changes the disk goes through FileSystem, so that tests can fail or "kill" at every single call.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DataError } from './errors.js';

/** The calls that change the disk. They throw what node:fs throws. */
export interface FileSystem {
  /** w: create or empty; r+: existing file; r: folder (to fsync it). */
  open(path: string, flags: 'w' | 'r+' | 'r'): number;
  /** Number of bytes written, which may be fewer than given. */
  write(fd: number, bytes: Uint8Array): number;
  fsync(fd: number): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  /** Not recursive: fails with EEXIST, which makes it a lock. */
  mkdir(path: string): void;
  /** With all contents; a missing path is no error. */
  rm(path: string): void;
}

export const nodeFileSystem: FileSystem = {
  open: (path, flags) => openSync(path, flags),
  write: (fd, bytes) => writeSync(fd, bytes),
  fsync: fsyncSync,
  close: closeSync,
  rename: renameSync,
  mkdir: (path) => mkdirSync(path),
  rm: (path) => rmSync(path, { recursive: true, force: true }),
};

// Linux writes at most 2 GiB - 4 KiB at a time, and Node takes 32-bit lengths.
const CHUNK_BYTES = 1 << 28;

const TEMPORARY = /^(.+)\.tmp-(\d+)$/;
const temporaryName = (path: string): string => `${path}.tmp-${process.pid}`;

/** Whether a file or folder name marks something unfinished. */
export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

/** Opens, hands over the descriptor, closes whatever happens. */
export async function withFile<T>(
  path: string,
  flags: 'w' | 'r+' | 'r',
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
  await publish(path, (tmp) => writeFile(tmp, content, fs), fs);
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
  if (existsSync(dir)) throw new DataError(`${dir} exists and is not overwritten`, 'choose another name or remove it');
  const fill = async (tmp: string) => {
    fs.mkdir(tmp);
    await write(tmp);
  };
  await publish(dir, fill, fs);
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
 * writing just now stays.
 */
export function removeLeftovers(dir: string, of: (target: string) => boolean, fs = nodeFileSystem): void {
  for (const name of readdirSync(dir)) {
    const match = TEMPORARY.exec(name);
    if (match && of(match[1]!) && !isOtherLivingProcess(Number(match[2]))) fs.rm(join(dir, name));
  }
}

/** The text of a file. Throws DataError, naming it, when it cannot be read. */
export function readText(path: string): string {
  try {
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

async function publish(path: string, write: (tmp: string) => Promise<void>, fs: FileSystem): Promise<void> {
  const tmp = temporaryName(path);
  let renamed = false;
  try {
    const target = basename(path);
    removeLeftovers(dirname(path), (name) => name === target, fs);
    await write(tmp);
    await syncTree(tmp, fs);
    fs.rename(tmp, path);
    renamed = true;
    await syncFolder(dirname(path), fs);
  } catch (error) {
    if (!renamed) removeQuietly(tmp, fs);
    throw diskError('write', path, error);
  }
}

/** The error that led here says more than one of the clean-up would; the next write cleans up again. */
function removeQuietly(path: string, fs: FileSystem): void {
  try {
    fs.rm(path);
  } catch {}
}

async function syncTree(path: string, fs: FileSystem): Promise<void> {
  const entries = readdirOrFile(path);
  if (entries === null) return withFile(path, 'r+', (fd) => fs.fsync(fd), fs);
  for (const name of entries) await syncTree(join(path, name), fs);
  await syncFolder(path, fs);
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
export async function syncFolder(dir: string, fs: FileSystem): Promise<void> {
  try {
    await withFile(dir, 'r', (fd) => fs.fsync(fd), fs);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES'].includes(code ?? '')) throw error;
  }
}

/** After a restart in a container our own number may be that of the killed process: then the leftover is ours. */
function isOtherLivingProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0); // sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
