// Groups of tasks: one number of the results of their tasks. lm_eval/api/group.py.
//
// Every task below a group counts once where it stands, whatever groups lie between. For each metric of
// aggregate_metric_list, n_i documents of task i of k that have it:
//   value   sum(n_i x_i) / sum(n_i)                                   weight_by_size, else the plain mean
//   stderr  sqrt(sum((n_i - 1) se_i^2 n_i) / (sum(n_i) - k) / sum(n_i))   pooled, whatever the weights; none where one lacks

/** A group as its YAML has it. */
export interface TaskGroup {
  readonly name: string;
  readonly alias: string | null;
  /** Names of tasks and groups. */
  readonly children: readonly string[];
  readonly aggregate_metric_list: readonly GroupMetric[] | null;
  /** metadata.version */
  readonly version: string | number | null;
}

/** filter_list: null for all filters that the tasks have. */
export interface GroupMetric {
  readonly metric: string;
  readonly filter_list: readonly string[] | null;
  readonly weight_by_size: boolean;
}

/** A metric of a task or a group. */
export interface NamedValue {
  readonly metric: string;
  readonly filter: string;
  readonly value: number;
  readonly stderr: number | null;
}

/** Results of a task, as `score` gives them. */
export interface TaskResult {
  readonly task: string;
  readonly docs: number;
  readonly metrics: readonly NamedValue[];
}

export interface GroupResult {
  readonly group: string;
  /** Of all its tasks. */
  readonly docs: number;
  readonly metrics: readonly (NamedValue & { readonly docs: number })[];
  /** Metrics that some of its tasks lack, in sentences. */
  readonly notes: readonly string[];
}

/** The tasks below a group, in order. A task that stands in two of its groups is there twice, as in the harness. */
export function tasksOf(group: TaskGroup, groups: ReadonlyMap<string, TaskGroup>): string[] {
  return group.children.flatMap((child) => {
    const inner = groups.get(child);
    return inner ? tasksOf(inner, groups) : [child];
  });
}

/** A group's results from those of its tasks; no metrics where it has no aggregate_metric_list. */
export function scoreGroup(
  group: TaskGroup,
  groups: ReadonlyMap<string, TaskGroup>,
  results: ReadonlyMap<string, TaskResult>,
): GroupResult {
  const tasks = tasksOf(group, groups).flatMap((name) => results.get(name) ?? []);
  const notes: string[] = [];
  const metrics = (group.aggregate_metric_list ?? []).flatMap(({ metric, filter_list, weight_by_size }) =>
    (filter_list ?? filtersWith(metric, tasks)).flatMap((filter) => {
      const found = tasks.flatMap((task) => {
        const value = task.metrics.find((m) => m.metric === metric && m.filter === filter);
        return value ? [{ ...value, n: task.docs }] : [];
      });
      if (found.length < tasks.length) {
        notes.push(
          `group ${group.name}: ${tasks.length - found.length} of ${tasks.length} tasks have no ${metric},${filter}`,
        );
      }
      if (found.length === 0) return [];
      const size = sum(found, ({ n }) => n);
      const value = weight_by_size
        ? sum(found, ({ value, n }) => value * n) / size
        : sum(found, ({ value }) => value) / found.length;
      return [{ metric, filter, value, stderr: pooled(found), docs: size }];
    }),
  );
  return { group: group.name, docs: sum(tasks, ({ docs }) => docs), metrics, notes };
}

function filtersWith(metric: string, tasks: readonly TaskResult[]): string[] {
  const all = tasks.flatMap(({ metrics }) => metrics.filter((m) => m.metric === metric).map(({ filter }) => filter));
  return [...new Set(all)].sort();
}

function pooled(found: readonly { readonly stderr: number | null; readonly n: number }[]): number | null {
  if (found.some(({ stderr }) => stderr === null)) return null;
  const size = sum(found, ({ n }) => n);
  const variance = sum(found, ({ stderr, n }) => (n - 1) * stderr! ** 2 * n) / (size - found.length);
  return Math.sqrt(variance / size);
}

const sum = <T>(of: readonly T[], value: (item: T) => number): number =>
  of.reduce((total, item) => total + value(item), 0);
