// An answer as filters and metrics see it: what lm-evaluation-harness keeps of it, with the number of tokens left behind.

import type { Answer } from '../request.js';

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
