// THE training loop. It reads from top to bottom, like nanoGPT's train.py: learning rate, micro-batches, clip and update,
// then validate, save, sample where they are due. Events tell observers what happened; nothing they do changes the run.
//
// Everything is a function of (seed, step): the batch, the dropout masks, the learning rate. So a run that was stopped and
// resumed gives bitwise the same parameters as one that was not.

import { DivergedError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { tf } from '../base/tf.js';
import type { SampleConfig, TrainConfig } from '../config/schema.js';
import { runsAhead } from '../ops/define.js';
import { firstNonFinite } from '../ops/finite.js';
import { globalNorm } from '../ops/optimizer/adamw.js';
import type { Objective } from './objective.js';
import type { Optimizer } from './optimizer.js';
import { zScore } from './outlier.js';
import { startStep } from './step.js';

/** Where a run stands; checkpoints store it. */
export interface Progress {
  /** Updates made. */
  step: number;
  tokens: number;
  /** Training time of all parts of the run. */
  seconds: number;
  /** Lowest score of a validation (objective.ts): nats per token, or 1 - the task's metric. */
  best_val_loss: number | null;
  best_step: number | null;
  /** Validations since the best one. */
  without_better: number;
  /** Of the last steps, at most WINDOW of them: outlier.ts. */
  recent_loss: number[];
  recent_grad_norm: number[];
}

/** The keys of the configuration that the loop reads. */
export interface LoopConfig {
  readonly train: Pick<
    TrainConfig,
    'eval_every' | 'save_every' | 'save_minutes' | 'early_stop' | 'max_minutes' | 'learning_rate'
  >;
  readonly sample: Pick<SampleConfig, 'tokens' | 'every'>;
}

/** Everything the loop works with. */
export interface TrainOptions {
  readonly config: LoopConfig;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  /** Changed in place as the run goes on. */
  readonly progress: Progress;
  /** Bytes of memory in use: of this process, or of the GPU. */
  readonly memory: () => number;
  /** Measured matrix rate of this machine, for the share of peak; null where it was not measured. */
  readonly peakGflops: number | null;
  readonly report: Reporter;
  /** Writes a checkpoint of the current state. */
  readonly save: (best: boolean) => Promise<void>;
  /** Generates and reports a sample. */
  readonly sample: () => Promise<void>;
  /** Measures tasks in context and reports them, every so many updates (0: only at the end); undefined: there are none. */
  readonly tasks?: { readonly every: number; readonly measure: () => Promise<void> } | undefined;
  /** Aborted: finish the step, save, return. */
  readonly signal: AbortSignal;
  /** Time of performance.now() from which on the loop saves and returns; Infinity: never. */
  readonly deadline: number;
}

/** How the loop ended, and the numbers of the end event that only it knows. */
export interface TrainOutcome {
  readonly reason: 'done' | 'interrupted';
  /** Why it ended before its last step, where no signal did it. */
  readonly message?: string;
  /** Mean loss of the last steps (at most 50). */
  readonly trainLoss: number | null;
  readonly valLoss: number | null;
  readonly tokensPerSecond: number;
  readonly peakMemory: number;
}

/** Trains from progress.step to the end of the schedule. Throws DivergedError when a number is no longer finite. */
export async function train(o: TrainOptions): Promise<TrainOutcome> {
  const { config, optimizer, objective, progress, report, signal } = o;
  const { eval_every, save_every, save_minutes, early_stop } = config.train;
  const { recent_loss, recent_grad_norm } = progress;
  let valLoss: number | null = null;
  let message: string | undefined;
  let peakMemory = 0;
  let lastSave = performance.now();
  let saved = progress.step > 0; // resumed: there is a checkpoint to go back to
  let trainMs = 0;
  let trainedTokens = 0;

  let reportBefore: (() => Promise<void>) | undefined; // of the step before this one
  let clock = performance.now();

  while (progress.step < objective.steps && message === undefined) {
    const step = progress.step;
    const lr = objective.learningRate(step);
    const tokens = objective.tokensBefore(step + 1) - objective.tokensBefore(step);

    if (reportBefore === undefined) clock = performance.now();
    const numbers = await startStep({ optimizer, losses: objective.losses(step), lr });
    progress.step++;
    progress.tokens += tokens;
    const seen = progress.tokens;
    // a GPU is still at this step: it will find the next one waiting while the numbers are looked at
    await reportBefore?.();
    reportBefore = async () => {
      const { loss, gradNorm, parts } = await numbers();
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
        progress.step = step; // neither this update was made nor one after it
        progress.tokens = seen - tokens;
        throw await diverged(o, step + 1, saved, `loss ${loss}, gradient norm ${gradNorm}`);
      }
      const now = performance.now();
      const ms = now - clock;
      clock = now;
      progress.seconds += ms / 1000;
      trainMs += ms;
      trainedTokens += tokens;
      const memory = o.memory();
      peakMemory = Math.max(peakMemory, memory);
      const rate = (tokens / ms) * 1000;
      const ahead = objective.tokensBefore(objective.steps) - objective.tokensBefore(step + 1);
      report.on({
        type: 'step',
        step: step + 1,
        tokens: seen,
        batch_tokens: tokens,
        epoch: objective.epoch(step),
        loss,
        loss_z: zScore(recent_loss, loss),
        lr,
        grad_norm: gradNorm,
        grad_norm_z: zScore(recent_grad_norm, gradNorm),
        step_ms: ms,
        tokens_per_s: rate,
        mfu: o.peakGflops === null ? null : objective.flops(step) / (ms / 1000) / (o.peakGflops * 1e9),
        memory_bytes: memory,
        tensors: tf.memory().numTensors,
        eta_s: (ahead * trainMs) / trainedTokens / 1000,
        ...parts,
        ...objective.notes(step),
      });
    };

    const last = progress.step === objective.steps;
    const due = (every: number) => every > 0 && progress.step % every === 0;
    const samples = config.sample.tokens > 0 && (last || due(config.sample.every));
    await new Promise(setImmediate); // lets signals and the screen in
    const measures = o.tasks !== undefined && (last || due(o.tasks.every));
    const overdue = save_minutes > 0 && performance.now() - lastSave > save_minutes * 60_000;
    const pauses =
      last || samples || measures || overdue || signal.aborted || isLate() || due(eval_every) || due(save_every);
    if (pauses || !runsAhead()) {
      await reportBefore();
      reportBefore = undefined;
    }

    let best = false;
    if (last || due(eval_every)) {
      const found = await validate();
      if (found !== null) {
        best = isBest(found);
        progress.without_better = best ? 0 : progress.without_better + 1;
        if (best) {
          progress.best_val_loss = found;
          progress.best_step = progress.step;
        }
      }
      if (!last && early_stop !== undefined && progress.without_better >= early_stop) {
        message = `stopped early: ${early_stop} validations without a better one than at step ${progress.best_step}`;
      }
    }
    const ends = last || message !== undefined;

    const late = isLate();
    const isSaved = best || ends || signal.aborted || late || overdue || due(save_every);
    if (isSaved) await save(best);
    // what takes long and can be made again comes after the save
    if (ends) await validate(true);
    if (config.sample.tokens > 0 && !signal.aborted && (ends || due(config.sample.every))) await o.sample();
    if (o.tasks !== undefined && !signal.aborted && (ends || measures)) await o.tasks.measure();
    if (signal.aborted) {
      if (!isSaved) await save(false); // it came while a sample was written or a task measured
      break;
    }
    if (late && !ends) {
      return outcome('interrupted', `train.max_minutes ${config.train.max_minutes} are over: saved, --resume goes on`);
    }
  }
  return outcome(progress.step < objective.steps && message === undefined ? 'interrupted' : 'done', message);

  async function save(best: boolean): Promise<void> {
    await reportBefore?.();
    reportBefore = undefined;
    if (!(await parametersAreFinite(optimizer)))
      throw await diverged(o, progress.step, saved, 'parameters are not finite');
    await o.save(best);
    saved = true;
    lastSave = performance.now();
  }

  function isLate(): boolean {
    return performance.now() >= o.deadline;
  }

  function isBest(score: number): boolean {
    return progress.best_val_loss === null || score < progress.best_val_loss;
  }

  /** The score on held-out data, reported; null where a signal or the deadline came first. */
  async function validate(final = false): Promise<number | null> {
    const found = await objective.validate({
      step: progress.step,
      tokens: progress.tokens,
      final,
      isBest: final ? () => progress.best_step === progress.step : isBest,
      stopped: () => signal.aborted || isLate(),
    });
    if (found === null) return null;
    if (!Number.isFinite(found.score)) {
      throw await diverged(o, progress.step, saved, `validation loss ${found.score}`);
    }
    valLoss = found.score;
    return valLoss;
  }

  function outcome(reason: TrainOutcome['reason'], message: string | undefined): TrainOutcome {
    return {
      reason,
      ...(message === undefined ? {} : { message }),
      trainLoss: mean(recent_loss.slice(-50)),
      valLoss,
      tokensPerSecond: trainMs > 0 ? (trainedTokens / trainMs) * 1000 : 0,
      peakMemory,
    };
  }
}

const mean = (values: readonly number[]): number | null =>
  values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : null;

/** Where loss or norm told, the update was not made: the gradients still show what happened. */
async function diverged(
  { config, optimizer }: TrainOptions,
  step: number,
  saved: boolean,
  what: string,
): Promise<DivergedError> {
  const { parameters } = optimizer;
  const bad =
    (await firstNonFinite(parameters.map(({ name, value }) => ({ name, tensor: value })))) ??
    // from the last one: the backward pass goes that way
    (await firstNonFinite(
      [...parameters].reverse().map(({ name, grad }) => ({ name: `the gradient of ${name}`, tensor: grad })),
    ));
  const where =
    bad === undefined
      ? '; parameters and gradients are finite, the activations are not'
      : `; the first bad tensor: ${bad.name}, ${bad.value} at element ${bad.index}`;
  const smaller = Number((config.train.learning_rate / 3).toPrecision(2));
  return new DivergedError(
    `step ${step}: ${what}: the run has diverged${where}`,
    `${saved ? 'resume from the last checkpoint' : 'start again'} with a smaller learning rate, e.g. --train.learning_rate ${smaller}`,
  );
}

/** An update can leave parameters that are not finite behind a finite loss: those must not become a checkpoint. */
async function parametersAreFinite({ parameters }: Optimizer): Promise<boolean> {
  const norm = globalNorm(parameters.map((p) => p.value));
  const value = (await norm.data())[0]!;
  norm.dispose();
  return Number.isFinite(value);
}
