// What `gpt eval --tasks` makes of the answers: the record that report and terminal show, lm-evaluation-harness's files.

import path from 'node:path';
import type { EvalModel, EvalRecord, TaskRun } from '../base/eval_record.js';
import { makeFolder, nodeFileSystem, writeFile } from '../base/files.js';
import { jsonFileText } from '../base/json.js';
import { type AskedShots, groupRun, type Measured, versionOf } from '../eval/in_context.js';
import type { TaskGroup } from '../eval/results/groups.js';
import { type HarnessResults, resultsJson } from '../eval/results/results_json.js';
import { type Samples, samplesOf } from '../eval/results/samples.js';
import { writeEvalReport } from '../report/eval/report.js';
import type { CommandContext, EvalOptions } from './options.js';

/** Everything that one model was asked with one number of shots. */
export interface Round {
  readonly model: EvalModel;
  readonly asked: AskedShots;
  readonly measured: readonly Measured[];
  readonly seconds: number;
}

/** 2026-02-28T13-05-59.123, as lm-evaluation-harness names its files. */
export const stamp = (date: Date): string => date.toISOString().replace(/:/g, '-').replace('Z', '');

const fileName = (name: string): string => name.replace(/[^\w.-]+/g, '_');

/** Everything, for report.html and report.json. */
export function recordOf(
  rounds: readonly Round[],
  groups: readonly TaskGroup[],
  { context, began, backend, options, notes: before }: About & Pick<EvalRecord, 'backend' | 'notes'>,
): EvalRecord {
  const models = distinctBy(
    rounds.map(({ model }) => model),
    ({ name }) => name,
  );
  const runs = rounds.flatMap(({ model, measured }): TaskRun[] => {
    const own = measured.map(({ run }) => run);
    const place = models.findIndex(({ name }) => name === model.name);
    return [...groups.flatMap((group) => groupRun(group, groups, measured)), ...own].map((run) => ({
      ...run,
      model: place,
    }));
  });
  const ofTasks = rounds.flatMap(({ measured, model }) =>
    measured.flatMap(({ notes }) => (models.length > 1 ? notes.map((note) => `${model.name}: ${note}`) : notes)),
  );
  const notes = [...before, ...ofTasks];
  if (runs.some(({ docs, docs_of }) => docs < docs_of))
    notes.unshift(`--limit ${options.limit}: not all documents, for a first look`);
  if (options.protocol === 'gpt3') notes.unshift("prompts and scores are those of GPT-3's paper");
  if (options.demonstrations === 'shuffled') notes.unshift('the answers of the demonstrations were shuffled');
  return {
    format: 1,
    gpt: context.version,
    date: began.toISOString(),
    command: `gpt ${context.argv.join(' ')}`,
    backend,
    seconds: rounds.reduce((sum, { seconds }) => sum + seconds, 0),
    models,
    runs,
    notes: [...new Set(notes)],
  };
}

/** What the results say of the evaluation itself. */
export interface About {
  readonly options: EvalOptions;
  readonly context: CommandContext;
  readonly began: Date;
}

/** Every prompt and answer, by the task that was measured. */
export type SamplesOf = ReadonlyMap<Measured, Samples>;

export const samplesOfRounds = (rounds: readonly Round[]): SamplesOf =>
  new Map(
    rounds
      .flatMap(({ measured }) => measured)
      .map((one) => [one, samplesOf(one.docs, one.task.scoring, one.scored, (r) => one.task.harnessArguments(r))]),
  );

/** lm-evaluation-harness's file of a round; of tasks with samples it has the hash. */
export function harnessFile(
  { model, measured, seconds }: Round,
  groups: readonly TaskGroup[],
  samples: SamplesOf,
  { options, context, began }: About,
): HarnessResults {
  return resultsJson({
    tasks: measured.map((one) => ({
      scored: one.scored,
      alias: one.run.alias,
      version: versionOf(one.task.config),
      shots: one.run.shots,
      docs_of: one.run.docs_of,
      config: one.task.config,
      hash: samples.get(one)?.hash ?? null,
    })),
    groups,
    model: model.dir,
    parameters: model.parameters,
    limit: options.limit ?? null,
    fewshot_seed: options.seed,
    began: began.getTime() / 1000,
    seconds,
    gpt: context.version,
    git_hash: null,
  });
}

/** Fills the folder of an evaluation: see eval_in_context.ts. */
export async function writeFiles(
  folder: string,
  record: EvalRecord,
  rounds: readonly Round[],
  results: readonly HarnessResults[],
  samples: SamplesOf,
  began: Date,
): Promise<void> {
  await writeEvalReport(folder, record);
  for (const [i, { model, asked, measured }] of rounds.entries()) {
    const dir = path.join(folder, fileName(model.name), String(asked));
    makeFolder(dir);
    await writeFile(path.join(dir, `results_${stamp(began)}.json`), jsonFileText(results[i]), nodeFileSystem);
    for (const one of measured) {
      const { lines } = samples.get(one) ?? {};
      if (lines === undefined) continue;
      const name = `samples_${fileName(one.task.name)}_${stamp(began)}.jsonl`;
      await writeFile(path.join(dir, name), lines.map((line) => `${line}\n`).join(''), nodeFileSystem);
    }
  }
}

/** The last of those with the same key, in the order of the first. */
export function distinctBy<T>(list: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(list.map((item) => [key(item), item])).values()];
}
