// An answer as filters and metrics see it: what lm-evaluation-harness keeps of it, with the number of tokens left behind.

import { isDeepStrictEqual } from 'node:util';
import type { Answer, AnsweredDoc, Request } from '../request.js';

/** ln p of a continuation, and whether each of its tokens was the likeliest: the harness's (ll, is_greedy). */
export interface Likelihood {
  readonly logprob: number;
  readonly greedy: boolean;
}

/** One answer: text, ln p of a whole text, a likelihood, or what the filter `map` made of one. */
export type Single = string | number | boolean | null | Likelihood;

/** The answers to one request: a list of `repeats`, until a filter takes one of them. */
export type Response = Single | readonly Single[];

export function responseOf(answer: Answer): Single {
  if ('text' in answer) return answer.text;
  return 'greedy' in answer ? { logprob: answer.logprob, greedy: answer.greedy } : answer.logprob;
}

export const isList = (response: Response): response is readonly Single[] => Array.isArray(response);

export const isLikelihood = (response: unknown): response is Likelihood =>
  typeof response === 'object' && response !== null && 'greedy' in response;

/** A request of a document with its `repeats` answers. */
export interface Answered {
  readonly request: Request;
  readonly answers: readonly Single[];
}

/**
 * A document's requests with the answers to each. Where the task has `repeats`, a request stands in the document that many
 * times in a row; where it stands there once, it is as if the model had said the same each time, as it does without
 * sampling.
 */
export function answeredRequests({ id, requests, answers }: AnsweredDoc, repeats: number): Answered[] {
  if (answers.length !== requests.length) {
    throw new Error(`internal: document ${id}: ${answers.length} answers to ${requests.length} requests`);
  }
  const all = answers.map(responseOf);
  if (!inRows(requests, repeats)) {
    return requests.map((request, i) => ({ request, answers: new Array<Single>(repeats).fill(all[i]!) }));
  }
  const firsts = requests.filter((_, i) => i % repeats === 0);
  return firsts.map((request, i) => ({ request, answers: all.slice(i * repeats, (i + 1) * repeats) }));
}

const inRows = (requests: readonly Request[], repeats: number): boolean =>
  requests.length % repeats === 0 &&
  requests.every((request, i) => isDeepStrictEqual(request, requests[i - (i % repeats)]));
