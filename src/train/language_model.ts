// Language modelling as a training objective: the mean loss of predicting each token from those before it.
//
//   scored      every token, or as the layout of the data says (data/layout.ts): the mean is over those of the whole update
//   batches     windows of the training text: data/stream.ts; sizes and learning rates: schedule.ts
//   validation  the same held-out windows each time; after the last step 20 times as many

import type { Reporter } from '../base/events.js';
import { tf } from '../base/tf.js';
import { flopsPerToken } from '../config/arithmetic.js';
import type { TrainConfig } from '../config/schema.js';
import type { Layout } from '../data/layout.js';
import { type Batch, type BatchStream, valWindows } from '../data/stream.js';
import type { TokenSource } from '../data/token_file.js';
import type { Gpt } from '../model/gpt.js';
import { evaluate, toTensors } from './evaluate.js';
import type { Objective, StepLoss } from './objective.js';
import type { Schedule } from './schedule.js';

/** After the last step the loss is measured once more, on this many times eval_tokens. */
const FINAL_EVAL = 20;

/** Which random numbers dropout uses, and how to compute. */
export interface PassOptions {
  readonly seed: number;
  /** Micro-batches of the run before the first of these: dropout masks are functions of it. */
  readonly micro: number;
  /** See ops/recompute.ts. */
  readonly recompute?: boolean | undefined;
  /** Positions of all batches that are scored; default: all. */
  readonly scored?: number;
}

/** The losses of one update: batches of one size, made when their turn comes. */
export function languageLosses(
  model: Gpt,
  batches: readonly (() => Batch)[],
  { seed, micro, recompute, scored }: PassOptions,
): (() => StepLoss)[] {
  return batches.map((batchOf, i) => () => {
    const batch = batchOf();
    const { x, y } = toTensors(batch);
    const terms = scored ?? batch.B * batch.T * batches.length;
    const weights = tf.fill([batch.B, batch.T], 1 / Math.max(1, terms)) as tf.Tensor2D;
    const forward = { dropout: { seed, step: micro + i }, recompute, gradient: true };
    return { loss: model.loss(x, y, weights, forward)[0], parts: {} };
  });
}

/** What the objective is made of. */
export interface LanguageModelOptions {
  readonly model: Gpt;
  readonly stream: BatchStream;
  readonly val: TokenSource;
  /** Of val; that of the training text is the stream's. */
  readonly valLayout?: Layout | null;
  readonly microBatch: number;
  readonly schedule: Schedule;
  readonly config: Pick<TrainConfig, 'seed' | 'recompute' | 'eval_tokens'>;
  /** Held-out text: bytes per token, for bits per byte; null where it is not known. */
  readonly bytesPerToken: number | null;
  readonly report: Reporter;
}

/** Training on plain text. */
export function languageModel(o: LanguageModelOptions): Objective {
  const { model, stream, schedule, microBatch, report } = o;
  const { seed, recompute, eval_tokens } = o.config;
  const { n_ctx } = model.config;
  const flops = flopsPerToken(model.config, n_ctx, { causal: true, backward: true });
  const dataMs = new Map<number, number>(); // by step: a GPU has the next one under way when one is reported
  let measured = { tokens: 0, loss: 0 };
  return {
    steps: schedule.steps,
    learningRate: (step) => schedule.learningRate(step),
    tokensBefore: (step) => schedule.tokensBefore(step),
    flops: (step) => schedule.micros(step) * microBatch * n_ctx * flops,
    epoch: (step) => stream.epochOf(schedule.microsBefore(step + 1)),
    notes(step) {
      const data_ms = dataMs.get(step) ?? 0;
      dataMs.delete(step);
      return { data_ms };
    },
    losses(step) {
      const micro = schedule.microsBefore(step);
      const micros = Array.from({ length: schedule.micros(step) }, (_, i) => micro + i);
      const scored = micros.reduce((n, m) => n + stream.scoredAt(m), 0);
      const batches = micros.map((m) => () => {
        const started = performance.now();
        const batch = stream.batchAt(m);
        dataMs.set(step, (dataMs.get(step) ?? 0) + performance.now() - started);
        return batch;
      });
      return languageLosses(model, batches, { seed, micro, recompute, scored });
    },
    async validate({ step, tokens, final, isBest, stopped }) {
      const started = performance.now();
      const windows = valWindows(o.val, n_ctx, final ? FINAL_EVAL * eval_tokens : eval_tokens, o.valLayout);
      if (final && windows.tokens === measured.tokens) return { score: measured.loss }; // the text has no more
      const loss = await evaluate(model, windows, microBatch, stopped);
      if (loss === null) return null;
      measured = { tokens: windows.tokens, loss };
      if (!Number.isFinite(loss)) return { score: loss };
      report.on({
        type: 'val',
        step,
        tokens,
        loss,
        perplexity: Math.exp(loss),
        bits_per_byte: o.bytesPerToken === null ? null : loss / Math.LN2 / o.bytesPerToken,
        best: isBest(loss),
        seconds: (performance.now() - started) / 1000,
        scored: windows.tokens,
      });
      return { score: loss };
    },
  };
}
