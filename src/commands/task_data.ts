// The labelled examples of a task, from files to what the model reads: the splits, their classes, and how long they are.

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { integer, plural } from '../base/format.js';
import { isFinal } from '../base/task_result.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import { type FinetuneConfig, TaskDataConfig } from '../config/schema.js';
import { type Example, type ExampleSet, findSplits, readExamples, type TaskForm } from '../data/examples.js';
import { classOf, type Labels, learnLabels } from '../data/labels.js';
import { permuted } from '../data/permutation.js';
import type { BatchExample } from '../data/task_batch.js';
import { encodeExample, type Transform } from '../data/task_inputs.js';
import { readRun } from '../report/record.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { ColumnOptions } from './options.js';
import { fromPackage } from './run_data.js';

/** An example in tokens, with its text for people. */
export interface TaskExample extends BatchExample {
  readonly example: Example;
  readonly truncated: boolean;
}

/** A split. */
export interface Split {
  readonly name: 'train' | 'val' | 'test';
  readonly files: readonly string[];
  readonly examples: readonly TaskExample[];
  /** Bad rows that were left out. */
  readonly skipped: ExampleSet['skipped'];
}

/** The examples of a run, as text: read, not yet encoded. */
export interface TaskTexts {
  readonly form: TaskForm;
  readonly format: string;
  readonly objective: TaskFile['kind'];
  readonly labels: Labels | null;
  readonly train: ExampleSet;
  readonly val: ExampleSet;
  readonly test: ExampleSet | null;
}

/** The columns that a configuration names. */
export function columnsOf({ text, first, second, context, question, answers, label }: FinetuneConfig['data']) {
  const columns = { text, first, second, context, question, answers, label };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as TaskFile['columns'];
}

/**
 * Reads train, val (or holds out a share of train) and test, and learns the classes from train. Throws ConfigError for
 * paths that do not fit together, DataError for bad rows, an unknown label, or a single class.
 */
export async function readTask({ finetune, data, train: { seed } }: FinetuneConfig): Promise<TaskTexts> {
  const form = finetune.task!;
  const found = folderSplits(data);
  const read = (paths: readonly string[], score: boolean, format: FinetuneConfig['data']['format']) =>
    readExamples(paths, {
      form,
      format,
      columns: columnsOf(data),
      labels: 'required',
      score,
      onBadRow: data.on_bad_row,
    });
  const asked = finetune.objective === 'regression';
  const all = await read(found.train, asked, data.format);
  const score = asked || (form === 'similarity' && finetune.objective === 'auto' && isScored(all));
  const same = score && !asked ? await read(found.train, true, data.format) : all; // its bad rows are others
  const format = all.format;
  const val = found.val === undefined ? undefined : await read(found.val, score, format);
  const test = found.test === undefined ? null : await read(found.test, score, format);
  requireClasses(finetune, form, score);
  const objective = form === 'multiple-choice' ? 'choice' : score ? 'score' : 'classes';
  const { train, held } = val === undefined ? holdOut(same, data.val_split, seed) : { train: same, held: val };
  const less = val === undefined ? ` (less ${integer(held.examples.length)} held out)` : '';
  const place = `${train.files.join(', ')}${less}`;
  const labels =
    objective === 'classes'
      ? learnLabels(train.examples, {
          ...(finetune.labels === undefined ? {} : { names: finetune.labels }),
          classNames: train.classNames,
          place,
        })
      : null;
  return { form, format, objective, labels, train, val: held, test };
}

/** Scores, not classes: a format of scores, or a label that is no whole number. */
function isScored({ format, examples }: ExampleSet): boolean {
  if (format === 'stsb' || format === 'sick') return true;
  return examples.some(({ gold }) => gold !== null && !Number.isInteger(Number(gold)) && Number.isFinite(Number(gold)));
}

interface Paths {
  readonly train: readonly string[];
  readonly val?: readonly string[];
  readonly test?: readonly string[];
}

function folderSplits({ train, val, test }: FinetuneConfig['data']): Paths {
  const list = (paths: string | string[] | undefined) => (paths === undefined ? undefined : fromPackage(paths));
  const given = list(train)!;
  const isFolder = given.length === 1 && existsSync(given[0]!) && statSync(given[0]!).isDirectory();
  if (!isFolder) return withoutUndefined({ train: given, val: list(val), test: list(test) });
  const found = findSplits(given[0]!);
  const own = { train: [found.train], val: list(val) ?? list(found.val), test: list(test) };
  return withoutUndefined(own); // a test set is scored where it is asked for, and not because it lies there
}

const withoutUndefined = (paths: Record<string, readonly string[] | undefined>): Paths =>
  Object.fromEntries(Object.entries(paths).filter(([, value]) => value !== undefined)) as unknown as Paths;

/** A share of the examples, drawn with the seed; both parts keep the file's order. */
function holdOut(set: ExampleSet, share: number, seed: number): { train: ExampleSet; held: ExampleSet } {
  const n = set.examples.length;
  const count = Math.min(n - 1, Math.max(1, Math.round(share * n)));
  if (n < 2) {
    throw new DataError(`${set.files.join(', ')}: one example cannot be split`, 'give more, or --val FILE');
  }
  const held = new Set(Array.from({ length: count }, (_, i) => permuted(i, n, seed, 2 ** 31)));
  const part = (inside: boolean, skipped: ExampleSet['skipped']): ExampleSet => ({
    ...set,
    skipped,
    examples: set.examples.filter((_, i) => held.has(i) === inside),
  });
  return { train: part(false, set.skipped), held: part(true, { count: 0, first: [] }) };
}

/** Mean, standard deviation and range of the training scores. Throws DataError when they are all the same. */
export function scoreOf({ train }: TaskTexts): NonNullable<TaskFile['score']> {
  const scores = train.examples.map(({ gold }) => Number(gold));
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const std = Math.sqrt(scores.reduce((a, b) => a + (b - mean) ** 2, 0) / scores.length);
  if (!(std > 0)) {
    throw new DataError(
      `${train.files.join(', ')}: all ${integer(scores.length)} scores are ${mean}`,
      'a score can only be learned from examples that differ in it',
    );
  }
  return { mean, std, min: scores.reduce((a, b) => Math.min(a, b)), max: scores.reduce((a, b) => Math.max(a, b)) };
}

/** What targets are made with. */
export interface TargetOptions {
  readonly task: Pick<TaskFile, 'kind' | 'labels' | 'score'>;
  readonly balanced: boolean;
}

/** Examples in tokens. Throws DataError, with the place, for a label that training did not have. */
export function encodeSplit(
  name: Split['name'],
  { examples, files, skipped }: ExampleSet,
  { task, balanced }: TargetOptions,
  transform: Transform,
  tokenizer: Tokenizer,
  nCtx: number,
): Split {
  const labels = { names: task.labels };
  const targetOf = (example: Example): number => {
    if (example.gold === null) return Number.NaN;
    if (task.kind === 'classes') return classOf(labels, example);
    if (task.kind === 'choice') return Number(example.gold);
    return (Number(example.gold) - task.score!.mean) / task.score!.std;
  };
  const targets = examples.map(targetOf);
  const counts = new Map<number, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  const weightOf = (target: number) => (balanced ? examples.length / (task.labels.length * counts.get(target)!) : 1);
  const encoded = examples.map((example, i): TaskExample => {
    const { sequences, truncated } = encodeExample(example, transform, tokenizer, nCtx);
    return { sequences, truncated, example, target: targets[i]!, weight: weightOf(targets[i]!) };
  });
  return { name, files, examples: encoded, skipped };
}

/** The first few rows that were left out, a line each. */
export function tellSkipped({ count, first }: ExampleSet['skipped'], err: (text: string) => void): void {
  for (const message of first) err(`skipped ${message}\n`);
  if (count > first.length) err(`skipped ${integer(count - first.length)} more\n`);
}

/** 99 examples, 0 skipped, 2 cut to the context of 192 */
export function countsText({ examples, skipped }: Split, nCtx: number): string {
  const cut = examples.filter(({ truncated }) => truncated).length;
  return `${plural(examples.length, 'example')}, ${integer(skipped.count)} skipped, ${integer(cut)} cut to the context of ${integer(nCtx)}`;
}

/** Examples for a fine-tuned model, read and encoded as those that it was trained on. */
export async function loadTaskExamples(
  task: TaskFile,
  tokenizer: Tokenizer,
  nCtx: number,
  options: {
    readonly data: readonly string[];
    readonly format: string;
    readonly columns: ColumnOptions;
    readonly labels: 'required' | 'optional';
    readonly onBadRow: 'fail' | 'skip';
  },
): Promise<Split> {
  const format = TaskDataConfig.shape.format.safeParse(options.format);
  if (!format.success) {
    const known = TaskDataConfig.shape.format.unwrap().options.join(', ');
    throw new ConfigError(`--format ${options.format} is not one of ${known}`, 'leave it out: the files tell mostly');
  }
  const set = await readExamples(options.data, {
    form: task.form,
    format: format.data,
    columns: { ...task.columns, ...options.columns },
    labels: options.labels,
    score: task.kind === 'score',
    onBadRow: options.onBadRow,
  });
  // whoever needs no labels does not read them: they may be of other classes, or placeholders
  const unread = set.examples.map((example) => ({ ...example, gold: null }));
  const examples = options.labels === 'optional' ? unread : set.examples;
  return encodeSplit('test', { ...set, examples }, { task, balanced: false }, task, tokenizer, nCtx);
}

/** How a split looks, for the start event. */
export function describeSplit({ name, files, examples, skipped }: Split, labels: readonly string[]) {
  const lengths = examples.flatMap(({ sequences }) => sequences.map((s) => s.length)).sort((a, b) => a - b);
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))]!;
  const classes = Object.fromEntries(labels.map((label, i) => [label, examples.filter((e) => e.target === i).length]));
  return {
    name,
    files: [...files],
    examples: examples.length,
    sequences: lengths.length,
    tokens,
    classes,
    length: { mean: tokens / lengths.length, median: at(0.5), p95: at(0.95), max: lengths.at(-1)! },
    truncated: examples.filter(({ truncated }) => truncated).length,
    skipped: skipped.count,
  };
}

/** Hash of what is trained and validated on: a resumed run must have the same. */
export function fingerprintOf(splits: readonly Split[]): string {
  const hash = createHash('sha256');
  for (const { name, examples } of splits) {
    hash.update(`${name} ${examples.length}\n`);
    for (const { sequences, target } of examples) {
      hash.update(`${target}`);
      for (const ids of sequences) hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    }
  }
  return hash.digest('hex');
}

/** Throws ConfigError unless a checkpoint was fine-tuned for this form of task. */
export function requireForm(dir: string, task: TaskFile | null, form: string | undefined): TaskFile {
  if (task === null) {
    throw new ConfigError(
      `${dir} has no head for a task: it was only pretrained`,
      'fine-tune it first: gpt finetune CHECKPOINT --task FORM --data FILE',
    );
  }
  if (form === undefined || task.form === form) return task;
  throw new ConfigError(
    `${dir} was fine-tuned for ${task.form}, not for ${form}`,
    `leave --task out or give --task ${task.form}`,
  );
}

/** What defaultMetrics() calls a head's kind. */
export const OBJECTIVES = { classes: 'classes', score: 'regression', choice: 'choice' } as const;

const OF_CLASSES = ['accuracy', 'f1', 'macro_f1', 'matthews'];

/** Throws ConfigError for a metric that such a task does not have. */
export function requireMetric(metric: string, { objective, labels }: TaskTexts): void {
  const fits =
    objective === 'score'
      ? !OF_CLASSES.includes(metric)
      : objective === 'choice'
        ? metric === 'accuracy'
        : OF_CLASSES.includes(metric) && (metric !== 'f1' || labels!.names.length === 2);
  if (fits) return;
  const of = {
    score: 'scores: pearson or spearman',
    choice: 'choices: accuracy',
    classes: 'classes: accuracy, macro_f1, matthews, and f1 for two',
  };
  throw new ConfigError(`finetune.metric ${metric} does not fit the task`, `for ${of[objective]}`);
}

/** Throws ConfigError for keys of classes where scores are learned. */
function requireClasses({ class_weights, labels }: FinetuneConfig['finetune'], form: TaskForm, score: boolean): void {
  if (!score) return;
  const key =
    class_weights !== 'none' ? 'finetune.class_weights' : labels !== undefined ? 'finetune.labels' : undefined;
  if (key === undefined) return;
  throw new ConfigError(
    `${key}: this ${form} task learns a score, and has no classes`,
    `leave ${key} out, or give --objective classes`,
  );
}

/** Whether the log of a finished run has the final metrics of its best checkpoint. */
export async function isMeasured(runDir: string): Promise<boolean> {
  const { evals } = await readRun(join(runDir, 'run.jsonl'));
  return evals.some(isFinal);
}
