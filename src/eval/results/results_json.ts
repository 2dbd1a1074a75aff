// The results of one model with one number of shots, in the form of lm-evaluation-harness's results_<date>.json, so that
// what reads its files reads ours.
//
// "metric,filter" and "metric_stderr,filter" are the keys of a task's numbers; "N/A" stands for an error that is not
// defined. What it has and we have not (torch, transformers, chat templates) is left out.

import { type GroupResult, scoreGroup, type TaskGroup } from './groups.js';
import type { Scored } from './score.js';

/** A task's results and what else its entries need. */
export interface ReportedTask {
  readonly scored: Scored;
  readonly alias: string;
  /** metadata.version; the harness has "Yaml" where the file has none. */
  readonly version: string | number;
  readonly shots: number;
  /** Documents before --limit. */
  readonly docs_of: number;
  /** The task's YAML, resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Of `samplesOf`; null where no samples are written. */
  readonly hash: string | null;
}

export interface ReportedRun {
  readonly tasks: readonly ReportedTask[];
  readonly groups: readonly TaskGroup[];
  /** Name of the model: its folder. */
  readonly model: string;
  readonly parameters: number;
  readonly limit: number | null;
  readonly fewshot_seed: number;
  /** Seconds since 1970 when the evaluation began, and how long it took. */
  readonly began: number;
  readonly seconds: number;
  /** gpt's version, and the commit where known. */
  readonly gpt: string;
  readonly git_hash: string | null;
}

/** Numbers of a task or group: alias, sample_len, "acc,none": 0.5, "acc_stderr,none": 0.03 or "N/A". */
export type Numbers = Readonly<Record<string, string | number | Readonly<Record<string, number>>>>;

export interface HarnessResults {
  readonly results: Readonly<Record<string, Numbers>>;
  readonly groups?: Readonly<Record<string, Numbers>>;
  readonly group_subtasks: Readonly<Record<string, readonly string[]>>;
  readonly configs: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string | number>>;
  readonly 'n-shot': Readonly<Record<string, number>>;
  readonly higher_is_better: Readonly<Record<string, Readonly<Record<string, boolean | null>>>>;
  readonly 'n-samples': Readonly<Record<string, { readonly original: number; readonly effective: number }>>;
  readonly [more: string]: unknown;
}

/** The results file, and those of the run's groups. */
export function resultsJson(run: ReportedRun): HarnessResults {
  const groups = new Map(run.groups.map((group) => [group.name, group]));
  const scored = new Map(run.tasks.map((task) => [task.scored.task, task.scored]));
  const ordered = innerFirst(run.groups, groups);
  const ofGroups = new Map(ordered.map((group) => [group.name, scoreGroup(group, groups, scored)]));

  const numbers = [
    ...run.tasks.map(({ scored, alias }): [string, Numbers] => [scored.task, taskNumbers(scored, alias)]),
    ...ordered.map((group): [string, Numbers] => [group.name, groupNumbers(group, ofGroups.get(group.name)!)]),
  ];
  const aggregated = numbers.filter(([name]) => (groups.get(name)?.aggregate_metric_list?.length ?? 0) > 0);
  const byTask = <T>(of: (task: ReportedTask) => T) =>
    run.tasks.map((task): [string, T] => [task.scored.task, of(task)]);
  const iterations = run.tasks.flatMap(({ scored }) => scored.bootstrap_iters ?? []);
  return {
    results: Object.fromEntries(numbers),
    ...(aggregated.length > 0 && { groups: Object.fromEntries(aggregated) }),
    group_subtasks: Object.fromEntries(run.groups.map(({ name, children }) => [name, children])),
    configs: sorted(byTask(({ config }) => config)),
    versions: sorted([...byTask(({ version }) => version), ...ordered.map(versionOf)]),
    'n-shot': sorted(
      withGroups(
        byTask(({ shots }) => shots),
        ordered,
        common,
      ),
    ),
    higher_is_better: sorted(
      withGroups(
        byTask(({ scored }) => directions(scored)),
        ordered,
        agreed,
      ),
    ),
    'n-samples': Object.fromEntries(byTask(({ scored, docs_of }) => ({ original: docs_of, effective: scored.docs }))),
    config: {
      model: 'gpt',
      model_args: `pretrained=${run.model}`,
      model_num_parameters: run.parameters,
      limit: run.limit,
      bootstrap_iters: iterations.length === 0 ? null : Math.min(...iterations),
      fewshot_seed: run.fewshot_seed,
    },
    git_hash: run.git_hash,
    date: run.began,
    gpt_version: run.gpt,
    task_hashes: Object.fromEntries(byTask(({ hash }) => hash).filter(([, hash]) => hash !== null)),
    model_source: 'gpt',
    model_name: run.model,
    model_name_sanitized: run.model.replace(/["<>:/|\\?*[\]]+/g, '__'),
    total_evaluation_time_seconds: String(run.seconds),
  };
}

function taskNumbers({ task, docs, metrics }: Scored, alias: string): Numbers {
  return { name: task, alias, sample_len: docs, ...metricNumbers(metrics) };
}

function groupNumbers({ name, alias, aggregate_metric_list: list }: TaskGroup, result: GroupResult): Numbers {
  const named = { alias: alias ?? name, name };
  if (!list || list.length === 0) return named;
  const counts = Object.fromEntries(result.metrics.map(({ metric, filter, docs }) => [`${metric},${filter}`, docs]));
  return {
    ...named,
    sample_len: result.docs,
    ...metricNumbers(result.metrics),
    ...(result.metrics.length > 0 && { sample_count: counts }),
  };
}

const metricNumbers = (metrics: GroupResult['metrics'] | Scored['metrics']): Record<string, number | string> =>
  Object.fromEntries(
    [...metrics].flatMap(({ metric, filter, value, stderr }) => [
      [`${metric},${filter}`, Number.isFinite(value) ? value : String(value)], // which Python's float() reads
      [`${metric}_stderr,${filter}`, stderr ?? 'N/A'],
    ]),
  );

const directions = ({ metrics }: Scored): Record<string, boolean | null> =>
  Object.fromEntries(metrics.map(({ metric, higher_is_better }) => [metric, higher_is_better]));

const versionOf = ({ name, version }: TaskGroup): [string, string | number] => [name, String(version ?? 'N/A')];

/** Groups within a group before it. */
function innerFirst(groups: readonly TaskGroup[], named: ReadonlyMap<string, TaskGroup>): TaskGroup[] {
  const ordered = new Set<TaskGroup>();
  const visit = (group: TaskGroup) => {
    for (const child of group.children) if (named.has(child)) visit(named.get(child)!);
    ordered.add(group);
  };
  groups.forEach(visit);
  return [...ordered];
}

/** Entries of the tasks, and of each group what its children's come to, where they come to something. */
function withGroups<T>(
  tasks: readonly (readonly [string, T])[],
  ordered: readonly TaskGroup[],
  join: (of: readonly T[]) => T | undefined,
): [string, T][] {
  const all = new Map(tasks);
  for (const { name, children } of ordered) {
    const joined = join(children.flatMap((child) => (all.has(child) ? [all.get(child)!] : [])));
    if (joined !== undefined) all.set(name, joined);
  }
  return [...all];
}

const common = (shots: readonly number[]): number | undefined => (new Set(shots).size === 1 ? shots[0] : undefined);

/** Of each metric the direction; null where children do not agree. */
function agreed(all: readonly Readonly<Record<string, boolean | null>>[]): Record<string, boolean | null> | undefined {
  const joined: Record<string, boolean | null> = {};
  for (const [metric, higher] of all.flatMap((one) => Object.entries(one))) {
    joined[metric] = metric in joined && joined[metric] !== higher ? null : higher;
  }
  return all.length === 0 ? undefined : joined;
}

const sorted = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
