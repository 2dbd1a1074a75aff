// `gpt eval CHECKPOINT --task FORM --data FILE`: a fine-tuned model on labelled examples, with the metrics of its task.

import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import { defaultMetrics, type MetricName } from '../eval/metrics.js';
import { microTokens, openForTexts } from './backend.js';
import type { EvalOptions, Run } from './options.js';
import { loadModel } from './run_model.js';
import { countsText, loadTaskExamples, OBJECTIVES, requireForm, tellSkipped } from './task_data.js';
import { answersOf, baselineOf, resultsOf } from './task_results.js';

const SEED = 1337; // of the bootstrap

export const run: Run<EvalOptions> = async (options, context) => {
  if (options.data === undefined) {
    throw new ConfigError(
      '--task needs labelled examples',
      'add --data FILE: rows with the columns of the training data',
    );
  }
  const backend = await openForTexts(options, context.env);
  const { model, tokenizer, checkpoint, head } = await loadModel(options.checkpoints[0]!, 'best');
  const task = requireForm(checkpoint.dir, checkpoint.task, options.task);
  const { taskOutputs } = await import('../train/task.js');
  const { n_ctx } = model.config;
  const split = await loadTaskExamples(task, tokenizer, n_ctx, { ...options, data: options.data, labels: 'required' });
  const { all: names } = defaultMetrics(task.form, OBJECTIVES[task.kind], task.format, task.metric as MetricName);
  const started = performance.now();
  const outputs = await taskOutputs(model, head!, split.examples, microTokens(backend));
  const answers = answersOf(task, outputs);
  const found = resultsOf(task, split.examples, answers, { names, seed: SEED });
  const baseline = baselineOf(task, split.examples, split.examples, names);
  tellSkipped(split.skipped, context.err);
  if (!options.json && !options.quiet) {
    context.out(`${checkpoint.dir} on ${split.files.join(', ')}\n${countsText(split, n_ctx)}\n`);
  }
  const report = await context.reporter();
  report.on({
    type: 'eval',
    name: split.files.map((file) => path.basename(file)).join(', '),
    step: checkpoint.trainer?.state.step ?? 0,
    ...found,
    baseline,
    settings: { checkpoint: checkpoint.dir, task: task.form, which: 'final', backend: backend.name },
    seconds: (performance.now() - started) / 1000,
  });
  await report.close();
  return 0;
};
