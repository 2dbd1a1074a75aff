// .jsonl, one JSON object a line, and .json: a list of objects, or an object that has such a list under a key.
//
//   {"a": 1}           [{"a": 1},         {"version": 2, "data": [{"a": 1},
//   {"a": 2}            {"a": 2}]                                 {"a": 2}]}
//
// Of a .json file the brackets are counted as it is read, and the objects of the list go to JSON.parse one by one, so its
// size does not matter. The list of rows is the one whose first item is an object; other lists, and objects, beside it are
// passed over.
// JSON.parse makes up to 40 bytes of memory out of one: rows above 1 MiB may hold a million values, 1,000 deep.

import { DataError } from '../../base/errors.js';
import { printable, quoted, short } from '../../base/format.js';
import { type Line, Pieces, readLines } from '../blocks.js';
import { badRow, type OnBadRow, type Row } from '../row.js';

const SMALL = 1 << 20;
const VALUES = 1_000_000;
const DEPTH = 1000;
const LINES_RULE = 'a .jsonl file has one JSON object a line; a list of objects is .json';
const LIST_RULE = 'a .json file is a list of objects, or an object with one; one object a line is .jsonl';

const FRAME = 1 << 20; // bytes around the list of rows
const LONGEST_KEY = 1024; // under which a list is found

const [QUOTE, COMMA, BACKSLASH, LINE_FEED, LIST, OBJECT] = [0x22, 0x2c, 0x5c, 0x0a, 0x5b, 0x7b];
const isOpening = (byte: number): boolean => byte === LIST || byte === OBJECT; // [ {
const isClosing = (byte: number): boolean => byte === 0x5d || byte === 0x7d; // ] }

/** Rows of a .jsonl file. Throws DataError with file and line. */
export async function* readJsonl(
  file: string,
  blocks: AsyncIterable<Buffer>,
  onBadRow?: OnBadRow,
): AsyncGenerator<Row> {
  for await (const lines of readLines(file, blocks)) {
    for (const { bytes, line } of lines) {
      if (isBlank(bytes)) continue;
      const place = `${file}:${line}`;
      yield* rowOf(place, place, bytes, LINES_RULE, onBadRow);
    }
  }
}

/** Rows of a .json file. Throws DataError with file and row. */
export async function* readJson(file: string, blocks: AsyncIterable<Buffer>, onBadRow?: OnBadRow): AsyncGenerator<Row> {
  let row = 0;
  for await (const { bytes, line } of splitList(file, blocks)) {
    const place = `${file}: row ${++row}`;
    yield* rowOf(place, `${place} (line ${line})`, bytes, LIST_RULE, onBadRow);
  }
}

function* rowOf(place: string, where: string, bytes: Buffer, rule: string, onBadRow?: OnBadRow): Generator<Row> {
  let values: Row['values'];
  try {
    values = parseObject(place, where, bytes, rule);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    badRow(error, onBadRow);
    return;
  }
  yield { place, values };
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

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isBlank = (bytes: Buffer): boolean => bytes.every(isSpace);

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
async function* splitList(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const scan = new Scan();
  const item = new Pieces(() => `${file}: row ${row}`);
  const frame = new Frame(file); // what stands around the rows
  let listDepth = 0; // of the list of rows while inside it, else 0
  let key: string | undefined; // under which it was found; '' where the file is the list
  let opened: string | undefined; // key of a list whose first item is still to come
  let empty = false; // a list without items was passed over
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
        continue;
      }
      if (isSpace(byte)) continue;
      const list = opened;
      opened = undefined;
      if (list !== undefined && byte === OBJECT) {
        if (key !== undefined) throw severalLists(file, key, list);
        key = list;
        listDepth = depth;
        start = line;
        from = i;
      } else if (isOpening(byte) && depth <= 1) {
        frame.add(block.subarray(from, i + 1), line);
        from = i + 1;
        if (byte !== LIST) continue;
        if (depth === 1) opened = frame.lastKey();
        else if (key === undefined) {
          key = '';
          listDepth = scan.depth;
          start = line;
        }
      } else if (isClosing(byte) && scan.depth === 1) {
        from = i; // what the bracket closes was passed over
        if (list !== undefined) empty = true;
      }
    }
    if (listDepth > 0) item.add(block.subarray(from));
    else if (scan.depth <= 1) frame.add(block.subarray(from), line);
  }
  if (scan.depth > 0) throw new DataError(`${file}:${line}: not JSON: the file ends too early`, LIST_RULE);
  frame.check(key !== undefined || empty);
}

/** The text around the rows: [], or an object without what its lists and objects hold. */
class Frame {
  readonly #file: string;
  readonly #pieces = new Pieces(() => `${this.#file}: the text around the list of rows`, FRAME);
  readonly #ends: { readonly offset: number; readonly line: number }[] = []; // of what was added
  #tail = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** line: of the last byte. */
  add(bytes: Buffer, line: number): void {
    this.#pieces.add(bytes);
    this.#ends.push({ offset: this.#pieces.length, line });
    this.#tail = (this.#tail + bytes.toString()).slice(-LONGEST_KEY);
  }

  /** The key before the bracket at the end. */
  lastKey(): string {
    const key = /("(?:[^"\\]|\\.)*")\s*:\s*[[{]$/.exec(this.#tail)?.[1] ?? '""';
    try {
      return JSON.parse(key) as string;
    } catch {
      return key; // check() will refuse the file
    }
  }

  /** Throws DataError unless the whole file was JSON with a list of rows, or empty. */
  check(found: boolean): void {
    const bytes = this.#pieces.take();
    if (isBlank(bytes)) return;
    const text = bytes.toString();
    try {
      JSON.parse(text);
    } catch {
      const at = faultIn(text);
      const place = `${this.#file}:${this.#lineOf(bytes, Buffer.byteLength(text.slice(0, at)))}`;
      throw new DataError(`${place}: not JSON from ${quoted(text.slice(at, at + 20))} on`, LIST_RULE);
    }
    if (!found) throw new DataError(`${this.#file}: there is no list of objects`, LIST_RULE);
  }

  /** Line in the file, where more stands than in this text. */
  #lineOf(bytes: Buffer, offset: number): number {
    const end = this.#ends.find((one) => one.offset > offset) ?? this.#ends.at(-1)!;
    return end.line - bytes.subarray(offset, end.offset).filter((byte) => byte === LINE_FEED).length;
  }
}

const BLANK = String.raw`[ \t\n\r]*`;
const STRING = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
const VALUE = String.raw`(?:${STRING}|\[\]|\{\}|-?\d[\d.eE+-]*|true|false|null)`;
const START = new RegExp(String.raw`${BLANK}(?:\[\]|\{)?${BLANK}`, 'y');
const PAIR = new RegExp(String.raw`${STRING}${BLANK}:${BLANK}${VALUE}${BLANK}(?:,${BLANK}|(?=\}))`, 'y');
const END = new RegExp(String.raw`\}${BLANK}`, 'y');

/** Where the text of a frame stops to be JSON: JSON.parse says so of some faults only. Within a pair: its start. */
function faultIn(text: string): number {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matches = pattern.test(text);
    if (matches) at = pattern.lastIndex;
    return matches;
  };
  skip(START);
  while (skip(PAIR));
  skip(END);
  return at;
}

const severalLists = (file: string, one: string, other: string): DataError =>
  new DataError(
    `${file}: rows may be under "${short(one)}" or "${short(other)}"`,
    'leave only one list of objects in the file',
  );
