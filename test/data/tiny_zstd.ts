// Zstandard frames without compression (RFC 8878), so that tests need no zstd program: blocks as they are, or one byte repeated.

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** What a frame says of itself; each may be wrong. */
export interface FrameOptions {
  /** Content size in the header; default: none. */
  readonly size?: number;
  /** Low 32 bits of XXH64; default: none. */
  readonly checksum?: number;
  /** Window descriptor byte; default: 128 KiB. */
  readonly window?: number;
}

/** A block: bytes, or one byte so many times. */
export type Block = Uint8Array | { readonly byte: number; readonly times: number };

export function zstdFrame(blocks: readonly Block[], { size, checksum, window = 7 << 3 }: FrameOptions = {}): Buffer {
  const descriptor = (size === undefined ? 0 : 0x80) | (checksum === undefined ? 0 : 4);
  const parts: Uint8Array[] = [Buffer.from([...MAGIC, descriptor, window])];
  if (size !== undefined) parts.push(word(size, 4));
  for (const [i, block] of blocks.entries()) {
    const isLast = i === blocks.length - 1 ? 1 : 0;
    const [type, length, body] =
      block instanceof Uint8Array ? [0, block.length, block] : [1, block.times, Buffer.of(block.byte)];
    parts.push(word(isLast | (type << 1) | (length << 3), 3), body);
  }
  if (checksum !== undefined) parts.push(word(checksum, 4));
  return Buffer.concat(parts);
}

/** A frame that readers pass over. */
export const skippedFrame = (content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(0x53, 0x2a, 0x4d, 0x18), word(content.length, 4), content]);

function word(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}
