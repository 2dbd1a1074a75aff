// What a metric comes to without a model: a guess among the choices, and always the most frequent answer.
//
//   accuracies  chance    mean of |right choices| / |choices|: 1 / |choices| where one is right
//               majority  share of the most frequent index among the targets; null where the number of choices varies
//   f1, mcc     majority  of predicting that index for every document; chance null
// All other metrics: null.

import type { AnsweredDoc } from '../request.js';
import { AGGREGATIONS } from './aggregation.js';
import { rightChoices } from './document_metrics.js';

export interface Baselines {
  readonly chance: number | null;
  readonly majority: number | null;
}

const ACCURACIES = ['acc', 'acc_norm', 'acc_bytes', 'acc_mutual_info'];
const OF_CLASSES: Readonly<Record<string, string>> = { f1: 'f1', mcc: 'matthews_corrcoef' };

/** Baselines of one metric of a multiple-choice task, over the documents that were evaluated. */
export function baselines(metric: string, docs: readonly AnsweredDoc[]): Baselines {
  const accuracy = ACCURACIES.includes(metric);
  if (!accuracy && !(metric in OF_CLASSES)) return { chance: null, majority: null };
  if (docs.length === 0 || docs.some(({ choices }) => choices === null)) return { chance: null, majority: null };
  const choices = docs.map((doc) => doc.choices!.length);
  const right = docs.map(rightChoices);
  const chance = docs.reduce((sum, _, i) => sum + right[i]!.length / choices[i]!, 0) / docs.length;
  return { chance: accuracy ? chance : null, majority: majority(metric, choices, right) };
}

function majority(metric: string, choices: readonly number[], right: readonly (readonly number[])[]): number | null {
  if (new Set(choices).size > 1 || right.some(({ length }) => length !== 1)) return null;
  const gold = right.map(([index]) => index!);
  const counts = Array.from({ length: choices[0]! }, (_, k) => gold.filter((index) => index === k).length);
  const most = counts.indexOf(Math.max(...counts));
  if (ACCURACIES.includes(metric)) return counts[most]! / gold.length;
  return AGGREGATIONS[OF_CLASSES[metric]!]!.aggregate(gold.map((index) => [index, most]));
}
