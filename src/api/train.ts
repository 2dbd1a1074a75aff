// `gpt pretrain` and `gpt finetune` as functions.

import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import type { EndEvent, Json, RunEvent } from '../base/events.js';
import { unlockAll } from '../base/lock.js';
import type { CommandContext } from '../commands/options.js';
import type { FinetuneConfig, RunConfig } from '../config/schema.js';
import { type Compute, computeOptions, inTurn, silentContext } from './context.js';
import { readRun } from './run.js';

/** Keys of a configuration by section, each optional: `{ train: { max_steps: 100 } }`. docs/config.md lists them. */
export type Overrides<Config> = { readonly [Section in keyof Config]?: Partial<Config[Section]> };

/** What a run of either kind takes. */
interface RunOptions<Config> extends Compute {
  /** A YAML file, or the name of a preset. */
  readonly config?: string;
  /** Keys that replace those of the file. */
  readonly overrides?: Overrides<Config>;
  /** Folder of the run. Where it exists, a number is added to the name. By default it is in checkpoints/. */
  readonly out?: string;
  /** Folder of a run that goes on, exactly, instead of a new one. */
  readonly resume?: string;
  /** Hears everything that happens, as it is logged: docs/run-log.md. What it throws ends the run. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Ends the run after the step that it is in, saved. */
  readonly signal?: AbortSignal;
}

/** What to train, on what. */
export interface PretrainOptions extends RunOptions<RunConfig> {
  /** Text: files, folders or globs. By default what the configuration says. */
  readonly data?: string | readonly string[];
}

/** What to teach, to which model. */
export interface FinetuneOptions extends RunOptions<FinetuneConfig> {
  /** Run folder, step folder or Hugging Face folder that it starts from; needed unless it resumes. */
  readonly checkpoint?: string;
  /** "classification", "entailment", "similarity" or "multiple-choice", where the configuration does not say. */
  readonly task?: string;
  /** Labelled examples: a folder with train and val files, or a file. */
  readonly data?: string | readonly string[];
}

/** How a run ended. Losses are in nats per token; null: not measured. */
export interface TrainingResult {
  /** Folder of the run: loadModel() reads it, and so do `gpt report` and `gpt generate`. */
  readonly dir: string;
  /** Why it ended; "interrupted" by the signal. A run that diverges or fails throws. */
  readonly reason: EndEvent['reason'];
  /** Updates made. */
  readonly step: number;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Training time of this part of the run. */
  readonly seconds: number;
  /** Mean of the last steps. */
  readonly trainLoss: number | null;
  /** Of the last validation. */
  readonly valLoss: number | null;
  /** The best validation, whose checkpoint is the one that is loaded; of a task, by its metric. */
  readonly best: BestStep | null;
}

/** The best validation of a run. */
export interface BestStep {
  /** Updates made then. */
  readonly step: number;
  /** null: of a task. */
  readonly valLoss: number | null;
  /** Of a task: its headline metric. */
  readonly metric?: EndEvent['best_metric'];
}

/**
 * Trains a model from scratch, or goes on with a run, and resolves when it has ended. Runs of one process follow each
 * other. `train.max_minutes` counts from the start of the process.
 * Throws ConfigError, DataError, DeviceError, MemoryError, DivergedError; the run's folder then has its log.
 */
export function pretrain(options: PretrainOptions): Promise<TrainingResult> {
  const { config, out, resume, data, overrides } = options;
  const flags = flagsOf(overrides);
  return train(options, ['pretrain', ...words(config), ...flags], async (context) => {
    const { run } = await import('../commands/pretrain.js');
    const paths = data === undefined ? undefined : [data].flat();
    const what = { config, out, resume, data: paths, flags, printConfig: false, dryRun: false };
    await run({ ...computeOptions(options), ...what }, context);
  });
}

/**
 * Teaches a pretrained model one of GPT-1's tasks on labelled examples, as pretrain() trains one.
 * Throws as that does.
 */
export function finetune(options: FinetuneOptions): Promise<TrainingResult> {
  const { checkpoint, config, out, resume, task, data, overrides } = options;
  if (checkpoint === undefined && resume === undefined) {
    return Promise.reject(new ConfigError('nothing to fine-tune: no checkpoint given', 'give checkpoint, or resume'));
  }
  const flags = [
    ...(task === undefined ? [] : [`--finetune.task=${task}`]),
    ...words(data).map((file) => `--data.train=${file}`),
    ...flagsOf(overrides),
  ];
  return train(options, ['finetune', ...words(checkpoint), ...words(config), ...flags], async (context) => {
    const { run } = await import('../commands/finetune.js');
    const what = { checkpoint, config, out, resume, task: undefined, data: undefined, flags };
    await run(
      { ...computeOptions(options), ...what, ablation: false, seeds: 1, printConfig: false, dryRun: false },
      context,
    );
  });
}

const words = (text: string | readonly string[] | undefined): string[] => (text === undefined ? [] : [text].flat());

/** { train: { max_steps: 100 } } as the flag --train.max_steps=100. JSON is YAML, which flags are read as. */
function flagsOf(overrides: Readonly<Record<string, unknown>> = {}): string[] {
  return Object.entries(overrides).flatMap(([section, keys]) =>
    Object.entries(keys as Record<string, Json | undefined>).flatMap(([key, value]) => {
      if (value === undefined) return [];
      return [`--${section}.${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`];
    }),
  );
}

function train(
  { onEvent, signal, resume }: Pick<PretrainOptions, 'onEvent' | 'signal' | 'resume'>,
  argv: readonly string[],
  run: (context: CommandContext) => Promise<void>,
): Promise<TrainingResult> {
  return inTurn(async () => {
    let dir = resume;
    let end: EndEvent | null = null;
    const hear = (event: RunEvent): void => {
      if (event.type === 'start') dir = event.dir;
      if (event.type === 'end') end = event;
      onEvent?.(event);
    };
    try {
      await run(silentContext({ argv, onEvent: hear, signal }));
    } finally {
      unlockAll();
    }
    // a run that is resumed after its last step does nothing, and says nothing
    return resultOf(path.resolve(dir!), end ?? readRun(dir!).end!);
  });
}

function resultOf(dir: string, end: EndEvent): TrainingResult {
  const { reason, step, tokens, seconds, best_step, best_val_loss, best_metric } = end;
  const metric = best_metric === undefined ? {} : { metric: best_metric };
  const best = best_step === null ? null : { step: best_step, valLoss: best_val_loss, ...metric };
  return { dir, reason, step, tokens, seconds, trainLoss: end.train_loss, valLoss: end.val_loss, best };
}
