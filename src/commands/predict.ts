// `gpt predict`: labels and probabilities of new examples, by a fine-tuned model. One JSON line per example, in their order:
//
//   classes           {"place": "new.tsv:2", "label": "positive", "probability": 0.93, "probabilities": {"negative": 0.07, ...}}
//   score             {"place": ..., "score": 3.41}
//   multiple choice   {"place": ..., "answer": 1, "text": "...", "probability": 0.6, "probabilities": [0.4, 0.6]}

import { DataError } from '../base/errors.js';
import { exists, outputPath, writeFileAtomic } from '../base/files.js';
import { jsonText } from '../base/json.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import { microTokens, openForTexts } from './backend.js';
import type { PredictOptions, Run } from './options.js';
import { loadModel } from './run_model.js';
import { discardOnSignals } from './stop.js';
import { countsText, loadTaskExamples, requireForm, type TaskExample, tellSkipped } from './task_data.js';
import { answersOf } from './task_results.js';

export const run: Run<PredictOptions> = async (options, context) => {
  const out = options.out === undefined ? undefined : outputPath(options.out);
  if (out !== undefined && exists(out)) {
    throw new DataError(`${options.out} exists and is not overwritten`, 'choose another name with --out, or remove it');
  }
  const backend = await openForTexts(options, context.env);
  const { model, tokenizer, checkpoint, head } = await loadModel(options.checkpoint, 'best');
  const task = requireForm(checkpoint.dir, checkpoint.task, undefined);
  const { taskOutputs } = await import('../train/task.js');
  const split = await loadTaskExamples(task, tokenizer, model.config.n_ctx, { ...options, labels: 'optional' });
  const outputs = await taskOutputs(model, head!, split.examples, microTokens(backend));
  const lines = split.examples.map((example, i) => `${jsonText(lineOf(task, example, outputs[i]!))}\n`);
  tellSkipped(split.skipped, context.err);
  if (out === undefined) {
    for (const line of lines) context.out(line);
  } else {
    await discardOnSignals(out, () => writeFileAtomic(out, lines.join('')));
  }
  if (options.quiet) return 0;
  const written = out === undefined ? '' : `; written to ${options.out}`;
  context.err(`${countsText(split, model.config.n_ctx)}${written}\n`);
  return 0;
};

function lineOf(task: TaskFile, { example }: TaskExample, output: Float32Array) {
  const { predicted, probability } = answersOf(task, [output])[0]!;
  const { place } = example;
  if (task.kind === 'score') return { place, score: predicted };
  if (task.kind === 'choice') {
    return { place, answer: predicted, text: example.choices![predicted]!, probability, probabilities: [...output] };
  }
  const probabilities = Object.fromEntries(task.labels.map((label, i) => [label, output[i]!]));
  return { place, label: task.labels[predicted]!, probability, probabilities };
}
