// What torch.save wrote (PyTorch 1.6 or later), without PyTorch, and without executing any of it.
//
//   STEM/data.pkl      a pickle (pickle.ts); a tensor in it is
//                      _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), and a storage is the
//                      persistent id ('storage', torch.FloatStorage, KEY, device, number of elements)
//   STEM/data/KEY      the storage's bytes, little-endian
//   STEM/byteorder     "little"; newer versions of PyTorch only
//
// Offset and stride count elements. Several tensors can lie in one storage (a tied head and its embedding do).

import { DTYPE_BYTES, type DType, elements, isCount, isCounts, toFloat32 } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { short } from '../base/format.js';
import { NAMELESS, PickleError, PickleGlobal, type PickleValue, readPickle } from './pickle.js';
import type { StoredTensors } from './tensor_report.js';
import { openZip, type ZipFile } from './zip.js';

/** A tensor that has been checked against its storage, whose values are still on the disk. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

interface TorchStorage {
  readonly key: string;
  readonly dtype: DType;
  readonly length: number; // elements
}

/** An open file. */
export interface TorchFile {
  readonly path: string;
  /** What was saved: Maps, arrays, strings, numbers, and TorchTensors. */
  readonly value: PickleValue;
  /** The values in C order. Throws DataError when the tensor is no floating-point one or its storage is damaged. */
  readFloat32(name: string, tensor: TorchTensor): Float32Array<ArrayBuffer>;
  close(): void;
}

/** "torch FloatStorage" -> F32, and so on. */
const STORAGES: Readonly<Record<string, DType>> = {
  'torch FloatStorage': 'F32',
  'torch DoubleStorage': 'F64',
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
};

// 300 bytes per tensor: GPT-3's 175B with Adam's moments takes 1 MB.
const MAX_PICKLE_BYTES = 4_000_000;

const MAX_DIMENSIONS = 8;

const FIX =
  'gpt reads weights, numbers and texts. If you trust the file, load it in PyTorch and save its state dict alone';

/** Opens a file and reads everything but the storages. Throws DataError, naming what is wrong, without executing any. */
export function openTorchFile(path: string): TorchFile {
  const zip = openZip(path);
  try {
    const name = [...zip.entries.keys()].find((entry) => /^[^/]+\/data\.pkl$/.test(entry));
    if (name === undefined) throw new DataError(`${path} has no data.pkl: PyTorch did not save it`, FIX);
    const stem = name.slice(0, -'data.pkl'.length);
    const size = zip.entries.get(name)!;
    if (size > MAX_PICKLE_BYTES)
      throw new DataError(`${path}: ${short(name)} has ${size} bytes, too many for a model`, FIX);
    requireLittleEndian(zip, `${stem}byteorder`);
    // the last storage is kept: tensors that share one lie next to each other
    let last: { key: string; values: Float32Array<ArrayBuffer> } | undefined;
    const cached = (label: string, storage: TorchStorage): Float32Array<ArrayBuffer> => {
      if (last?.key !== storage.key) {
        last = undefined; // before the next one takes its memory
        last = { key: storage.key, values: readStorage(zip, stem, label, storage) };
      }
      return last.values;
    };
    return {
      path,
      value: unpickled(zip, name, stem),
      readFloat32: (label, tensor) => valuesOf(tensor, cached(label, tensor.storage)),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** A state dict, a dict of tensors by name, as what other files of tensors look like. Throws DataError where it is none. */
export function stateDict(file: TorchFile, value: PickleValue, { what, rename, fix }: StateDictOptions): StoredTensors {
  const { path } = file;
  if (!(value instanceof Map)) throw new DataError(`${path}: ${what} is no dict of tensors`, fix);
  const tensors = new Map<string, TorchTensor>();
  for (const [key, tensor] of value as Map<PickleValue, PickleValue>) {
    if (typeof key !== 'string' || !(tensor instanceof TorchTensor)) {
      const name = typeof key === 'string' ? short(key) : NAMELESS;
      throw new DataError(`${path}: ${what} holds ${name}, which is no tensor`, fix);
    }
    const name = rename(key);
    if (tensors.has(name)) throw new DataError(`${path}: ${what} holds ${short(name)} twice`, fix);
    tensors.set(name, tensor);
  }
  const get = (name: string): TorchTensor => {
    const tensor = tensors.get(name);
    if (tensor) return tensor;
    throw new DataError(`${path}: tensor ${short(name)} is missing`, fix);
  };
  const place = ({ storage, offset, shape, strides }: TorchTensor) => `${storage.key} ${offset} ${shape} ${strides}`;
  // a small file must not become a large folder: tensors may share a storage, or a place in it, but not their values
  const places = new Map([...tensors.values()].map((tensor) => [place(tensor), elements(tensor.shape)]));
  const storages = new Map([...tensors.values()].map(({ storage: { key, length } }) => [key, length]));
  const sum = (counts: Iterable<number>): number => [...counts].reduce((total, n) => total + n, 0);
  const [values, stored] = [sum(places.values()), sum(storages.values())];
  if (values > stored) throw new DataError(`${path}: its ${values} parameters share ${stored} values`, fix);
  return {
    path,
    names: [...tensors.keys()],
    info: (name) => ({ dtype: get(name).storage.dtype, shape: get(name).shape }),
    readFloat32: (name) => file.readFloat32(name, get(name)),
    samePlace: (a, b) => place(get(a)) === place(get(b)),
    close: () => file.close(),
  };
}

interface StateDictOptions {
  /** In messages. */
  readonly what: string;
  readonly rename: (name: string) => string;
  readonly fix: string;
}

function requireLittleEndian(zip: ZipFile, name: string): void {
  const size = zip.entries.get(name);
  if (size === undefined) return;
  const order = size === 6 ? new TextDecoder().decode(zip.read(name)) : 'something else';
  if (order !== 'little') throw new DataError(`${zip.path}: its byte order is ${short(order)}, expected little`, FIX);
}

function unpickled(zip: ZipFile, name: string, stem: string): PickleValue {
  const storages = new Map<string, TorchStorage>();
  try {
    return readPickle(zip.read(name), {
      globals: {
        ...Object.fromEntries(Object.keys(STORAGES).map((storage) => [storage, null])),
        'collections OrderedDict': orderedDict,
        'torch._utils _rebuild_tensor_v2': rebuildTensor,
        'torch._utils _rebuild_parameter': (data) => data ?? null,
      },
      persistent: (id) => {
        const storage = storageOf(id, zip, stem);
        const known = storages.get(storage.key);
        if (known && (known.dtype !== storage.dtype || known.length !== storage.length)) {
          throw new PickleError(`it describes storage ${short(storage.key)} in two ways`);
        }
        storages.set(storage.key, known ?? storage);
        return known ?? storage;
      },
    });
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new DataError(`${zip.path}: its pickle cannot be read: ${error.message}`, FIX);
  }
}

/** OrderedDict(), or, as older Pythons pickle it, OrderedDict([[key, value], ...]). */
function orderedDict(items: PickleValue = []): PickleValue {
  if (!Array.isArray(items) || items.some((item) => !Array.isArray(item) || item.length !== 2)) {
    throw new PickleError('it makes an OrderedDict of something else than pairs');
  }
  return new Map(items as [PickleValue, PickleValue][]);
}

function storageOf(id: PickleValue, zip: ZipFile, stem: string): TorchStorage {
  const [kind, type, key, , length] = Array.isArray(id) ? (id as PickleValue[]) : [];
  const dtype = type instanceof PickleGlobal ? STORAGES[type.name] : undefined;
  if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(length)) {
    throw new PickleError('a persistent id is no storage of PyTorch');
  }
  const found = zip.entries.get(`${stem}data/${key}`);
  if (found === undefined) throw new PickleError(`storage ${short(key)} is missing`);
  if (found !== length * DTYPE_BYTES[dtype]) {
    throw new PickleError(`storage ${short(key)} has ${found} bytes, expected ${length * DTYPE_BYTES[dtype]}`);
  }
  return { key, dtype, length };
}

const isStorage = (x: unknown): x is TorchStorage => typeof x === 'object' && x !== null && 'dtype' in x;

function rebuildTensor(...[storage, offset, shape, strides]: PickleValue[]): PickleValue {
  if (
    !isStorage(storage) ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(strides) ||
    shape.length !== strides.length ||
    shape.length > MAX_DIMENSIONS
  ) {
    throw new PickleError('a tensor is not described as PyTorch does');
  }
  const count = elements(shape);
  const last = shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, offset);
  // more elements than the storage has: an expanded tensor, which a few bytes could make as large as they like
  if (count > storage.length || (count > 0 && last >= storage.length)) {
    throw new PickleError(`a tensor of shape [${shape.join(', ')}] lies outside its storage ${short(storage.key)}`);
  }
  return new TorchTensor(storage, offset, shape, strides);
}

function readStorage(
  zip: ZipFile,
  stem: string,
  label: string,
  { key, dtype, length }: TorchStorage,
): Float32Array<ArrayBuffer> {
  if (!['F32', 'F64', 'F16', 'BF16'].includes(dtype)) {
    throw new DataError(`${zip.path}: tensor ${label} has dtype ${dtype}, expected a floating-point one`, FIX);
  }
  return toFloat32({ dtype, shape: [length], bytes: zip.read(`${stem}data/${key}`) });
}

function valuesOf({ offset, shape, strides }: TorchTensor, all: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const count = elements(shape);
  if (isContiguous(shape, strides)) return count === all.length ? all : all.slice(offset, offset + count);
  const values = new Float32Array(count);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = offset; i < count; i++) {
    values[i] = all[at]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return values;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}
