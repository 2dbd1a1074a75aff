// What surrounds the training loop, the same for `gpt pretrain` and `gpt finetune`: who watches, what is saved, how a run
// ends, and its report.

import { spawnSync } from 'node:child_process';
import { platform, release } from 'node:os';
import path from 'node:path';
import { DivergedError, GptError } from '../base/errors.js';
import type { EndEvent, Reporter, StartEvent } from '../base/events.js';
import { tf } from '../base/tf.js';
import type { Gpt } from '../model/gpt.js';
import { both, untilItFails } from '../report/observers.js';
import { recordRun, writeReport } from '../report/report.js';
import { type Progress, type TrainOptions, type TrainOutcome, train } from '../train/loop.js';
import type { Objective } from '../train/objective.js';
import { cpuName, measureMatmul, type OpenedBackend } from './backend.js';
import type { CommandContext } from './options.js';
import { createSaver, type SaverOptions } from './saver.js';
import { stopOnAbort, stopOnSignals } from './stop.js';

/** What the loop needs beside the frame's own. */
export interface FramedRun extends Pick<TrainOptions, 'config' | 'optimizer' | 'progress'> {
  readonly model: Gpt;
  /** Of the run; it exists, and this process holds its lock. */
  readonly dir: string;
  readonly backend: OpenedBackend;
  readonly precision: 'fp32' | 'tf32' | 'bf16';
  /** Update that it goes on from; null: a new run. */
  readonly resumedFrom: number | null;
  /** What the first event says of the run itself. */
  readonly start: Omit<StartEvent, keyof ReturnType<typeof aboutMachine> | 'type' | 'name' | 'dir' | 'resumed_from'>;
  readonly objective: (report: Reporter) => Objective;
  readonly save: Omit<SaverOptions, 'dir' | 'model' | 'optimizer' | 'report' | 'onFailure'>;
  /** Generates and reports a sample. */
  readonly sample?: (report: Reporter) => Promise<void>;
  /** Measures tasks in context; `every` counts updates. */
  readonly tasks?:
    | { readonly every: number; readonly measure: (report: Reporter, signal: AbortSignal) => Promise<void> }
    | undefined;
  /** What the end event says otherwise than the loop, however the run ends. */
  readonly endNotes?: () => Partial<EndEvent>;
  /** After the last step, when its checkpoint is published: what else is measured. What it returns joins the end event. */
  readonly finish?: (report: Reporter, outcome: TrainOutcome) => Promise<Partial<EndEvent>>;
}

/** Trains to the end or a signal, reports, and resolves to the exit code of the process. */
export async function runTraining(o: FramedRun, context: CommandContext): Promise<number> {
  const { dir, backend, progress, model, optimizer, config } = o;
  const stop = context.signal === undefined ? stopOnSignals(context.err) : stopOnAbort(context.signal);
  const log = untilItFails(recordRun(dir), stop.abort);
  const report = both(log, await context.reporter()); // the log first: it must have what the screen shows
  const peakGflops = backend.fused === undefined ? null : measureMatmul(o.precision, backend.cuda);
  report.on({
    type: 'start',
    ...aboutMachine(o, context, peakGflops),
    name: path.basename(dir),
    dir,
    resumed_from: o.resumedFrom,
    ...o.start,
  });
  // the run ends with the step of a failure: its save, or the end, throws the error
  const saver = createSaver({ dir, model, optimizer, report, onFailure: stop.abort, ...o.save });
  const startedAt = progress.seconds;
  const end = (reason: EndEvent['reason'], more: Partial<EndEvent>): EndEvent => ({
    type: 'end',
    time: new Date().toISOString(),
    reason,
    step: progress.step,
    tokens: progress.tokens,
    seconds: progress.seconds - startedAt,
    train_loss: null,
    val_loss: null,
    best_val_loss: progress.best_val_loss,
    best_step: progress.best_step,
    bits_per_byte: null,
    tokens_per_s: 0,
    peak_memory_bytes: process.memoryUsage.rss(),
    ...more,
    ...o.endNotes?.(),
  });
  try {
    const outcome = await train({
      config,
      optimizer,
      objective: o.objective(report),
      progress,
      memory: () => backend.cuda?.deviceMemory().reserved ?? process.memoryUsage.rss(),
      peakGflops,
      report,
      save: saver.save,
      sample: async () => o.sample?.(report),
      tasks: o.tasks && {
        every: o.tasks.every,
        measure: () => unlessAborted(o.tasks!.measure(report, stop.signal), stop.signal),
      },
      signal: stop.signal,
      deadline: (config.train.max_minutes ?? Number.POSITIVE_INFINITY) * 60_000, // since the process started
    });
    await saver.published();
    log.check();
    const more = await o.finish?.(report, outcome);
    report.on(
      end(outcome.reason, {
        ...(outcome.message === undefined ? {} : { message: outcome.message }),
        train_loss: outcome.trainLoss,
        val_loss: outcome.valLoss,
        tokens_per_s: outcome.tokensPerSecond,
        peak_memory_bytes: outcome.peakMemory,
        ...more,
      }),
    );
  } catch (error) {
    await saver.published().catch(() => {}); // what is under way gets its chance
    const message = error instanceof GptError ? error.message : `internal error: ${error}`;
    report.on(end(error instanceof DivergedError ? 'diverged' : 'failed', { message }));
    // where the disk is full there is no report either: the first error is the one to tell
    await Promise.allSettled([report.close().then(() => writeReport(dir))]);
    throw error;
  } finally {
    stop.release();
    for (const part of [model, o.save.head, optimizer]) part?.dispose();
  }
  await report.close();
  await writeReport(dir);
  return stop.exitCode();
}

/** Resolves also where the work threw because a signal came: the loop sees the signal. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await work.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** What a start event says of program and machine. */
const aboutMachine = ({ backend, precision }: FramedRun, context: CommandContext, peakGflops: number | null) => ({
  format: 1 as const,
  time: new Date().toISOString(),
  version: context.version,
  command: `gpt ${context.argv.join(' ')}`,
  backend: backend.name,
  backend_reason: backend.reason,
  precision,
  threads: backend.threads,
  device: backend.device,
  peak_gflops: peakGflops,
  environment: {
    node: process.version,
    os: `${platform()} ${release()}`,
    cpu: cpuName(),
    tfjs: tf.version_core,
    ...(backend.cuda === undefined ? {} : { driver: `CUDA ${backend.cuda.device.driver / 1000}` }),
    ...commitHere(),
  },
});

/** Of the working folder, where it is one of git: "3f2a91c0b7de", "-dirty" behind it when files differ from it. */
function commitHere(): { commit?: string } {
  const args = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', timeout: 2000 });
  return status === 0 ? { commit: stdout.trim() } : {};
}

/** Where a run stands at its beginning, or where a checkpoint says that it stood. */
export const progressFrom = (state?: Readonly<Progress>): Progress => ({
  step: state?.step ?? 0,
  tokens: state?.tokens ?? 0,
  seconds: state?.seconds ?? 0,
  best_val_loss: state?.best_val_loss ?? null,
  best_step: state?.best_step ?? null,
  without_better: state?.without_better ?? 0,
  recent_loss: state?.recent_loss ?? [],
  recent_grad_norm: state?.recent_grad_norm ?? [],
});
