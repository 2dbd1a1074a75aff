// The metrics of a task, with lm-evaluation-harness's defaults for what its YAML leaves out.
//
// A task names metrics; a metric makes a value of each document, and an aggregation one number of all the values. The
// names and defaults are those of lm_eval/api/metrics.py and registry.py (4e7e0d4). BLEU, chrF and TER are refused: they
// need a tokenizer of their own each.

import { ConfigError } from '../../base/errors.js';
import { nearest } from '../../config/spelling.js';
import type { Scoring, ScoringMetric } from '../harness/task_scoring.js';
import { AGGREGATIONS, type Aggregate, type Aggregation, unknownErrors } from './aggregation.js';

/** A metric with nothing left to default. */
export interface Metric {
  readonly name: string;
  readonly aggregation: Aggregation;
  readonly higher_is_better: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

const KNOWN: Readonly<Record<string, readonly [aggregation: string, higher: boolean]>> = {
  acc: ['mean', true],
  acc_norm: ['mean', true],
  acc_bytes: ['mean', true],
  acc_mutual_info: ['mean', true],
  exact_match: ['mean', true],
  f1: ['f1', true],
  mcc: ['matthews_corrcoef', true],
  brier_score: ['brier_score', false],
  likelihood: ['mean', true],
  perplexity: ['perplexity', false],
  word_perplexity: ['weighted_perplexity', false],
  byte_perplexity: ['weighted_perplexity', false],
  bits_per_byte: ['bits_per_byte', false],
  bypass: ['bypass', true],
};

const DEFAULTS: Readonly<Record<Scoring['output_type'], readonly string[]>> = {
  multiple_choice: ['acc', 'acc_norm'],
  loglikelihood: ['perplexity', 'acc'],
  loglikelihood_rolling: ['word_perplexity', 'byte_perplexity', 'bits_per_byte'],
  generate_until: ['exact_match'],
};

/** The metrics of a task in the order of its file. Throws ConfigError for one that is not supported. */
export function metricsOf(scoring: Scoring): Metric[] {
  const list = scoring.metric_list ?? DEFAULTS[scoring.output_type].map((metric): ScoringMetric => ({ metric }));
  return list.map((config) => {
    const { metric: name, aggregation, higher_is_better, hf_evaluate: _, ...options } = config;
    const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
    if (!known && !scoring.process_results) throw notSupported(scoring, `metric "${name}"`, Object.keys(KNOWN));
    return {
      name,
      aggregation: aggregationOf(scoring, aggregation ?? known?.[0] ?? 'mean'),
      higher_is_better: higher_is_better ?? known?.[1] ?? true,
      options,
    };
  });
}

function aggregationOf(scoring: Scoring, named: string | Aggregate): Aggregation {
  if (typeof named === 'function') return { aggregate: named, errors: unknownErrors };
  const aggregation = Object.hasOwn(AGGREGATIONS, named) ? AGGREGATIONS[named] : undefined;
  if (!aggregation) throw notSupported(scoring, `aggregation "${named}"`, Object.keys(AGGREGATIONS));
  return aggregation;
}

/** ConfigError: a task asks for something that is not here. */
export function notSupported(scoring: Scoring, what: string, supported: readonly string[]): ConfigError {
  const close = nearest(/"(.*)"/.exec(what)?.[1] ?? '', supported);
  const hint = close === undefined ? '' : `did you mean "${close}"? `;
  return new ConfigError(`task ${scoring.task}: ${what} is not supported`, `${hint}supported: ${supported.join(', ')}`);
}
