// Results, samples, groups, files and tables against lm-evaluation-harness's own of the same answers
// (fixtures/make_harness.py).

import { describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../src/base/errors.js';
import type { Scoring } from '../../../src/eval/harness/task_scoring.js';
import type { AnsweredDoc } from '../../../src/eval/request.js';
import { AGGREGATIONS } from '../../../src/eval/results/aggregation.js';
import { bootstrapError, usualIterations } from '../../../src/eval/results/bootstrap.js';
import { type HarnessResults, resultsJson } from '../../../src/eval/results/results_json.js';
import { samplesOf } from '../../../src/eval/results/samples.js';
import { checkScoring, score } from '../../../src/eval/results/score.js';
import { harnessTable } from '../../../src/eval/results/table.js';
import { answeredDocs, fixture, groups, scoringOf, taskNames } from './harness_fixture.js';

const { bootstrap_iters } = fixture;
const scored = new Map(
  taskNames.map((task) => [task, score(answeredDocs(task), scoringOf(task), { bootstrap_iters })]),
);

/** Every number as near as 1e-9 of itself, everything else equal. */
function close(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 9 - Math.ceil(Math.log10(Math.abs(value) + 1e-9)));
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
}

function reported(): HarnessResults {
  return resultsJson({
    tasks: taskNames.map((task) => ({
      scored: scored.get(task)!,
      alias: task === 'choice_binary' ? 'binary' : task,
      version: fixture.results.versions[task]!,
      shots: fixture.results['n-shot'][task]!,
      docs_of: fixture.results['n-samples'][task]!.original,
      config: { task },
      hash: samplesOf(answeredDocs(task), scoringOf(task), scored.get(task)!).hash,
    })),
    groups,
    model: 'runs/mini',
    parameters: 1234,
    limit: null,
    fewshot_seed: 1234,
    began: 1.5,
    seconds: 2.25,
    gpt: '1.2.3',
    git_hash: null,
  });
}

test.each(taskNames)('results of %s', (task) => {
  const numbers = Object.fromEntries(
    scored.get(task)!.metrics.flatMap(({ metric, filter, value, stderr }) => [
      [`${metric},${filter}`, value],
      [`${metric}_stderr,${filter}`, stderr ?? 'N/A'],
    ]),
  );
  const { name, alias, sample_len, ...expected } = fixture.results.results[task]!;
  expect(numbers).toEqual(close(expected));
  expect(scored.get(task)!.docs).toBe(sample_len);
});

test('a target among no choices is wrong, and counted', () => {
  expect(scored.get('choice_text')).toMatchObject({
    bad_targets: 1,
    notes: ['choice_text: the target of 1 of 20 documents is none of their choices; they count as wrong'],
  });
  expect(scored.get('choice_text')!.metrics[0]!.items[4]).toBe(0);
  expect(scored.get('choice_all')).toMatchObject({ bad_targets: 0, notes: [] });
  expect(scored.get('choice_targets')!.bad_targets).toBe(5);
});

test.each(taskNames)('samples of %s', (task) => {
  const { lines, hash } = samplesOf(answeredDocs(task), scoringOf(task), scored.get(task)!);
  const samples = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const first = samples.filter(({ doc_id }) => (doc_id as number) < 3);
  expect(first.length).toBe(fixture.samples[task]!.length);
  for (const expected of fixture.samples[task]!) {
    const found = first.find(
      (sample) => sample['doc_id'] === expected['doc_id'] && sample['filter'] === expected['filter'],
    )!;
    const { score_raw, score_norm, ...sample } = found;
    expect({ ...sample, metrics: new Set(sample['metrics'] as string[]) }).toEqual(harnessSample(expected, sample));
    const { choices } = answeredDocs(task)[0]!;
    expect([score_raw, score_norm].map((x) => x !== undefined)).toEqual(Array(2).fill(choices !== null));
  }
  expect(hash).toBe(fixture.task_hashes[task]);
});

/** The harness writes the probabilities of brier_score as numpy prints them. */
function harnessSample(expected: Readonly<Record<string, unknown>>, ours: Readonly<Record<string, unknown>>) {
  const sample = { ...expected, metrics: new Set(expected['metrics'] as string[]) };
  const brier = expected['brier_score'] as [number, string] | undefined;
  if (!brier) return sample;
  const p = brier[1].slice(1, -1).trim().split(/\s+/).map(Number);
  const [, found] = ours['brier_score'] as [number, number[]];
  expect(found).toEqual(p.map((x) => expect.closeTo(x, 7)));
  return { ...sample, brier_score: [brier[0], found] };
}

test('the file of results', () => {
  const { results, groups, group_subtasks, versions, ...rest } = reported();
  expect(results).toEqual(close(fixture.results.results));
  expect(groups).toEqual(close(fixture.results.groups));
  expect(group_subtasks).toEqual(fixture.results.group_subtasks);
  expect(versions).toEqual(fixture.results.versions);
  for (const key of ['n-shot', 'higher_is_better', 'n-samples'] as const)
    expect(rest[key]).toEqual(fixture.results[key]);
  expect(Object.keys(rest['n-shot'])).toEqual(Object.keys(rest['n-shot']).sort());
  expect(rest).toMatchObject({
    config: { model: 'gpt', model_args: 'pretrained=runs/mini', bootstrap_iters, limit: null },
    task_hashes: fixture.task_hashes,
    model_name: 'runs/mini',
    model_name_sanitized: 'runs__mini',
    total_evaluation_time_seconds: '2.25',
  });
});

test('the tables of tasks and groups', () => {
  expect(harnessTable([reported()])).toBe(fixture.tables.results);
  expect(harnessTable([reported()], 'groups')).toBe(fixture.tables.groups);
});

test.each(fixture.layouts.map((layout, i) => [i, layout] as const))('table %i', (_, { results, table }) => {
  expect(harnessTable([results])).toBe(table);
});

test('several numbers of shots share a table', () => {
  const shots = (n: number, acc: number): HarnessResults => ({
    results: { rte: { alias: 'rte', name: 'rte', sample_len: 3, 'acc,none': acc, 'acc_stderr,none': 0.25 } },
    group_subtasks: {},
    configs: {},
    versions: { rte: 1 },
    'n-shot': { rte: n },
    higher_is_better: { rte: { acc: true } },
    'n-samples': {},
  });
  expect(
    harnessTable([shots(0, 0.5), shots(10, 0.625)])
      .split('\n')
      .slice(2),
  ).toEqual([
    '|rte  |      1|none  |     0|acc   |↑  |0.500|±  |  0.25|',
    '|     |       |none  |    10|acc   |↑  |0.625|±  |  0.25|',
    '',
  ]);
});

describe('aggregations', () => {
  test.each(fixture.aggregations.map((x, i) => [`${x.name} ${i}`, x] as const))('%s', (_, {
    name,
    items: raw,
    value,
    stderr,
  }) => {
    const items = raw.map((item) => item ?? Number.NaN);
    const { aggregate, errors } = AGGREGATIONS[name]!;
    expect(aggregate(items)).toEqual(close(value));
    if (errors.by === 'nothing') expect(stderr).toBeNull();
    else if (errors.by === 'formula') expect(errors.stderr(items)).toEqual(close(stderr));
    else expect(bootstrapError(items.length, errors.resampled(items), bootstrap_iters)).toEqual(close(stderr));
  });

  test('draws are fewer of many documents, and none where none are asked for', () => {
    expect([100, 5153, 6000, 40_430, 5e6].map(usualIterations)).toEqual([100_000, 100_000, 100_000, 14_000, 1000]);
    const none = score(answeredDocs('choice_binary'), scoringOf('choice_binary'), { bootstrap_iters: 0 });
    expect(none.metrics.map(({ stderr }) => stderr)).toEqual([null, null, null]);
    expect(none.bootstrap_iters).toBeNull();
    expect(scored.get('choice_binary')!.bootstrap_iters).toBe(bootstrap_iters);
  });
});

test('repeats of which each request was asked once are the same answer that many times', () => {
  const once = answeredDocs('math').map(({ requests: [first], answers: [answer], ...doc }) => ({
    ...doc,
    requests: [first!],
    answers: [answer!],
  }));
  const thrice = once.map((doc) => ({
    ...doc,
    requests: doc.requests.flatMap((x) => [x, { ...x }, x]),
    answers: doc.answers.flatMap((x) => [x, x, x]),
  }));
  const [a, b] = [once, thrice].map((docs) => score(docs, scoringOf('math'), { bootstrap_iters: 0 }));
  expect(a!.metrics.map(({ value }) => value)).toEqual(b!.metrics.map(({ value }) => value));
  expect(samplesOf(once, scoringOf('math'), a!)).toEqual(samplesOf(thrice, scoringOf('math'), b!));
  expect(a!.filters[0]!.answers[0]).toHaveLength(1);
});

test('a request in the form of its task', () => {
  const docs = answeredDocs('last_word').slice(0, 1);
  const [line] = samplesOf(docs, scoringOf('last_word'), score(docs, scoringOf('last_word')), () => [
    'x',
    { y: [1] },
  ]).lines;
  expect(JSON.parse(line!)).toMatchObject({ arguments: { gen_args_0: { arg_0: 'x', arg_1: { y: [1] } } } });
});

describe('a task that cannot be scored', () => {
  const docs = answeredDocs('choice_binary');
  const scoring = scoringOf('choice_binary');
  const texts = answeredDocs('math');
  const math = scoringOf('math');
  const metric = (name: string, more: object = {}): Scoring => ({
    ...scoring,
    metric_list: [{ metric: name, ...more }],
  });
  const filter = (...steps: (string | object)[]): Scoring => ({
    ...math,
    filter_list: [
      { name: 'f', filter: steps.map((step) => (typeof step === 'string' ? { function: step } : step)) as never },
    ],
  });
  const cases: [string, readonly AnsweredDoc[], Scoring, string, known?: 'before'][] = [
    ['bleu', docs, metric('bleu'), 'task choice_binary: metric "bleu" is not supported', 'before'],
    [
      'an aggregation',
      docs,
      metric('acc', { aggregation: 'chrf' }),
      'task choice_binary: aggregation "chrf" is not supported',
      'before',
    ],
    [
      'a mean of tuples',
      docs,
      metric('likelihood'),
      'task choice_binary: the aggregation of likelihood wants a number',
    ],
    ['a filter', texts, filter('regexx'), 'task math: filter "regexx" is not supported', 'before'],
    ['too few answers', texts, filter({ function: 'take_first_k', k: 4 }), 'filter "f", take_first_k: 4 answers of 3'],
    ['no k', texts, filter('take_first_k'), 'filter "f", take_first_k: k is missing', 'before'],
    [
      'take_first before the end',
      texts,
      filter('take_first', 'lowercase'),
      'filter "f", lowercase: comes after a filter that left one',
    ],
    ['a list at the end', texts, filter('lowercase'), 'task math: its filters leave a list of answers'],
    [
      'no choices',
      texts,
      filter('multi_choice_regex'),
      'filter "f", multi_choice_regex: the documents have no list "choices"',
    ],
    [
      'a pattern',
      texts,
      filter({ function: 'regex', regex_pattern: 'a++' }),
      'task math: filter "f", regex: the regular expression a++',
      'before',
    ],
    [
      'an option',
      texts,
      { ...math, metric_list: [{ metric: 'exact_match', ignore_cas: true }] },
      'exact_match: unknown option "ignore_cas"',
      'before',
    ],
    ['no metric of its type', docs, metric('perplexity'), 'metric_list names no metric of its answers'],
    [
      'f1 of three classes',
      answeredDocs('choice_all'),
      { ...scoringOf('choice_all'), metric_list: [{ metric: 'f1' }] },
      'wants f1 of two classes',
    ],
  ];
  test.each(cases)('%s', (_, of, how, message, known) => {
    const run = () => score(of, how, { bootstrap_iters: 1000 });
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(message);
    if (known) expect(() => checkScoring(how)).toThrow(message);
    else checkScoring(how);
  });

  test('a target that is no choice of a generated answer names the document', () => {
    const of = texts.map((doc) => ({ ...doc, choices: ['a', 'b'], target: 2 }));
    const run = () => score(of, math);
    expect(run).toThrow(DataError);
    expect(run).toThrow('task math, document 0: target 2 is no index of its 2 choices');
  });
});

test('metrics of the task itself: process_results and aggregations as functions', () => {
  const how: Scoring = {
    ...scoringOf('last_word'),
    metric_list: [
      { metric: 'length', aggregation: (items) => Math.max(...(items as number[])), higher_is_better: false },
    ],
    filter_list: [{ name: 'own', filter: [{ function: 'take_first' }] }],
    process_results: ({ question }, [answer]) => ({
      length: String(question).length,
      ...((answer as { greedy: boolean }).greedy && { greedy_ll: (answer as { logprob: number }).logprob }),
    }),
  };
  const { metrics } = score(answeredDocs('last_word'), how, { bootstrap_iters: 1000 });
  const greedy = answeredDocs('last_word').flatMap(({ answers }) =>
    'greedy' in answers[0]! && answers[0].greedy ? [answers[0].logprob] : [],
  );
  expect(metrics[0]).toMatchObject({
    metric: 'length',
    filter: 'own',
    value: 11,
    stderr: null,
    higher_is_better: false,
    n: 30,
  });
  expect(metrics[1]).toMatchObject({ metric: 'greedy_ll', n: greedy.length, higher_is_better: true });
  expect(metrics[1]!.value).toBeCloseTo(greedy.reduce((a, b) => a + b) / greedy.length, 12);
  expect(metrics[1]!.items.filter((x) => x !== undefined)).toEqual(greedy);
});
