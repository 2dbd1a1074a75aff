// Writes what torch.save writes (PyTorch 1.6 or later): a pickle of protocol 2 and the bytes of its tensors, in a zip. Read
// by torch.load, with weights_only too, and by torch_file.ts, which has the format.
//
// A value is built from the functions of `py`, each of which gives the opcodes of one object. Tensors are float32.

import { dirname } from 'node:path';
import { elements } from '../base/array.js';
import { type FileSystem, makeFolder, nodeFileSystem, writeNewFileAtomic } from '../base/files.js';
import { writeZip, type ZipSource } from './zip_write.js';

type Pickled = Uint8Array;

const joined = (...parts: (string | Uint8Array)[]): Pickled =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

const int32 = (n: number): Uint8Array => new Uint8Array(Int32Array.of(n).buffer);

/** Python's values as pickles of protocol 2. */
export const py = {
  none: joined('N'),
  bool: (value: boolean): Pickled => joined(value ? '\x88' : '\x89'),
  /** LONG1 beyond 32 bits. */
  int: (value: number): Pickled =>
    value === (value | 0)
      ? joined('J', int32(value))
      : joined('\x8a\x08', new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)),
  float: (value: number): Pickled => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value); // the one big-endian number
    return joined('G', bytes);
  },
  text: (value: string): Pickled => {
    const bytes = new TextEncoder().encode(value);
    return joined('X', int32(bytes.length), bytes);
  },
  list: (items: readonly Pickled[]): Pickled => joined('](', ...items, 'e'),
  tuple: (items: readonly Pickled[]): Pickled => joined('(', ...items, 't'),
  dict: (items: Iterable<readonly [string, Pickled]>): Pickled =>
    joined('}(', ...[...items].flatMap(([key, value]) => [py.text(key), value]), 'u'),
  /** A float32 tensor that fills the storage of this key. */
  tensor: (storage: string, shape: readonly number[]): Pickled => {
    const strides = shape.map((_, i) => elements(shape.slice(i + 1)));
    const id = [py.text('storage'), global('torch', 'FloatStorage'), py.text(storage), py.text('cpu')];
    return call(global('torch._utils', '_rebuild_tensor_v2'), [
      joined(py.tuple([...id, py.int(elements(shape))]), 'Q'),
      py.int(0), // offset
      py.tuple(shape.map(py.int)),
      py.tuple(strides.map(py.int)),
      py.bool(false), // requires_grad
      call(global('collections', 'OrderedDict'), []),
    ]);
  },
};

const global = (module: string, name: string): Pickled => joined(`c${module}\n${name}\n`);
const call = (callee: Pickled, args: readonly Pickled[]): Pickled => joined(callee, py.tuple(args), 'R');

/**
 * Writes a new file; one storage at a time is in memory. `storages`: the values of each key that a tensor in `value` names.
 * Throws DataError when `path` exists or the disk refuses.
 */
export async function writeTorchFile(
  path: string,
  value: Pickled,
  storages: ReadonlyMap<string, () => Float32Array>,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  const stem = 'archive';
  const text = (name: string, content: string): ZipSource => ({
    name: `${stem}/${name}`,
    data: () => new TextEncoder().encode(content),
  });
  const entries: ZipSource[] = [
    { name: `${stem}/data.pkl`, data: () => joined('\x80\x02', value, '.') },
    text('byteorder', 'little'),
    ...[...storages].map(([key, read]) => ({
      name: `${stem}/data/${key}`,
      data: () => {
        const { buffer, byteOffset, byteLength } = read();
        return new Uint8Array(buffer, byteOffset, byteLength);
      },
    })),
    text('version', '3\n'),
  ];
  makeFolder(dirname(path));
  await writeNewFileAtomic(path, (fd) => writeZip(fd, entries, fs), fs);
}
