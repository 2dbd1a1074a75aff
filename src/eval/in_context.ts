// A task in context, from its documents to its results: prompts with demonstrations, the model's answers, metrics.
//
//   HarnessTask -> requests -> Answerer -> answers -> score() -> TaskRun
//
// The number of demonstrations is cut to what fits into the model's context (shots.ts): a prompt that is cut off from the left
// has lost the beginning of a demonstration, and says little. A few may still be too long: those are counted.

import type { PromptExample, TaskMetric, TaskRun } from '../base/eval_record.js';
import { integer } from '../base/format.js';
import { findOverlaps, type Overlap, splitByOverlap } from './contamination.js';
import { gpt3Config, gpt3Metrics, ruleOf, unconditional } from './gpt3.js';
import { type AskedDoc, HarnessTask, type Splits } from './harness/task.js';
import type { TaskConfig } from './harness/task_file.js';
import type { Answer, AnsweredDoc, Answerer, Request } from './request.js';
import { baselines } from './results/baselines.js';
import { argmax, rightChoices } from './results/document_metrics.js';
import { scoreGroup, type TaskGroup, tasksOf } from './results/groups.js';
import { type Scored, score } from './results/score.js';
import { shotsThatFit } from './shots.js';

/** Demonstrations in a prompt; few: as many as fit, at most MOST_SHOTS; auto: what the task file says, else 0. */
export type AskedShots = number | 'few' | 'auto';

/** The upper end of GPT-3's range, 10 to 100 (Brown et al. 2020, section 2). */
const MOST_SHOTS = 100;

export interface InContextOptions {
  readonly protocol: 'harness' | 'gpt3';
  readonly demonstrations: 'right' | 'shuffled';
  readonly limit: number | undefined; //     documents
  readonly seed: number; //                  of the demonstrations
  readonly bootstrap: number | undefined; // draws of a bootstrapped standard error; undefined: see score()
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A task that is open, and the rows of its data. */
export interface OpenTask {
  readonly task: HarnessTask;
  readonly splits: Splits;
  /** Documents that stand in a training corpus, where that was looked at. */
  readonly overlap?: Overlap | undefined;
}

/** A task's results under one model, with everything behind them. `run.model` is 0. */
export interface Measured {
  readonly run: TaskRun;
  readonly task: HarnessTask;
  readonly scored: Scored;
  readonly docs: readonly AnsweredDoc[];
  readonly notes: readonly string[];
}

/** Throws ConfigError, DataError; an AbortError where the signal comes first. */
export async function measureTask(
  answerer: Answerer,
  open: OpenTask,
  wanted: AskedShots,
  options: InContextOptions,
): Promise<Measured> {
  const started = performance.now();
  const { protocol, limit, seed, demonstrations } = options;
  const { task, shots, reduced } = await withShots(answerer, open, wanted, options);
  const name = task.name;
  const asked = await task.requests(shots, { seed, demonstrations, limit });
  const alone = protocol === 'gpt3' ? unconditional(ruleOf(task.config), asked) : [];
  const perDoc = asked.map(({ requests }, i) => [...requests, ...(alone[i] ?? [])]);
  const { onProgress, signal } = options;
  const all = await answerer.answer(perDoc.flat(), { onProgress, signal });
  const cut = split(all, perDoc);
  const docs = asked.map((doc, i): AnsweredDoc => ({ ...doc, answers: cut[i]!.slice(0, doc.requests.length) }));

  const ofHarness = score(docs, task.scoring, { bootstrap_iters: options.bootstrap });
  const isChoice = protocol === 'gpt3' && task.config.output_type === 'multiple_choice';
  const aloneAnswers = alone.length === 0 ? [] : cut.map((answers, i) => answers.slice(asked[i]!.requests.length));
  const ofGpt3 = isChoice ? gpt3Metrics(docs, aloneAnswers) : [];
  const scored: Scored = { ...ofHarness, metrics: [...ofGpt3, ...ofHarness.metrics] };
  const truncated = all.filter((answer) => answer.truncated > 0).length;
  const headline = scored.metrics[0]!;
  return {
    task,
    scored,
    docs,
    notes: [...reduced, ...task.warnings, ...scored.notes],
    run: {
      model: 0,
      task: name,
      alias: task.config.task_alias ?? name,
      members: null,
      version: String(versionOf(task.config)),
      protocol,
      asked: wanted === 'auto' ? String(shots) : String(wanted),
      shots,
      docs: docs.length,
      docs_of: task.docs.length,
      requests: all.length,
      truncated,
      seconds: (performance.now() - started) / 1000,
      metrics: scored.metrics.map(
        ({ metric, filter, value, stderr, higher_is_better }): TaskMetric => ({
          ...{ metric, filter, value, stderr, higher_is_better },
        }),
      ),
      ...baselines(isChoice ? 'acc' : headline.metric, docs),
      contamination: open.overlap ? splitByOverlap(open.overlap, headline.items, headline.aggregate) : null,
      examples: docs.slice(0, EXAMPLES).flatMap((doc, i) => exampleOf(doc, headline.items[i])),
    },
  };
}

/** metadata.version; lm-evaluation-harness says "Yaml" where there is none. */
export const versionOf = ({ metadata }: TaskConfig): string | number => {
  const { version } = (metadata ?? {}) as { version?: unknown };
  return typeof version === 'number' || typeof version === 'string' ? version : 'Yaml';
};

/** The task as it is asked with so many demonstrations as are wanted and fit. */
async function withShots(
  answerer: Answerer,
  { task: given, splits }: OpenTask,
  wanted: AskedShots,
  { protocol, limit }: InContextOptions,
): Promise<{ task: HarnessTask; shots: number; reduced: string[] }> {
  const at = async (shots: number): Promise<HarnessTask> =>
    protocol === 'gpt3' ? HarnessTask.open(gpt3Config(given.config, shots), splits) : given;
  const isRolling = given.config.output_type === 'loglikelihood_rolling'; // a text has no prompt
  const most = wanted === 'few' ? MOST_SHOTS : given.shots(wanted === 'auto' ? undefined : wanted);
  if (isRolling || given.shots(most) === 0) return { task: await at(0), shots: 0, reduced: [] };
  const task = await at(most);
  const bare = await task.requests(0, { limit });
  const pool = (await task.pool()).length - 1; // a document may be in the pool, and must not be its own demonstration
  const shots = await (wanted === 'few'
    ? shotsThatFit(task, bare, answerer, Math.min(most, pool), 'few')
    : shotsThatFit(task, bare, answerer, most, 'number'));
  const reduced =
    wanted !== 'few' && shots < most
      ? [
          `${task.name}: ${most === 1 ? '1 shot does' : `${most} shots do`} not fit into n_ctx ${integer(answerer.n_ctx)}; asked with ${shots}`,
        ]
      : [];
  return { task: shots === most ? task : await at(shots), shots, reduced };
}

/** The results of a group with what its tasks have in common; none where its file aggregates nothing. */
export function groupRun(group: TaskGroup, groups: readonly TaskGroup[], measured: readonly Measured[]): TaskRun[] {
  const named = new Map(groups.map((one) => [one.name, one]));
  const names = new Set(tasksOf(group, named));
  const runs = measured.map(({ run }) => run).filter(({ task }) => names.has(task));
  const result = scoreGroup(group, named, new Map(runs.map((run) => [run.task, run])));
  if (result.metrics.length === 0 || runs.length === 0) return [];
  const { metric, filter } = result.metrics[0]!;
  const weights = group.aggregate_metric_list![0]!.weight_by_size ? runs.map(({ docs }) => docs) : runs.map(() => 1);
  const isHeadline = runs.every((run) => run.metrics[0]?.metric === metric && run.metrics[0].filter === filter);
  const sum = (of: (run: TaskRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  return [
    {
      model: 0,
      task: group.name,
      alias: group.alias ?? group.name,
      members: membersOf(group, named),
      version: String(group.version ?? 'N/A'),
      protocol: runs[0]!.protocol,
      asked: runs[0]!.asked,
      shots: sum(({ shots }) => shots) / runs.length,
      docs: sum(({ docs }) => docs),
      docs_of: sum(({ docs_of }) => docs_of),
      requests: sum(({ requests }) => requests),
      truncated: sum(({ truncated }) => truncated),
      seconds: sum(({ seconds }) => seconds),
      metrics: result.metrics.map((value) => ({
        metric: value.metric,
        filter: value.filter,
        value: value.value,
        stderr: value.stderr,
        higher_is_better: runs[0]!.metrics.find((m) => m.metric === value.metric)?.higher_is_better ?? true,
      })),
      chance: isHeadline
        ? weighted(
            runs.map(({ chance }) => chance),
            weights,
          )
        : null,
      majority: isHeadline
        ? weighted(
            runs.map(({ majority }) => majority),
            weights,
          )
        : null,
      contamination: null,
      examples: [],
    },
  ];
}

/** The tasks and groups right below it; of a group that has no results of its own, what is below that. */
const membersOf = ({ children }: TaskGroup, named: ReadonlyMap<string, TaskGroup>): string[] =>
  children.flatMap((child) => {
    const inner = named.get(child);
    return inner === undefined || inner.aggregate_metric_list?.length ? [child] : membersOf(inner, named);
  });

function weighted(values: readonly (number | null)[], weights: readonly number[]): number | null {
  if (values.includes(null)) return null;
  const total = weights.reduce((a, b) => a + b, 0);
  return values.reduce((sum: number, value, i) => sum + value! * weights[i]!, 0) / total;
}

/** The texts of a task's documents, as a corpus may contain them: question and right answer, no demonstrations. */
export async function overlapsOf(
  tasks: readonly HarnessTask[],
  corpus: AsyncIterable<string>,
  limit?: number,
): Promise<Overlap[]> {
  const texts = await Promise.all(
    tasks.map(async (task) => {
      const asked = await task.requests(0, { limit });
      return {
        texts: asked.map((doc) => textOf(task, doc)),
        synthetic: /arithmetic|unscramble|anagram|icl_/.test(task.name),
      };
    }),
  );
  return findOverlaps(texts, corpus);
}

function textOf(task: HarnessTask, { doc, id, requests, choices, target }: AskedDoc): string {
  const [first] = requests;
  if (first === undefined) return '';
  if (first.kind === 'rolling') return first.text;
  const question = task.text(doc, `document ${id}`); // without the description, which all documents have
  const right = choices === null ? target : choices[Number(target)];
  return `${typeof question === 'string' ? question : first.context} ${right ?? ''}`;
}

/** The answers to each document's requests. */
function split(answers: readonly Answer[], perDoc: readonly (readonly Request[])[]): Answer[][] {
  let next = 0;
  return perDoc.map(({ length }) => {
    next += length;
    return answers.slice(next - length, next);
  });
}

const EXAMPLES = 3;

/** `item`: the headline metric of the document. */
function exampleOf(doc: AnsweredDoc, item: unknown): PromptExample[] {
  const [first] = doc.requests;
  const [answer] = doc.answers;
  if (first === undefined || answer === undefined || first.kind === 'rolling') return [];
  const right = item === 0 || item === 1 ? item === 1 : null;
  if ('text' in answer) {
    return [{ prompt: first.context, target: String(doc.target), answer: answer.text, right }];
  }
  if (doc.choices === null) {
    const how = 'greedy' in answer && answer.greedy ? 'its likeliest continuation' : 'something else is likelier';
    const said = `${how} (ln p ${answer.logprob.toFixed(2)})`;
    const isRight = 'greedy' in answer ? answer.greedy : null;
    return [{ prompt: first.context, target: String(doc.target), answer: said, right: isRight }];
  }
  const likelihoods = doc.answers.slice(0, doc.choices.length).map((a) => ('logprob' in a ? a.logprob : 0));
  const best = argmax(likelihoods);
  const gold = rightChoices(doc);
  const target = gold.map((i) => doc.choices![i] ?? String(doc.target)).join(' | ');
  return [{ prompt: first.context, target, answer: doc.choices[best]!, right: gold.includes(best) }];
}
