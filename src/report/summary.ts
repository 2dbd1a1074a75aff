// The numbers of a run, derived once from its record: what report.html shows is what report.json says.
//
//   perplexity      exp(loss)                                  loss: mean nats per token
//   bits per byte   loss / ln 2 * tokens / bytes               of the held-out text; does not depend on the tokenizer

import type { Json } from '../base/events.js';
import type { RunRecord } from './record.js';

export interface PerplexityRow {
  readonly name: string;
  readonly loss: number; //          nats per token
  readonly perplexity: number;
  readonly bits_per_byte: number | null;
}

export interface RunSummary {
  readonly status: 'finished' | 'interrupted' | 'diverged' | 'failed' | 'running or killed';
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number; //           of training, over all parts
  readonly tokens_per_s: number | null; // median
  readonly mfu: number | null; //        median
  readonly peak_memory_bytes: number | null;
  readonly best_checkpoint: string | null;
  readonly perplexity: readonly PerplexityRow[];
}

const STATUS = { done: 'finished', interrupted: 'interrupted', diverged: 'diverged', failed: 'failed' } as const;

/** Everything on the cards and in the perplexity table. */
export function summarize(record: RunRecord): RunSummary {
  const { start, steps, vals, end, checkpoints } = record;
  const last = steps.at(-1);
  const memory = [...steps.map((s) => s.memory_bytes), ...(end ? [end.peak_memory_bytes] : [])];
  return {
    status: end ? STATUS[end.reason] : 'running or killed',
    step: end?.step ?? last?.step ?? start.resumed_from ?? 0,
    tokens: end?.tokens ?? last?.tokens ?? 0,
    seconds: steps.reduce((sum, s) => sum + s.step_ms, 0) / 1000,
    tokens_per_s: median(steps.map((s) => s.tokens_per_s)),
    mfu: median(steps.flatMap((s) => (s.mfu === null ? [] : [s.mfu]))),
    peak_memory_bytes: memory.length > 0 ? memory.reduce((a, b) => Math.max(a, b)) : null,
    best_checkpoint: checkpoints.findLast((c) => c.best)?.dir ?? null,
    perplexity: perplexityTable(record, vals),
  };
}

function perplexityTable({ start }: RunRecord, vals: RunRecord['vals']): PerplexityRow[] {
  const { val_tokens, val_bytes } = start.data;
  const bitsPerByte = (loss: number) =>
    val_bytes !== null && val_bytes > 0 ? (loss / Math.LN2) * (val_tokens / val_bytes) : null;
  const rows: PerplexityRow[] = [];
  const lastVal = vals.at(-1);
  const best = vals.reduce<(typeof vals)[number] | undefined>((a, b) => (a && a.loss <= b.loss ? a : b), undefined);
  if (lastVal) rows.push({ ...row(lastVal), name: `this model, step ${lastVal.step}` });
  if (best && best !== lastVal) rows.push({ ...row(best), name: `this model at its best, step ${best.step}` });
  const references = [
    ['5-gram model', start.baselines.five_gram],
    ['unigram: how often each token occurs', start.baselines.unigram],
    ['uniform: every token equally likely', start.baselines.uniform],
  ] as const;
  for (const [name, loss] of references) {
    if (loss !== null) rows.push({ name, loss, perplexity: Math.exp(loss), bits_per_byte: bitsPerByte(loss) });
  }
  return rows;
}

const row = ({ loss, perplexity, bits_per_byte }: RunRecord['vals'][number]) => ({ loss, perplexity, bits_per_byte });

/** Debiased exponential moving average, the smooth line of the loss chart. Values that are not finite are skipped. */
export function smoothed(values: readonly number[], decay: number): number[] {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (Number.isFinite(value)) {
      sum = decay * sum + (1 - decay) * value;
      weight = decay * weight + (1 - decay);
    }
    return weight > 0 ? sum / weight : Number.NaN;
  });
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The content of report.json. */
export function reportJson(record: RunRecord): Json {
  const { start, parts, steps, vals, samples, checkpoints, warnings, end } = record;
  const { config, origins, environment, data, baselines, ...run } = start;
  const value = {
    format: 'gpt-report-1',
    run,
    summary: summarize(record),
    end,
    resumed_from: parts.flatMap((p) => (p.resumed_from === null ? [] : [p.resumed_from])),
    data,
    baselines,
    steps,
    validations: vals,
    samples,
    checkpoints,
    warnings,
    config,
    origins,
    environment,
  };
  return JSON.parse(JSON.stringify(value)) as Json;
}
