// A reader of zip archives whose entries are stored, not compressed: what torch.save writes.
//
//   local header, bytes    of every entry
//   central directory      one record per entry: name, size, CRC-32, where its local header is
//   [zip64 end, locator]   where a number does not fit into 32 bits (or 16, for the count)
//   end record             where the central directory is; 22 bytes and a comment
//
// The entry's bytes begin behind the LOCAL header's name and extra field, whose lengths differ from the directory's:
// torch pads them to a multiple of 64 bytes. Refused: compression, encryption, archives in several parts, entries that
// overlap, and names that would leave a folder (nothing is unpacked here, but who writes them means harm).
// Written by zip_write.ts.

import * as zlib from 'node:zlib';
import { DataError } from '../base/errors.js';
import { short } from '../base/format.js';
import { type InputFile, openInput } from '../base/input_file.js';

/** An open archive. */
export interface ZipFile {
  readonly path: string;
  /** Name -> number of bytes. */
  readonly entries: ReadonlyMap<string, number>;
  /** The bytes of an entry, in a buffer of their own. Throws DataError when there is none, or its checksum is wrong. */
  read(name: string): Uint8Array<ArrayBuffer>;
  close(): void;
}

interface Entry {
  readonly size: number;
  readonly crc: number;
  readonly headerAt: number;
  /** Where the next entry begins, or the directory. */
  readonly limit: number;
}

export const LOCAL = 0x04034b50;
export const CENTRAL = 0x02014b50;
export const END = 0x06054b50;
export const END64 = 0x06064b50;
export const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
export const IN_ZIP64 = 0xffffffff;

/** Opens an archive and checks its directory. Throws DataError, naming the file, on any damage. */
export function openZip(path: string): ZipFile {
  const file = openInput(path);
  try {
    const entries = readDirectory(file);
    return {
      path,
      entries: new Map([...entries].map(([name, { size }]) => [name, size])),
      read: (name) => readEntry(file, name, entries.get(name)),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

const damaged = (file: InputFile, what: string): DataError =>
  new DataError(`${file.path} is a damaged zip archive: ${what}`, 'copy or download the file again');

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number; beyond 2^53 it is rounded, which no file's size is near. */
const u64 = (data: DataView, at: number): number => Number(data.getBigUint64(at, true));

function readDirectory(file: InputFile): Map<string, Entry> {
  const { count, size, start } = readEnd(file);
  if (count > size / 46) throw damaged(file, `its directory of ${size} bytes cannot have ${count} entries`);
  const data = view(file.read(start, size, 'its directory'));
  const entries = new Map<string, Entry>();
  let total = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || data.getUint32(at, true) !== CENTRAL)
      throw damaged(file, `entry ${i} of its directory is none`);
    const nameLength = data.getUint16(at + 28, true);
    const extraLength = data.getUint16(at + 30, true);
    const end = at + 46 + nameLength + extraLength + data.getUint16(at + 32, true);
    if (end > size) throw damaged(file, `entry ${i} goes beyond its directory`);
    const name = new TextDecoder().decode(new Uint8Array(data.buffer, at + 46, nameLength));
    const label = short(name);
    if (data.getUint16(at + 8, true) & 1) throw damaged(file, `${label} is encrypted`);
    if (data.getUint16(at + 10, true) !== 0) throw damaged(file, `${label} is compressed, which torch.save never does`);
    if (entries.has(name)) throw damaged(file, `it has ${label} twice`);
    if (/^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\0/.test(name)) {
      throw damaged(file, `its entry ${label} has a path out of its folder`);
    }
    const extra = new DataView(data.buffer, at + 46 + nameLength, extraLength);
    const sizes = [
      data.getUint32(at + 24, true),
      data.getUint32(at + 20, true),
      data.getUint32(at + 42, true),
    ] as const;
    const [entrySize, stored, headerAt] = withZip64(file, sizes, extra);
    if (entrySize !== stored) throw damaged(file, `${label} has two sizes, ${entrySize} and ${stored}`);
    // entries that share bytes would make much of a little
    total += entrySize;
    if (total > file.size) throw damaged(file, 'its entries have more bytes than the file');
    entries.set(name, { size: entrySize, crc: data.getUint32(at + 16, true), headerAt, limit: start });
    at = end;
  }
  const inOrder = [...entries].sort(([, a], [, b]) => a.headerAt - b.headerAt);
  for (const [i, [name, entry]] of inOrder.entries()) {
    entries.set(name, { ...entry, limit: inOrder[i + 1]?.[1].headerAt ?? start });
  }
  return entries;
}

/** Finds the end record from behind: a comment may follow it. */
function readEnd(file: InputFile): { count: number; size: number; start: number } {
  const length = Math.min(file.size, END_BYTES + 0xffff);
  const tailAt = file.size - length;
  const tail = view(file.read(tailAt, length, 'its end'));
  let at = length - END_BYTES;
  while (at >= 0 && !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) === length))
    at--;
  if (at < 0) throw damaged(file, 'it has no end record (cut off?)');
  const end = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
  };
  if (end.count !== 0xffff && end.size !== IN_ZIP64 && end.start !== IN_ZIP64) return end;
  if (at < 20 || tail.getUint32(at - 20, true) !== LOCATOR64) throw damaged(file, 'its zip64 locator is missing');
  const end64 = view(file.read(u64(tail, at - 12), 56, 'its zip64 end record'));
  if (end64.getUint32(0, true) !== END64) throw damaged(file, 'its zip64 end record is missing');
  return { count: u64(end64, 32), size: u64(end64, 40), start: u64(end64, 48) };
}

/** size, stored size and position: those that are 0xffffffff stand, in this order, in the extra field with id 1. */
function withZip64(file: InputFile, values: readonly number[], extra: DataView): [number, number, number] {
  if (!values.includes(IN_ZIP64)) return values as [number, number, number];
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    const end = Math.min(extra.byteLength, next + extra.getUint16(at + 2, true));
    return values.map((value) => {
      if (value !== IN_ZIP64) return value;
      next += 8;
      if (next > end) throw damaged(file, 'a zip64 field is too short');
      return u64(extra, next - 8);
    }) as [number, number, number];
  }
  throw damaged(file, 'a zip64 field is missing');
}

function readEntry(file: InputFile, name: string, entry: Entry | undefined): Uint8Array<ArrayBuffer> {
  const label = short(name);
  if (entry === undefined) throw damaged(file, `it has no entry ${label}`);
  const header = view(file.read(entry.headerAt, 30, `the header of ${label}`));
  if (header.getUint32(0, true) !== LOCAL) throw damaged(file, `there is no ${label} where its directory says`);
  const at = entry.headerAt + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const bytes = file.read(at, entry.size, label);
  if (at + entry.size > entry.limit) throw damaged(file, `${label} overlaps with what follows it`);
  // 0: torch can be told not to compute it
  if (entry.crc !== 0 && crc32(bytes) !== entry.crc) throw damaged(file, `the checksum of ${label} is wrong`);
  return bytes;
}

/** In parts: zlib takes 32-bit lengths. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += 1 << 30) crc = zlib.crc32(bytes.subarray(at, at + (1 << 30)), crc);
  return crc;
}
