// Writes what torch.save writes, by hand: a pickle of protocol 2 in a zip of stored entries. And whatever it never would.

import { writeFileSync } from 'node:fs';
import * as zlib from 'node:zlib';

/** Pickled bytes of a value. */
export type Pickled = Buffer;

const u8 = (n: number) => Buffer.of(n);
const u16 = (n: number) => Buffer.from(Uint16Array.of(n).buffer);
const u32 = (n: number) => Buffer.from(Uint32Array.of(n).buffer);
const u64 = (n: number) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
const op = (code: string, ...rest: Uint8Array[]): Pickled => Buffer.concat([Buffer.from(code, 'latin1'), ...rest]);

export const py = {
  str: (text: string) => op('X', u32(Buffer.byteLength(text)), Buffer.from(text)),
  int: (n: number) => op('J', Buffer.from(Int32Array.of(n).buffer)),
  float: (x: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(x);
    return op('G', bytes);
  },
  bool: (b: boolean) => op(b ? '\x88' : '\x89'),
  none: op('N'),
  tuple: (...items: Pickled[]) => op('(', ...items, Buffer.from('t')),
  dict: (entries: readonly (readonly [string, Pickled])[]) =>
    op('}(', ...entries.flatMap(([key, value]) => [py.str(key), value]), Buffer.from('u')),
  global: (module: string, name: string) => op(`c${module}\n${name}\n`),
  call: (callee: Pickled, ...args: Pickled[]) => Buffer.concat([callee, py.tuple(...args), Buffer.from('R')]),
  persistent: (id: Pickled) => Buffer.concat([id, Buffer.from('Q')]),
  program: (value: Pickled) => op('\x80\x02', value, Buffer.from('.')),
};

/** A tensor in a storage; what is not given: float32, contiguous, offset 0. */
export interface WrittenTensor {
  readonly key: string;
  readonly length: number; // of the storage
  readonly shape: readonly number[];
  readonly type?: string;
  readonly offset?: number;
  readonly strides?: readonly number[];
}

export const contiguous = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));

export function tensor({ key, length, shape, type = 'FloatStorage', offset = 0, strides }: WrittenTensor): Pickled {
  const id = py.tuple(py.str('storage'), py.global('torch', type), py.str(key), py.str('cuda:0'), py.int(length));
  const ints = (values: readonly number[]) => py.tuple(...values.map(py.int));
  return py.call(
    py.global('torch._utils', '_rebuild_tensor_v2'),
    py.persistent(id),
    py.int(offset),
    ints(shape),
    ints(strides ?? contiguous(shape)),
    py.bool(false),
    py.call(py.global('collections', 'OrderedDict')),
  );
}

/** How an archive is to differ from torch's. */
export interface ZipOptions {
  readonly zip64?: boolean;
  readonly comment?: string;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: (crc: number) => number;
}

/** A zip with each entry's bytes at a multiple of 64, as torch writes it. */
export function zip(entries: readonly (readonly [string, Uint8Array])[], options: ZipOptions = {}): Buffer {
  const { zip64 = false, comment = '', method = 0, flags = 0x808, crc: change = (x: number) => x } = options;
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [path, bytes] of entries) {
    const name = Buffer.from(path);
    const crc = change(zlib.crc32(bytes));
    const pad = (64 - ((at + 30 + name.length + 4) % 64)) % 64;
    const extra = Buffer.concat([Buffer.from('FB'), u16(pad), Buffer.alloc(pad, 'Z')]);
    const common = Buffer.concat([u16(flags), u16(method), u32(0), u32(crc >>> 0)]);
    const local = [op('PK\x03\x04'), u16(0), common, u32(bytes.length), u32(bytes.length), u16(name.length)];
    const record = Buffer.concat([...local, u16(extra.length), name, extra, bytes]);
    const big = u32(0xffffffff);
    const size = zip64 ? big : u32(bytes.length);
    const more = zip64
      ? Buffer.concat([u16(1), u16(24), u64(bytes.length), u64(bytes.length), u64(at)])
      : Buffer.alloc(0);
    directory.push(op('PK\x01\x02'), u16(0), u16(0), common, size, size, u16(name.length), u16(more.length), u16(0));
    directory.push(u16(0), u16(0), u32(0), zip64 ? big : u32(at), name, more);
    parts.push(record);
    at += record.length;
  }
  const central = Buffer.concat(directory);
  const n = entries.length;
  const end64 = Buffer.concat([
    ...[op('PK\x06\x06'), u64(44), u16(45), u16(45), u32(0), u32(0), u64(n), u64(n), u64(central.length), u64(at)],
    ...[op('PK\x06\x07'), u32(0), u64(at + central.length), u32(1)],
  ]);
  const counts = zip64
    ? [u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff)]
    : [u16(n), u16(n), u32(central.length), u32(at)];
  const end = [op('PK\x05\x06'), u16(0), u16(0), ...counts, u16(comment.length), Buffer.from(comment)];
  return Buffer.concat([...parts, central, ...(zip64 ? [end64] : []), ...end]);
}

/** A file as torch.save makes it. storages: key -> bytes. */
export function writeTorchFile(
  path: string,
  value: Pickled,
  storages: ReadonlyMap<string, Uint8Array>,
  options: ZipOptions = {},
): string {
  const data = [...storages].map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  const entries = [['archive/data.pkl', py.program(value)] as const, ...data, ['archive/version', u8(51)] as const];
  writeFileSync(path, zip(entries, options));
  return path;
}

/** float32 bytes. */
export const floats = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
