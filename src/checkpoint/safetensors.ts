// The safetensors format (https://github.com/huggingface/safetensors), read by position and written as a stream, so
// that memory holds one tensor at a time and never a file.
//
//   u64 little-endian   N, length of the header
//   N bytes             JSON: {"__metadata__": {string: string}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, …},
//                       padded with spaces to a multiple of 8
//   the rest            the tensors, little-endian, C order; offsets count from 8 + N, without holes or overlaps
//
// Other writers do not always pad, so a tensor may start at any byte: it is read into a buffer of its own.

import { setImmediate } from 'node:timers/promises';
import { DTYPE_BYTES, type DType, elements, type HostTensor, isCounts, toFloat32 } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { type FileSystem, nodeFileSystem, withFile, writeAll } from '../base/files.js';
import { quoted, short } from '../base/format.js';
import { type InputFile, openInput } from '../base/input_file.js';
import { isRecord, parseJson } from '../base/json.js';
import type { StoredTensors } from './tensor_report.js';

// The reference implementation refuses longer headers.
const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor lies: `begin` and `end` count from the start of the file. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** An open file whose header and size have been checked. */
export interface SafetensorsFile {
  readonly path: string;
  /** In the order in which the tensors lie in the file. */
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Throws DataError when there is no such tensor. */
  info(name: string): TensorInfo;
  /** One tensor, from the disk. Throws DataError when there is none of that name or the disk fails. */
  read(name: string): HostTensor;
  /** F32, F64, F16 or BF16 as float32; DataError for any other dtype. */
  readFloat32(name: string): Float32Array<ArrayBuffer>;
  close(): void;
}

/** Opens a file and checks its header against its size. Throws DataError, naming file and tensor, on any damage. */
export function openSafetensors(path: string): SafetensorsFile {
  const file = openInput(path);
  try {
    return openedFile(file, parseHeader(file, readHeader(file)));
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Checks that a tensor is there, floating-point, and of this shape: otherwise a DataError with both shapes. */
export function requireTensor(file: StoredTensors, name: string, shape: readonly number[]): void {
  const info = file.info(name);
  if (String(info.shape) !== String(shape)) {
    throw new DataError(
      `${file.path}: tensor ${name} has shape [${short(info.shape.join(', '))}], expected [${shape.join(', ')}]`,
      'the file does not belong to this config.json: use files that were saved together',
    );
  }
  requireFloat(file.path, name, info.dtype);
}

function openedFile(input: InputFile, { infos, metadata }: Header): SafetensorsFile {
  const { path } = input;
  const file: SafetensorsFile = {
    path,
    names: [...infos.keys()],
    metadata,
    info(name) {
      const info = infos.get(name);
      if (info) return info;
      throw new DataError(`${path}: tensor ${name} is missing`, DAMAGED);
    },
    read(name) {
      const { dtype, shape, begin, end } = file.info(name);
      return { dtype, shape, bytes: input.read(begin, end - begin, `tensor ${short(name)}`) };
    },
    readFloat32(name) {
      requireFloat(path, name, file.info(name).dtype);
      return toFloat32(file.read(name));
    },
    close: () => input.close(),
  };
  return file;
}

const DAMAGED = 'copy or download the file again, or use another checkpoint';

function requireFloat(path: string, name: string, dtype: DType): void {
  if (['F32', 'F64', 'F16', 'BF16'].includes(dtype)) return;
  throw new DataError(`${path}: tensor ${short(name)} has dtype ${dtype}, expected F32, F64, F16 or BF16`, DAMAGED);
}

// ---- header

interface Header {
  readonly infos: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface RawHeader {
  readonly json: string;
  readonly dataStart: number;
}

function readHeader({ path, size, read }: InputFile): RawHeader {
  if (size < 8) throw new DataError(`${path} is truncated: ${size} bytes, a safetensors file has at least 8`, DAMAGED);
  const length = Number(new DataView(read(0, 8, 'the length of its header').buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw new DataError(`${path} is no safetensors file: it would have a header of ${length} bytes`, DAMAGED);
  }
  if (8 + length > size) {
    throw new DataError(`${path} is truncated: ${size} bytes, its header alone has ${8 + length}`, DAMAGED);
  }
  const bytes = read(8, length, 'its header');
  try {
    return { json: new TextDecoder('utf-8', { fatal: true }).decode(bytes), dataStart: 8 + length };
  } catch {
    throw new DataError(`${path} is damaged: its header is no UTF-8`, DAMAGED);
  }
}

function parseHeader({ path, size }: InputFile, { json, dataStart }: RawHeader): Header {
  const damaged = (what: string) => new DataError(`${path} is damaged: ${what}`, DAMAGED);
  const header = parseJson(json, () => damaged('its header is no JSON'));
  if (!isRecord(header)) throw damaged('its header is no JSON object');
  const { __metadata__: metadata = {}, ...tensors } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw damaged('__metadata__ is not an object of strings');
  }
  const infos = Object.entries(tensors).map(([name, entry]): [string, TensorInfo] => {
    const problem = entryProblem(entry);
    if (problem) throw damaged(`tensor ${short(name)} ${problem}`);
    const { dtype, shape, data_offsets } = entry as Entry;
    return [name, { dtype, shape, begin: dataStart + data_offsets[0], end: dataStart + data_offsets[1] }];
  });
  infos.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let end = dataStart;
  for (const [name, info] of infos) {
    if (info.begin !== end)
      throw damaged(`tensor ${short(name)} starts at byte ${info.begin}, the one before ends at ${end}`);
    end = info.end;
    if (end > size) {
      throw new DataError(
        `${path} is truncated: ${size} bytes, but tensor ${short(name)} ends at byte ${end}`,
        DAMAGED,
      );
    }
  }
  if (end < size) throw damaged(`${size - end} bytes follow the last tensor`);
  return { infos: new Map(infos), metadata: metadata as Record<string, string> };
}

interface Entry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function entryProblem(entry: unknown): string | undefined {
  if (!isRecord(entry)) return 'is described by no JSON object';
  const { dtype, shape, data_offsets: offsets } = entry as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return `has dtype ${quoted(dtype)}, expected one of ${Object.keys(DTYPE_BYTES).join(' ')}`;
  }
  if (!isCounts(shape)) return `has shape ${quoted(shape)}, expected a list of sizes`;
  if (!isCounts(offsets) || offsets.length !== 2) {
    return `has data_offsets ${quoted(offsets)}, expected [begin, end]`;
  }
  const bytes = elements(shape) * DTYPE_BYTES[dtype as DType];
  const found = offsets[1]! - offsets[0]!;
  return bytes === found
    ? undefined
    : `of shape [${short(shape.join(', '))}] and dtype ${dtype} needs ${bytes} bytes, has ${found}`;
}

// ---- writing

type Source<T> = T | (() => T | Promise<T>);

/** A tensor to write; a function as `data` is called when its turn comes, so that one tensor at a time is in memory. */
export type TensorSource = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32'; readonly data: Source<Float32Array> }
  | { readonly dtype: 'I32'; readonly data: Source<Int32Array> }
  | { readonly dtype: 'F16' | 'BF16'; readonly data: Source<Uint16Array> }
);

/** A float32 tensor to save; `data` is called when its turn comes. */
export interface SavedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array | Promise<Float32Array>;
}

/** What transformers wants to see in a file with PyTorch's layout. */
const PYTORCH = { format: 'pt' };

/**
 * Writes a file, byte for byte as Hugging Face's library does: wider dtypes first, then by name. No fsync and no rename
 * here: write it inside writeFolderAtomic().
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorSource>,
  metadata: Readonly<Record<string, string>> = PYTORCH,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  const rank = Object.keys(DTYPE_BYTES);
  const sorted = [...tensors].sort(
    (a, b) => rank.indexOf(b.dtype) - rank.indexOf(a.dtype) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = encodeHeader(sorted, metadata);
  await withFile(
    path,
    'w',
    async (fd) => {
      writeAll(fd, header, fs);
      for (const tensor of sorted) {
        await setImmediate(); // signals are heard between tensors: reading and writing keep this thread busy
        const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
        if (data.length !== elements(tensor.shape)) {
          throw new Error(`internal: ${tensor.name} has ${data.length} values for shape [${tensor.shape}]`);
        }
        writeAll(fd, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), fs);
      }
    },
    fs,
  );
}

function encodeHeader(sorted: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const { name, dtype, shape } of sorted) {
    const end = offset + elements(shape) * DTYPE_BYTES[dtype];
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  if (new Set(entries.map(([name]) => name)).size < entries.length)
    throw new Error('internal: two tensors of one name');
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}
