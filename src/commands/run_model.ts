// A trained model from a checkpoint folder, for the commands that use one.

import { kernelBackend } from '../backends/kernel_backend.js';
import { DataError, DeviceError } from '../base/errors.js';
import { tf } from '../base/tf.js';
import { type Checkpoint, loadCheckpoint, type Pointer } from '../checkpoint/store.js';
import { Gpt } from '../model/gpt.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Precision } from './backend.js';

/** An open model with its tokenizer. */
export interface LoadedModel {
  readonly model: Gpt;
  readonly tokenizer: Tokenizer;
  readonly checkpoint: Checkpoint;
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
    const { vocab_size } = checkpoint.model;
    if (tokenizer.vocabSize !== vocab_size) {
      const kind = vocab_size < tokenizer.vocabSize ? 'smaller' : 'larger';
      throw new DataError(
        `${checkpoint.dir}: the model's vocabulary of ${vocab_size} is ${kind} than the tokenizer's ${tokenizer.vocabSize} tokens`,
        'put the tokenizer.json there that the model was trained with',
      );
    }
    const model = new Gpt(checkpoint.model, checkpoint.tensors);
    if (weights === 'bf16') narrowWeights(model);
    return { model, tokenizer, checkpoint };
  } finally {
    checkpoint.close();
  }
}
