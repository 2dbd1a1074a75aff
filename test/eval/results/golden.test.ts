// Results on the real RTE and LAMBADA of a model that answers by hash, against lm-evaluation-harness's own.
// Data and numbers are not part of this repository: the tests are skipped where ../shared is missing.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Scoring } from '../../../src/eval/harness/task_scoring.js';
import type { Answer, AnsweredDoc, LoglikelihoodRequest } from '../../../src/eval/request.js';
import { score } from '../../../src/eval/results/score.js';

const SHARED = new URL('../../../../shared/', import.meta.url).pathname;
const here = existsSync(`${SHARED}eval-golden/harness_results.json`);
const read = (name: string): string => readFileSync(`${SHARED}${name}`, 'utf8');

interface Golden {
  readonly tasks: readonly {
    readonly yaml: string;
    readonly n: number;
    readonly requests: number;
    readonly bootstrap_iters: number;
    readonly results: Readonly<Record<string, number>>;
  }[];
}

const scoring: Scoring = {
  task: '',
  output_type: 'multiple_choice',
  metric_list: [{ metric: 'acc' }],
  filter_list: null,
  repeats: 1,
  multiple_target: false,
};

/** "fake_lm" of harness_results.json. */
function answer({ context, continuation }: LoglikelihoodRequest): Answer {
  const hash = createHash('sha256').update(`${context}\0${continuation}`).digest();
  const logprob = (-hash.readUInt32BE(0) / 2 ** 32) * 10 - 0.25 * [...continuation].length;
  return { logprob, greedy: hash[4]! < 64, tokens: 1, truncated: 0 };
}

function answered(
  id: number,
  choices: readonly string[] | null,
  target: unknown,
  pairs: readonly (readonly [string, string])[],
): AnsweredDoc {
  const requests = pairs.map(([context, continuation]) => ({ kind: 'loglikelihood', context, continuation }) as const);
  return { id, doc: {}, target, choices, rightInput: null, requests, answers: requests.map(answer) };
}

function rte(): AnsweredDoc[] {
  const rows = read('data/rte/dev.tsv').trimEnd().split('\n').slice(1);
  return rows.map((row, id) => {
    const [premise, hypothesis, label] = row.split('\t');
    const prompt = `${premise}\nQuestion: ${hypothesis} True or False?\nAnswer:`;
    return answered(
      id,
      ['True', 'False'],
      Number(label),
      ['True', 'False'].map((choice) => [prompt, ` ${choice}`]),
    );
  });
}

function lambada(): AnsweredDoc[] {
  const rows = read('data/lambada/lambada_test.jsonl').trimEnd().split('\n');
  return rows.map((row, id) => {
    const words = (JSON.parse(row) as { text: string }).text.split(' ');
    const last = ` ${words.pop()}`;
    return answered(id, null, last, [[words.join(' '), last]]);
  });
}

test.skipIf(!here).each([
  ['glue/rte/default.yaml', rte, scoring],
  ['lambada/lambada_openai.yaml', lambada, { ...scoring, output_type: 'loglikelihood', metric_list: null }],
] as const)('%s', (yaml, docsOf, how) => {
  const golden = (JSON.parse(read('eval-golden/harness_results.json')) as Golden).tasks.find(
    (task) => task.yaml === yaml,
  )!;
  const docs = docsOf();
  expect([docs.length, docs.flatMap(({ requests }) => requests).length]).toEqual([golden.n, golden.requests]);
  const { metrics } = score(docs, how, { bootstrap_iters: golden.bootstrap_iters });
  expect(metrics.length).toBe(Object.keys(golden.results).length / 2);
  for (const { metric, value, stderr } of metrics) {
    expect(value / golden.results[`${metric},none`]! - 1).toBeCloseTo(0, 9);
    expect(stderr! / golden.results[`${metric}_stderr,none`]! - 1).toBeCloseTo(0, 9);
  }
});
