// The second half of a save: what was written under a temporary name becomes the run's latest checkpoint.
//
//   fsync of every file and folder -> rename -> `best` -> `latest` -> deletion of old steps
//
// It needs no tensors, so training goes on meanwhile. It runs in a thread of its own (publish_worker.ts): kernels keep the
// main thread busy for minutes at a time, and there each call of a chain of asynchronous ones would wait for a gap
// between two micro-batches.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DataError } from '../base/errors.js';
import {
  commit,
  type FileSystem,
  nodeFileSystem,
  readText,
  removeFolderAtomic,
  writeFileAtomic,
} from '../base/files.js';
import { listSteps, readPointer, type StepFolder } from './run_folder.js';
import { savedAt } from './trainer_state.js';

/** A staged step folder and what is to become of it. Plain data: it is sent to a thread. */
export interface Publication {
  readonly runDir: string;
  /** Of the step folder. */
  readonly name: string;
  readonly best: boolean;
  /** Newest steps that stay, beside the best and the latest; undefined: all. */
  readonly keep: number | undefined;
}

/** What publish_worker.ts answers. */
export type Published = { readonly seconds: number } | { readonly what: string; readonly fix: string };

/** Publishes in this thread; returns the seconds that it took. Throws DataError when the disk refuses. */
export async function publish({ runDir, name, best, keep }: Publication, fs = nodeFileSystem): Promise<number> {
  const started = performance.now();
  commit(join(runDir, name), fs);
  // best first: a kill in between leaves a `best` that is right, and a `latest` from which the step is made again.
  if (best) await writeFileAtomic(join(runDir, 'best'), `${name}\n`, fs);
  await writeFileAtomic(join(runDir, 'latest'), `${name}\n`, fs);
  if (keep !== undefined) await prune(runDir, keep, fs);
  return (performance.now() - started) / 1000;
}

/**
 * Deletes all but the `keep` that were written last, the best and the latest. By time, not by step: after a resume from an
 * older step those that come after it there are the older ones.
 */
async function prune(runDir: string, keep: number, fs: FileSystem): Promise<void> {
  const steps = listSteps(runDir)
    .map((folder) => ({ ...folder, ...timesOf(folder) }))
    .sort((a, b) => a.saved - b.saved || a.written - b.written);
  const kept = new Set(steps.slice(Math.max(0, steps.length - keep)).map(({ name }) => name));
  for (const pointer of ['latest', 'best'] as const) kept.add(readPointer(runDir, pointer) ?? '');
  for (const { name, dir } of steps) if (!kept.has(name)) await removeFolderAtomic(dir, fs);
}

/** Milliseconds. Copies, git and object stores change the time of a folder, so when it was saved is stored in it. */
function timesOf({ dir }: StepFolder): { saved: number; written: number } {
  let written = 0; // it went away just now
  let saved: number | undefined;
  try {
    written = statSync(dir).mtimeMs;
    saved = savedAt(readText(join(dir, 'trainer', 'state.json')));
  } catch {} // its training state is missing
  return { saved: saved ?? written, written };
}

/** Publishes in a thread of its own; returns the seconds that it took there. Throws DataError when the disk refuses. */
export function publishInBackground(publication: Publication): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./publish_worker.js', import.meta.url), { workerData: publication });
    worker.once('message', (answer: Published) =>
      'seconds' in answer ? resolve(answer.seconds) : reject(new DataError(answer.what, answer.fix)),
    );
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`internal: the publishing thread ended with ${code}`)));
  });
}
