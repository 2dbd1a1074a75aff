// The numbers of a run, derived once from its record: what report.html shows is what report.json says.
//
//   perplexity      exp(loss)                                  loss: mean nats per token
//   word            exp(loss * tokens / words)                 words: what blanks separate in the held-out text
//   bits per byte   loss / ln 2 * tokens / bytes               of the held-out text; does not depend on the tokenizer

import { isSpike } from '../base/spike.js';
import { finalEvals, type ResultRow, resultRows } from '../base/task_result.js';
import type { RunRecord } from './record.js';

export interface PerplexityRow {
  readonly name: string;
  readonly own: boolean; //          a row of the run itself, not of a reference
  readonly loss: number; //          nats per token
  readonly perplexity: number;
  readonly bits_per_byte: number | null;
  readonly word_perplexity: number | null;
}

/** A step whose loss or gradient norm stands out from the steps before. */
export interface Spike {
  readonly step: number;
  readonly loss: number;
  readonly loss_z: number | null;
  readonly grad_norm: number;
  readonly grad_norm_z: number | null;
}

/** Of a fine-tuning run. */
export interface TaskSummary {
  readonly metric: string; //              the headline
  readonly best: { readonly step: number; readonly epoch: number | null; readonly value: number } | null;
  readonly padding: number | null; //      share of all computed tokens
  readonly results: readonly ResultRow[];
}

export interface RunSummary {
  readonly status: 'finished' | 'interrupted' | 'diverged' | 'failed' | 'running or killed';
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number; //           of training, over all parts
  readonly tokens_per_s: number | null; // median
  readonly mfu: number | null; //        median
  readonly step_ms: readonly [median: number, p95: number] | null;
  readonly data_share: number | null; // of the training time: waiting for data
  readonly peak_memory_bytes: number | null;
  readonly best_checkpoint: string | null;
  readonly perplexity: readonly PerplexityRow[];
  readonly spikes: readonly Spike[];
  readonly task: TaskSummary | null; //  null: pretraining
}

const STATUS = { done: 'finished', interrupted: 'interrupted', diverged: 'diverged', failed: 'failed' } as const;

/** Everything on the cards, in the perplexity table, and in the table of a task's results. */
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
    step_ms: timesOf(steps),
    data_share: dataShare(steps),
    mfu: median(steps.flatMap((s) => (s.mfu === null ? [] : [s.mfu]))),
    peak_memory_bytes: memory.length > 0 ? memory.reduce((a, b) => Math.max(a, b)) : null,
    best_checkpoint: checkpoints.findLast((c) => c.best)?.dir ?? null,
    perplexity: start.task ? [] : perplexityTable(record, vals),
    spikes: spikesOf(steps),
    task: taskSummary(record),
  };
}

function taskSummary({ start: { task }, steps, evals }: RunRecord): TaskSummary | null {
  if (!task) return null;
  const best = evals.findLast((e) => e.best === true);
  const value = best?.metrics[task.metric]?.value;
  const padded = steps.flatMap(({ padding }) => padding ?? []);
  return {
    metric: task.metric,
    best: best && value !== undefined ? { step: best.step, epoch: best.epoch ?? null, value } : null,
    padding: padded.length > 0 ? padded.reduce((a, b) => a + b) / padded.length : null,
    results: resultRows(finalEvals(evals), task),
  };
}

const spikesOf = (steps: RunRecord['steps']): Spike[] =>
  steps.filter(isSpike).map(({ step, loss, loss_z = null, grad_norm, grad_norm_z = null }) => {
    return { step, loss, loss_z, grad_norm, grad_norm_z };
  });

function perplexityTable({ start }: RunRecord, vals: RunRecord['vals']): PerplexityRow[] {
  const { val_tokens, val_bytes } = start.data;
  const words = start.data.val_words;
  const perWord = (loss: number) => (words ? Math.exp((loss * val_tokens) / words) : null);
  const bitsPerByte = (loss: number) =>
    val_bytes !== null && val_bytes > 0 ? (loss / Math.LN2) * (val_tokens / val_bytes) : null;
  const rows: PerplexityRow[] = [];
  const lastVal = vals.at(-1);
  const best = vals.reduce<(typeof vals)[number] | undefined>((a, b) => (a && a.loss <= b.loss ? a : b), undefined);
  if (lastVal)
    rows.push({
      ...row(lastVal),
      word_perplexity: perWord(lastVal.loss),
      own: true,
      name: `this model, step ${lastVal.step}`,
    });
  if (best && best !== lastVal)
    rows.push({
      ...row(best),
      word_perplexity: perWord(best.loss),
      own: true,
      name: `this model at its best, step ${best.step}`,
    });
  const references = [
    ['5-gram model', start.baselines.five_gram],
    ['unigram: how often each token occurs', start.baselines.unigram],
    ['uniform: every token equally likely', start.baselines.uniform],
  ] as const;
  for (const [name, loss] of references) {
    if (loss === null) continue;
    const [perplexity, bits_per_byte, word_perplexity] = [Math.exp(loss), bitsPerByte(loss), perWord(loss)];
    rows.push({ name, own: false, loss, perplexity, bits_per_byte, word_perplexity });
  }
  return rows;
}

const row = ({ loss, perplexity, bits_per_byte }: RunRecord['vals'][number]) => ({ loss, perplexity, bits_per_byte });

/** Over all steps whose time for data is known. */
function dataShare(steps: RunRecord['steps']): number | null {
  const known = steps.filter((s) => s.data_ms !== undefined);
  const total = known.reduce((sum, s) => sum + s.step_ms, 0);
  return total > 0 ? known.reduce((sum, s) => sum + (s.data_ms ?? 0), 0) / total : null;
}

function timesOf(steps: RunRecord['steps']): RunSummary['step_ms'] {
  const sorted = steps
    .map((s) => s.step_ms)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? sorted.at(-1)!;
  return sorted.length === 0 ? null : [at(0.5), at(0.95)];
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** The content of report.json, for jsonText(). */
export function reportJson(record: RunRecord) {
  const { start, parts, steps, vals, evals, samples, checkpoints, warnings, end, unreadableLines } = record;
  const { type: _, format: _log, config, origins, environment, data, baselines, ...run } = start;
  return {
    format: 'gpt-report-1',
    run,
    summary: summarize(record),
    end,
    resumed_from: parts.flatMap((p) => (p.resumed_from === null ? [] : [p.resumed_from])),
    data,
    baselines,
    steps,
    validations: vals,
    evaluations: evals,
    samples,
    checkpoints,
    warnings,
    unreadable_lines: unreadableLines,
    config,
    origins,
    environment,
  };
}
