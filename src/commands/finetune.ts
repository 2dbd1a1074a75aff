// `gpt finetune`: from a pretrained model and labelled examples to one that does the task, straight down.
//
//   configuration -> checkpoint -> examples -> backend -> model and head -> train/loop.ts -> the best epoch, measured
//
// The run is a folder as in pretraining: checkpoints/NAME-TASK/{step-000100/, ..., latest, best} and its report.

import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { jsonText } from '../base/json.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import type { FinetuneConfig } from '../config/schema.js';
import type { FinetuneOptions, Run } from './options.js';
import { finetuneName, requireName } from './run_name.js';

export const run: Run<FinetuneOptions> = async (options, context) => {
  // On plain text it is pretraining that goes on, with the keys of pretraining.
  if (options.task === 'lm') {
    if (options.ablation) throw new ConfigError('--ablation is for tasks, not for lm', 'leave it out');
    const { run: pretrain } = await import('./pretrain.js');
    if (options.resume !== undefined) return pretrain(options, context);
    const named = options.config === undefined ? 'lm' : path.parse(options.config).name;
    return pretrain(
      { ...options, init: options.checkpoint, out: options.out ?? finetuneName(options.checkpoint!, named) },
      context,
    );
  }
  // 1. Configuration, and the checkpoint that it starts from. Nothing here loads TensorFlow.js.
  const { loadFinetuneConfig } = await import('../config/load.js');
  const { uniqueRunDir } = await import('../checkpoint/store.js');
  const { lockFolder } = await import('../base/lock.js');
  const resume = await import('./resume.js');
  if (options.resume !== undefined) resume.requireOnlyResumable(options);
  const runDir = options.resume === undefined ? undefined : resume.runToResume(options.resume);
  if (runDir !== undefined && !options.dryRun && !options.printConfig) lockFolder(runDir);
  const resumed = options.resume === undefined ? undefined : resume.openForResume(options.resume);
  if (resumed !== undefined) resume.requireKind(resumed, 'finetune');
  const config = loadFinetuneConfig({
    file: options.config,
    stored: resumed && { ...resumed.trainer.state, file: path.join(resumed.dir, 'trainer', 'state.json') },
    flags: options.flags,
  });
  if (options.printConfig) {
    context.out(config.print());
    return 0;
  }
  // a recipe for any task, such as small, does not name the run
  const statesTask = config.file !== undefined && config.origin('finetune.task') !== '--finetune.task';
  const named = statesTask ? config.name : (config.run.finetune.task ?? config.name);
  const place = (suffix = '') =>
    requireName(options.out ?? finetuneName(options.checkpoint ?? runDir!, named + suffix));
  if (options.ablation) {
    requireAblation(options, config.run);
    const { runAblation } = await import('./ablation.js');
    const ablation = { seed: config.run.train.seed, out: place('-ablation'), options };
    return runAblation(ablation, context);
  }
  const checkpoint = resumed ?? resume.openForInit(options.checkpoint!);

  // 2. Examples, as text and as tokens.
  const { loadTokenizer } = await import('../tokenizer/load.js');
  const { transformOf, SPECIAL_TOKENS } = await import('../data/task_inputs.js');
  const data = await import('./task_data.js');
  const { defaultMetrics } = await import('../eval/metrics.js');
  const tokenizer = await loadTokenizer(checkpoint.dir);
  const base = checkpoint.model;
  const { requireVocabulary } = await import('./run_model.js');
  requireVocabulary(checkpoint, tokenizer);
  const texts = await data.readTask(config.run);
  const { finetune } = config.run;
  const objective = data.OBJECTIVES[texts.objective];
  const { headline: metric, all: metrics } = defaultMetrics(texts.form, objective, texts.format, finetune.metric);
  data.requireMetric(metric, texts);
  const transform = transformOf(texts.form, finetune.readout, config.run.data.lower_case, tokenizer.vocabSize);
  const task: TaskFile = {
    ...transform,
    kind: texts.objective,
    labels: texts.labels === null ? [] : [...texts.labels.names],
    score: texts.objective === 'score' ? data.scoreOf(texts) : null,
    format: texts.format,
    columns: data.columnsOf(config.run.data),
    metric,
  };
  if (resumed !== undefined) resume.requireSameTask(resumed, task);
  const encode = (name: 'train' | 'val' | 'test', set: typeof texts.train) =>
    data.encodeSplit(
      name,
      set,
      { task, balanced: name === 'train' && finetune.class_weights === 'balanced' },
      transform,
      tokenizer,
      base.n_ctx,
    );
  const train = encode('train', texts.train);
  const val = encode('val', texts.val);
  const test = texts.test === null ? null : encode('test', texts.test);
  const splits = [train, val, ...(test === null ? [] : [test])];
  const fingerprint = data.fingerprintOf([train, val]);
  if (resumed !== undefined) resume.requireSameData(resumed, fingerprint);
  const described = splits.map((split) => data.describeSplit(split, task.labels));
  if (resumed === undefined) for (const { skipped } of splits) data.tellSkipped(skipped, context.err);

  // 3. Backend and sizes.
  const { choosePrecision, microTokens: usual, openForTexts } = await import('./backend.js');
  const { countParameters, flopsPerToken } = await import('../config/arithmetic.js');
  const { TaskOrder } = await import('../data/task_batch.js');
  const { taskObjective, taskOutputs, taskSteps } = await import('../train/task.js');
  const { availableMemory } = await import('./plan.js');
  const { requireTaskMemory, restore, startingValues } = await import('./finetune_model.js');
  const { progressFrom, runTraining } = await import('./training_run.js');
  const backend = await openForTexts(options, context.env);
  const order = new TaskOrder(train.examples, config.run.train.batch_size, config.run.train.seed);
  const steps = taskSteps(config.run.train, order.stepsPerEpoch);
  const state = resumed?.trainer.state;
  const finished = resumed && resume.whyFinished(resumed, config.run.train.early_stop, steps);
  if (finished !== undefined && (await data.isMeasured(runDir!))) {
    context.err(`${finished}\n`);
    resumed?.close();
    return 0;
  }
  // Stated from here on, as chosen for this machine: a resumed run goes on with the same, wherever that is.
  const microTokens = config.run.train.micro_tokens ?? usual(backend);
  const precision = choosePrecision(config.run.train.precision, backend);
  const settings: FinetuneConfig = {
    ...config.run,
    train: { ...config.run.train, micro_tokens: microTokens, precision },
  };
  const storedConfig = settings as unknown as Json;
  const origins: Record<string, string> = { ...config.origins() };
  origins['train.micro_tokens'] ??= 'chosen for this machine';
  if (config.run.train.precision === 'auto') origins['train.precision'] = 'the faster one on this machine';
  const { seed, eval_every } = settings.train;
  const extra = resumed === undefined ? SPECIAL_TOKENS : 0;
  const shape = { ...base, vocab_size: base.vocab_size + extra, ...settings.model };

  const memory = requireTaskMemory(shape, settings, train.examples, {
    portable: backend.fused === undefined,
    gpu: backend.cuda !== undefined,
    available: backend.cuda?.freeMemory() ?? availableMemory(context),
  });
  const { checkpointBytes, requireCheckpointSpace } = await import('../checkpoint/space.js');
  requireCheckpointSpace({
    runDir: runDir ?? place(),
    resumed: resumed !== undefined,
    bytes: checkpointBytes(countParameters(shape), tokenizer.toJson()),
    keep: settings.train.keep,
    steps: steps - (state?.step ?? 0),
  });

  // 4. Model, head and optimizer: from the pretrained weights, or exactly as they were saved.
  const { Gpt } = await import('../model/gpt.js');
  const { TaskHead, initialHead } = await import('../model/heads.js');
  const { initialAdapters } = await import('../model/lora.js');
  const { headShape } = await import('../checkpoint/task_file.js');
  const { Optimizer } = await import('../train/optimizer.js');
  const values = resumed?.tensors ?? startingValues(checkpoint.tensors, base, shape, settings);
  const model = new Gpt(shape, values, precision === 'bf16');
  const form = headShape(task);
  const head = new TaskHead(form, shape.n_embd, resumed?.head ?? initialHead(form, shape.n_embd, seed));
  const { lora } = settings;
  if (lora.r > 0) model.addLora(lora, resumed?.adapter?.values ?? initialAdapters(shape, lora, seed));
  const frozenLayers = model.freezeLayers(settings.finetune.freeze_layers);
  const parameters = [...model.trainable(), ...head.parameters()];
  const moments = resumed && { values: resumed.trainer.optimizer, step: resumed.trainer.state.step };
  const optimizer = new Optimizer(parameters, settings.train, moments);
  checkpoint.close();
  const progress = progressFrom(state);

  if (options.dryRun) {
    // as late as this: building the model checks layers to freeze and targets of adapters
    context.out(`${jsonText({ task, splits: described, steps, steps_per_epoch: order.stepsPerEpoch, metrics })}\n`);
    return 0;
  }
  const dir = runDir ?? (await uniqueRunDir(path.dirname(place()), path.basename(place())));
  if (runDir === undefined) lockFolder(dir);
  const results = await import('./task_results.js');
  let best = progress.best_val_loss === null ? null : 1 - progress.best_val_loss; // of the metric
  const outputs = (split: typeof val) => taskOutputs(model, head, split.examples, microTokens);
  const [tokensPerEpoch, valTokens] = described.map(({ tokens }) => tokens) as [number, number];
  return runTraining(
    {
      dir,
      backend,
      precision,
      resumedFrom: state?.step ?? null,
      config: {
        train: { ...settings.train, eval_every: eval_every > 0 ? eval_every : order.stepsPerEpoch },
        sample: { tokens: 0, every: 0 },
      },
      model,
      optimizer,
      progress,
      start: {
        config: { ...settings, model: shape } as unknown as Json,
        origins,
        params: countParameters(shape),
        flops_per_token: flopsPerToken(shape, shape.n_ctx, { causal: true, backward: true }),
        memory_estimate_bytes: memory,
        tokenizer: { type: tokenizer.type, vocab_size: tokenizer.vocabSize },
        data: {
          files: train.files.length + val.files.length,
          bytes: 0,
          documents: train.examples.length + val.examples.length,
          train_tokens: tokensPerEpoch,
          val_tokens: valTokens,
          train_bytes: null,
          val_bytes: null,
          fingerprint,
        },
        max_steps: steps,
        batch_tokens: Math.round(tokensPerEpoch / order.stepsPerEpoch),
        micro_batch: settings.train.batch_size,
        grad_accumulation: 1,
        n_ctx: shape.n_ctx,
        baselines: {
          uniform: task.kind === 'classes' ? Math.log(task.labels.length) : null,
          unigram: null,
          five_gram: null,
        },
        task: {
          form: task.form,
          objective,
          readout: task.form === 'similarity' ? task.readout : null,
          metric,
          labels: [...task.labels],
          format: task.format,
          lm_coef: frozenLayers === shape.n_layer ? 0 : finetune.lm_coef, // nothing that it could teach
          splits: described,
          baseline: results.baselineOf(task, train.examples, val.examples, metrics),
        },
      },
      objective: (report) =>
        taskObjective({
          model,
          head,
          order,
          steps,
          config: settings,
          microTokens,
          frozenLayers,
          // never cut short by a signal: it takes seconds, and a resumed run would not make it up
          validate: async ({ step, isBest }) => {
            const started = performance.now();
            const found = await outputs(val);
            const answers = results.answersOf(task, found);
            const measured = results.metricsOf(task, val.examples, answers, metrics);
            const loss = results.lossOf(task, val.examples, found);
            const score = 1 - measured[metric]!;
            if (isBest(score)) best = measured[metric]!;
            if (!Number.isFinite(loss)) return { score: loss };
            report.on({
              type: 'eval',
              name: 'val',
              step,
              epoch: step / order.stepsPerEpoch,
              loss,
              best: isBest(score),
              metrics: Object.fromEntries(
                Object.entries(measured).map(([name, value]) => [name, { value, n: val.examples.length }]),
              ),
              settings: { split: 'val' },
              seconds: (performance.now() - started) / 1000,
            });
            return { score };
          },
        }),
      save: {
        tokenizer,
        head,
        task,
        state: () => ({ ...progress, seed, config: storedConfig, origins, data_fingerprint: fingerprint }),
        keep: settings.train.keep,
      },
      finish: async (report, { reason }) => {
        if (reason !== 'done') return {};
        restore(dir, 'best', model, head);
        for (const split of splits.slice(1)) {
          const started = performance.now();
          const answers = results.answersOf(task, await outputs(split));
          report.on({
            type: 'eval',
            name: split.name,
            step: progress.best_step ?? progress.step,
            epoch: (progress.best_step ?? progress.step) / order.stepsPerEpoch,
            ...results.resultsOf(task, split.examples, answers, { names: metrics, seed }),
            baseline: results.baselineOf(task, train.examples, split.examples, metrics),
            settings: { split: split.name, which: 'final' },
            seconds: (performance.now() - started) / 1000,
          });
        }
        return {};
      },
      endNotes: () => ({
        val_loss: null, // what the loop compares is 1 - metric
        best_val_loss: null,
        ...(best === null ? {} : { best_metric: { name: metric, value: best } }),
      }),
    },
    context,
  );
};

/** Throws ConfigError for what an ablation cannot be: all its variants are checked before the first one trains. */
function requireAblation({ resume, dryRun }: FinetuneOptions, { finetune, lora }: FinetuneConfig): void {
  const refuse = (what: string, fix: string) => new ConfigError(`--ablation ${what}`, fix);
  if (resume !== undefined) throw refuse('is of new runs: not with --resume', 'start it with a checkpoint');
  if (dryRun) throw refuse('has no --dry-run', 'leave --ablation out: its runs read the same data');
  if (lora.r === 0 && finetune.freeze_layers === 0) return;
  const key = lora.r > 0 ? 'lora.r' : 'finetune.freeze_layers';
  throw refuse(`trains all weights from scratch, too: not with ${key}`, `leave ${key} out`);
}
