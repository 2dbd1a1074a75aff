// Opens a model file of another program. The formats are told apart by the first four bytes.

import { ConfigError, DataError } from '../base/errors.js';
import { openInput } from '../base/input_file.js';
import type { Activation, ForeignModel } from './foreign.js';
import { LLMC_MODEL, openLlmc } from './llmc.js';
import { openNanoGpt } from './nanogpt.js';

const OTHER_FILES: Readonly<Record<number, [what: string, fix: string]>> = {
  20240327: ["a debug state of llm.c's, not a model", 'give the model: gpt2_124M.bin'],
  20240328: ["a tokenizer of llm.c's, not a model", 'give the model: gpt2_124M.bin'],
  20240520: ['a file of tokens, not a model', 'to train on it: gpt pretrain CONFIG --data FILE'],
  20240522: ["an evaluation file of llm.c's, not a model", 'give the model: gpt2_124M.bin'],
  20240527: ["an optimizer state of llm.c's, not a model", 'give the model: model_00000000.bin'],
};

const ZIP = 0x04034b50;

/**
 * Opens a file and checks its header, names and shapes against its size. `activation` is for nanoGPT's, which do not say it.
 * Throws DataError, naming the file, and ConfigError for an `activation` where the file says it.
 */
export function openForeign(path: string, activation?: Activation): ForeignModel {
  const file = openInput(path);
  let magic: number;
  try {
    magic = file.size < 4 ? 0 : new DataView(file.read(0, 4, 'its first number').buffer).getInt32(0, true);
  } finally {
    file.close();
  }
  if (magic === ZIP) return openNanoGpt(path, activation);
  if (magic === LLMC_MODEL) {
    if (activation === undefined) return openLlmc(path);
    throw new ConfigError(
      `--activation ${activation}: ${path} is a model of llm.c's, which computes GELU in the tanh form`,
      'leave it out: it is for checkpoints of nanoGPT',
    );
  }
  const [what, fix] = OTHER_FILES[magic] ?? [
    'no model that gpt imports',
    "gpt imports llm.c's .bin (version 3 and 5) and nanoGPT's ckpt.pt (PyTorch 1.6 or later); Hugging Face folders need no import",
  ];
  throw new DataError(`${path} is ${what}`, fix);
}
