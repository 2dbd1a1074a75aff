// `gpt pretrain --resume`: what a run can go on from, and what must not change when it does.

import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { diskError } from '../base/files.js';
import { STEP } from '../checkpoint/run_folder.js';
import { type Checkpoint, loadCheckpoint, resolveCheckpoint } from '../checkpoint/store.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import type { StoredConfig } from '../config/load.js';
import type { ResolvedModel } from '../config/model_shape.js';
import type { RunConfig } from '../config/schema.js';
import type { FinetuneOptions, PretrainOptions } from './options.js';

/** A checkpoint that a run can go on from. */
export type Resumable = Checkpoint & { readonly trainer: NonNullable<Checkpoint['trainer']> };

/**
 * The run that a path means: the folder of a run, or of one of its steps. Real paths, so that the run's own lock, pointers
 * and log are used however it was named. Throws DataError for a step that lies in no run: its neighbours are not ours.
 */
export function runToResume(path: string): string {
  const found = resolveCheckpoint(path, 'latest');
  const checkpoint = realPath(found);
  if (!existsSync(join(checkpoint, 'trainer'))) throw onlyAModel(checkpoint);
  if (found !== path) return realPath(path); // the folder of a run was named
  const dir = dirname(checkpoint);
  if (STEP.test(basename(checkpoint)) && RUN_FILES.some((name) => existsSync(join(dir, name)))) return dir;
  throw new DataError(
    `${path} is a checkpoint outside of a run's folder: what lies beside it is not the run's`,
    'give the folder of its run; a copy goes on in a folder of its own, with a file `latest` beside it that holds its name',
  );
}

const onlyAModel = (dir: string): DataError =>
  new DataError(
    `${dir} has no trainer/ folder: it holds a model, but no run that could go on`,
    'give the folder of a run, checkpoints/NAME',
  );

const RUN_FILES = ['run.jsonl', 'latest'];

function realPath(path: string): string {
  try {
    const real = realpathSync(path);
    const here = relative(realpathSync('.'), real); // what the user knows it by
    return here === '' || here.startsWith('..') ? real : here;
  } catch (error) {
    throw diskError('read', path, error);
  }
}

/** The latest checkpoint of a run folder, or a step folder. Throws DataError where there is none to go on from. */
export function openForResume(path: string): Resumable {
  const checkpoint = loadCheckpoint(realPath(resolveCheckpoint(path, 'latest')), 'latest');
  if (checkpoint.trainer === null) {
    checkpoint.close();
    throw onlyAModel(checkpoint.dir);
  }
  return checkpoint as Resumable;
}

/** What a run is made of, and in which order it meets its text, cannot change when it goes on. */
const FIXED =
  /^--(model\.|tokenizer\.|finetune\.|lora\.|data\.(sequences|loss|answer_\w+)(=|$)|train\.(seed|optimizer|batch_\w+|micro_tokens)(=|$))/;

/** Throws ConfigError for options that would make it another run: how long and how fast it trains can change. */
export function requireOnlyResumable({ config, out, flags }: PretrainOptions | FinetuneOptions): void {
  const fixed = [
    ...(config === undefined ? [] : [config]),
    ...(out === undefined ? [] : ['--out']),
    ...flags.filter((flag) => FIXED.test(flag)),
  ];
  if (fixed.length === 0) return;
  throw new ConfigError(
    `--resume goes on with the run's own configuration, model, batches and folder: ${fixed.join(', ')} cannot be given`,
    'leave it out, or start a new run without --resume',
  );
}

/** Throws ConfigError when a run was made by the other one of `gpt pretrain` and `gpt finetune`. */
export function requireKind({ dir, trainer }: Resumable, kind: 'pretrain' | 'finetune'): void {
  const made = 'finetune' in (trainer.state.config as object) ? 'finetune' : 'pretrain';
  if (made === kind) return;
  throw new ConfigError(`${dir} is of a run of gpt ${made}`, `go on with gpt ${made} --resume`);
}

/** Why there is nothing to train, and how to train on all the same; undefined: there is. `steps`: of the whole run. */
export function whyFinished(
  { dir, trainer }: Resumable,
  earlyStop: number | undefined,
  steps: number,
): string | undefined {
  const { step, without_better } = trainer.state;
  if (step >= steps) return `${dir} has all of the ${steps} steps; to train on: --train.max_steps ${2 * step}`;
  if (earlyStop === undefined || without_better < earlyStop) return undefined;
  const what = `${dir} stopped early, after ${earlyStop} validations without a better one`;
  return `${what}; to train on: --train.early_stop ${2 * earlyStop}`;
}

/** While the batch grows, micro-batches decide which update sees which text. Throws ConfigError for others. */
export function requireSameRamp({ trainer }: Resumable, { train }: RunConfig): void {
  const stored = (trainer.state.config as { train?: { micro_batch?: number } }).train?.micro_batch;
  if (train.batch_ramp_tokens === undefined || stored === undefined || stored === train.micro_batch) return;
  throw new ConfigError(
    `--train.micro_batch ${train.micro_batch}: the run has a batch ramp, which it goes through in micro-batches of ${stored}`,
    `leave it out, or give ${stored}; --train.recompute takes less memory too`,
  );
}

/** Throws DataError unless the tokens are those of the run, by their fingerprint. */
export function requireSameData({ dir, trainer }: Resumable, fingerprint: string): void {
  if (trainer.state.data_fingerprint === fingerprint) return;
  throw new DataError(
    `the text has changed since ${dir} was saved: its tokens are others, so the run cannot go on exactly`,
    'put the old files back, or start a new run',
  );
}

/** Throws ConfigError when labels, columns, format or metric would be others than the run's. */
export function requireSameTask({ dir, task }: Resumable, now: TaskFile): void {
  const keys = Object.keys(now) as (keyof TaskFile)[];
  const other = keys.find((key) => JSON.stringify(task?.[key]) !== JSON.stringify(now[key]));
  if (other === undefined) return;
  throw new ConfigError(
    `${dir}: the task's ${other} was ${JSON.stringify(task?.[other])}, and would be ${JSON.stringify(now[other])}`,
    'resume with the data, format and columns of the run, or start a new one',
  );
}

/** Throws ConfigError when a run would not be of the model whose weights it starts from. Dropout may differ. */
export function requireSameShape({ dir, model }: Checkpoint, shape: ResolvedModel): void {
  const keys = (Object.keys(model) as (keyof ResolvedModel)[]).filter((key) => !key.endsWith('_pdrop'));
  const other = keys.find((key) => JSON.stringify(model[key]) !== JSON.stringify(shape[key]));
  if (other === undefined) return;
  throw new ConfigError(
    `model.${other} is ${JSON.stringify(shape[other])}, and ${JSON.stringify(model[other])} in ${dir}`,
    'a run that starts from a checkpoint keeps its model and tokenizer: leave model.* and tokenizer.* out',
  );
}

// ---- starting from another run's weights: gpt finetune --task lm

/** A pretrained checkpoint to start from. Throws ConfigError for one that has the head of a task, or adapters. */
export function openForInit(path: string): Checkpoint {
  const checkpoint = loadCheckpoint(path, 'best');
  const { dir, task, adapter } = checkpoint;
  if (task === null && adapter === null) return checkpoint;
  checkpoint.close();
  if (task === null) {
    throw new ConfigError(
      `${dir} has LoRA adapters`,
      'merge them first: gpt export DIR --merge --out NEW; or go on with --resume',
    );
  }
  throw new ConfigError(
    `${dir} has the head of a task already (${task.form})`,
    'start from the pretrained checkpoint, or go on with --resume',
  );
}

/** What such a run keeps of its checkpoint, and gentler defaults than pretraining's; files and flags come above it. */
export function configOfInit({ dir, model }: Checkpoint): StoredConfig {
  const { vocab_size: _, ...shape } = model;
  const train = { batch_tokens: 8 * model.n_ctx, max_epochs: 1, learning_rate: 1e-4, warmup_steps: 20 };
  const sections = { model: shape, tokenizer: { type: 'file', path: dir }, train };
  const origin = (section: string) => (section === 'train' ? 'default of --task lm' : dir);
  const keys = Object.entries(sections).flatMap(([section, values]) =>
    Object.keys(values).map((name) => [`${section}.${name}`, origin(section)]),
  );
  return { config: sections as unknown as Json, origins: Object.fromEntries(keys), file: dir };
}

/** The error for adapters without a model. */
export const nothingToAdapt = (): ConfigError =>
  new ConfigError(
    'lora.r: LoRA adapts a model that is trained already, and pretraining starts from nothing',
    'gpt finetune CHECKPOINT --task lm --data FILE --lora.r 8; or leave lora.r out',
  );
