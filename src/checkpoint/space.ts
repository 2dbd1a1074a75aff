// Room on the disk for checkpoints, asked for before it is needed: before training, and before each save.
//
//   one step folder       4 bytes x (N parameters + 2 N moments) + the tokenizer + a margin for headers and logs
//   at a time on the disk train.keep newest + the best + the one that is being written, if the run saves so often
//
// The answer of the system is what is free now: another program may take it, and a quota may be smaller. Then the
// write itself fails, and files.ts keeps what was there.

import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { elements } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { diskError, type FileSystem, nodeFileSystem } from '../base/files.js';
import { bytes as formatBytes } from '../base/format.js';
import { listSteps } from './run_folder.js';

/** JSON headers of the tensor files, config.json, state.json, and what run.jsonl and report.html grow by meanwhile. */
const MARGIN = 2 ** 20;

/** Bytes of a step folder with the moments of `parameters` numbers. */
export const checkpointBytes = (parameters: number, tokenizerJson: string): number =>
  12 * parameters + Buffer.byteLength(tokenizerJson) + MARGIN;

interface Shaped {
  readonly shape: readonly number[];
}

/** The same of a checkpoint's content. */
export function stepBytes({
  params,
  optimizer,
  tokenizerJson,
}: {
  readonly params: readonly Shaped[];
  readonly optimizer: readonly Shaped[];
  readonly tokenizerJson: string;
}): number {
  const numbers = [...params, ...optimizer].reduce((sum, { shape }) => sum + elements(shape), 0);
  return 4 * numbers + Buffer.byteLength(tokenizerJson) + MARGIN;
}

/** Step folders that are on the disk at a time, at most, in a run that makes `steps` more updates. */
export const checkpointsAtATime = (keep: number, steps: number): number => Math.min(keep + 2, steps);

/** Throws DataError unless `needed` bytes are free where `dir` is, or will be. `what` needs them: "saving step 100". */
export function requireSpace(
  dir: string,
  needed: number,
  what: string,
  fs: Pick<FileSystem, 'freeBytes'> = nodeFileSystem,
  fix = 'free some space, then go on with --resume: what was saved before is whole',
): void {
  let folder = resolve(dir);
  while (!existsSync(folder)) folder = dirname(folder);
  let free: number;
  try {
    free = fs.freeBytes(folder);
  } catch {
    return; // not every file system knows: then the write itself will tell
  }
  if (free >= needed) return;
  throw new DataError(
    `${what} needs ${formatBytes(needed)} on the disk of ${dir}, and ${formatBytes(free)} are free`,
    fix,
  );
}

/** What a run will write. */
export interface CheckpointPlan {
  readonly runDir: string;
  /** Its step folders count as room: they are there, or will be deleted. */
  readonly resumed: boolean;
  /** checkpointBytes() */
  readonly bytes: number;
  readonly keep: number;
  /** Updates to come. */
  readonly steps: number;
}

/** Throws DataError, before training, unless all checkpoints that a run keeps at a time fit on the disk. */
export function requireCheckpointSpace(plan: CheckpointPlan, fs: FileSystem = nodeFileSystem): void {
  const { runDir, resumed, bytes, keep, steps } = plan;
  const atATime = checkpointsAtATime(keep, steps);
  const there = resumed ? listSteps(runDir).reduce((sum, { dir }) => sum + folderBytes(dir), 0) : 0;
  const of = `${atATime} checkpoint${atATime === 1 ? '' : 's'} of ${formatBytes(bytes)}`;
  const fewer = keep > 1 ? 'set --train.keep 1, or ' : '';
  requireSpace(
    runDir,
    Math.max(bytes, atATime * bytes - there),
    `the run (${of} at a time)`,
    fs,
    `free some space, ${fewer}choose a folder on another disk (--out)`,
  );
}

/** What deleting a folder frees: nothing of what links in it lead to. */
function folderBytes(dir: string): number {
  try {
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => lstatSync(join(dir, name)));
    return files.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  } catch (error) {
    throw diskError('read', dir, error);
  }
}
