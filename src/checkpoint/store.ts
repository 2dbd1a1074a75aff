// The checkpoints of a run. A step folder is a Hugging Face folder plus what training needs to go on exactly.
//
//   checkpoints/NAME/
//     step-000100/  config.json  generation_config.json  model.safetensors  tokenizer.json
//                   trainer/optimizer.safetensors   m.<parameter>, v.<parameter>: Adam's moments; both files become
//                                                   shards beyond 5 GB (shards.ts)
//                   trainer/state.json              see trainer_state.ts
//                   task.json                       of a fine-tuned model: task_file.ts; its head is in model.safetensors
//                   adapter/                        of LoRA: a folder of PEFT's (peft.ts); model.safetensors is the base
//     latest  best                                  one line: the name of a step folder
//     lock                                          of the process that trains here (base/lock.ts)
//     run.jsonl  report.html  report.json           not ours
//
// A step folder is complete as soon as it has its name (files.ts). `latest` and `best` are small text files, replaced by
// rename: a symbolic link cannot be replaced as simply, and is lost or doubled by object stores, zip files, Windows and
// many a network disk. Saving a step that exists (after resuming from an earlier one) makes step-000100-2, since
// a folder cannot be replaced in one atomic step and nothing is overwritten.

import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import {
  diskError,
  type FileSystem,
  isTemporary,
  makeFolder,
  nodeFileSystem,
  readText,
  removeLeftovers,
  stageFolder,
  syncFolder,
  writeFile,
} from '../base/files.js';
import { quoted } from '../base/format.js';
import { jsonFileText } from '../base/json.js';
import { headShapes } from '../config/head.js';
import { adapterShapes } from '../config/lora.js';
import { parameterShapes } from '../config/parameters.js';
import { type HfModel, readModel } from './hf.js';
import { isPeftFolder, type PeftAdapters, type PeftContent, readPeftFolder, writePeftFiles } from './peft.js';
import { type Publication, publish } from './publish.js';
import { listSteps, type Pointer, readFolder, readPointer, STEP, type StepFolder } from './run_folder.js';
import { requireTensor, type SavedTensor } from './safetensors.js';
import { openSharded, writeSharded } from './shards.js';
import { requireSpace, stepBytes } from './space.js';
import { headShape, readTaskFile, TASK_FILE, type TaskFile, taskFileText } from './task_file.js';
import { parseTrainerState, type TrainerState, trainerStateText } from './trainer_state.js';

/** Everything that a step folder holds. */
export interface CheckpointContent {
  readonly hfConfig: Json;
  readonly generationConfig: Json;
  readonly tokenizerJson: string;
  /** Of the model, and of its head where it has one. */
  readonly params: readonly SavedTensor[];
  readonly task?: TaskFile | undefined;
  readonly adapter?: PeftContent | undefined;
  /** `m.<parameter>` and `v.<parameter>` of every parameter that trains, with its shape. */
  readonly optimizer: readonly SavedTensor[];
  readonly state: TrainerState;
}

/** An open checkpoint, whose names, shapes and file sizes have been checked. Values are read on demand. */
export interface Checkpoint extends HfModel {
  /** The folder, where the tokenizer is too. */
  readonly dir: string;
  /** null: it was not fine-tuned for a task. */
  readonly task: TaskFile | null;
  /** Values of the task's head, by name. */
  readonly head: ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
  /** LoRA adapters; null: it has none. */
  readonly adapter: PeftAdapters | null;
  /** null: a plain Hugging Face folder, which has no training state. */
  readonly trainer: null | {
    readonly state: TrainerState;
    readonly optimizer: ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
  };
}

export type { Pointer, SavedTensor, StepFolder };

/** What save() is to do beside saving. */
export interface SaveOptions {
  readonly best: boolean;
  /** Delete all but this many newest steps, the best and the latest; undefined: none. */
  readonly keep?: number;
}

/** A step folder whose bytes are written, and which is not there before `published` resolves. */
export interface SavedStep extends StepFolder {
  readonly bytes: number;
  /** Resolves to the seconds that publishing took. Rejects with a DataError when the disk refuses. */
  readonly published: Promise<number>;
}

/** The checkpoints of one run folder. One process at a time may save (base/lock.ts). */
export class CheckpointStore {
  readonly dir: string;
  readonly #fs: FileSystem;
  readonly #publisher: (publication: Publication) => Promise<number>;
  #published: Promise<number> = Promise.resolve(0);

  /** `publisher`: see publish.ts; by default saving ends in this thread. */
  constructor(dir: string, fs = nodeFileSystem, publisher = (publication: Publication) => publish(publication, fs)) {
    this.dir = dir;
    this.#fs = fs;
    this.#publisher = publisher;
  }

  /**
   * Writes a step folder under a temporary name, which is what has to read the tensors. Then, while the caller goes on,
   * the folder is published: made durable and given its name; then `best` (if it is) and `latest` point to it, and
   * old steps are deleted. Until then the previous checkpoint is the latest, whatever happens.
   * Waits for the save before it to be published. Throws its error, or DataError when the disk refuses or is too full.
   */
  async save(step: number, content: CheckpointContent, { best, keep }: SaveOptions): Promise<SavedStep> {
    await this.#published;
    makeFolder(this.dir);
    try {
      removeLeftovers(this.dir, (target) => STEP.test(target) || OURS.includes(target), this.#fs);
    } catch (error) {
      throw diskError('write', this.dir, error);
    }
    requireSpace(this.dir, stepBytes(content), `saving step ${step}`, this.#fs);
    const name = this.#freeName(step);
    const dir = join(this.dir, name);
    let bytes = 0;
    await stageFolder(
      dir,
      async (tmp) => {
        bytes = await writeContent(tmp, content, this.#fs);
      },
      this.#fs,
    );
    this.#published = this.#publisher({ runDir: this.dir, name, best, keep });
    this.#published.catch(() => {}); // it is thrown where somebody waits for it
    return { step, name, dir, bytes, published: this.#published };
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

  #freeName(step: number): string {
    const name = `step-${String(step).padStart(6, '0')}`;
    const taken = new Set(readFolder(this.dir)); // a file of that name is no checkpoint, and not overwritten
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

/** Files of a run folder that saving replaces. */
const OURS = ['latest', 'best', 'lock'];

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
  throw new DataError(`${path}: ${which} names ${quoted(name)}, which is not there`, useAnother(path, name));
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
  makeFolder(base);
  try {
    for (let n = 1; ; n++) {
      const dir = join(base, n === 1 ? name : `${name}-${n}`);
      try {
        fs.mkdir(dir);
        syncFolder(base, fs);
        return dir;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw diskError('write', join(base, name), error);
  }
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

/** Writes all files of a step folder; returns their bytes. */
async function writeContent(dir: string, content: CheckpointContent, fs: FileSystem): Promise<number> {
  let bytes = 0;
  const counted: FileSystem = {
    ...fs,
    write: (fd, chunk) => {
      const n = fs.write(fd, chunk);
      bytes += n;
      return n;
    },
  };
  const float32 = (tensors: readonly SavedTensor[]) => tensors.map((t) => ({ ...t, dtype: 'F32' as const }));
  await writeFile(join(dir, 'config.json'), jsonFileText(content.hfConfig), counted);
  await writeFile(join(dir, 'generation_config.json'), jsonFileText(content.generationConfig), counted);
  await writeFile(join(dir, 'tokenizer.json'), content.tokenizerJson, counted);
  if (content.task !== undefined) await writeFile(join(dir, TASK_FILE), taskFileText(content.task), counted);
  await writeSharded(dir, 'model', float32(content.params), { fs: counted });
  if (content.adapter !== undefined) {
    fs.mkdir(join(dir, ADAPTER));
    await writePeftFiles(join(dir, ADAPTER), content.adapter, counted);
  }
  const trainer = join(dir, 'trainer');
  fs.mkdir(trainer);
  await writeSharded(trainer, 'optimizer', float32(content.optimizer), { fs: counted });
  await writeFile(join(trainer, 'state.json'), trainerStateText(content.state, new Date()), counted);
  return bytes;
}

const ADAPTER = 'adapter';

function openCheckpoint(dir: string): Checkpoint {
  const { also, ...model } = readModel(dir);
  let adapter: PeftAdapters | null = null;
  const closeModel = () => {
    model.close();
    adapter?.close();
  };
  try {
    if (isPeftFolder(join(dir, ADAPTER))) adapter = readPeftFolder(join(dir, ADAPTER), model.model);
    const task = readTaskFile(dir);
    const ofHead = task === null ? new Map<string, number[]>() : headShapes(headShape(task), model.model.n_embd);
    const opened = { ...model, dir, task, head: also(ofHead), adapter, close: closeModel };
    if (!readFolder(dir).includes('trainer')) return { ...opened, trainer: null };
    const stateFile = join(dir, 'trainer', 'state.json');
    const state = parseTrainerState(readText(stateFile), stateFile);
    const file = openSharded(join(dir, 'trainer'), 'optimizer');
    const close = () => {
      closeModel();
      file.close();
    };
    const adapters = adapter === null ? [] : adapterShapes(model.model, adapter.config);
    try {
      const optimizer = new Map<string, () => Float32Array<ArrayBuffer>>();
      for (const [parameter, shape] of [...parameterShapes(model.model), ...adapters, ...ofHead]) {
        // fine-tuning may keep some weights as they were
        if ((task !== null || adapter !== null) && !file.names.includes(`m.${parameter}`)) continue;
        for (const name of [`m.${parameter}`, `v.${parameter}`]) {
          requireTensor(file, name, shape);
          optimizer.set(name, () => file.readFloat32(name));
        }
      }
      return { ...opened, trainer: { state, optimizer }, close };
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    closeModel();
    throw error;
  }
}
