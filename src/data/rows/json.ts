// .jsonl, one JSON object a line, and .json: a list of objects, or an object that has such a list under a key.
//
//   {"a": 1}           [{"a": 1},         {"version": 2, "data": [{"a": 1},
//   {"a": 2}            {"a": 2}]                                 {"a": 2}]}
//
// Of a .json file the brackets are counted as it is read, and the objects of the list go to JSON.parse one by one, so its
// size does not matter. Other lists and objects beside the rows are passed over.
// JSON.parse makes up to 40 bytes of memory out of one: rows above 1 MiB may hold a million values, 1,000 deep.

import { DataError } from '../../base/errors.js';
import { printable, short } from '../../base/format.js';
import { nearest } from '../../config/spelling.js';
import { type Line, Pieces, readLines } from '../blocks.js';
import type { Row } from '../row.js';

const SMALL = 1 << 20;
const VALUES = 1_000_000;
const DEPTH = 1000;
const LINES_RULE = 'a .jsonl file has one JSON object a line; a list of objects is .json';
const LIST_RULE = 'a .json file is a list of objects, or an object with one; one object a line is .jsonl';

const FRAME = 1 << 20; // bytes around the list of rows
const LONGEST_KEY = 1024; // under which a list is found

const [QUOTE, COMMA, BACKSLASH, LINE_FEED, LIST] = [0x22, 0x2c, 0x5c, 0x0a, 0x5b];
const isOpening = (byte: number): boolean => byte === LIST || byte === 0x7b; // [ {
const isClosing = (byte: number): boolean => byte === 0x5d || byte === 0x7d; // ] }

/** Rows of a .jsonl file. Throws DataError with file and line. */
export async function* readJsonl(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<Row> {
  for await (const lines of readLines(file, blocks)) {
    for (const { bytes, line } of lines) {
      if (isBlank(bytes)) continue;
      const place = `${file}:${line}`;
      yield { place, values: parseObject(place, place, bytes, LINES_RULE) };
    }
  }
}

/**
 * Rows of a .json file; `list` is the key of the list where the file is an object, default its only one.
 * Throws DataError with file and row.
 */
export async function* readJson(file: string, blocks: AsyncIterable<Buffer>, list?: string): AsyncGenerator<Row> {
  let row = 0;
  for await (const { bytes, line } of splitList(file, blocks, list)) {
    const place = `${file}: row ${++row}`;
    yield { place, values: parseObject(place, `${place} (line ${line})`, bytes, LIST_RULE) };
  }
}

function parseObject(place: string, where: string, bytes: Buffer, rule: string): Row['values'] {
  if (bytes.length > SMALL) checkSize(place, bytes);
  const value = parse(where, bytes, rule);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError(`${where}: the row is not an object`, `a row looks like {"text": "..."}; ${rule}`);
  }
  return value as Row['values']; // what JSON.parse returns
}

function parse(where: string, bytes: Buffer, rule: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new DataError(`${where}: not JSON (${printable((error as Error).message)})`, rule);
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((b) => b === 0x20 || (b >= 0x09 && b <= 0x0d));

/** Throws DataError for JSON of so many values, or so deep, that parsing it would take far more memory than its bytes. */
function checkSize(place: string, bytes: Buffer): void {
  const scan = new Scan();
  let values = 0;
  for (const byte of bytes) {
    const structural = scan.next(byte);
    if (structural && (byte === COMMA || isOpening(byte))) values++;
    if (values > VALUES) throw new DataError(`${place}: the row has more than a million values`, 'split it into rows');
    if (scan.depth > DEPTH) throw new DataError(`${place}: lists nested more than ${DEPTH} deep`, 'leave the row out');
  }
}

/** Where a position in JSON is: how many brackets are open, and whether it is inside a string. */
class Scan {
  depth = 0;
  #inString = false;
  #escaped = false;

  /** Moves past a byte; true when it stands outside of strings. */
  next(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (isOpening(byte)) this.depth++;
    else if (isClosing(byte)) this.depth--;
    return true;
  }
}

/** The items of the list of rows as bytes, with the line on which each starts. */
async function* splitList(file: string, blocks: AsyncIterable<Buffer>, list?: string): AsyncGenerator<Line> {
  const scan = new Scan();
  const item = new Pieces(() => `${file}: row ${row}`);
  const frame = new Frame(file); // what stands around the rows
  let listDepth = 0; // of the list of rows while inside it, else 0
  let key: string | undefined; // under which it was found; '' where the file is the list
  let row = 1;
  let line = 1;
  let start = 1; // line of the item
  for await (const block of blocks) {
    let from = 0; // of what is not yet kept
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (byte === LINE_FEED) line++;
      const depth = scan.depth;
      if (!scan.next(byte)) continue;
      if (listDepth > 0) {
        const ends = scan.depth < listDepth;
        if (!ends && !(byte === COMMA && depth === listDepth)) continue;
        item.add(block.subarray(from, i));
        const bytes = item.take();
        if (!(ends && row === 1 && isBlank(bytes))) yield { bytes, line: start };
        row++;
        start = line;
        from = ends ? i : i + 1;
        if (ends) listDepth = 0;
      } else if (isOpening(byte) && depth <= 1) {
        frame.add(block.subarray(from, i + 1));
        from = i + 1;
        const name = depth === 0 ? '' : frame.lastKey();
        if (byte !== LIST || (depth === 0 && key !== undefined)) continue;
        if (depth === 1 && list !== undefined && name !== list) continue;
        if (key !== undefined) throw severalLists(file, key, name);
        key = name;
        listDepth = scan.depth;
        start = line;
      } else if (isClosing(byte) && scan.depth === 1) {
        from = i; // what the bracket closes was passed over
      }
    }
    if (listDepth > 0) item.add(block.subarray(from));
    else if (scan.depth <= 1) frame.add(block.subarray(from));
  }
  frame.check(list, key !== undefined);
}

/** The text around the rows: [], or an object without what its lists and objects hold. */
class Frame {
  readonly #file: string;
  readonly #pieces = new Pieces(() => `${this.#file}: the text around the list of rows`, FRAME);
  #tail = '';

  constructor(file: string) {
    this.#file = file;
  }

  add(bytes: Buffer): void {
    this.#pieces.add(bytes);
    this.#tail = (this.#tail + bytes.toString()).slice(-LONGEST_KEY);
  }

  /** The key before the bracket at the end. */
  lastKey(): string {
    return /"((?:[^"\\]|\\.)*)"\s*:\s*[[{]$/.exec(this.#tail)?.[1] ?? '';
  }

  /** Throws DataError unless the whole file was JSON with a list of rows. */
  check(list: string | undefined, found: boolean): void {
    const value = parse(this.#file, this.#pieces.take(), LIST_RULE);
    if (found) return;
    const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    const near = list === undefined ? undefined : nearest(list, keys);
    throw new DataError(
      `${this.#file}: there is no list${list === undefined ? '' : ` under the key "${list}"`}`,
      near === undefined ? LIST_RULE : `did you mean "${near}"? it has: ${short(keys.join(', '), 200)}`,
    );
  }
}

const severalLists = (file: string, one: string, other: string): DataError =>
  new DataError(`${file}: rows may be under "${short(one)}" or "${short(other)}"`, 'leave only one list in the object');
