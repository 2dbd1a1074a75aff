// Tasks in lm-evaluation-harness's format, found by name and opened with their data, for the commands that ask them.

import path from 'node:path';
import { evalRoots, evalRows } from '../data/eval_sets.js';
import { Catalogue, type Loaded, type LoadedGroup, type LoadedTask, tasksOf } from '../eval/harness/catalogue.js';
import { HarnessTask, type Splits } from '../eval/harness/task.js';
import type { OpenTask } from '../eval/in_context.js';
import type { TaskGroup } from '../eval/results/groups.js';
import { checkScoring } from '../eval/results/score.js';
import type { CommandContext, TaskSource } from './options.js';

/** Task files of this project. */
export const BUILT_IN = path.join(import.meta.dirname, '../../configs/tasks');

/** Tasks that are open, and the groups that some of them are in, outer ones first. */
export interface OpenTasks {
  readonly tasks: readonly OpenTask[];
  readonly groups: readonly LoadedGroup[];
}

/** The built-in tasks and those of --tasks-dir, which come first where names are the same. */
export const catalogueOf = ({ tasksDirs }: Pick<TaskSource, 'tasksDirs'>): Catalogue =>
  new Catalogue([BUILT_IN, ...tasksDirs]);

/**
 * Opens what is asked for. Throws ConfigError: unknown name, wrong task file, unsupported metric; DataError: missing or
 * empty data, with the paths that were looked for.
 */
export async function openTasks(source: TaskSource, env: CommandContext['env']): Promise<OpenTasks> {
  const items = catalogueOf(source).load([...source.tasks, ...source.taskFiles.map(asFile)]);
  const roots = evalRoots(source.dataRoots, env['GPT_DATA']);
  const loaded = new Map(items.flatMap(tasksOf).map((task) => [task.name, task]));
  const tasks: OpenTask[] = [];
  for (const task of loaded.values()) tasks.push(await openTask(task, roots, source.trainRows));
  return { tasks, groups: items.flatMap(groupsOf) };
}

/** A task with its data from these roots. */
export async function openTask(
  { config, file }: LoadedTask,
  roots: readonly string[],
  trainRows?: number,
): Promise<OpenTask> {
  const { dataset_path, dataset_name, dataset_kwargs } = config;
  const set = { path: dataset_path ?? '', name: dataset_name, kwargs: dataset_kwargs, folder: path.dirname(file) };
  const splits = readOnce((split) => evalRows(roots, set, split, { trainRows }));
  const task = await HarnessTask.open(config, splits);
  checkScoring(task.scoring);
  return { task, splits };
}

/** Each split is read once, however many versions of the task are opened. */
function readOnce(splits: Splits): Splits {
  const read = new Map<string, ReturnType<Splits>>();
  return (split) => {
    const rows = read.get(split) ?? splits(split);
    read.set(split, rows);
    return rows;
  };
}

const groupsOf = (item: Loaded): LoadedGroup[] =>
  item.kind === 'task' ? [] : [item, ...item.members.flatMap(groupsOf)];

/** The catalogue takes what ends in .yaml for a file. */
const asFile = (file: string): string => (/\.ya?ml$/.test(file) ? file : `${file}.yaml`);

/** Groups as their results are computed. */
export const taskGroups = (groups: readonly LoadedGroup[]): TaskGroup[] =>
  groups.map(({ name, alias, members, aggregate, version }) => ({
    name,
    alias,
    children: members.map((member) => member.name),
    aggregate_metric_list: aggregate,
    version,
  }));
