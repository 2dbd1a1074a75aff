// fixtures/harness.json: what lm-evaluation-harness made of the answers of a model that answers by hash.

import { readFileSync } from 'node:fs';
import type { Scoring } from '../../../src/eval/harness/task_scoring.js';
import type { Answer, AnsweredDoc, Doc, Request } from '../../../src/eval/request.js';
import type { TaskGroup } from '../../../src/eval/results/groups.js';
import type { HarnessResults } from '../../../src/eval/results/results_json.js';

interface FixtureDoc {
  readonly doc: Doc;
  readonly target: unknown;
  readonly choices: readonly string[] | null;
  readonly right_input: number | null;
  readonly arguments: readonly (readonly [string, (string | GenerationArguments)?])[];
  readonly answers: readonly (readonly (readonly [number, boolean] | number | string)[])[]; // by request and repeat
}

interface GenerationArguments {
  readonly until: readonly string[];
  readonly max_gen_toks: number;
  readonly temperature: number;
}

interface Fixture {
  readonly bootstrap_iters: number;
  readonly tasks: Readonly<
    Record<string, Omit<Scoring, 'task' | 'multiple_target'> & { readonly docs: readonly FixtureDoc[] }>
  >;
  readonly groups: Readonly<Record<string, { children: string[]; aggregate_metric_list: RawGroupMetric[] | null }>>;
  readonly task_hashes: Readonly<Record<string, string>>;
  readonly samples: Readonly<Record<string, readonly Record<string, unknown>[]>>;
  readonly tables: { readonly results: string; readonly groups: string };
  readonly layouts: readonly { readonly results: HarnessResults; readonly table: string }[];
  readonly aggregations: readonly {
    readonly name: string;
    readonly items: readonly unknown[];
    readonly value: number;
    readonly stderr: number | null;
  }[];
  readonly results: HarnessResults;
}

interface RawGroupMetric {
  readonly metric: string;
  readonly filter_list?: string | string[];
  readonly weight_by_size?: boolean;
}

const notInJson = (_: string, value: unknown): unknown =>
  value === 'nan' ? Number.NaN : value === 'inf' ? Number.POSITIVE_INFINITY : value;

const file = new URL('fixtures/harness.json', import.meta.url);
export const fixture = JSON.parse(readFileSync(file, 'utf8'), notInJson) as Fixture;
export const taskNames = Object.keys(fixture.tasks);

export function scoringOf(task: string): Scoring {
  const { docs, ...scoring } = fixture.tasks[task]!;
  return { task, ...scoring, multiple_target: Array.isArray(docs[0]!.target) };
}

/** The documents of a task with their answers, each request `repeats` times in a row. */
export function answeredDocs(task: string): AnsweredDoc[] {
  return fixture.tasks[task]!.docs.map(({ doc, target, choices, right_input, arguments: asked, answers }, id) => ({
    id,
    doc,
    target,
    choices,
    rightInput: right_input,
    requests: asked.flatMap((args, i) => answers[i]!.map(() => requestOf(args))),
    answers: answers.flatMap((repeats) => repeats.map(answerOf)),
  }));
}

function requestOf([context, more]: FixtureDoc['arguments'][number]): Request {
  if (more === undefined) return { kind: 'rolling', text: context };
  if (typeof more === 'string') return { kind: 'loglikelihood', context, continuation: more };
  return { kind: 'generate', context, ...more };
}

function answerOf(answer: readonly [number, boolean] | number | string): Answer {
  if (typeof answer === 'string') return { text: answer, truncated: 0 };
  if (typeof answer === 'number') return { logprob: answer, tokens: 1, truncated: 0 };
  return { logprob: answer[0], greedy: answer[1], tokens: 1, truncated: 0 };
}

const VERSIONS: Readonly<Record<string, number>> = { inner: 2 };

export const groups: readonly TaskGroup[] = Object.entries(fixture.groups).map(
  ([name, { children, aggregate_metric_list: list }]) => ({
    name,
    alias: name === 'outer' ? 'Outer group' : null,
    children,
    aggregate_metric_list:
      list?.map(({ metric, filter_list, weight_by_size = true }) => ({
        metric,
        filter_list: filter_list === undefined ? null : [filter_list].flat(),
        weight_by_size,
      })) ?? null,
    version: VERSIONS[name] ?? null,
  }),
);
