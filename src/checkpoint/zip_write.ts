// Writes a zip archive of stored entries, as torch.save does: what zip.ts reads. The bytes of each entry begin at a multiple
// of 64, so that PyTorch can map them into memory; an extra field "FB" in the local header fills the gap.
//
// An entry is in memory while it is written, because its checksum stands before it. Beyond 4 GiB numbers go to zip64.

import { setImmediate } from 'node:timers/promises';
import { type FileSystem, writeAll } from '../base/files.js';
import { CENTRAL, crc32, END, END64, IN_ZIP64, LOCAL, LOCATOR64 } from './zip.js';

/** An entry; `data` is called when its turn comes. */
export interface ZipSource {
  readonly name: string;
  readonly data: () => Uint8Array;
}

const ALIGNMENT = 64;
const UTF8 = 0x800;
const FIRST_OF_1980 = 0x21; // a zip's day 0 is none

/** Writes the archive from the start of an empty file. `zip64From`: the first number that goes to zip64 fields. */
export async function writeZip(
  fd: number,
  entries: Iterable<ZipSource>,
  fs: FileSystem,
  zip64From = IN_ZIP64,
): Promise<void> {
  const large = (n: number): boolean => n >= zip64From;
  const capped = (n: number): number => (large(n) ? IN_ZIP64 : n);
  const directory: Uint8Array[] = [];
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    writeAll(fd, bytes, fs);
    at += bytes.length;
  };
  for (const { name, data } of entries) {
    await setImmediate(); // signals are heard between entries
    const bytes = data();
    const path = new TextEncoder().encode(name);
    const crc = crc32(bytes);
    const headerAt = at;
    const common = (sizes: number) => [UTF8, 0, 0, FIRST_OF_1980, [crc], [sizes], [sizes], path.length] as const;
    const size = bytes.length;
    const sizes64 = large(size) ? ([1, 16, [[size]], [[size]]] as const) : [];
    const extraLength = large(size) ? 20 : 0;
    const gap = (ALIGNMENT - ((at + 30 + path.length + extraLength + 4) % ALIGNMENT)) % ALIGNMENT;
    const extra = [...sizes64, 0x4246, gap] as const;
    put(record([LOCAL], 45, ...common(capped(size)), extraLength + 4 + gap, path, ...extra, new Uint8Array(gap)));
    put(bytes);
    const wide = large(size) || large(headerAt);
    const all64 = wide ? ([1, 24, [[size]], [[size]], [[headerAt]]] as const) : [];
    const inDirectory = wide ? IN_ZIP64 : size;
    const place = wide ? IN_ZIP64 : headerAt;
    directory.push(
      record([CENTRAL], 45, 45, ...common(inDirectory), wide ? 28 : 0, 0, 0, 0, [0], [place], path, ...all64),
    );
  }
  const start = at;
  for (const part of directory) put(part);
  const [count, length] = [directory.length, at - start];
  const wide = large(start) || large(length) || count >= 0xffff;
  if (wide) {
    const end64 = at;
    put(record([END64], [[44]], 45, 45, [0], [0], [[count]], [[count]], [[length]], [[start]]));
    put(record([LOCATOR64], [0], [[end64]], [1]));
  }
  const shown = wide ? 0xffff : count;
  put(record([END], 0, 0, shown, shown, [wide ? IN_ZIP64 : length], [wide ? IN_ZIP64 : start], 0));
}

/** n: 16 bits; [n]: 32 bits; [[n]]: 64 bits. Little-endian. */
type Field = number | readonly [number] | readonly [readonly [number]] | Uint8Array;

function record(...fields: Field[]): Uint8Array {
  return Buffer.concat(
    fields.map((field) => {
      if (field instanceof Uint8Array) return field;
      if (typeof field === 'number') return new Uint8Array(Uint16Array.of(field).buffer);
      const [inner] = field;
      if (typeof inner === 'number') return new Uint8Array(Uint32Array.of(inner).buffer);
      return new Uint8Array(BigUint64Array.of(BigInt(inner[0])).buffer);
    }),
  );
}
