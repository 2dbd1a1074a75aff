// Writes a model alone, without a trainer's state, as a folder that Hugging Face's from_pretrained opens:
//
//   config.json  generation_config.json  model.safetensors (or shards)  and the files of the tokenizer, as given
//
// Reading is hf.ts.

import { dirname, join } from 'node:path';
import { toBfloat16, toFloat16 } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { makeFolder, nodeFileSystem, writeFile, writeFolderAtomic } from '../base/files.js';
import { jsonFileText } from '../base/json.js';
import { parameterShapes } from '../config/parameters.js';
import { type HfModel, toGenerationConfig, toHfConfig, type WeightDtype } from './hf.js';
import type { TensorSource } from './safetensors.js';
import { MAX_SHARD_BYTES, writeSharded } from './shards.js';

/** How to store, and what to put beside it. */
export interface HfFolderOptions {
  readonly dtype: WeightDtype;
  /** File name -> content. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
  readonly maxShardBytes?: number | undefined;
}

/**
 * Writes the folder, whole or not at all; one tensor at a time is in memory. bfloat16 and float16 round to nearest.
 * Throws DataError when `dir` exists, the disk refuses, or a weight is too large for float16.
 */
export async function writeHfFolder(
  dir: string,
  { model, eot, tensors }: Pick<HfModel, 'model' | 'eot' | 'tensors'>,
  { dtype, tokenizerFiles, maxShardBytes }: HfFolderOptions,
): Promise<void> {
  const files = new Map([
    ['config.json', jsonFileText(toHfConfig(model, eot, dtype))],
    ...(eot === null ? [] : [['generation_config.json', jsonFileText(toGenerationConfig(eot))] as const]),
    ...tokenizerFiles,
  ]);
  const weights = [...parameterShapes(model)].map(([name, shape]) => ({ name, shape, read: tensors.get(name)! }));
  await writeModelFolder(dir, files, weights, { dtype, maxShardBytes });
}

/** A tensor of a state dict, read on demand. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly read: () => Float32Array<ArrayBuffer>;
}

/** Writes files of text and model.safetensors (or shards), whole or not at all. Throws DataError as writeHfFolder does. */
export async function writeModelFolder(
  dir: string,
  files: ReadonlyMap<string, string>,
  weights: readonly NamedTensor[],
  { dtype, maxShardBytes = MAX_SHARD_BYTES }: Omit<HfFolderOptions, 'tokenizerFiles'>,
): Promise<void> {
  makeFolder(dirname(dir));
  const sources = weights.map((tensor) => weightSource(tensor, dtype));
  await writeFolderAtomic(dir, async (tmp) => {
    for (const [name, content] of files) await writeFile(join(tmp, name), content, nodeFileSystem);
    await writeSharded(tmp, 'model', sources, { maxBytes: maxShardBytes });
  });
}

/** A tensor to write in this data type, converted when its turn comes. */
function weightSource({ name, shape, read }: NamedTensor, dtype: WeightDtype): TensorSource {
  if (dtype === 'float32') return { name, shape, dtype: 'F32', data: read };
  if (dtype === 'bfloat16') return { name, shape, dtype: 'BF16', data: () => toBfloat16(read()) };
  const data = () => {
    const values = read();
    const halves = toFloat16(values);
    for (let i = 0; i < halves.length; i++) {
      if ((halves[i]! & 0x7fff) !== 0x7c00 || !Number.isFinite(values[i])) continue;
      throw new DataError(`${name} has the value ${values[i]}, which float16 cannot hold`, 'use --dtype bf16 or f32');
    }
    return halves;
  };
  return { name, shape, dtype: 'F16', data };
}
