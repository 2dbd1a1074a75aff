// Opens a model of another program: a file, whose first four bytes say what it is, or a folder, which its files tell.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { openInput } from '../base/input_file.js';
import type { Activation, ForeignModel } from './foreign.js';
import { openGpt1Original } from './gpt1_original.js';
import { openHfSource } from './hf_source.js';
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
 * Opens a file or folder and checks its header, names and shapes against its size. `activation` is for nanoGPT's, which do
 * not say it. Throws DataError, naming the file, and ConfigError for an `activation` where the file says it.
 */
export function openForeign(path: string, activation?: Activation): ForeignModel {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return openModelFile(path, activation);
  if (activation === undefined) return openModelFolder(path);
  throw new ConfigError(
    `--activation ${activation}: ${path} is a folder, whose config.json says it`,
    'leave it out: it is for checkpoints of nanoGPT',
  );
}

function openModelFolder(dir: string): ForeignModel {
  const has = (name: string): boolean => existsSync(join(dir, name));
  if (has('trainer') || has('adapter') || has('run.jsonl')) {
    throw new DataError(
      `${dir} is a checkpoint of gpt's own`,
      'every command opens it as it is; gpt export makes a folder without training state of it',
    );
  }
  if (has('config.json')) return openHfSource(dir);
  if (has('params_shapes.json')) return openGpt1Original(dir);
  const tensorflow = has('hparams.json') || has('checkpoint');
  throw new DataError(
    `${dir} is ${tensorflow ? "a checkpoint of TensorFlow's, which gpt does not read" : 'no folder that gpt imports'}`,
    tensorflow
      ? "the same weights are on Hugging Face's hub: gpt get gpt2"
      : "gpt imports Hugging Face folders (config.json and weights) and OpenAI's GPT-1 (params_shapes.json)",
  );
}

function openModelFile(path: string, activation?: Activation): ForeignModel {
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
    "gpt imports llm.c's .bin (version 3 and 5), nanoGPT's ckpt.pt (PyTorch 1.6 or later) and Hugging Face folders",
  ];
  throw new DataError(`${path} is ${what}`, fix);
}
