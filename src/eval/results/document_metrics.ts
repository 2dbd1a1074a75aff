// What each metric gives for one document, from the answers to its requests: the harness's process_results.
//
// multiple_choice, of ln p of the K choices; the first of equals counts as the greatest:
//   acc              argmax ll is the target          acc_norm   argmax ll / code points of the choice
//   acc_bytes        argmax ll / UTF-8 bytes          acc_mutual_info   argmax ll - ll of the choice alone
//   exact_match      the target's tokens are each the likeliest
//   f1, mcc          [target, argmax ll]              likelihood   [target, ll]
//   brier_score      [target, softmax ll]
// loglikelihood: acc, each token is the likeliest; perplexity, ll.
// loglikelihood_rolling: word_perplexity [ll, words], byte_perplexity and bits_per_byte [ll, UTF-8 bytes].
// generate_until: exact_match; any other metric [target, answer], for an aggregation of the task's own.

import { ConfigError, DataError } from '../../base/errors.js';
import { length, SPACE_CLASS } from '../harness/python_text.js';
import { pythonStr } from '../harness/python_value.js';
import type { Scoring } from '../harness/task_scoring.js';
import type { AnsweredDoc } from '../request.js';
import type { Item } from './aggregation.js';
import { exactMatcher } from './exact_match.js';
import { isLikelihood, isList, type Likelihood, type Response } from './response.js';
import type { Metric } from './scoring.js';

/** Values by metric, and whether the document's target is none of its choices: it counts as wrong. */
export interface DocumentMetrics {
  readonly items: Readonly<Record<string, Item>>;
  readonly badTarget: boolean;
}

/** Values of a document from the filtered answers to its requests. Throws ConfigError where they do not fit. */
export function documentMetrics(
  scoring: Scoring,
  metrics: readonly Metric[],
): (doc: AnsweredDoc, answers: readonly Response[]) => DocumentMetrics {
  const { process_results: process } = scoring;
  if (process) return ({ doc }, answers) => ({ items: process(doc, answers), badTarget: false });
  switch (scoring.output_type) {
    case 'multiple_choice':
      return (doc, answers) => ofChoices(scoring, metrics, doc, answers);
    case 'loglikelihood':
      return (_, [answer]) => {
        const { logprob, greedy } = likelihood(scoring, answer);
        return { items: { perplexity: logprob, acc: Number(greedy) }, badTarget: false };
      };
    case 'loglikelihood_rolling':
      return (doc, [logprob]) => {
        const text = pythonStr(doc.target);
        const bytes = Buffer.byteLength(text);
        const items = {
          word_perplexity: [logprob, text.split(SPACES).length],
          byte_perplexity: [logprob, bytes],
          bits_per_byte: [logprob, bytes],
        };
        return { items, badTarget: false };
      };
    case 'generate_until':
      return ofText(scoring, metrics);
  }
}

const SPACES = new RegExp(`[${SPACE_CLASS}]+`);

// ---- multiple choice

/** The index of the first greatest; NaN is greater than all, as it is to numpy. */
export function argmax(x: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) {
    if (x[i]! > x[best]! || (Number.isNaN(x[i]!) && !Number.isNaN(x[best]!))) best = i;
  }
  return best;
}

/** A document's right choices by index; -1 for a target that is none of them. */
export function rightChoices({ target, rightInput, choices }: AnsweredDoc): number[] {
  const right = rightInput ?? target;
  return (Array.isArray(right) ? right : [right]).map((one) => indexOf(one, choices ?? []));
}

function indexOf(target: unknown, choices: readonly string[]): number {
  if (typeof target === 'string') return choices.indexOf(target);
  const index = typeof target === 'bigint' || typeof target === 'boolean' ? Number(target) : target;
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < choices.length ? index : -1;
}

function ofChoices(
  scoring: Scoring,
  metrics: readonly Metric[],
  doc: AnsweredDoc,
  answers: readonly Response[],
): DocumentMetrics {
  const choices = doc.choices;
  if (!choices) throw new Error(`internal: document ${doc.id} of ${scoring.task} has no choices`);
  const all = answers.map((answer) => likelihood(scoring, answer));
  const alone = all.length === 2 * choices.length ? all.slice(choices.length) : null;
  const conditional = alone ? all.slice(0, choices.length) : all;
  const ll = conditional.map(({ logprob }) => logprob);

  const right = rightChoices(doc); // several: any of them will do
  const gold = right.length === 1 ? right[0]! : right;
  const is = (choice: number): number => Number(right.includes(choice));

  const predicted = argmax(ll);
  const of: Readonly<Record<string, () => Item>> = {
    acc: () => is(predicted),
    acc_norm: () => is(argmax(ll.map((x, i) => x / length(choices[i]!)))),
    acc_bytes: () => is(argmax(ll.map((x, i) => x / Buffer.byteLength(choices[i]!)))),
    acc_mutual_info: () => is(argmax(ll.map((x, i) => x - unconditional(scoring, alone)[i]!.logprob))),
    exact_match: () => Number(right.some((i) => conditional[i]?.greedy === true)),
    f1: () => [gold, predicted],
    mcc: () => [gold, predicted],
    likelihood: () => [gold, ll],
    brier_score: () => [gold, softmax(ll)],
  };
  const items = Object.fromEntries(metrics.flatMap(({ name }) => (of[name] ? [[name, of[name]()]] : [])));
  return { items, badTarget: right.includes(-1) };
}

function unconditional(scoring: Scoring, alone: readonly Likelihood[] | null): readonly Likelihood[] {
  if (alone) return alone;
  throw new Error(`internal: acc_mutual_info of ${scoring.task} without requests of the choices alone`);
}

function softmax(x: readonly number[]): number[] {
  const greatest = Math.max(...x);
  const e = x.map((value) => Math.exp(value - greatest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
}

// ---- generated text

function ofText(
  scoring: Scoring,
  metrics: readonly Metric[],
): (doc: AnsweredDoc, answers: readonly Response[]) => DocumentMetrics {
  const scorers = metrics.map(({ name, options }): [string, (answer: unknown, targets: readonly unknown[]) => Item] => {
    if (name !== 'exact_match')
      return [name, (answer, targets) => [scoring.multiple_target ? targets : targets[0], answer]];
    const same = exactMatcher(options, `task ${scoring.task}: exact_match`);
    return [name, (answer, targets) => Number(targets.some((target) => same(answer, target)))];
  });
  return (doc, [answer]) => {
    if (answer === undefined || isList(answer)) {
      throw new ConfigError(
        `task ${scoring.task}: its filters leave a list of answers, and exact_match judges one`,
        'end each filter of filter_list with "take_first"',
      );
    }
    const targets = textTargets(scoring, doc);
    return { items: Object.fromEntries(scorers.map(([name, of]) => [name, of(answer, targets)])), badTarget: false };
  };
}

function textTargets(scoring: Scoring, { id, target, choices }: AnsweredDoc): readonly unknown[] {
  if (choices) {
    const choice = typeof target === 'number' ? choices.at(target) : undefined;
    if (choice !== undefined) return [choice];
    throw new DataError(
      `task ${scoring.task}, document ${id}: target ${pythonStr(target)} is no index of its ${choices.length} choices`,
      'doc_to_target must be an index where doc_to_choice is set',
    );
  }
  return scoring.multiple_target && Array.isArray(target) ? target : [target];
}

function likelihood(scoring: Scoring, answer: Response | undefined): Likelihood {
  if (isLikelihood(answer)) return answer;
  throw new ConfigError(
    `task ${scoring.task}: its filters leave no log-likelihoods, which ${scoring.output_type} is judged by`,
    'remove filter_list, or end each filter with "take_first"',
  );
}
