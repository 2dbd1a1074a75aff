// A Hugging Face folder as a source of `gpt import`: everything that hf.ts reads, and weights that PyTorch saved.
//
//   model.safetensors, or its index and shards                what every command opens
//   pytorch_model.bin, or its index and shards                 a state dict (torch_file.ts); nothing of it is executed
//
// float16 and bfloat16 become float32, which holds all of their values; float64 is rounded.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { openInput } from '../base/input_file.js';
import type { ForeignModel } from './foreign.js';
import { readModel } from './hf.js';
import { openOneOrShards, openSharded } from './shards.js';
import { roundedNote, type StoredTensors, type TensorReport } from './tensor_report.js';
import { openTorchFile, stateDict } from './torch_file.js';

/** Opens a folder with a config.json. Throws DataError as readModel() does. */
export function openHfSource(dir: string): ForeignModel {
  const { also: _, ...model } = readModel(dir, openWeights);
  const { report } = model;
  return { ...model, format: `Hugging Face folder, ${dtypes(report)}`, notes: roundedNote(report) };
}

function openWeights(dir: string): StoredTensors {
  const has = (file: string): boolean => existsSync(join(dir, file)) || existsSync(join(dir, `${file}.index.json`));
  if (has('model.safetensors')) return openSharded(dir, 'model');
  if (has('pytorch_model.bin')) return openOneOrShards(dir, 'pytorch_model', '.bin', openStateDict);
  throw new DataError(
    `${dir} has a config.json, and neither model.safetensors nor pytorch_model.bin`,
    'download the folder again, with its weights',
  );
}

// LONG1 of 10 bytes: the number that torch.save began a file with, until it made zip archives
const OLD_TORCH = '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19';

function openStateDict(path: string): StoredTensors {
  const input = openInput(path);
  try {
    const start = Buffer.from(input.read(0, Math.min(OLD_TORCH.length, input.size), 'its start')).toString('latin1');
    if (start === OLD_TORCH) {
      throw new DataError(
        `${path} was saved by PyTorch before 1.6, whose format gpt does not read`,
        'get model.safetensors; or load it in PyTorch and torch.save it again',
      );
    }
  } finally {
    input.close();
  }
  const file = openTorchFile(path);
  try {
    const fix = "give what torch.save made of a model's state_dict()";
    return stateDict(file, file.value, { what: 'it', rename: (name) => name, fix });
  } catch (error) {
    file.close();
    throw error;
  }
}

const NAMES: Readonly<Record<string, string>> = { F64: 'float64', F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

const dtypes = ({ used }: TensorReport): string => [...new Set(used.map(({ dtype }) => NAMES[dtype]))].join(' and ');
