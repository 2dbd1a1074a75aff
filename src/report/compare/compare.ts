// Several runs side by side: the numbers of compare.json, from which the page is drawn.
//
//   training     moving average of about ten steps, at most 500 points that keep the extremes
//   differences  keys of the configurations, of the data and of the machines that are not the same in all runs
//   seeds        runs that differ in train.seed alone: mean and standard deviation (n - 1) of what was measured

import { ConfigError } from '../../base/errors.js';
import type { Json, SampleEvent } from '../../base/events.js';
import { metricLabel } from '../../base/task_result.js';
import { thin } from '../chart.js';
import type { RunRecord } from '../record.js';
import { describeModel } from '../sections/header.js';
import { movingLoss } from '../sections/loss.js';
import { type RunSummary, summarize } from '../summary.js';
import { xAxes } from '../x_axes.js';

/** A place in the course of a run. */
export interface CurvePoint {
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number; // of training
  readonly value: number;
}

/** Curves over all runs, one set of axes. */
export interface Curves {
  readonly title: string;
  /** A list per run; empty where it has none. */
  readonly runs: readonly (readonly CurvePoint[])[];
  /** Each point was measured: it gets a marker. */
  readonly measured: boolean;
}

/** What is compared in a column; the best is marked. */
export interface Measure {
  readonly name: string;
  readonly unit: 'loss' | 'perplexity' | 'bits' | 'metric' | 'whole' | 'count' | 'seconds' | 'bytes';
  readonly better: 'lower' | 'higher' | null;
  /** A value per run; null: not measured. */
  readonly values: readonly (number | null)[];
}

export interface ComparedRun {
  readonly name: string; // unique
  readonly dir: string;
  readonly command: string;
  readonly status: RunSummary['status'];
  readonly model: string;
  readonly samples: readonly SampleEvent[]; // the last one of each prompt
}

export interface Comparison {
  readonly format: 'gpt-compare-1';
  readonly runs: readonly ComparedRun[];
  readonly measures: readonly Measure[];
  readonly curves: readonly Curves[];
  readonly tasks: readonly TaskInContext[];
  readonly seeds: readonly SeedGroup[];
  /** null: a run has no such key. */
  readonly differences: readonly { readonly key: string; readonly values: readonly (string | null)[] }[];
  /** Why numbers may not be comparable. */
  readonly notes: readonly string[];
}

/** A task with a number of shots, measured in training: the last value of each run. */
export interface TaskInContext {
  readonly task: string;
  readonly shots: string;
  readonly metric: string;
  readonly chance: number | null;
  readonly values: readonly ({ readonly value: number; readonly stderr: number | null } | null)[];
}

export interface SeedGroup {
  readonly runs: readonly number[];
  readonly means: readonly { readonly name: string; readonly mean: number; readonly deviation: number }[];
}

/** More would not be told apart. */
export const MOST_RUNS = 36;

/** Throws ConfigError for runs that cannot be compared: pretraining with a task, one run twice, more than MOST_RUNS. */
export function compareRuns(found: readonly { readonly dir: string; readonly record: RunRecord }[]): Comparison {
  requireComparable(found);
  const records = found.map((f) => f.record);
  const names = namesOf(found);
  const summaries = records.map(summarize);
  const measures = measuresOf(records, summaries);
  return {
    format: 'gpt-compare-1',
    runs: found.map(({ dir, record }, i) => ({
      name: names[i]!,
      dir,
      command: record.start.command,
      status: summaries[i]!.status,
      model: describeModel(record.start.config),
      samples: lastSamples(record),
    })),
    measures,
    curves: curvesOf(records),
    tasks: tasksOf(records),
    seeds: seedsOf(records, measures),
    differences: differencesOf(records),
    notes: notesOf(records, summaries, names),
  };
}

function requireComparable(found: readonly { readonly dir: string; readonly record: RunRecord }[]): void {
  if (found.length > MOST_RUNS) {
    throw new ConfigError(`${found.length} runs are more than one page can tell apart`, `name at most ${MOST_RUNS}`);
  }
  const task = found.find((f) => f.record.start.task !== undefined);
  const other = found.find((f) => f.record.start.task === undefined);
  if (task === undefined || other === undefined) return;
  throw new ConfigError(
    `${task.dir} is a fine-tuned task and ${other.dir} is not: their losses measure different things`,
    'compare tasks with tasks, and pretraining with pretraining',
  );
}

/** Names of runs; where two are the same, their folders as given. */
function namesOf(found: readonly { readonly dir: string; readonly record: RunRecord }[]): string[] {
  const names = found.map((f) => f.record.start.name);
  return found.map(({ dir }, i) => (names.filter((n) => n === names[i]).length > 1 ? dir : names[i]!));
}

function measuresOf(records: readonly RunRecord[], summaries: readonly RunSummary[]): Measure[] {
  const of = (
    name: string,
    unit: Measure['unit'],
    better: Measure['better'],
    value: (record: RunRecord, summary: RunSummary) => number | null | undefined,
  ): Measure => {
    const values = records.map((r, i) => value(r, summaries[i]!) ?? null);
    return { name, unit, better, values: values.map((v) => (v !== null && Number.isFinite(v) ? v : null)) };
  };
  const lowest = (r: RunRecord) =>
    r.vals.reduce<number | null>((a, v) => (a === null || v.loss < a ? v.loss : a), null);
  const keys = new Set(summaries.flatMap((s) => s.task?.results.map((row) => `${row.split}\n${row.metric}`) ?? []));
  const results = [...keys].map((key) => {
    const [split, metric] = key.split('\n') as [string, string];
    const label = `${metricLabel(metric)}, ${split}`;
    const better = metric === 'mse' ? 'lower' : 'higher';
    return of(
      label,
      'metric',
      better,
      (_, s) => s.task?.results.find((row) => row.split === split && row.metric === metric)?.value,
    );
  });
  const all = [
    ...results,
    of('validation loss', 'loss', 'lower', (r) => r.vals.at(-1)?.loss),
    of('lowest', 'loss', 'lower', lowest),
    of('perplexity', 'perplexity', 'lower', (r) => r.vals.at(-1)?.perplexity),
    of('bits per byte', 'bits', 'lower', (r) => r.vals.at(-1)?.bits_per_byte),
    of('parameters', 'count', null, (r) => r.start.params),
    of('steps', 'whole', null, (_, s) => s.step),
    of('tokens', 'count', null, (_, s) => s.tokens),
    of('training time', 'seconds', null, (_, s) => s.seconds),
    of('tokens per second', 'count', 'higher', (_, s) => s.tokens_per_s),
    of('peak memory', 'bytes', 'lower', (_, s) => s.peak_memory_bytes),
  ].filter(({ values }) => values.some((v) => v !== null));
  const last = all.find((m) => m.name === 'validation loss');
  return all.filter((m) => m.name !== 'lowest' || m.values.some((v, i) => v !== last?.values[i]));
}

function curvesOf(records: readonly RunRecord[]): Curves[] {
  const along = (record: RunRecord, points: readonly (readonly [step: number, value: number])[]): CurvePoint[] => {
    const [, tokens, time] = xAxes(record.steps, 1); // time in seconds
    return points.flatMap(([step, value]) => {
      const point = { step, tokens: tokens.place(step), seconds: time.place(step), value };
      return Number.isFinite(value) && Number.isFinite(point.tokens) ? [point] : [];
    });
  };
  const ofTask = (r: RunRecord) => r.evals.filter((e) => e.name === 'val' && e.settings?.['which'] !== 'final');
  const metric = records[0]?.start.task?.metric;
  const isOne = metric !== undefined && records.every((r) => r.start.task?.metric === metric);
  const curves: Curves[] = [
    ...(isOne
      ? [
          {
            title: `${metricLabel(metric)}, validation`,
            measured: true,
            runs: records.map((r) =>
              along(
                r,
                ofTask(r).map((e) => [e.step, e.metrics[metric]?.value ?? Number.NaN]),
              ),
            ),
          },
        ]
      : []),
    {
      title: 'validation loss',
      measured: true,
      runs: records.map((r) =>
        along(
          r,
          r.start.task ? ofTask(r).map((e) => [e.step, e.loss ?? Number.NaN]) : r.vals.map((v) => [v.step, v.loss]),
        ),
      ),
    },
    {
      title: 'training loss, moving average',
      measured: false,
      runs: records.map((r) => along(r, thin(movingLoss(r.steps)))),
    },
  ];
  return curves.filter(({ runs }) => runs.some((points) => points.length > 0));
}

function tasksOf(records: readonly RunRecord[]): TaskInContext[] {
  const inContext = records.map((r) => r.evals.filter((e) => e.settings?.['shots'] !== undefined));
  const keys = new Set(
    inContext.flat().flatMap((e) => {
      const metric = Object.keys(e.metrics)[0];
      return metric === undefined ? [] : [[e.name, e.settings!['shots']!, metric].join('\n')];
    }),
  );
  return [...keys].map((key) => {
    const [task, shots, metric] = key.split('\n') as [string, string, string];
    const last = inContext.map((evals) => evals.findLast((e) => e.name === task && e.settings!['shots'] === shots));
    return {
      task,
      shots,
      metric,
      chance: last.find((e) => e?.baseline)?.baseline?.metrics[metric] ?? null,
      values: last.map((e) => {
        const found = e?.metrics[metric];
        return found === undefined ? null : { value: found.value, stderr: found.stderr ?? null };
      }),
    };
  });
}

const SEED = 'train.seed';

function seedsOf(records: readonly RunRecord[], measures: readonly Measure[]): SeedGroup[] {
  const keys = records.map(({ start }) => {
    const text = start.task === undefined ? start.data.fingerprint : ''; // of a task the seed may choose what is held out
    return JSON.stringify([text, ...[...flatten(start.config)].filter(([key]) => key !== SEED).sort()]);
  });
  const seeds = records.map(({ start }) => flatten(start.config).get(SEED));
  const groups = [...new Set(keys)].map((key) => keys.flatMap((k, i) => (k === key ? [i] : [])));
  // one seed twice is one run twice, whose deviation is none of seeds
  const areSeeds = (runs: readonly number[]) => new Set(runs.map((i) => seeds[i])).size === runs.length;
  if (groups.every((runs) => runs.length < 2) || !groups.every(areSeeds)) return [];
  const judged = measures.filter(({ unit }) => ['loss', 'perplexity', 'bits', 'metric'].includes(unit));
  return groups.map((runs) => ({
    runs,
    means: judged.flatMap(({ name, values }) => {
      const known = runs.flatMap((i) => values[i] ?? []);
      if (known.length < runs.length) return [];
      const mean = known.reduce((a, b) => a + b) / known.length;
      const squares = known.reduce((sum, v) => sum + (v - mean) ** 2, 0);
      return [{ name, mean, deviation: Math.sqrt(squares / Math.max(1, known.length - 1)) }];
    }),
  }));
}

/** Of the configurations first, then of data and machine. */
function differencesOf(records: readonly RunRecord[]): Comparison['differences'] {
  const facts = records.map(({ start: s }) => {
    const all: [string, string][] = [
      ['data: training tokens', String(s.data.train_tokens)],
      ['data: held-out tokens', String(s.data.val_tokens)],
      ['data: fingerprint', (s.data.fingerprint ?? '').slice(0, 12)],
      ['vocabulary', `${s.tokenizer.type}, ${s.tokenizer.vocab_size}`],
      ['steps planned', String(s.max_steps)],
      ['backend', s.backend],
      ['device', s.device],
      ['precision', s.precision],
      ['threads', String(s.threads)],
      ['gpt', s.version],
      ['commit', s.environment['commit'] ?? ''],
    ];
    return new Map(all.filter(([, value]) => value !== ''));
  });
  return [records.map((r) => flatten(r.start.config)), facts].flatMap((maps) => {
    const keys = [...new Set(maps.flatMap((m) => [...m.keys()]))];
    const rows = keys.map((key) => ({ key, values: maps.map((m) => m.get(key) ?? null) }));
    return rows.filter(({ values }) => new Set(values).size > 1);
  });
}

/** { a: { b: 1 } } -> a.b: 1 */
function flatten(value: Json | undefined, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value === undefined) return into;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  }
  for (const [key, inner] of Object.entries(value)) flatten(inner, path === '' ? key : `${path}.${key}`, into);
  return into;
}

function notesOf(records: readonly RunRecord[], summaries: readonly RunSummary[], names: readonly string[]): string[] {
  const differ = (of: (r: RunRecord) => string | undefined) => new Set(records.map(of)).size > 1;
  const isTask = records.some((r) => r.start.task);
  const open = names.filter((_, i) => summaries[i]!.status !== 'finished');
  return [
    ...(differ((r) => `${r.start.tokenizer.type} ${r.start.tokenizer.vocab_size}`) && !isTask
      ? [
          'The vocabularies differ: compare bits per byte. Losses and perplexities are per token, and a token is not the same.',
        ]
      : differ((r) => r.start.data.fingerprint) && !isTask
        ? ['The data differ: the losses are not measured on the same text.']
        : []),
    ...(open.length > 0 ? [`Not finished: ${open.join(', ')}.`] : []),
    ...(differ((r) => `${r.start.device} ${r.start.backend} ${r.start.threads} ${r.start.precision}`)
      ? ['The machines or their settings differ: so do speed and memory.']
      : []),
  ];
}

/** Of each prompt. */
const lastSamples = ({ samples }: RunRecord): SampleEvent[] => [
  ...new Map(samples.map((s) => [s.prompt, s] as const)).values(),
];

/** Seconds of the longest run. */
export const longestOf = (curves: readonly Curves[]): number =>
  curves.flatMap((c) => c.runs.flat()).reduce((most, p) => Math.max(most, p.seconds), 0);
