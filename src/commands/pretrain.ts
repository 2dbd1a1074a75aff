// `gpt pretrain`: from text to a trained model, straight down.
//
//   configuration -> backend -> tokens -> model (new, or from a checkpoint) -> train/loop.ts -> report
//
// A run is a folder, checkpoints/NAME/{step-000100/, ..., latest, best, run.jsonl, report.html, report.json}.

import { platform, release, totalmem } from 'node:os';
import path from 'node:path';
import { ConfigError, DataError, DivergedError, GptError, MemoryError } from '../base/errors.js';
import type { Json, Reporter, RunEvent, StartEvent } from '../base/events.js';
import { bytes } from '../base/format.js';
import type { Checkpoint } from '../checkpoint/store.js';
import type { PretrainOptions, Run } from './options.js';

export const run: Run<PretrainOptions> = async (options, context) => {
  // 1. Configuration. Nothing here loads TensorFlow.js: its errors come at once.
  const { loadConfig } = await import('../config/load.js');
  const { nativeIsBuilt } = await import('../backends/build_folder.js');
  const { loadCheckpoint, CheckpointStore, uniqueRunDir } = await import('../checkpoint/store.js');
  if (options.resume !== undefined) requireOnlyResumable(options);
  const resumed = options.resume === undefined ? undefined : openForResume(loadCheckpoint(options.resume, 'latest'));
  const portable = /^(wasm|cpu)$/.test(options.backend) || (options.backend === 'auto' && !nativeIsBuilt());
  const data = options.data?.flatMap((file) => ['--data.path', file]) ?? [];
  const config = loadConfig({
    file: options.config,
    stored: resumed?.trainer.state,
    portable: portable && resumed === undefined,
    flags: [...data, ...options.flags],
  });
  if (options.printConfig) {
    context.out(config.print());
    return 0;
  }

  // 2. Backend, tokens, shape of the model.
  const { cpuName, measureMatmul, openBackend } = await import('./backend.js');
  const { prepareRunData } = await import('./run_data.js');
  const { requireLength } = await import('../data/prepare.js');
  const { BatchStream } = await import('../data/stream.js');
  const { resolveModel } = await import('../config/model_shape.js');
  const { countParameters, flopsPerToken, microBatchOf, trainingMemory } = await import('../config/arithmetic.js');
  const { totalSteps } = await import('../train/schedule.js');
  const { run: settings } = config;
  const { n_ctx } = settings.model;
  const { seed, batch_tokens } = settings.train;

  const { train, val, tokenizer, stats } = await prepareRunData(settings, context);
  requireLength(train, n_ctx, 'training');
  requireLength(val, n_ctx, 'validation');
  if (resumed !== undefined) requireSameData(resumed, stats.fingerprint);
  const shape = resolveModel(settings.model, tokenizer.vocabSize);
  const microBatch = microBatchOf(settings.train, n_ctx);
  const maxSteps = totalSteps(settings.train, train.length);
  if (resumed !== undefined && resumed.trainer.state.step >= maxSteps) {
    context.err(`${resumed.dir} has all of its ${maxSteps} steps; to train on: --train.max_steps ${2 * maxSteps}\n`);
    for (const file of [resumed, train, val]) file.close();
    return 0;
  }
  requireMemory(trainingMemory(shape, microBatch, n_ctx).total);
  const backend = await openBackend(options, context.env);

  // 3. Model and optimizer: new ones, or exactly as they were saved.
  const { Gpt } = await import('../model/gpt.js');
  const { initialValues } = await import('../model/init.js');
  const { Optimizer } = await import('../train/optimizer.js');
  const model = new Gpt(shape, resumed?.tensors ?? initialValues(shape, seed));
  const optimizer = new Optimizer(model.parameters(), settings.train);
  const state = resumed?.trainer.state;
  if (resumed !== undefined) optimizer.restore(resumed.trainer.optimizer, resumed.trainer.state.step);
  resumed?.close();
  const progress = {
    step: state?.step ?? 0,
    tokens: state?.tokens ?? 0,
    seconds: state?.seconds ?? 0,
    best_val_loss: state?.best_val_loss ?? null,
    best_step: state?.best_step ?? null,
  };

  // 4. The run's folder, and who watches.
  const out = options.out ?? path.join('checkpoints', config.name);
  const dir =
    resumed === undefined ? await uniqueRunDir(path.dirname(out), path.basename(out)) : path.dirname(resumed.dir);
  const store = new CheckpointStore(dir);
  const { jsonlReporter } = await import('../report/record.js');
  const { baselines } = await import('../data/ngram.js');
  const report = both(await context.reporter(), jsonlReporter(path.join(dir, 'run.jsonl')));
  const peakGflops = backend.native === undefined ? null : measureMatmul();

  // The first Ctrl-C ends the step, saves and exits with 130; the second exits at once.
  const stop = new AbortController();
  let exitCode = 0;
  let stoppedAt = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGINT' ? 130 : 143;
    // npm, timeout(1) and batch schedulers deliver one signal twice: only a later one is the user's second word
    if (stop.signal.aborted && performance.now() - stoppedAt < 1000) return;
    if (stop.signal.aborted) process.exit(code);
    stoppedAt = performance.now();
    exitCode = code;
    context.err(`\n${signal}: finishing the step and saving; once more to exit at once\n`);
    stop.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);

  report.on({
    type: 'start',
    time: new Date().toISOString(),
    version: context.version,
    command: `gpt ${context.argv.join(' ')}`,
    name: path.basename(dir),
    dir,
    resumed_from: state?.step ?? null,
    config: settings as unknown as Json,
    origins: config.origins(),
    backend: backend.name,
    backend_reason: backend.reason,
    precision: 'fp32',
    threads: backend.threads,
    device: backend.device,
    peak_gflops: peakGflops,
    environment: { node: process.version, os: `${platform()} ${release()}`, cpu: cpuName(), tfjs: '4.22.0' },
    params: countParameters(shape),
    flops_per_token: flopsPerToken(shape, n_ctx, { causal: true, backward: true }),
    memory_estimate_bytes: trainingMemory(shape, microBatch, n_ctx).total,
    tokenizer: { type: tokenizer.type, vocab_size: tokenizer.vocabSize },
    data: stats,
    max_steps: maxSteps,
    batch_tokens,
    micro_batch: microBatch,
    grad_accumulation: batch_tokens / (microBatch * n_ctx),
    n_ctx,
    baselines: { uniform: Math.log(tokenizer.vocabSize), ...baselines(train, val, tokenizer.vocabSize) },
  } satisfies StartEvent);

  // 5. What the loop calls: save and sample.
  const { toHfConfig, toGenerationConfig } = await import('../checkpoint/hf.js');
  const { generate } = await import('../generate/engine.js');
  const { longestOverlap, textOf } = await import('../data/overlap.js');
  const save = async (best: boolean): Promise<void> => {
    const started = performance.now();
    const saved = await store.save(
      progress.step,
      {
        hfConfig: toHfConfig(shape, tokenizer.eot),
        generationConfig: toGenerationConfig(tokenizer.eot),
        tokenizerJson: tokenizer.toJson(),
        params: model
          .parameters()
          .map(({ name, shape, value }) => ({ name, shape, data: () => value.data<'float32'>() })),
        optimizer: [...optimizer.state()].map(({ name, shape, tensor }) => ({
          name,
          shape,
          data: () => tensor.data<'float32'>(),
        })),
        state: {
          ...progress,
          seed,
          config: settings as unknown as Json,
          origins: config.origins(),
          data_fingerprint: stats.fingerprint,
        },
      },
      { best },
    );
    await store.prune({ keep: settings.train.keep });
    const seconds = (performance.now() - started) / 1000;
    report.on({ type: 'checkpoint', step: progress.step, dir: saved.dir, bytes: saved.bytes, seconds, best });
  };
  const sample = async (): Promise<void> => {
    const { tokens, temperature, top_k: topK } = settings.sample;
    // text of one document holds no end-of-text to start from: a line break is the next best beginning
    const prompt = settings.sample.prompt !== '' || stats.documents > 1 ? settings.sample.prompt : '\n';
    const request = { prompts: [prompt], n: 1, tokens, temperature, topK, topP: 1, seed, stop: [] };
    const { text } = (await generate(model, tokenizer, request))[0]!;
    const overlap = await longestOverlap(text, textOf(train, tokenizer, 4_000_000));
    report.on({ type: 'sample', step: progress.step, prompt, text, temperature, top_k: topK, seed, overlap });
  };

  // 6. Train.
  const { train: trainLoop } = await import('../train/loop.js');
  const { writeReport } = await import('../report/report.js');
  const startedAt = progress.seconds;
  const end = (reason: 'done' | 'interrupted' | 'diverged' | 'failed', more: Partial<RunEvent>): RunEvent =>
    ({
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
    }) as RunEvent;
  try {
    const bytesPerToken = val.bytes === null ? null : val.bytes / val.length;
    const stream = new BatchStream({ source: train, B: microBatch, T: n_ctx, seed });
    const outcome = await trainLoop({
      config: settings,
      model,
      optimizer,
      stream,
      val,
      microBatch,
      maxSteps,
      progress,
      bytesPerToken,
      peakGflops,
      report,
      save,
      sample,
      signal: stop.signal,
    });
    const { valLoss } = outcome;
    report.on(
      end(outcome.reason, {
        train_loss: outcome.trainLoss,
        val_loss: valLoss,
        bits_per_byte: valLoss === null || bytesPerToken === null ? null : valLoss / Math.LN2 / bytesPerToken,
        tokens_per_s: outcome.tokensPerSecond,
        peak_memory_bytes: outcome.peakMemory,
      }),
    );
    return exitCode;
  } catch (error) {
    const message = error instanceof GptError ? error.message : `internal error: ${error}`;
    report.on(end(error instanceof DivergedError ? 'diverged' : 'failed', { message } as Partial<RunEvent>));
    throw error;
  } finally {
    await report.close();
    await writeReport(dir);
    train.close();
    val.close();
    for (const signal of signals) process.off(signal, onSignal);
  }
};

type Resumable = Checkpoint & { readonly trainer: NonNullable<Checkpoint['trainer']> };

function openForResume(checkpoint: Checkpoint): Resumable {
  if (checkpoint.trainer === null) {
    throw new DataError(
      `${checkpoint.dir} has no trainer/ folder: it holds a model, but no run that could go on`,
      'give the folder of a run, checkpoints/NAME',
    );
  }
  return checkpoint as Resumable;
}

/** What a run is made of cannot change when it goes on; how long and how fast it trains can. */
function requireOnlyResumable({ config, out, flags }: PretrainOptions): void {
  const fixed = [
    ...(config === undefined ? [] : [config]),
    ...(out === undefined ? [] : ['--out']),
    ...flags.filter((flag) => /^--(model|tokenizer)\./.test(flag)),
  ];
  if (fixed.length === 0) return;
  throw new ConfigError(
    `--resume goes on with the run's own configuration, model and folder: ${fixed.join(', ')} cannot be given`,
    'leave it out, or start a new run without --resume',
  );
}

function requireMemory(needed: number): void {
  if (needed <= totalmem()) return;
  throw new MemoryError(
    `training this model takes about ${bytes(needed)} of memory, and this machine has ${bytes(totalmem())}`,
    'choose a smaller model, --train.micro_batch 1, or a smaller --model.n_ctx',
  );
}

function requireSameData({ dir, trainer }: Resumable, fingerprint: string): void {
  if (trainer.state.data_fingerprint === fingerprint) return;
  throw new DataError(
    `the text has changed since ${dir} was saved: its tokens are others, so the run cannot go on exactly`,
    'put the old files back, or start a new run',
  );
}

/** Two observers as one. */
function both(a: Reporter, b: Reporter): Reporter {
  return {
    on: (event) => {
      b.on(event); // the log first: it must have what the screen shows
      a.on(event);
    },
    close: async () => {
      await b.close();
      await a.close();
    },
  };
}
