// `gpt eval CHECKPOINT... --tasks NAMES --shots 0,1,few`: tasks in context. No weight changes.
//
//   tasks and their data -> for each model: weights, answers by task and number of shots -> table, files of results, report
//
// Answers are kept in the user's cache, by model and request: what was interrupted goes on, what was asked is not asked again.
// The folder of an evaluation:
//
//   report.html, report.json                      every model, task and number of shots
//   MODEL/SHOTS/results_DATE.json                 lm-evaluation-harness's file, one per model and number of shots
//   MODEL/SHOTS/samples_TASK_DATE.jsonl           with --log-samples: every prompt and answer, as it writes them

import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import type { EvalModel } from '../base/eval_record.js';
import { diskError, exists, makeFolder, outputPath, refuseExisting, writeFolderAtomic } from '../base/files.js';
import { duration, integer, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { loadCheckpoint } from '../checkpoint/store.js';
import { countParameters } from '../config/arithmetic.js';
import { findFiles } from '../data/files.js';
import { readText } from '../data/read.js';
import { modelAnswerer } from '../eval/answer/answerer.js';
import { cached, modelKey } from '../eval/answer/cache.js';
import { ruleOf } from '../eval/gpt3.js';
import type { HarnessTask } from '../eval/harness/task.js';
import { type AskedShots, type Measured, measureTask, type OpenTask, overlapsOf } from '../eval/in_context.js';
import type { Answerer } from '../eval/request.js';
import { harnessTable } from '../eval/results/table.js';
import { evalReportJson } from '../report/eval/report.js';
import { loadTokenizer } from '../tokenizer/load.js';
import { END_OF_TEXT } from '../tokenizer/tokenizer.js';
import { openForTexts } from './backend.js';
import {
  distinctBy,
  harnessFile,
  type Round,
  recordOf,
  type SamplesOf,
  samplesOfRounds,
  stamp,
  writeFiles,
} from './eval_results.js';
import { type OpenTasks, openTasks, taskGroups } from './open_tasks.js';
import type { CommandContext, EvalOptions, Run } from './options.js';
import { loadModel, requireVocabulary } from './run_model.js';
import { stopOnSignals } from './stop.js';
import { cacheFolder } from './user_cache.js';

export const run: Run<EvalOptions> = async (options, context) => {
  const began = new Date();
  const checkpoints = distinctBy(options.checkpoints, (dir) => path.resolve(dir));
  const shots: readonly AskedShots[] = options.shots.length === 0 ? ['auto'] : options.shots;
  const out = options.out === undefined ? defaultFolder(checkpoints, began) : outputPath(options.out);
  // an evaluation takes a while: what would refuse it, or its result, is looked for before
  refuseExisting(out);
  for (const dir of checkpoints) await requireModel(dir);
  const opened = await openTasks(options.source, context.env);
  for (const { task } of opened.tasks) await requirePrompts(task, shots, options);
  requireFolder(path.dirname(out));
  const tasks = await withOverlaps(opened, options, context);
  const groups = taskGroups(opened.groups);
  const backend = await openForTexts(options, context.env);
  const stop = stopOnSignals((text) =>
    context.err(`${text.split(':')[0]}: stopping; the same command goes on from here\n`),
  );
  const rounds: Round[] = [];
  const notes: string[] = [];
  let asked = 0; // requests that no cache answered
  try {
    for (const dir of checkpoints) {
      const { model, tokenizer, checkpoint } = await loadModel(dir, 'best');
      const about: EvalModel = {
        name: uniqueName(
          dir,
          rounds.map((r) => r.model.name),
        ),
        dir: checkpoint.dir,
        parameters: countParameters(checkpoint.model),
        n_ctx: checkpoint.model.n_ctx,
        step: checkpoint.trainer?.state.step ?? null,
      };
      if (checkpoint.task !== null) {
        notes.push(`${about.name} was fine-tuned for ${checkpoint.task.form}: these are answers of its language model`);
      }
      const plain = counted(modelAnswerer(model, tokenizer), (requests) => {
        asked += requests;
      });
      const answerer = options.cache ? kept(plain, await modelKey(model, tokenizer), context) : plain;
      for (const wanted of shots) {
        const started = performance.now();
        const measured: Measured[] = [];
        for (const task of tasks) {
          const isText = task.task.config.output_type === 'loglikelihood_rolling'; // which has no prompt: once will do
          if (isText && rounds.some((round) => round.model === about)) continue;
          const say = progress(context, options, `${about.name} · ${task.task.name} · ${shotsText(wanted)}`);
          measured.push(
            await measureTask(answerer, task, wanted, { ...options, onProgress: say, signal: stop.signal }),
          );
        }
        rounds.push({ model: about, asked: wanted, measured, seconds: (performance.now() - started) / 1000 });
      }
      model.dispose();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return stop.exitCode();
  } finally {
    if (context.isTty && !options.quiet) context.err('\r\x1b[K');
    stop.release();
  }
  const record = recordOf(rounds, groups, { options, context, began, backend: backend.name, notes });
  const samples: SamplesOf = options.logSamples ? samplesOfRounds(rounds) : new Map();
  const results = rounds.map((round) => harnessFile(round, groups, samples, { options, context, began }));
  await writeFolderAtomic(out, (folder) => writeFiles(folder, record, rounds, results, samples, began));
  if (options.json) {
    context.out(`${jsonText(evalReportJson(record))}\n`);
    return 0;
  }
  for (const model of record.models) {
    if (record.models.length > 1) context.out(`${model.name}\n`);
    const own = results.filter((_, i) => rounds[i]!.model.name === model.name);
    context.out(harnessTable(own));
    if (own.some((result) => result.groups)) context.out(`\n${harnessTable(own, 'groups')}`);
  }
  const files = { report: path.join(out, 'report.html'), results: path.join(out, '*', '*', 'results_*.json') };
  const requests = rounds.flatMap(({ measured }) => measured).reduce((sum, { run }) => sum + run.requests, 0);
  const source = sourceFlags(options);
  await context.showEvaluation(record, { plot: options.plot, files, source, cached: requests - asked });
  return 0;
};

/** Where the tasks are and how they are asked, as the command line says it. */
const sourceFlags = ({ source: { tasksDirs, taskFiles, dataRoots, trainRows }, protocol }: EvalOptions): string[] => [
  ...tasksDirs.flatMap((dir) => ['--tasks-dir', dir]),
  ...taskFiles.flatMap((file) => ['--task-file', file]),
  ...dataRoots.flatMap((dir) => ['--data-root', dir]),
  ...(trainRows === undefined ? [] : ['--train-rows', String(trainRows)]),
  ...(protocol === 'gpt3' ? ['--protocol', protocol] : []),
];

/** `count` hears how many requests the model itself is asked. */
const counted = (answerer: Answerer, count: (requests: number) => void): Answerer => ({
  ...answerer,
  answer: (requests, options) => {
    count(requests.length);
    return answerer.answer(requests, options);
  },
});

/** A file of answers for each model: what is read stays small, and a model's can be deleted. */
const kept = (answerer: Answerer, key: string, { env }: CommandContext): Answerer =>
  cached(answerer, path.join(cacheFolder(env), 'answers', `${key.slice(0, 16)}.jsonl`), key);

/** The folder's name; with those above it where another model has the same. */
function uniqueName(dir: string, taken: readonly string[]): string {
  const parts = path.resolve(dir).split(path.sep);
  const names = parts.map((_, i) => parts.slice(-1 - i).join('/'));
  return names.find((name) => !taken.includes(name)) ?? dir;
}

/** Throws DataError where there is no model with a tokenizer of its own. Weights are not read. */
async function requireModel(dir: string): Promise<void> {
  const checkpoint = loadCheckpoint(dir, 'best');
  checkpoint.close();
  requireVocabulary(checkpoint, await loadTokenizer(checkpoint.dir));
}

/** Throws what the prompts of a task would throw; demonstrations are those of the first one. */
async function requirePrompts(
  task: HarnessTask,
  shots: readonly AskedShots[],
  { protocol, limit }: EvalOptions,
): Promise<void> {
  if (protocol === 'gpt3') ruleOf(task.config);
  await task.requests(0, { limit });
  const wanted = shots.map((asked) => task.shots(asked === 'auto' ? undefined : asked === 'few' ? 1 : asked));
  if (wanted.some((n) => n > 0)) await task.requests(1, { limit: 1 });
}

/** A folder that may be written to, which is made where it is missing. Throws DataError. */
function requireFolder(dir: string): void {
  makeFolder(dir);
  try {
    accessSync(dir, constants.W_OK);
  } catch (error) {
    throw diskError('write', dir, error);
  }
}

/** Beside the checkpoint: its own folder, or for several the one that the first lies in. */
function defaultFolder(checkpoints: readonly string[], began: Date): string {
  const first = path.normalize(checkpoints[0]!);
  const base = path.join(checkpoints.length === 1 ? first : path.dirname(first), 'eval');
  const name = stamp(began).slice(0, 19);
  for (let n = 1; ; n++) {
    const dir = path.join(base, n === 1 ? name : `${name}-${n}`);
    if (!exists(dir)) return dir;
  }
}

const shotsText = (asked: AskedShots): string =>
  asked === 'auto' ? 'shots of the task' : asked === 'few' ? 'few shots' : plural(asked, 'shot');

/** Documents that stand in the training text of --contamination. */
async function withOverlaps(
  { tasks }: OpenTasks,
  { contamination, limit }: EvalOptions,
  context: CommandContext,
): Promise<readonly OpenTask[]> {
  if (contamination.length === 0) return tasks;
  const files = findFiles(contamination);
  if (context.isTty) context.err(`looking for the documents in ${plural(files.length, 'file')} of training text\n`);
  const overlaps = await overlapsOf(
    tasks.map(({ task }) => task),
    corpusOf(files),
    limit,
  );
  return tasks.map((task, i) => ({ ...task, overlap: overlaps[i]! }));
}

async function* corpusOf(files: readonly string[]): AsyncGenerator<string> {
  for await (const { text, docEnd } of readText(files, { textKey: 'text' }))
    yield docEnd ? `${text}${END_OF_TEXT}` : text;
}

/** A line on a terminal that counts requests; not more than ten times a second. */
function progress(context: CommandContext, { quiet }: EvalOptions, what: string): (done: number, all: number) => void {
  let first: { readonly done: number; readonly at: number } | undefined; // answers of the cache come at once
  let shown = 0;
  return (done, all) => {
    const now = performance.now();
    first ??= { done, at: now };
    if (!context.isTty || quiet || (now - shown < 100 && done < all)) return;
    shown = now;
    const left = ((now - first.at) / (done - first.done)) * (all - done);
    const time = Number.isFinite(left) ? ` · ${duration(left / 1000)} left` : '';
    const line = `${what} · ${integer(done)} of ${integer(all)} requests${time}`;
    context.err(`\r\x1b[K${line.slice(0, context.columns - 1)}`);
  };
}
