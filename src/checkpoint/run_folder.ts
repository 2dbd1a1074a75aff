// What lies in a run folder: step folders and the two pointers to them. Layout: store.ts.

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataError } from '../base/errors.js';
import { diskError, readText } from '../base/files.js';

/** A finished step folder. */
export interface StepFolder {
  readonly step: number;
  readonly name: string;
  readonly dir: string;
}

export type Pointer = 'latest' | 'best';

/** Names of step folders: step-000100, and step-000100-2 for the second one of that step. */
export const STEP = /^step-(\d{6,})(?:-(\d+))?$/;

/** Finished step folders, and links to such, oldest first. */
export function listSteps(runDir: string): StepFolder[] {
  return readFolder(runDir)
    .flatMap((name) => {
      const match = STEP.exec(name);
      return match ? [{ step: Number(match[1]), again: Number(match[2] ?? 1), name, dir: join(runDir, name) }] : [];
    })
    .filter(({ dir }) => isFolder(dir))
    .sort((a, b) => a.step - b.step || a.again - b.again)
    .map(({ step, name, dir }) => ({ step, name, dir }));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // a link to nothing
  }
}

/** Names in a folder. Throws DataError when there is none. */
export function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw diskError('read', path, error);
    throw new DataError(`${path} is a file, not a folder`, `give the folder that holds it: ${dirname(path)}`);
  }
}

/** The step folder that `latest` or `best` names; undefined where there is no such pointer. */
export function readPointer(runDir: string, pointer: Pointer): string | undefined {
  return readFolder(runDir).includes(pointer) ? readText(join(runDir, pointer)).trim() : undefined;
}
