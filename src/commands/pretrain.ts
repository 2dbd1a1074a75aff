// `gpt pretrain`: from text to a trained model, straight down.
//
//   configuration -> backend -> tokens -> model (new, or from a checkpoint) -> train/loop.ts -> report
//
// A run is a folder, checkpoints/NAME/{step-000100/, ..., latest, best}, and the files of report/report.ts.

import path from 'node:path';
import type { Json } from '../base/events.js';
import { jsonText } from '../base/json.js';
import type { PretrainOptions, Run } from './options.js';

export const run: Run<PretrainOptions> = async (options, context) => {
  // 1. Configuration. Nothing here loads TensorFlow.js: its errors come at once.
  const { loadConfig } = await import('../config/load.js');
  const { nativeLoads } = await import('../backends/build_folder.js');
  const { uniqueRunDir } = await import('../checkpoint/store.js');
  const resume = await import('./resume.js');
  const { lockFolder } = await import('../base/lock.js');
  if (options.resume !== undefined) resume.requireOnlyResumable(options);
  const runDir = options.resume === undefined ? undefined : resume.runToResume(options.resume);
  // before its latest checkpoint is looked up, and until this process ends
  if (runDir !== undefined && !options.dryRun && !options.printConfig) lockFolder(runDir);
  const resumed = options.resume === undefined ? undefined : resume.openForResume(options.resume);
  if (resumed !== undefined) resume.requireKind(resumed, 'pretrain');
  const init = options.init === undefined ? undefined : resume.openForInit(options.init);
  const portable = /^(wasm|cpu)$/.test(options.backend) || (options.backend === 'auto' && !nativeLoads());
  const data = options.data?.flatMap((file) => ['--data.path', file]) ?? [];
  const config = loadConfig({
    file: options.config,
    stored: resumed && { ...resumed.trainer.state, file: path.join(resumed.dir, 'trainer', 'state.json') },
    base: init && resume.configOfInit(init),
    portable: portable && resumed === undefined,
    flags: [...data, ...options.flags],
  });
  if (options.printConfig) {
    context.out(config.print());
    return 0;
  }
  if (config.run.lora.r > 0 && init === undefined && resumed === undefined) throw resume.nothingToAdapt();
  // 2. Backend, tokens, shape of the model.
  const { choosePrecision, openBackend } = await import('./backend.js');
  const { dataFacts } = await import('./data_facts.js');
  const { fromPackage, prepareRunData } = await import('./run_data.js');
  const { requireLength } = await import('../data/prepare.js');
  const { describeLayout, layoutOf } = await import('../data/layout.js');
  const { BatchStream } = await import('../data/stream.js');
  const { countParameters, flopsPerToken } = await import('../config/arithmetic.js');
  const { Schedule } = await import('../train/schedule.js');
  const { promptIds } = await import('../generate/prompt.js');
  const { planJson, planRun, planText, requirePlannedMemory } = await import('./plan.js');
  const { requireName } = await import('./run_name.js');
  const { tasksWhileTraining } = await import('./tasks_while_training.js');
  const { progressFrom, runTraining } = await import('./training_run.js');
  const { n_ctx } = config.run.model;

  const backend = await openBackend(options, context.env);
  const { train, val, mix, tokenizer, stats } = await prepareRunData(config.run, context, {
    checkpoint: (resumed ?? init)?.dir,
    origin: config.origin,
  });
  if (config.run.data.sequences === 'stream') {
    for (const { source, path } of mix ?? [{ source: train, path: undefined }]) {
      requireLength(source, n_ctx, path === undefined ? 'training' : `training (${path})`);
    }
    requireLength(val, n_ctx, 'validation');
  }
  const corpora = (mix ?? [{ source: train, weight: 1 }]).map(({ source, weight }) => {
    return { source, weight, layout: layoutOf(source, tokenizer, config.run.data, n_ctx, 'training') };
  });
  const layout = corpora[0]!.layout;
  const valLayout = layoutOf(val, tokenizer, config.run.data, n_ctx, 'validation');
  const sequences = { source: train, mix: corpora, T: n_ctx };
  const epochTokens = new BatchStream({ ...sequences, B: 1, seed: 0 }).epochTokens;
  if (resumed !== undefined) resume.requireSameData(resumed, stats.fingerprint);
  if (resumed !== undefined) resume.requireSameRamp(resumed, config.run);
  const plan = planRun(config.run, tokenizer.vocabSize, epochTokens, context, {
    portable,
    gpuMemory: backend.cuda?.freeMemory(),
  });
  const { shape, microBatch } = plan;
  if (init !== undefined) resume.requireSameShape(init, shape);
  const schedule = plan.schedule ?? new Schedule(config.run.train, microBatch * n_ctx, epochTokens);
  const finished = resumed && resume.whyFinished(resumed, config.run.train.early_stop, schedule.steps);
  if (finished !== undefined) {
    context.err(`${finished}\n`);
    for (const file of [resumed, train, val]) file?.close();
    return 0;
  }
  requirePlannedMemory(plan, resumed !== undefined);
  const tasks = await tasksWhileTraining(config.run.eval, context.env);
  promptIds(tokenizer, config.run.sample.prompt, n_ctx); // an error in it must not wait for the end of the run
  const out = requireName(options.out ?? path.join('checkpoints', config.name));
  const { checkpointBytes, requireCheckpointSpace } = await import('../checkpoint/space.js');
  requireCheckpointSpace({
    runDir: runDir ?? out,
    resumed: resumed !== undefined,
    bytes: checkpointBytes(countParameters(shape), tokenizer.toJson()),
    keep: config.run.train.keep,
    steps: schedule.steps - (resumed?.trainer.state.step ?? 0),
  });
  // Stated from here on, as chosen for this machine: a resumed run goes on with the same, wherever that is.
  const chosen = { micro_batch: microBatch, precision: choosePrecision(config.run.train.precision, backend) };
  const settings = { ...config.run, train: { ...config.run.train, ...chosen } };
  const storedConfig = settings as unknown as Json;
  const { seed, batch_tokens, precision } = settings.train;
  const origins: Record<string, string> = { ...config.origins() };
  if (typeof config.run.train.micro_batch !== 'number') origins['train.micro_batch'] = 'chosen for this machine';
  if (config.run.train.precision === 'auto') origins['train.precision'] = 'the faster one on this machine';

  if (options.dryRun) {
    context.out(options.json ? `${jsonText(planJson(plan, config.name))}\n` : planText(plan, config.name));
    const laid = layout === null || mix !== null ? '' : `${describeLayout(layout, train.length)}; `;
    context.err(
      `\nbackend ${backend.name}; ${stats.split}; ${laid}nothing was trained or written but the tokens in the cache\n`,
    );
    for (const file of [train, val]) file.close();
    resumed?.close();
    return 0;
  }

  // 3. Model and optimizer: new ones, or exactly as they were saved.
  const { Gpt } = await import('../model/gpt.js');
  const { initialValues } = await import('../model/init.js');
  const { Optimizer } = await import('../train/optimizer.js');
  const { initialAdapters } = await import('../model/lora.js');
  const model = new Gpt(shape, (resumed ?? init)?.tensors ?? initialValues(shape, seed), precision === 'bf16');
  const { lora } = settings;
  if (lora.r > 0) model.addLora(lora, resumed?.adapter?.values ?? initialAdapters(shape, lora, seed));
  const state = resumed?.trainer.state;
  const moments = resumed && { values: resumed.trainer.optimizer, step: resumed.trainer.state.step };
  const optimizer = new Optimizer(model.trainable(), settings.train, moments);
  resumed?.close();
  init?.close();
  const progress = progressFrom(state);

  // 4. The run's folder, and the loop.
  const dir = runDir ?? (await uniqueRunDir(path.dirname(out), path.basename(out)));
  if (runDir === undefined) lockFolder(dir);
  const { baselines } = await import('../data/ngram.js');
  const { languageModel } = await import('../train/language_model.js');
  const { generate } = await import('../generate/engine.js');
  const { longestOverlap, textOf } = await import('../data/overlap.js');
  // Answers are not the text that the bytes and the counted n-grams are of.
  const isWholeText = config.run.data.loss === 'all';
  const bytesPerToken = val.bytes === null || !isWholeText ? null : val.bytes / val.length;
  const isOneText = isWholeText && (mix === null || mix.length === 1);
  const counted = isOneText ? baselines(train, val, tokenizer.vocabSize) : { unigram: null, five_gram: null };
  const paths = [config.run.data.path, config.run.data.val_path].flatMap((p) =>
    p === undefined ? [] : fromPackage(p),
  );
  const stream = new BatchStream({ ...sequences, B: microBatch, seed });
  const epochs = stream.epochsOf(schedule.microsBefore(schedule.steps));
  try {
    return await runTraining(
      {
        dir,
        backend,
        precision,
        resumedFrom: state?.step ?? null,
        config: settings,
        model,
        optimizer,
        progress,
        start: {
          config: storedConfig,
          origins,
          params: countParameters(shape),
          flops_per_token: flopsPerToken(shape, n_ctx, { causal: true, backward: true }),
          memory_estimate_bytes: plan.memory.total,
          tokenizer: { type: tokenizer.type, vocab_size: tokenizer.vocabSize },
          data: {
            ...stats,
            ...dataFacts(paths, { train, val, tokenizer }),
            mix: mix?.map(({ path, weight, source }, i) => ({
              ...{ path, weight, tokens: source.length, epochs: epochs[i]! },
            })),
          },
          max_steps: schedule.steps,
          total_tokens: schedule.tokensBefore(schedule.steps),
          batch_tokens,
          micro_batch: microBatch,
          grad_accumulation: batch_tokens / (microBatch * n_ctx),
          n_ctx,
          baselines: { uniform: Math.log(tokenizer.vocabSize), ...counted },
        },
        objective: (report) =>
          languageModel({
            model,
            stream,
            val,
            valLayout,
            microBatch,
            schedule,
            config: settings.train,
            bytesPerToken,
            report,
          }),
        save: {
          tokenizer,
          state: () => ({ ...progress, seed, config: storedConfig, origins, data_fingerprint: stats.fingerprint }),
          keep: settings.train.keep,
        },
        sample: async (report) => {
          const { tokens, temperature, top_k: topK } = settings.sample;
          // text of one document holds no end-of-text to start from: a line break is the next best beginning
          const prompt = settings.sample.prompt !== '' || stats.documents > 1 ? settings.sample.prompt : '\n';
          const request = { prompts: [prompt], n: 1, tokens, temperature, topK, topP: 1, seed, stop: [] };
          const { text } = (await generate(model, tokenizer, request))[0]!;
          const overlap = await longestOverlap(text, textOf(train, tokenizer, 4_000_000));
          report.on({ type: 'sample', step: progress.step, prompt, text, temperature, top_k: topK, seed, overlap });
        },
        tasks: tasks?.(model, tokenizer, progress),
        finish: async (_, { valLoss }) => ({
          bits_per_byte: valLoss === null || bytesPerToken === null ? null : valLoss / Math.LN2 / bytesPerToken,
        }),
      },
      context,
    );
  } finally {
    train.close();
    val.close();
  }
};
