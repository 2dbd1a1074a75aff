// What a task file says about how answers are judged, with functions in place of their names: metrics, filters, and the task's
// own process_results. src/eval/results takes it from here.

import { type AggregationFunction, aggregationFunction, type ResultsFunction, resultsFunction } from './functions.js';
import type { TaskConfig } from './task_file.js';
import { FunctionName } from './yaml11.js';

/** How the answers of a task are judged. Null: not said, the default of the output type. */
export interface Scoring extends Pick<TaskConfig, 'task' | 'output_type' | 'repeats'> {
  readonly metric_list: readonly ScoringMetric[] | null;
  readonly filter_list: readonly ScoringFilter[] | null;
  /** doc_to_target of the first document is a list. */
  readonly multiple_target: boolean;
  /** Metrics of a document from the filtered answers to its requests. */
  readonly process_results?: ResultsFunction;
}

/** An entry of metric_list: what has no name here is an option of the metric. */
export interface ScoringMetric {
  readonly metric: string;
  readonly aggregation?: string | AggregationFunction;
  readonly higher_is_better?: boolean;
  readonly [option: string]: unknown;
}

/** An entry of filter_list: steps, one after the other. */
export interface ScoringFilter {
  readonly name: string;
  readonly filter: readonly FilterStep[];
}

export interface FilterStep {
  readonly function: string;
  readonly [option: string]: unknown;
}

/** Throws ConfigError for a function that has no version here. */
export function scoringOf(config: TaskConfig, multiple_target: boolean): Scoring {
  const { task, output_type, repeats, process_results: process } = config;
  const metrics = config.metric_list?.map(({ metric, aggregation, higher_is_better, ...options }) => ({
    ...options,
    metric: String(metric),
    ...(aggregation !== undefined && {
      aggregation: typeof aggregation === 'string' ? aggregation : aggregationFunction(aggregation),
    }),
    ...(higher_is_better !== undefined && { higher_is_better }),
  }));
  const filters = config.filter_list?.map(({ name, filter }) => ({
    name,
    filter: filter.map((step) => ({ ...step, function: String(step.function) })),
  }));
  return {
    ...{ task, output_type, repeats, multiple_target },
    ...{ metric_list: metrics ?? null, filter_list: filters ?? null },
    ...(process instanceof FunctionName && { process_results: resultsFunction(process) }),
  };
}
