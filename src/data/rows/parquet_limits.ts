// What a Parquet decoder would believe: counts and sizes, checked against the bytes that are there.
//
// hyparquet makes arrays of as many values as a page claims, repeats a run as often as its header says, and decompresses
// to whatever length is written. One flipped bit there costs gigabytes or minutes. So before it decodes, the footer and
// every page are walked through without keeping anything:
//   footer, page headers   one Thrift structure of a sane size (thrift.ts)
//   row groups             values in proportion to the bytes, column chunks inside the file
//   pages                  sizes; runs of levels and dictionary indices; the blocks of delta encodings
// Errors are plain: rows/parquet.ts adds the place.

import type { ColumnChunk, ColumnMetaData, Compressors, SchemaElement, SchemaTree } from 'hyparquet';
import { int, Thrift } from './thrift.js';

const COLUMNS = 10_000;
const DEPTH = 16;
const DECIMAL_BYTES = 64; // their decoding takes quadratic time
const CELLS = 1 << 23; // values that a row group may have however small it is (constant columns): 2 GB of memory at worst
const CELLS_PER_BYTE = 64;
const MOST_CELLS = 1 << 27;
const PAGE_BYTES = 64 << 20; // decompressed bytes that a row group may have however small it is
const BYTES_PER_BYTE = 100;
const MOST_BYTES = 2 ** 31;

/** Throws unless the bytes are one Thrift structure of a sane size. */
export function checkFooter(bytes: Uint8Array): void {
  new Thrift(bytes, 0).struct();
}

/** Throws for a schema whose tree would be deep or huge. */
export function checkSchema(schema: readonly SchemaElement[]): void {
  if (schema.length > COLUMNS) throw new Error(`${schema.length} columns`);
  if (schema[0]?.repetition_type === 'REPEATED') throw new Error('the root of the schema is a list');
  const open: number[] = []; // children still to come, of each open group
  for (const { num_children: children = 0 } of schema) {
    while (open.at(-1) === 0) open.pop();
    if (open.length > 0) open[open.length - 1]!--;
    open.push(children);
    if (open.length > DEPTH) throw new Error(`columns nested more than ${DEPTH} deep`);
  }
}

/** Bytes of a column chunk in the file. Throws when they are not inside it. */
export function columnRange(meta: ColumnMetaData | undefined, size: number): { start: number; end: number } {
  if (meta === undefined) throw new Error('it is in another file');
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = start + Number(meta.total_compressed_size);
  if (!(start >= 0 && end >= start && end <= size)) throw new Error(`bytes ${start} to ${end} of ${size}`);
  return { start, end };
}

/** What a row group may take, in proportion to its bytes in the file. */
export class GroupBudget {
  #bytes: number;

  /** Throws when the group claims more values than it can have. */
  constructor(rows: bigint, chunks: readonly ColumnChunk[], schema: SchemaTree) {
    const compressed = sum(chunks, (meta) => Number(meta.total_compressed_size));
    const cells = sum(chunks, (meta) => Number(meta.num_values) * pathOf(schema, meta).length);
    const most = Math.min(MOST_CELLS, Math.max(CELLS, CELLS_PER_BYTE * compressed));
    if (!(rows >= 0 && Number(rows) <= most && cells <= most)) {
      throw new Error(`${rows} rows with ${cells} values in ${compressed} bytes`);
    }
    const short = chunks.find((chunk) => (chunk.meta_data?.num_values ?? 0n) < rows);
    if (short || chunks.length === 0) throw new Error(`${rows} rows, but fewer values in a column`);
    this.#bytes = Math.min(MOST_BYTES, PAGE_BYTES + BYTES_PER_BYTE * compressed);
  }

  /** Takes the decompressed size of a page. */
  take(bytes: number): void {
    this.#bytes -= bytes;
    if (!(bytes >= 0 && this.#bytes >= 0)) throw new Error(`a page of ${bytes} bytes decompressed is too large`);
  }
}

const sum = (chunks: readonly ColumnChunk[], of: (meta: ColumnMetaData) => number): number =>
  chunks.reduce((total, { meta_data: meta }) => total + (meta ? Math.max(0, of(meta)) : 0), 0);

/** Elements of the schema on the way to a column, without the root. */
function pathOf(schema: SchemaTree, meta: ColumnMetaData): SchemaElement[] {
  let node: SchemaTree | undefined = schema;
  return meta.path_in_schema.map((name) => {
    node = node?.children.find(({ element }) => element.name === name);
    if (node === undefined) throw new Error(`the column ${meta.path_in_schema.join('.')} is not in the schema`);
    return node.element;
  });
}

const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2; // 3: a data page of version 2

/** Walks through the pages of a column chunk. Throws where decoding them would go wrong. */
export function checkPages(
  chunk: Buffer,
  meta: ColumnMetaData | undefined,
  schema: SchemaTree,
  budget: GroupBudget,
  decompressors: Compressors,
): void {
  if (meta === undefined) throw new Error('it has no metadata');
  const path = pathOf(schema, meta);
  const leaf = path.at(-1)!;
  checkType(path, leaf, meta);
  const decompressor = decompressors[meta.codec];
  if (decompressor === undefined) throw new Error(`the codec ${meta.codec} is not known`);
  const decompress = (bytes: Buffer, length: number): Uint8Array => {
    budget.take(length);
    const page = decompressor(bytes, length);
    if (page.length !== length) throw new Error(`a page has ${page.length} bytes, its header says ${length}`);
    return page;
  };
  const repetition = path.filter((element) => element.repetition_type === 'REPEATED').length;
  const definition = path.filter((element) => element.repetition_type !== 'REQUIRED').length;
  const isFlat = path.length === 1 && repetition === 0;
  let left = Number(meta.num_values);
  let dictionary = false;
  for (let at = 0; at < chunk.length - 1 && !(isFlat && left === 0); ) {
    const thrift = new Thrift(chunk, at);
    const header = thrift.struct();
    const compressed = int(header, 3);
    const bytes = chunk.subarray(thrift.at, thrift.at + compressed);
    if (compressed < 0 || bytes.length < compressed) throw new Error(`a page of ${compressed} bytes`);
    at = thrift.at + compressed;
    const type = int(header, 1);
    const own = header.get(type === DATA_PAGE ? 5 : type === DICTIONARY_PAGE ? 7 : 8);
    if (!(own instanceof Map)) throw new Error(`a page of type ${type}`);
    const values = int(own, 1);
    if (type === DICTIONARY_PAGE) {
      checkPlain(decompress(bytes, int(header, 2)).length, leaf, values);
      dictionary = true;
      continue;
    }
    if (values < 0 || values > left) throw new Error(`a page of ${values} values where ${left} are left`);
    left -= values;
    if (type === DATA_PAGE) {
      const page = decompress(bytes, int(header, 2));
      let offset = 0;
      let present = values;
      if (repetition > 0) offset = checkRuns(page, offset, bitsOf(repetition), values).end;
      if (definition > 0) {
        const levels = checkRuns(page, offset, bitsOf(definition), values, definition);
        [offset, present] = [levels.end, levels.matches];
      }
      checkValues(page.subarray(offset), int(own, 2), leaf, present, dictionary);
    } else {
      const [levels, repetitions] = [int(own, 5), int(own, 6)];
      const nulls = int(own, 2);
      const levelBytes = levels + repetitions;
      if (!(levels >= 0 && repetitions >= 0 && levelBytes <= compressed && nulls >= 0 && nulls <= values)) {
        throw new Error(`levels of ${levels} and ${repetitions} bytes, ${nulls} nulls of ${values} values`);
      }
      if (repetition > 0) checkRuns(bytes, 0, bitsOf(repetition), values, 0, repetitions);
      if (definition > 0) checkRuns(bytes, repetitions, bitsOf(definition), values, 0, levels);
      const data = bytes.subarray(levelBytes);
      const length = int(header, 2) - levelBytes;
      checkValues(
        own.get(7) === false ? data : decompress(data, length),
        int(own, 4),
        leaf,
        values - nulls,
        dictionary,
      );
    }
  }
  if (left > 0) throw new Error(`${left} values are missing`);
}

function checkType(path: readonly SchemaElement[], leaf: SchemaElement, { type }: ColumnMetaData): void {
  if (leaf.type === undefined || leaf.type !== type || leaf.num_children) throw new Error(`its type is ${type}`);
  if (path.some(({ logical_type: logical }) => logical?.type === 'VARIANT')) throw new Error('its type is VARIANT');
  const fixed = leaf.type === 'FIXED_LEN_BYTE_ARRAY' && (leaf.type_length ?? 0) <= DECIMAL_BYTES;
  if (leaf.converted_type === 'DECIMAL' && !fixed && !leaf.type.startsWith('INT')) {
    throw new Error(`it has decimals of more than ${DECIMAL_BYTES} bytes`);
  }
}

const bitsOf = (level: number): number => 32 - Math.clz32(level);

const [PLAIN, PLAIN_DICTIONARY, RLE, DELTA_BINARY, DELTA_LENGTH] = [0, 2, 3, 5, 6];
const [DELTA_BYTES, RLE_DICTIONARY, STREAM_SPLIT] = [7, 8, 9]; // prefixes of DELTA_BYTES multiply: it is refused

function checkValues(
  data: Uint8Array,
  encoding: number,
  leaf: SchemaElement,
  count: number,
  dictionary: boolean,
): void {
  if (encoding === PLAIN || encoding === STREAM_SPLIT) {
    checkPlain(data.length, leaf, count);
  } else if (encoding === DELTA_BINARY || encoding === DELTA_LENGTH) {
    checkDelta(data, count);
  } else if (encoding === RLE && leaf.type === 'BOOLEAN') {
    checkRuns(data, 0, 1, count);
  } else if ((encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY) && dictionary) {
    const width = data[0] ?? 0;
    if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
    if (width > 0) checkRuns(data, 1, width, count, 0, data.length - 1);
  } else {
    throw new Error(encoding === DELTA_BYTES ? 'its encoding is DELTA_BYTE_ARRAY' : `its encoding is ${encoding}`);
  }
}

const WIDTHS: Readonly<Record<string, number>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8, BYTE_ARRAY: 4 };

/** Throws when `bytes` are too few for so many plain values (a BYTE_ARRAY has at least its length). */
function checkPlain(bytes: number, { type, type_length: length = 0 }: SchemaElement, count: number): void {
  const width = type === 'BOOLEAN' ? 1 / 8 : type === 'FIXED_LEN_BYTE_ARRAY' ? length : WIDTHS[type ?? ''];
  if (!(width && width > 0 && count >= 0 && Math.ceil(count * width) <= bytes)) {
    throw new Error(`${count} values in ${bytes} bytes`);
  }
}

/**
 * Runs of the hybrid of run lengths and bit packing, `count` values of `width` bits. Without `length` their bytes are
 * counted by a 32-bit number before them. Counts the values that equal `match`.
 */
function checkRuns(
  bytes: Uint8Array,
  at: number,
  width: number,
  count: number,
  match = 0,
  length?: number,
): { end: number; matches: number } {
  const start = length === undefined ? at + 4 : at;
  if (start > bytes.length) throw new Error('runs end too early');
  const size = length ?? new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  const reader = new Thrift(bytes, start);
  let matches = 0;
  for (let seen = 0; seen < count; ) {
    const header = reader.varint();
    const run = header % 2 === 1 ? ((header - 1) / 2) * 8 : header / 2;
    if (header % 2 === 1) {
      const packed = reader.skip((run / 8) * width);
      for (let i = 0; i < Math.min(run, count - seen); i++)
        if (unpack(bytes, packed, i * width, width) === match) matches++;
    } else {
      if (run > count - seen + 64) throw new Error(`a run of ${run} values where ${count - seen} are left`);
      const from = reader.skip(Math.ceil(width / 8));
      if (unpack(bytes, from, 0, width) === match) matches += Math.min(run, count - seen);
    }
    seen += run;
  }
  return { end: start + size, matches };
}

/** `width` bits (up to 32) that begin `bit` bits after byte `at`, little-endian. */
function unpack(bytes: Uint8Array, at: number, bit: number, width: number): number {
  let value = 0;
  for (let done = 0; done < width; ) {
    const within = (bit + done) % 8;
    const taken = Math.min(8 - within, width - done);
    value += ((bytes[at + (bit + done - within) / 8]! >> within) & ((1 << taken) - 1)) * 2 ** done;
    done += taken;
  }
  return value;
}

/** Blocks of a delta encoding: block size, miniblocks in it, count, first value; then minimum, widths, packed bits. */
function checkDelta(data: Uint8Array, count: number): void {
  const reader = new Thrift(data, 0);
  const [block, miniblocks] = [reader.varint(), reader.varint()];
  const each = block / miniblocks;
  if (!(block > 0 && block <= 1 << 20 && each % 8 === 0 && each > 0))
    throw new Error(`delta blocks of ${block} values`);
  reader.varint();
  reader.varint();
  for (let seen = 1; seen < count; ) {
    reader.varint();
    const widths = reader.skip(miniblocks);
    for (let i = 0; i < miniblocks && seen < count; i++, seen += each) {
      const width = data[widths + i]!;
      if (width > 64) throw new Error(`delta values of ${width} bits`);
      reader.at += (each / 8) * width; // the last one may be cut off
    }
  }
}
