// The checkpoints of a run. A step folder is a Hugging Face folder plus what training needs to go on exactly.
//
//   checkpoints/NAME/
//     step-000100/  config.json  generation_config.json  model.safetensors  tokenizer.json
//                   trainer/optimizer.safetensors   m.<parameter>, v.<parameter>: Adam's moments
//                   trainer/state.json              see trainer_state.ts
//     latest  best                                  one line: the name of a step folder
//     run.jsonl  report.html  report.json           not ours
//
// A step folder is complete as soon as it has its name (files.ts). `latest` and `best` are small text files, replaced by
// rename: a symbolic link cannot be replaced as simply, and is lost or doubled by object stores, zip files, Windows and
// many a network disk. Saving a step that exists (after resuming from an earlier one) makes step-000100-2, since
// a folder cannot be replaced in one atomic step and nothing is overwritten.

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import {
  diskError,
  type FileSystem,
  isTemporary,
  nodeFileSystem,
  readText,
  removeFolderAtomic,
  removeLeftovers,
  syncFolder,
  writeFile,
  writeFileAtomic,
  writeFolderAtomic,
} from '../base/files.js';
import { parameterShapes } from '../config/parameters.js';
import { type HfModel, readModel } from './hf.js';
import { openSafetensors, requireTensor, writeSafetensors } from './safetensors.js';
import { parseTrainerState, type TrainerState, trainerStateText } from './trainer_state.js';

/** A float32 tensor to save; `data` is called when its turn comes. */
export interface SavedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array | Promise<Float32Array>;
}

/** Everything that a step folder holds. */
export interface CheckpointContent {
  readonly hfConfig: Json;
  readonly generationConfig: Json;
  readonly tokenizerJson: string;
  readonly params: Iterable<SavedTensor>;
  /** `m.<parameter>` and `v.<parameter>` of every parameter, with its shape. */
  readonly optimizer: Iterable<SavedTensor>;
  readonly state: TrainerState;
}

/** An open checkpoint, whose names, shapes and file sizes have been checked. Values are read on demand. */
export interface Checkpoint extends HfModel {
  /** The folder, where the tokenizer is too. */
  readonly dir: string;
  /** null: a plain Hugging Face folder, which has no training state. */
  readonly trainer: null | {
    readonly state: TrainerState;
    readonly optimizer: ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
  };
}

/** A finished step folder. */
export interface StepFolder {
  readonly step: number;
  readonly name: string;
  readonly dir: string;
}

export type Pointer = 'latest' | 'best';

/** The checkpoints of one run folder. One process at a time may save. */
export class CheckpointStore {
  readonly dir: string;
  readonly #fs: FileSystem;

  constructor(dir: string, fs = nodeFileSystem) {
    this.dir = dir;
    this.#fs = fs;
  }

  /**
   * Writes a step folder, then points `best` (if it is) and `latest` to it. Until the folder is complete the previous
   * checkpoint is the latest, whatever happens. Throws DataError when the disk refuses.
   */
  async save(
    step: number,
    content: CheckpointContent,
    { best }: { best: boolean },
  ): Promise<StepFolder & { bytes: number }> {
    try {
      mkdirSync(this.dir, { recursive: true });
      removeLeftovers(this.dir, (target) => STEP.test(target) || target === 'latest' || target === 'best', this.#fs);
    } catch (error) {
      throw diskError('write', this.dir, error);
    }
    const name = this.#freeName(step);
    const dir = join(this.dir, name);
    await writeFolderAtomic(dir, (tmp) => writeContent(tmp, content, this.#fs), this.#fs);
    // best first: a kill in between leaves a `best` that is right, and a `latest` from which the step is made again.
    if (best) await writeFileAtomic(join(this.dir, 'best'), `${name}\n`, this.#fs);
    await writeFileAtomic(join(this.dir, 'latest'), `${name}\n`, this.#fs);
    return { step, name, dir, bytes: folderBytes(dir) };
  }

  /** Opens a checkpoint of this run. Throws DataError when there is none or it is damaged, naming one that is whole. */
  load(which: Pointer | number): Checkpoint {
    if (typeof which === 'number') return loadCheckpoint(this.#folderOfStep(which).dir, 'latest');
    return loadCheckpoint(this.dir, which);
  }

  /** Finished step folders, oldest first. */
  list(): StepFolder[] {
    return listSteps(this.dir);
  }

  /** Deletes all but the newest `keep`, the best and the latest. Returns the names of the deleted ones. */
  async prune({ keep }: { keep: number }): Promise<string[]> {
    const steps = this.list();
    const kept = new Set(steps.slice(Math.max(0, steps.length - keep)).map(({ name }) => name));
    for (const pointer of ['latest', 'best'] as const) kept.add(readPointer(this.dir, pointer) ?? '');
    const deleted = steps.filter(({ name }) => !kept.has(name));
    for (const { dir } of deleted) await removeFolderAtomic(dir, this.#fs);
    return deleted.map(({ name }) => name);
  }

  #freeName(step: number): string {
    const name = `step-${String(step).padStart(6, '0')}`;
    const taken = new Set(this.list().map((folder) => folder.name));
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : `${name}-${n}`;
      if (!taken.has(candidate)) return candidate;
    }
  }

  #folderOfStep(step: number): StepFolder {
    const steps = this.list();
    const folder = steps.findLast((candidate) => candidate.step === step);
    if (folder) return folder;
    const names = steps.map(({ name }) => name).join(', ') || 'none';
    throw new DataError(`${this.dir} has no checkpoint of step ${step}`, `choose one of its checkpoints: ${names}`);
  }
}

/**
 * The step or Hugging Face folder that a path means. A folder with config.json means itself; a run folder means what
 * its `latest` or `best` names. Without a `best` (nothing was validated yet) or a `latest` (killed right after its first
 * save) it means the other one, else the newest step. Throws DataError when there is no finished checkpoint.
 */
export function resolveCheckpoint(path: string, which: Pointer): string {
  const entries = readFolder(path);
  if (entries.includes('config.json') || STEP.test(basename(path))) return path;
  const steps = listSteps(path);
  if (steps.length === 0) {
    if (entries.some((name) => isTemporary(name) && name.startsWith('step-'))) {
      throw new DataError(`${path} has no finished checkpoint: its first save was interrupted`, 'start the run again');
    }
    const isRun = entries.includes('run.jsonl');
    throw new DataError(
      isRun ? `${path} has no checkpoint: the run ended before its first save` : `${path} is no checkpoint folder`,
      isRun
        ? 'start the run again'
        : 'give a run folder, a step folder, or a folder with config.json and model.safetensors',
    );
  }
  const name = readPointer(path, which) ?? readPointer(path, 'latest') ?? steps.at(-1)!.name;
  const folder = steps.find((step) => step.name === name);
  if (folder) return folder.dir;
  throw new DataError(`${path}: ${which} names ${JSON.stringify(name)}, which is not there`, useAnother(path, name));
}

/**
 * Resolves and opens. Throws DataError when the checkpoint is missing or damaged: it says what is wrong and names
 * another step of the run that is whole, if there is one.
 */
export function loadCheckpoint(path: string, which: Pointer): Checkpoint {
  const dir = resolveCheckpoint(path, which);
  try {
    return openCheckpoint(dir);
  } catch (error) {
    const isStep = STEP.test(basename(dir));
    if (!(error instanceof DataError) || !isStep) throw error;
    throw new DataError(error.message, useAnother(dirname(dir), basename(dir), error.fix));
  }
}

/**
 * Creates the folder of a new run and returns its path. A name in use gets a number: my-run, my-run-2. Two runs that
 * start at the same moment get two folders.
 */
export async function uniqueRunDir(base: string, name: string, fs = nodeFileSystem): Promise<string> {
  try {
    mkdirSync(base, { recursive: true });
    for (let n = 1; ; n++) {
      const dir = join(base, n === 1 ? name : `${name}-${n}`);
      try {
        fs.mkdir(dir);
        await syncFolder(base, fs);
        return dir;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw diskError('write', join(base, name), error);
  }
}

const STEP = /^step-(\d{6,})(?:-(\d+))?$/;

function listSteps(runDir: string): StepFolder[] {
  return readFolder(runDir)
    .flatMap((name) => {
      const match = STEP.exec(name);
      return match ? [{ step: Number(match[1]), again: Number(match[2] ?? 1), name, dir: join(runDir, name) }] : [];
    })
    .sort((a, b) => a.step - b.step || a.again - b.again)
    .map(({ step, name, dir }) => ({ step, name, dir }));
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw diskError('read', path, error);
    throw new DataError(`${path} is a file, not a folder`, `give the folder that holds it: ${dirname(path)}`);
  }
}

function readPointer(runDir: string, pointer: Pointer): string | undefined {
  return readFolder(runDir).includes(pointer) ? readText(join(runDir, pointer)).trim() : undefined;
}

/** What to do about a damaged step: the newest other one that opens. */
function useAnother(runDir: string, damaged: string, otherwise = 'start a new run'): string {
  for (const { name, dir } of listSteps(runDir).reverse()) {
    if (name === damaged) continue;
    try {
      openCheckpoint(dir).close();
      return `use another checkpoint of the run, which is whole: ${dir} (to train on: --resume ${dir})`;
    } catch {} // damaged too
  }
  return `no other checkpoint in ${resolve(runDir)} is whole; ${otherwise}`;
}

async function writeContent(dir: string, content: CheckpointContent, fs: FileSystem): Promise<void> {
  const json = (value: Json) => `${JSON.stringify(value, null, 2)}\n`;
  const float32 = (tensors: Iterable<SavedTensor>) => [...tensors].map((t) => ({ ...t, dtype: 'F32' as const }));
  await writeFile(join(dir, 'config.json'), json(content.hfConfig), fs);
  await writeFile(join(dir, 'generation_config.json'), json(content.generationConfig), fs);
  await writeFile(join(dir, 'tokenizer.json'), content.tokenizerJson, fs);
  await writeSafetensors(join(dir, 'model.safetensors'), float32(content.params), undefined, fs);
  const trainer = join(dir, 'trainer');
  fs.mkdir(trainer);
  await writeSafetensors(join(trainer, 'optimizer.safetensors'), float32(content.optimizer), undefined, fs);
  await writeFile(join(trainer, 'state.json'), trainerStateText(content.state), fs);
}

function openCheckpoint(dir: string): Checkpoint {
  const model = readModel(dir);
  try {
    if (!readFolder(dir).includes('trainer')) return { ...model, dir, trainer: null };
    const stateFile = join(dir, 'trainer', 'state.json');
    const state = parseTrainerState(readText(stateFile), stateFile);
    const file = openSafetensors(join(dir, 'trainer', 'optimizer.safetensors'));
    const close = () => {
      model.close();
      file.close();
    };
    try {
      const optimizer = new Map<string, () => Float32Array<ArrayBuffer>>();
      for (const [parameter, shape] of parameterShapes(model.model)) {
        for (const name of [`m.${parameter}`, `v.${parameter}`]) {
          requireTensor(file, name, shape);
          optimizer.set(name, () => file.readFloat32(name));
        }
      }
      return { ...model, dir, trainer: { state, optimizer }, close };
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    model.close();
    throw error;
  }
}

function folderBytes(dir: string): number {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(dir, name)));
  return files.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
