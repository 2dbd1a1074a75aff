// .parquet: row groups read one after the other by hyparquet, through a file descriptor.
//
// Of the format's types: integers are numbers, bigint beyond 2^53; dates and times ISO strings; bytes strings where they
// are UTF-8; lists, maps and structs as in JSON. A row group is in memory as a whole. What hyparquet takes on trust, the
// counts and sizes in the file, is checked before (parquet_limits.ts).

import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type Compressors, type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors as codecs, decompressZstd } from 'hyparquet-compressors';
import { DataError } from '../../base/errors.js';
import { type OnBytes, unreadable } from '../blocks.js';
import type { Row, Value } from '../row.js';
import { withinTime } from '../timed.js';
import { checkFooter, checkPages, checkSchema, columnRange, GroupBudget } from './parquet_limits.js';

const MAGIC = 'PAR1';
const FOOTER_LIMIT = 64 << 20;

/** Options of readParquet. */
export interface ParquetOptions {
  /** Columns to read; where the file lacks one of them, all are. */
  readonly columns?: readonly string[];
  readonly onBytes?: OnBytes;
}

/** Rows of a .parquet file. Throws DataError with file, row group and column. */
export async function* readParquet(file: string, { columns, onBytes }: ParquetOptions): AsyncGenerator<Row> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const { size } = await handle.stat();
    const { metadata, names } = await readFooter(file, handle, size);
    const read = columns?.every((name) => names.includes(name)) ? columns : names;
    let row = 0;
    let counted = 0;
    for (const [i, group] of metadata.row_groups.entries()) {
      const where = `${file}: row group ${i + 1}`;
      const rows = await damaged(where, () =>
        readGroup(where, handle, size, { ...metadata, row_groups: [group] }, read),
      );
      for (const values of rows) {
        row++;
        yield {
          place: `${file}: row ${row}`,
          values: Object.fromEntries(read.map((name) => [name, plain(values[name])])),
        };
      }
      const share = Math.floor((size * (i + 1)) / metadata.row_groups.length);
      onBytes?.(share - counted);
      counted = share;
    }
    onBytes?.(size - counted);
  } finally {
    await handle.close();
  }
}

/** Runs what decodes the file; every error in it becomes a DataError that begins with `where`. */
async function damaged<T>(where: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataError) throw error;
    const what = error instanceof TypeError ? 'its structure is not that of Parquet' : (error as Error).message;
    throw new DataError(
      `${where}: cannot be decoded (${what})`,
      'fetch or write the file again; if it is whole, write it with the default settings of pyarrow, in smaller row groups, or as .jsonl',
    );
  }
}

interface Footer {
  readonly metadata: FileMetaData;
  /** Of the columns. */
  readonly names: readonly string[];
}

async function readFooter(file: string, handle: FileHandle, size: number): Promise<Footer> {
  const tail = Buffer.from(await readAt(handle, Math.max(0, size - 8), size));
  const magic = tail.toString('latin1', tail.length - 4);
  if (tail.length < 8 || magic !== MAGIC) {
    const what = magic === 'PARE' ? 'the file is encrypted' : `no Parquet file (it does not end in ${MAGIC})`;
    throw new DataError(`${file}: ${what}`, 'fetch the file again: it may be cut off, or be another kind of file');
  }
  const length = tail.readUInt32LE(0);
  return damaged(`${file}: the footer`, async () => {
    if (length > size - 12 || length > FOOTER_LIMIT) throw new Error(`it claims to have ${length} bytes`);
    const footer = await readAt(handle, size - 8 - length, size);
    checkFooter(Buffer.from(footer, 0, length));
    const metadata = parquetMetadata(footer, { parsers, geoparquet: false });
    checkSchema(metadata.schema);
    return { metadata, names: parquetSchema(metadata).children.map(({ element }) => element.name) };
  });
}

async function readGroup(
  where: string,
  handle: FileHandle,
  size: number,
  metadata: FileMetaData,
  columns: readonly string[],
): Promise<Record<string, unknown>[]> {
  const schema = parquetSchema(metadata);
  const group = metadata.row_groups[0]!;
  const chunks = group.columns.filter(({ meta_data: meta }) => columns.includes(meta?.path_in_schema[0] ?? ''));
  const budget = new GroupBudget(group.num_rows, chunks, schema);
  for (const { meta_data: meta } of chunks) {
    const name = meta?.path_in_schema.join('.');
    await damaged(`${where}, column ${name}`, async () => {
      const { start, end } = columnRange(meta, size);
      checkPages(Buffer.from(await readAt(handle, start, end)), meta, schema, budget, decompressors);
    });
  }
  const rows = await parquetReadObjects({
    file: { byteLength: size, slice: (start, end) => readAt(handle, start, Math.min(end ?? size, size)) },
    metadata,
    columns: [...columns],
    compressors: decompressors,
    parsers,
  });
  const flat = schema.children.filter(
    ({ element, children }) => columns.includes(element.name) && children.length === 0,
  );
  for (const { element } of flat) {
    if (rows.some((row) => row[element.name] === undefined)) throw new Error(`values of ${element.name} are missing`);
  }
  return rows;
}

async function readAt(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
  return bytes.buffer;
}

/** Milliseconds for a page of so many bytes: far more than it takes even where other programs have most of the machine. */
const zstdTimeout = (bytes: number): number => 3000 + bytes / 10_000;
function unzstd(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  try {
    return withinTime(zstdTimeout(length), () => decompressZstd(input, output));
  } catch (error) {
    throw new Error(`damaged zstd data: ${(error as Error).message}`);
  }
}

/** Codecs that never give more than they are asked for. */
const decompressors: Compressors = {
  UNCOMPRESSED: (input) => input,
  SNAPPY: codecs.SNAPPY!,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: unzstd,
  LZ4: codecs.LZ4!,
  LZ4_RAW: codecs.LZ4_RAW!,
};

const iso = (milliseconds: bigint | number): string => {
  const date = new Date(Number(milliseconds));
  return Number.isNaN(date.getTime()) ? 'invalid date' : date.toISOString();
};

const text = (bytes: Uint8Array | undefined): string | Uint8Array | undefined =>
  bytes && isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString() : bytes;

const parsers = {
  timestampFromMilliseconds: iso,
  timestampFromMicroseconds: (micros: bigint): string => iso(micros / 1000n),
  timestampFromNanoseconds: (nanos: bigint): string => iso(nanos / 1_000_000n),
  dateFromDays: (days: number): string => iso(days * 86_400_000).slice(0, 10),
  stringFromBytes: text,
  jsonFromBytes: text, // left as it is written
  geometryFromBytes: text,
  geographyFromBytes: text,
};

/** A decoded value as a Value. */
function plain(value: unknown): Value {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value as string | number | boolean;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
