// From the answers of a model to the results of a task: filters, metrics, aggregations, standard errors.
//
// Equal to lm-evaluation-harness's results, errors included, where the same number of bootstrap draws is made: proved in
// test/eval/results/score.test.ts by what it made of the same answers.

import { ConfigError } from '../../base/errors.js';
import type { Scoring } from '../harness/task_scoring.js';
import type { AnsweredDoc } from '../request.js';
import { AGGREGATIONS, type Aggregate, AggregationError, type Item } from './aggregation.js';
import { bootstrapError, usualIterations } from './bootstrap.js';
import { type DocumentMetrics, documentMetrics } from './document_metrics.js';
import { filtersOf } from './filters.js';
import { answeredRequests, type Response } from './response.js';
import { type Metric, metricsOf } from './scoring.js';

/** The results of a task. */
export interface Scored {
  readonly task: string;
  readonly docs: number;
  /** By filter, and under a filter in the order of the file: the first is the headline. */
  readonly metrics: readonly ScoredMetric[];
  readonly filters: readonly FilteredAnswers[];
  /** Documents whose target is none of their choices; they count as wrong. */
  readonly bad_targets: number;
  /** Bootstrap draws behind the errors; null where none were made. */
  readonly bootstrap_iters: number | null;
  /** What the reader must know, in sentences. */
  readonly notes: readonly string[];
}

export interface ScoredMetric {
  readonly metric: string;
  readonly filter: string; //         "none" where the task has no filters
  readonly value: number;
  readonly stderr: number | null; //  null: not defined
  readonly higher_is_better: boolean;
  readonly n: number; //              documents with a value
  readonly items: readonly Item[]; // by document; undefined where a document has no value
  readonly aggregate: Aggregate; //   of any of these items
}

/** What a filter left of the answers. */
export interface FilteredAnswers {
  readonly name: string;
  readonly answers: readonly (readonly Response[])[]; // by document and request
}

/** `bootstrap_iters`: 0 for no standard errors at all; by default 100,000, fewer of more than 6,000 documents. */
export interface ScoreOptions {
  readonly bootstrap_iters?: number | undefined;
}

/** Throws what `score` would throw whatever the answers: to be called before a model is asked. */
export function checkScoring(scoring: Scoring): void {
  documentMetrics(scoring, metricsOf(scoring));
  filtersOf(scoring);
}

/** Results of at least one document. Throws ConfigError where the task's scoring is not supported or contradicts itself. */
export function score(docs: readonly AnsweredDoc[], scoring: Scoring, options: ScoreOptions = {}): Scored {
  if (docs.length === 0) throw new Error(`internal: results of no documents of ${scoring.task}`);
  const metrics = metricsOf(scoring);
  const ofDocument = documentMetrics(scoring, metrics);
  const asked = docs.map((doc) => answeredRequests(doc, scoring.repeats));
  const notes: string[] = [];
  const scored: ScoredMetric[] = [];
  const filters: FilteredAnswers[] = [];
  let badTargets = 0;
  let draws: number | null = null;

  for (const filter of filtersOf(scoring)) {
    const answers = docs.map((doc, i) => asked[i]!.map(({ answers: list }) => filter.apply(list, doc.doc)));
    const values = docs.map((doc, i) => ofDocument(doc, answers[i]!));
    badTargets = values.filter(({ badTarget }) => badTarget).length;
    filters.push({ name: filter.name, answers });
    for (const metric of scoring.process_results ? [...metrics, ...unnamed(metrics, values)] : metrics) {
      const items = values.map((value) => value.items[metric.name]);
      const some = items.filter((item) => item !== undefined);
      if (some.length === 0) {
        notes.push(`${scoring.task}: ${scoring.output_type} gives no ${metric.name}; it is left out`);
        continue;
      }
      const iterations = options.bootstrap_iters ?? usualIterations(some.length);
      scored.push({
        metric: metric.name,
        filter: filter.name,
        ...aggregated(scoring, metric, some, iterations),
        higher_is_better: metric.higher_is_better,
        n: some.length,
        items,
        aggregate: metric.aggregation.aggregate,
      });
      if (metric.aggregation.errors.by === 'bootstrap' && iterations > 0)
        draws = Math.min(draws ?? iterations, iterations);
    }
  }
  if (scored.length === 0) {
    throw new ConfigError(`task ${scoring.task}: metric_list names no metric of its answers`, 'name one, such as acc');
  }
  if (badTargets > 0) {
    notes.push(
      `${scoring.task}: the target of ${badTargets} of ${docs.length} documents is none of their choices; they count as wrong`,
    );
  }
  return {
    task: scoring.task,
    docs: docs.length,
    metrics: scored,
    filters,
    bad_targets: badTargets,
    bootstrap_iters: draws,
    notes,
  };
}

/** Metrics that a port of process_results gives and the file does not name: their mean. */
function unnamed(metrics: readonly Metric[], values: readonly DocumentMetrics[]): Metric[] {
  const given = new Set(values.flatMap(({ items }) => Object.keys(items)));
  for (const { name } of metrics) given.delete(name);
  return [...given].map((name) => ({ name, aggregation: AGGREGATIONS['mean']!, higher_is_better: true, options: {} }));
}

/** A metric's number and its error. An iterations of 0 means no errors, those that need no draws among them. */
function aggregated(scoring: Scoring, { name, aggregation }: Metric, items: readonly Item[], iterations: number) {
  const { aggregate, errors } = aggregation;
  try {
    const value = aggregate(items);
    let stderr: number | null = null;
    if (iterations > 0 && items.length > 1) {
      if (errors.by === 'formula') stderr = errors.stderr(items);
      if (errors.by === 'bootstrap') stderr = bootstrapError(items.length, errors.resampled(items), iterations);
    }
    return { value, stderr: Number.isFinite(stderr) ? stderr : null };
  } catch (error) {
    if (!(error instanceof AggregationError)) throw error;
    throw new ConfigError(
      `task ${scoring.task}: the aggregation of ${name} wants ${error.wanted}, and got ${JSON.stringify(error.item)}`,
      'name another aggregation for this metric in metric_list',
    );
  }
}
