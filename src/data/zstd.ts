// Zstandard (RFC 8878) as a stream. Node 20 has none: fzstd decodes the blocks, and what it takes on trust is looked at here.
//
//   frame    magic, header (window, perhaps the size), blocks, perhaps a checksum; a file is one frame or several, and frames
//            that are to be skipped
//   block    3 bytes: last? type, size; at most 128 KiB come out of one, and one is decoded at a time
//
// So a file that unpacks to a million times its size is no more than a long file. Sizes and checksums (XXH64) are verified
// where a frame has them. A window may have 128 MiB, which is the zstd program's own limit.

import { Decompress } from 'fzstd';
import { integer } from '../base/format.js';
import { withinTime } from './timed.js';
import { Xxh64 } from './xxh64.js';

const MAGIC = 0xfd2fb528;
const SKIPPED = 0x184d2a5; // and any last four bits
const MOST_WINDOW = 128 << 20;
const MOST_BLOCK = 128 << 10;
const BLOCK_MS = 3000; // a block takes one: far more, for a machine that is busy

/** What is wrong with the data, in words that follow "damaged zstd data". */
export class ZstdError extends Error {}

/** What comes out of a file's blocks, at most 128 KiB at a time. Throws ZstdError. */
export async function* unzstd(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new Input(blocks);
  while (await input.has(1)) {
    const magic = (await input.take(4, 'a frame')).readUInt32LE();
    if (magic >>> 4 === SKIPPED) {
      for (let left = (await input.take(4, 'a frame')).readUInt32LE(); left > 0; ) {
        left -= (await input.take(Math.min(left, MOST_BLOCK), 'a frame to skip')).length;
      }
    } else if (magic === MAGIC) yield* frame(input);
    else throw new ZstdError('what should be a frame does not begin as one');
  }
}

async function* frame(input: Input): AsyncGenerator<Buffer> {
  const { header, window, size, hasChecksum } = await readHeader(input);
  const mostBlock = Math.min(window, MOST_BLOCK);
  let produced: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => produced.push(bytes));
  const hash = new Xxh64();
  let total = 0;
  let pushed = header; // goes in with the first block
  for (let last = false; !last; ) {
    const head = await input.take(3, 'a block');
    const word = head.readUIntLE(0, 3);
    const [type, length] = [(word >> 1) & 3, word >> 3];
    last = (word & 1) === 1;
    if (type === 3 || length > mostBlock) throw new ZstdError('a block has a kind or size that cannot be');
    const body = await input.take(type === 1 ? 1 : length, 'a block');
    const whole = Buffer.concat([pushed, head, body]);
    pushed = Buffer.alloc(0);
    produced = [];
    try {
      withinTime(BLOCK_MS, () => decoder.push(whole, last));
    } catch (error) {
      throw new ZstdError((error as Error).message);
    }
    for (const bytes of produced) {
      total += bytes.length;
      if (hasChecksum) hash.update(bytes);
      if (bytes.length > 0) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
  }
  if (size !== undefined && total !== size) {
    throw new ZstdError(`a frame has ${integer(total)} bytes, and its header promises ${integer(size)}`);
  }
  if (!hasChecksum) return;
  const checksum = (await input.take(4, 'a checksum')).readUInt32LE();
  if (Number(hash.digest() & 0xffffffffn) !== checksum) throw new ZstdError('a checksum is not that of the content');
}

interface Header {
  /** For the decoder, which is told of no checksum. */
  readonly header: Buffer;
  readonly window: number;
  readonly size: number | undefined;
  readonly hasChecksum: boolean;
}

async function readHeader(input: Input): Promise<Header> {
  const [descriptor = 0] = await input.take(1, 'a frame');
  const [single, hasChecksum, dictionary, sizeFlag] = [
    (descriptor & 32) !== 0,
    (descriptor & 4) !== 0,
    [0, 1, 2, 4][descriptor & 3]!,
    descriptor >> 6,
  ];
  if ((descriptor & 8) !== 0) throw new ZstdError('a bit of the header is set that has no meaning');
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  const rest = await input.take((single ? 0 : 1) + dictionary + sizeBytes, 'a frame');
  const dictionaryAt = single ? 0 : 1;
  if (rest.subarray(dictionaryAt, dictionaryAt + dictionary).some((byte) => byte !== 0)) {
    throw new ZstdError('it was packed with a dictionary, which gpt has not: pack it without one');
  }
  const field = rest.subarray(dictionaryAt + dictionary);
  const size = sizeBytes === 0 ? undefined : sizeOf(field);
  const window = single ? size! : (1 << (10 + Math.min(rest[0]! >> 3, 20))) * (1 + (rest[0]! & 7) / 8);
  if (window > MOST_WINDOW) {
    throw new ZstdError('it needs a window of more than 128 MiB: pack it without --long, or with --long=27');
  }
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  return { header: Buffer.concat([magic, Buffer.of(descriptor & ~4), rest]), window, size, hasChecksum };
}

function sizeOf(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  const value = field.readUIntLE(0, field.length);
  return field.length === 2 ? value + 256 : value;
}

/** Bytes of a stream, so many at a time. */
class Input {
  readonly #blocks: AsyncIterator<Buffer>;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(blocks: AsyncIterable<Buffer>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  /** Whether so many bytes are left. */
  async has(count: number): Promise<boolean> {
    while (this.#length < count) {
      const { value, done } = await this.#blocks.next();
      if (done) return false;
      this.#parts.push(value);
      this.#length += value.length;
    }
    return true;
  }

  /** The next bytes. Throws ZstdError where there are fewer. */
  async take(count: number, what: string): Promise<Buffer> {
    if (!(await this.has(count))) throw new ZstdError(`the data ends inside ${what}`);
    const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }
}
