// THE training loop. It reads from top to bottom, like nanoGPT's train.py: learning rate, micro-batches, clip and update,
// then validate, sample, save where they are due. Events tell observers what happened; nothing they do changes the run.
//
// Everything is a function of (seed, step): the batch, the dropout masks, the learning rate. So a run that was stopped and
// resumed gives bitwise the same parameters as one that was not.

import { DivergedError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { tf } from '../base/tf.js';
import { flopsPerToken } from '../config/arithmetic.js';
import type { RunConfig } from '../config/schema.js';
import { type BatchStream, valWindows } from '../data/stream.js';
import type { TokenSource } from '../data/token_file.js';
import type { Gpt } from '../model/gpt.js';
import { evaluate } from './evaluate.js';
import type { Optimizer } from './optimizer.js';
import { learningRate } from './schedule.js';
import { trainStep } from './step.js';

/** The last validation reads this many times eval_tokens. */
const FINAL_EVAL = 20;

/** Where a run stands; checkpoints store it. */
export interface Progress {
  /** Updates made. */
  step: number;
  tokens: number;
  /** Training time of all parts of the run. */
  seconds: number;
  best_val_loss: number | null;
  best_step: number | null;
}

/** Everything the loop works with. */
export interface TrainOptions {
  readonly config: RunConfig;
  readonly model: Gpt;
  readonly optimizer: Optimizer;
  readonly stream: BatchStream;
  readonly val: TokenSource;
  readonly microBatch: number;
  readonly maxSteps: number;
  /** Changed in place as the run goes on. */
  readonly progress: Progress;
  /** Held-out text: bytes per token, for bits per byte; null where it is not known. */
  readonly bytesPerToken: number | null;
  /** Measured matrix rate of this machine, for the share of peak; null where it was not measured. */
  readonly peakGflops: number | null;
  readonly report: Reporter;
  /** Writes a checkpoint of the current state. */
  readonly save: (best: boolean) => Promise<void>;
  /** Generates and reports a sample. */
  readonly sample: () => Promise<void>;
  /** Aborted: finish the step, save, return. */
  readonly signal: AbortSignal;
}

/** How the loop ended, and the numbers of the end event that only it knows. */
export interface TrainOutcome {
  readonly reason: 'done' | 'interrupted';
  /** Mean loss of the last steps (at most 50). */
  readonly trainLoss: number | null;
  readonly valLoss: number | null;
  readonly tokensPerSecond: number;
  readonly peakMemory: number;
}

/** Trains from progress.step to maxSteps. Throws DivergedError when loss or gradient is no finite number. */
export async function train(o: TrainOptions): Promise<TrainOutcome> {
  const { config, model, optimizer, stream, progress, report, signal, microBatch, maxSteps } = o;
  const { n_ctx } = config.model;
  const { batch_tokens, eval_every, eval_tokens, save_every, save_minutes, seed } = config.train;
  const micros = batch_tokens / (microBatch * n_ctx);
  const flops = flopsPerToken(model.config, n_ctx, { causal: true, backward: true });
  const recent: number[] = []; // losses of the last steps
  let valLoss: number | null = null;
  let peakMemory = 0;
  let lastSave = performance.now();
  let trainMs = 0;
  let trainedTokens = 0;

  while (progress.step < maxSteps) {
    const started = performance.now();
    const step = progress.step;
    const lr = learningRate(config.train, step, maxSteps);

    const batches = Array.from({ length: micros }, (_, micro) => () => stream.batchAt(step, micro, micros));
    const { loss, gradNorm } = await trainStep({ model, optimizer, batches, lr, seed, step });
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      throw new DivergedError(
        `step ${step + 1}: loss ${loss}, gradient norm ${gradNorm}: the run has diverged`,
        `resume from the last checkpoint with a smaller learning rate, e.g. --train.learning_rate ${config.train.learning_rate / 3}`,
      );
    }

    progress.step++;
    progress.tokens += batch_tokens;
    const ms = performance.now() - started;
    progress.seconds += ms / 1000;
    trainMs += ms;
    trainedTokens += batch_tokens;
    recent.push(loss);
    if (recent.length > 50) recent.shift();
    const memory = process.memoryUsage.rss();
    peakMemory = Math.max(peakMemory, memory);
    const rate = (batch_tokens / ms) * 1000;
    report.on({
      type: 'step',
      step: progress.step,
      tokens: progress.tokens,
      epoch: stream.epochOf(progress.step, micros),
      loss,
      lr,
      grad_norm: gradNorm,
      step_ms: ms,
      tokens_per_s: rate,
      mfu: o.peakGflops === null ? null : (rate * flops) / (o.peakGflops * 1e9),
      memory_bytes: memory,
      tensors: tf.memory().numTensors,
      eta_s: ((maxSteps - progress.step) * trainMs) / (trainedTokens / batch_tokens) / 1000,
    });

    const last = progress.step === maxSteps;
    const due = (every: number) => every > 0 && progress.step % every === 0;
    let best = false;
    if (last || due(eval_every)) {
      const evalStarted = performance.now();
      const windows = valWindows(o.val, n_ctx, last ? FINAL_EVAL * eval_tokens : eval_tokens);
      valLoss = await evaluate(model, windows, microBatch);
      best = progress.best_val_loss === null || valLoss < progress.best_val_loss;
      if (best) {
        progress.best_val_loss = valLoss;
        progress.best_step = progress.step;
      }
      report.on({
        type: 'val',
        step: progress.step,
        tokens: progress.tokens,
        loss: valLoss,
        perplexity: Math.exp(valLoss),
        bits_per_byte: o.bytesPerToken === null ? null : valLoss / Math.LN2 / o.bytesPerToken,
        best,
        seconds: (performance.now() - evalStarted) / 1000,
      });
    }
    if (config.sample.tokens > 0 && (last || due(config.sample.every))) await o.sample();

    await new Promise(setImmediate); // lets signals and the screen in
    const late = save_minutes > 0 && performance.now() - lastSave > save_minutes * 60_000;
    if (best || last || signal.aborted || late || due(save_every)) {
      await o.save(best);
      lastSave = performance.now();
    }
    if (signal.aborted) break;
  }
  const mean = recent.length > 0 ? recent.reduce((a, b) => a + b, 0) / recent.length : null;
  return {
    reason: progress.step < maxSteps ? 'interrupted' : 'done',
    trainLoss: mean,
    valLoss,
    tokensPerSecond: trainMs > 0 ? (trainedTokens / trainMs) * 1000 : 0,
    peakMemory,
  };
}
