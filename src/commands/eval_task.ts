// `gpt eval CHECKPOINT --task FORM --data FILE`: a fine-tuned model on labelled examples, with the metrics of its task.

import { ConfigError } from '../base/errors.js';
import { integer, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { defaultMetrics, type MetricName } from '../eval/metrics.js';
import { openBackend } from './backend.js';
import type { EvalOptions, Run } from './options.js';
import { loadModel } from './run_model.js';
import { loadTaskExamples, OBJECTIVES, requireForm } from './task_data.js';
import { answersOf, baselineOf, resultsOf } from './task_results.js';

const SEED = 1337; // of the bootstrap

export const run: Run<EvalOptions> = async (options, context) => {
  if (options.data === undefined) {
    throw new ConfigError(
      '--task needs labelled examples',
      'add --data FILE: rows with the columns of the training data',
    );
  }
  const backend = await openBackend(options, context.env);
  const { model, tokenizer, checkpoint, head } = await loadModel(options.checkpoint, 'best');
  const task = requireForm(checkpoint.dir, checkpoint.task, options.task);
  const { taskOutputs } = await import('../train/task.js');
  const { n_ctx } = model.config;
  const split = await loadTaskExamples(task, tokenizer, n_ctx, { ...options, data: options.data, labels: 'required' });
  const defaults = defaultMetrics(task.form, OBJECTIVES[task.kind], task.format);
  const names = [...new Set([task.metric as MetricName, ...defaults.all])];
  const outputs = (await taskOutputs(model, head!, split.examples, backend.cuda === undefined ? 4096 : 65_536))!;
  const answers = answersOf(task, outputs);
  const found = resultsOf(task, split.examples, answers, { names, seed: SEED });
  const baseline = baselineOf(task, split.examples, split.examples, names);
  const cut = split.examples.filter(({ truncated }) => truncated).length;
  const examples = split.examples.length;
  if (options.json) {
    const about = { checkpoint: checkpoint.dir, task: task.form, data: split.files, backend: backend.name };
    const counts = { examples, skipped: split.skipped.count, truncated: cut };
    context.out(`${jsonText({ ...about, ...counts, ...found, baseline })}\n`);
    return 0;
  }
  for (const message of split.skipped.first) context.err(`skipped ${message}\n`);
  context.out(`${checkpoint.dir} on ${split.files.join(', ')}\n`);
  context.out(
    `${plural(examples, 'example')}, ${integer(split.skipped.count)} skipped, ${integer(cut)} cut to the context of ${integer(n_ctx)}; standard errors by bootstrap\n\n`,
  );
  context.out(`${''.padEnd(12)}${'value'.padStart(8)}${'+-'.padStart(8)}  ${baseline.name}\n`);
  for (const name of names) {
    const { value, stderr } = found.metrics[name]!;
    const blind = baseline.metrics[name];
    const columns = [value.toFixed(4).padStart(8), (stderr ?? 0).toFixed(4).padStart(8)];
    context.out(`${name.padEnd(12)}${columns.join('')}  ${blind === undefined ? '-' : blind.toFixed(4)}\n`);
  }
  if (found.confusion !== undefined) {
    const { labels, counts } = found.confusion;
    const width = Math.max(8, ...labels.map((label) => label.length + 2));
    context.out(`\n${'gold'.padEnd(width)}${labels.map((label) => label.padStart(width)).join('')}   predicted\n`);
    for (const [i, row] of counts.entries()) {
      context.out(`${labels[i]!.padEnd(width)}${row.map((n) => integer(n).padStart(width)).join('')}\n`);
    }
  }
  return 0;
};
