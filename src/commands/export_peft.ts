// `gpt export --format peft`: the LoRA adapters of a checkpoint for Hugging Face's PEFT.
//
//   language modelling              CAUSAL_LM   the adapters
//   one head over one sequence      SEQ_CLS     with score and the last layer norm, which has the head's bias, as
//                                               modules_to_save, and the tokenizer with the task's template
//   any other task                  CAUSAL_LM   the adapters, without the head
//
// The base is the checkpoint's own folder, whose weights are those before fine-tuning, with rows for the task's tokens.
// With --base NAME it is the model that fine-tuning started from, which lacks these rows: then wte is in the folder
// too, as PEFT saves an embedding that was resized.

import { quoted } from '../base/format.js';
import { lastNormBias, notASequenceClassifier, SCORE, sequenceClassifierTensors } from '../checkpoint/hf_classifier.js';
import { writePeftFolder } from '../checkpoint/peft.js';
import type { Checkpoint } from '../checkpoint/store.js';
import { adapterShapes } from '../config/lora.js';
import { parameterShapes } from '../config/parameters.js';
import { headOf, taskTokenizer } from './export_task.js';
import { discardOnSignals } from './stop.js';

/** Writes the folder; returns what a user should know. The checkpoint has adapters. */
export async function toPeft(checkpoint: Checkpoint, out: string, base: string | undefined): Promise<string[]> {
  const { dir, model, task } = checkpoint;
  const { config, values } = checkpoint.adapter!;
  const shapes = adapterShapes(model, config);
  const adapters = [...shapes].map(([name, shape]) => ({ name, shape, data: values.get(name)! }));
  const content = { config, base: base ?? dir, adapters };
  const why = task && notASequenceClassifier(task);
  const notes = base === undefined ? [`the base model is ${dir}; --base names another place of it`] : [];
  if (task === null || why !== null) {
    await discardOnSignals(out, () => writePeftFolder(out, { ...content, task: 'CAUSAL_LM', modules: [] }));
    return why === null ? notes : [`${why}: these are the adapters alone, without the head of the task`, ...notes];
  }
  const { eot, files } = await taskTokenizer(checkpoint, task);
  const [embedding] = parameterShapes(model).keys();
  const bias = lastNormBias(model);
  const saved = new Set([SCORE, bias, bias.replace(/bias$/, 'weight'), ...(base === undefined ? [] : [embedding!])]);
  const modules = sequenceClassifierTensors(model, checkpoint.tensors, headOf(checkpoint))
    .filter(({ name }) => saved.has(name))
    .map(({ name, shape, read }) => ({ name, shape, data: read }));
  await discardOnSignals(out, () => writePeftFolder(out, { ...content, task: 'SEQ_CLS', modules }, files));
  const labels = task.labels.map((label) => quoted(label)).join(', ');
  return [
    `the base is to be opened with num_labels=${task.labels.length} (${labels}) and pad_token_id=${eot}`,
    ...(base === undefined
      ? []
      : [
          `the embedding is in it: that of the base must have ${model.vocab_size} rows first (resize_token_embeddings)`,
        ]),
    ...notes,
  ];
}
