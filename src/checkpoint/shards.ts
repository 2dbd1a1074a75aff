// Tensors in one safetensors file, or in several where one would be too large: as transformers' save_pretrained writes
// them, and from_pretrained reads them.
//
//   STEM.safetensors                        everything, while it has at most 5 GB
//   STEM-00001-of-00003.safetensors, ...    otherwise: tensors in the order of the model, each in the first shard with
//                                           room; one larger than the limit has a shard of its own
//   STEM.safetensors.index.json             {"metadata": {"total_parameters", "total_size"}, "weight_map": {tensor: file}}
//
// Where both are there STEM.safetensors counts, as in transformers. Reading and writing hold one tensor in memory.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DTYPE_BYTES, elements } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { type FileSystem, nodeFileSystem, readText, writeFile } from '../base/files.js';
import { quoted, short } from '../base/format.js';
import { isRecord, jsonFileText, parseJson } from '../base/json.js';
import { openSafetensors, type TensorSource, writeSafetensors } from './safetensors.js';
import type { StoredTensors } from './tensor_report.js';

/** Largest file, in bytes of tensors: transformers' "5GB". */
export const MAX_SHARD_BYTES = 5e9;

// 100 bytes per tensor: GPT-3's 175B has 1,156 of them.
const MAX_INDEX_BYTES = 10_000_000;

// ---- writing

/**
 * Writes STEM.safetensors, or its shards and their index, into a folder that has none yet. `tensors` in the order of the
 * model. No fsync and no rename here: write it inside writeFolderAtomic().
 */
export async function writeSharded(
  dir: string,
  stem: string,
  tensors: Iterable<TensorSource>,
  { fs = nodeFileSystem, maxBytes = MAX_SHARD_BYTES }: { fs?: FileSystem; maxBytes?: number } = {},
): Promise<void> {
  const all = [...tensors];
  const shards = split(all, maxBytes);
  if (shards.length <= 1) return writeSafetensors(join(dir, `${stem}.safetensors`), all, undefined, fs);
  const weightMap: [tensor: string, file: string][] = [];
  for (const [i, shard] of shards.entries()) {
    const number = (n: number) => String(n).padStart(5, '0');
    const name = `${stem}-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    await writeSafetensors(join(dir, name), shard, undefined, fs);
    for (const tensor of shard) weightMap.push([tensor.name, name]);
  }
  const metadata = {
    total_parameters: all.reduce((sum, { shape }) => sum + elements(shape), 0),
    total_size: all.reduce((sum, tensor) => sum + byteLength(tensor), 0),
  };
  weightMap.sort(([a], [b]) => (a < b ? -1 : 1));
  const index = { metadata, weight_map: Object.fromEntries(weightMap) };
  await writeFile(join(dir, `${stem}.safetensors.index.json`), jsonFileText(index), fs);
}

const byteLength = ({ dtype, shape }: TensorSource): number => elements(shape) * DTYPE_BYTES[dtype];

function split(tensors: readonly TensorSource[], maxBytes: number): TensorSource[][] {
  const shards: TensorSource[][] = [];
  let current: TensorSource[] = [];
  let size = 0;
  for (const tensor of tensors) {
    const bytes = byteLength(tensor);
    if (bytes > maxBytes) {
      shards.push([tensor]); // before the shard that is being filled, which is where save_pretrained puts it
      continue;
    }
    if (size + bytes > maxBytes) {
      shards.push(current);
      current = [];
      size = 0;
    }
    current.push(tensor);
    size += bytes;
  }
  return current.length > 0 ? [...shards, current] : shards;
}

// ---- reading

/**
 * Opens STEM.safetensors of a folder, or what its index names; both look alike to the caller. Throws DataError on a
 * missing or damaged file, on an index that names a file outside the folder or one that is not there, on a tensor that
 * its shard lacks, and on one that two shards hold. Tensors that the index does not name are left out.
 */
export const openSharded = (dir: string, stem: string): StoredTensors =>
  openOneOrShards(dir, stem, '.safetensors', openSafetensors);

/** The same of files that another function opens: STEM + `ending`, else what STEM + `ending`.index.json names. */
export function openOneOrShards(
  dir: string,
  stem: string,
  ending: string,
  open: (path: string) => StoredTensors,
): StoredTensors {
  const whole = join(dir, stem + ending);
  const indexFile = `${whole}.index.json`;
  if (existsSync(whole) || !existsSync(indexFile)) return open(whole);
  const weightMap = readIndex(indexFile, ending);
  const shards = new Map<string, StoredTensors>();
  const close = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    const present = new Set(readdirSync(dir));
    for (const [tensor, name] of weightMap) {
      if (shards.has(name)) continue;
      if (!present.has(name))
        throw damaged(indexFile, `says that ${short(tensor)} is in ${short(name)}, which is not there`);
      shards.set(name, open(join(dir, name)));
    }
    checkPlaces(indexFile, weightMap, shards);
    return joined(indexFile, weightMap, shards, close);
  } catch (error) {
    close();
    throw error;
  }
}

const damaged = (indexFile: string, what: string): DataError =>
  new DataError(`${indexFile} ${what}`, 'copy or download the folder again, with all of its shards');

/** Tensor name -> name of its file, in the order of the index. */
function readIndex(indexFile: string, ending: string): Map<string, string> {
  const { size } = statSync(indexFile);
  if (size > MAX_INDEX_BYTES) throw damaged(indexFile, `has ${size} bytes, which is no index of a model`);
  const json = parseJson(readText(indexFile), (message) => damaged(indexFile, `is no JSON: ${message}`));
  const map = isRecord(json) ? json['weight_map'] : undefined;
  if (!isRecord(map)) throw damaged(indexFile, 'has no object weight_map');
  const entries = Object.entries(map);
  if (entries.length === 0) throw damaged(indexFile, 'has an empty weight_map');
  return new Map(
    entries.map(([tensor, name]) => {
      if (typeof name !== 'string' || !name.endsWith(ending)) {
        throw damaged(indexFile, `puts ${short(tensor)} into ${quoted(name)}, which is no name of a ${ending} file`);
      }
      // a downloaded index must not make us read other folders
      if (/[/\\\0]/.test(name))
        throw damaged(indexFile, `puts ${short(tensor)} into ${short(name)}, outside of its folder`);
      return [tensor, name];
    }),
  );
}

function checkPlaces(
  indexFile: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, StoredTensors>,
): void {
  const found = new Map<string, string>();
  for (const [name, shard] of shards) {
    for (const tensor of shard.names) {
      const other = found.get(tensor);
      if (other !== undefined) throw damaged(indexFile, `names ${other} and ${name}, which both hold ${short(tensor)}`);
      found.set(tensor, name);
    }
  }
  for (const [tensor, name] of weightMap) {
    const at = found.get(tensor);
    if (at === name) continue;
    const where = at === undefined ? 'no shard has it' : `it is in ${at}`;
    throw damaged(indexFile, `says that ${short(tensor)} is in ${name}, but ${where}`);
  }
}

function joined(
  path: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, StoredTensors>,
  close: () => void,
): StoredTensors {
  const shardOf = (tensor: string): StoredTensors => {
    const shard = shards.get(weightMap.get(tensor) ?? '');
    if (shard) return shard;
    throw damaged(path, `does not name tensor ${tensor}`);
  };
  return {
    path,
    names: [...weightMap.keys()],
    info: (name) => shardOf(name).info(name),
    readFloat32: (name) => shardOf(name).readFloat32(name),
    samePlace: (a, b) => shardOf(a) === shardOf(b) && (shardOf(a).samePlace?.(a, b) ?? false),
    close,
  };
}
