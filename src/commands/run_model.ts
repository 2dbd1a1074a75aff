// A trained model from a checkpoint folder, for the commands that use one.

import { kernelBackend } from '../backends/kernel_backend.js';
import { DataError, DeviceError } from '../base/errors.js';
import { tf } from '../base/tf.js';
import { type Checkpoint, loadCheckpoint, type Pointer } from '../checkpoint/store.js';
import { headShape } from '../checkpoint/task_file.js';
import { SPECIAL_TOKENS } from '../data/task_inputs.js';
import { Gpt } from '../model/gpt.js';
import { TaskHead } from '../model/heads.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Precision } from './backend.js';

/** An open model with its tokenizer. */
export interface LoadedModel {
  readonly model: Gpt;
  readonly tokenizer: Tokenizer;
  readonly checkpoint: Checkpoint;
  /** null: the checkpoint was not fine-tuned for a task. */
  readonly head: TaskHead | null;
}

/** Matrices and tables; the vectors are nothing to read beside them. Throws DeviceError where the backend cannot. */
function narrowWeights(model: Gpt): void {
  const backend = kernelBackend();
  if (backend === undefined) {
    throw new DeviceError(`--precision bf16 is not for backend ${tf.getBackend()}`, 'use --backend native, or fp32');
  }
  for (const { value, shape } of model.parameters()) if (shape.length === 2) backend.narrow(value);
}

/**
 * Loads model and tokenizer of a run folder ('best' or 'latest'), a step folder, or a Hugging Face folder, onto the active
 * backend. Throws DataError when something is missing, damaged, or tokenizer and model do not fit.
 */
export async function loadModel(dir: string, which: Pointer, weights: Precision = 'fp32'): Promise<LoadedModel> {
  const checkpoint = loadCheckpoint(dir, which);
  try {
    const tokenizer = await loadTokenizer(checkpoint.dir);
    requireVocabulary(checkpoint, tokenizer);
    const model = new Gpt(checkpoint.model, checkpoint.tensors);
    const { adapter } = checkpoint;
    if (adapter !== null) model.addLora(adapter.config, adapter.values);
    if (weights === 'bf16') narrowWeights(model);
    const { task } = checkpoint;
    const head = task && new TaskHead(headShape(task), checkpoint.model.n_embd, checkpoint.head);
    return { model, tokenizer, checkpoint, head };
  } finally {
    checkpoint.close();
  }
}

/** Throws DataError when the tokenizer of a checkpoint is not the one that its model was trained with. */
export function requireVocabulary({ dir, model, task }: Checkpoint, tokenizer: Tokenizer): void {
  const vocab_size = model.vocab_size - (task === null ? 0 : SPECIAL_TOKENS);
  if (tokenizer.vocabSize === vocab_size) return;
  const kind = vocab_size < tokenizer.vocabSize ? 'smaller' : 'larger';
  throw new DataError(
    `${dir}: the model's vocabulary of ${vocab_size} is ${kind} than the tokenizer's ${tokenizer.vocabSize} tokens`,
    'put the tokenizer.json there that the model was trained with',
  );
}
