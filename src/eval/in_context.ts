// A task in context, from its documents to its results: prompts with demonstrations, the model's answers, metrics.
//
//   HarnessTask -> requests -> Answerer -> answers -> score() -> TaskRun
//
// The number of demonstrations is cut to what fits into the model's context (shots.ts): prompts that are cut off from the
// left have lost the beginning of a demonstration, and say little. A few may still be too long: those are counted.

import type { PromptExample, TaskMetric, TaskRun } from '../base/eval_record.js';
import { gpt3Config, gpt3Metrics, ruleOf, unconditional } from './gpt3.js';
import type { Aggregate, HarnessTask } from './harness/task.js';
import type { AnsweredDoc, Answerer, Request } from './request.js';
import { baselines } from './results/baselines.js';
import { type Scored, score } from './results/score.js';
import { shotsThatFit } from './shots.js';

/** A number of demonstrations; few: as many as fit, at most MOST. */
export type Shots = number | 'few';

/** GPT-3's own range is 10 to 100 (section 2.4). */
export const MOST_SHOTS = 100;

export interface InContextOptions {
  readonly protocol: 'harness' | 'gpt3';
  readonly demonstrations: 'right' | 'shuffled';
  readonly limit?: number | undefined; //    documents
  readonly seed: number; //                  of the demonstrations
  readonly bootstrap?: number | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
