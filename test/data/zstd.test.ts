// .zst input. fixtures/owls.txt.zst is `zstd -19` of the text that owls() makes; what is damaged is made from it here.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readBlocks } from '../../src/data/blocks.js';
import { findFiles } from '../../src/data/files.js';
import { readText } from '../../src/data/read.js';
import { Xxh64 } from '../../src/data/xxh64.js';
import { skippedFrame, zstdFrame } from './tiny_zstd.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();
const OWLS = readFileSync(new URL('./fixtures/owls.txt.zst', import.meta.url));
const owls = (): string =>
  Array.from(
    { length: 1500 },
    (_, i) => `${i}. The owl number ${(i * 7919) % 101} sat on branch ${(i * i) % 37}.\n`,
  ).join('');

async function textOf(path: string): Promise<string> {
  const blocks: Buffer[] = [];
  for await (const block of readBlocks(path)) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

test('XXH64 has the digests of its specification', () => {
  const digest = (text: string, cut = 7): string => {
    const hash = new Xxh64();
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += cut) hash.update(bytes.subarray(at, at + cut));
    return hash.digest().toString(16).padStart(16, '0');
  };
  expect(digest('')).toBe('ef46db3751d8e999');
  expect(digest('a')).toBe('d24ec4f1a98c6e5b');
  expect(digest('abc')).toBe('44bc2cf5ad770999');
  const long = 'Nobody inspects the spammish repetition'; // 39 bytes: a stripe and a tail
  expect(digest(long)).toBe('fbcea83c8a378bf1');
  for (const cut of [1, 31, 32, 33, 100]) expect(digest(long, cut)).toBe('fbcea83c8a378bf1');
});

test('what zstd has packed comes out, with its checksum verified, and counts the bytes of the file', async () => {
  const path = file('owls.txt.zst', OWLS);
  expect(await textOf(path)).toBe(owls());
  let read = 0;
  const documents: string[] = [];
  for await (const { text, docEnd } of readText([path], { textKey: 'text', onBytes: (n) => (read += n) })) {
    documents.push(text, docEnd ? '|' : '');
  }
  expect(documents.join('')).toBe(`${owls()}|`);
  expect(read).toBe(OWLS.length);
});

test('a text is cut into the same parts as without packing', async () => {
  const text = 'Die Eule saß auf dem Ast. '.repeat(50_000); // more than a block of 1 MiB
  const parts = Array.from({ length: 140 }, (_, i) => Buffer.from(text).subarray(i * 10_000, (i + 1) * 10_000));
  const cuts = async (path: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const chunk of readText([path], { textKey: 'text' })) found.push(chunk.text);
    return found;
  };
  const plain = await cuts(file('cut.txt', text));
  expect(plain.length).toBe(3);
  expect(await cuts(file('cut.txt.zst', zstdFrame(parts)))).toEqual(plain);
});

test('frames follow one another, and some are to be skipped', async () => {
  const [a, b] = [Buffer.from('{"text":"one"}\n'), Buffer.from('{"text":"two 👍"}\n')];
  const frames = [
    zstdFrame([a.subarray(0, 3), a.subarray(3)], { size: a.length }),
    skippedFrame(Buffer.alloc(300_000)),
    zstdFrame([b]),
    zstdFrame([Buffer.alloc(0)]),
  ];
  const path = file('frames.jsonl.zst', Buffer.concat(frames));
  const texts: string[] = [];
  for await (const { text } of readText([path], { textKey: 'text' })) texts.push(text);
  expect(texts).toEqual(['one', 'two 👍']);
  expect(findFiles(dir)).toContain(path);
});

test('a file that unpacks to a thousand times its size needs no more memory than a block', async () => {
  const path = file('bomb.txt.zst', zstdFrame(Array(800).fill({ byte: 0x20, times: 128 << 10 })));
  let [bytes, longest] = [0, 0];
  for await (const block of readBlocks(path)) {
    bytes += block.length;
    longest = Math.max(longest, block.length);
  }
  expect([bytes, longest]).toEqual([100 << 20, 1 << 20]);
});

describe('damaged', () => {
  const damaged = (at: number): Buffer => {
    const bytes = Buffer.from(OWLS);
    bytes[at]! ^= 0x10;
    return bytes;
  };
  const text = Buffer.from('some text that is long enough');
  test.each<[string, Uint8Array, RegExp]>([
    ['cut off in a block', OWLS.subarray(0, 3000), /the data ends inside a block/],
    ['cut off in the checksum', OWLS.subarray(0, -2), /the data ends inside a checksum/],
    ['cut off in the header', OWLS.subarray(0, 5), /the data ends inside a frame/],
    ['with another content', damaged(1200), /damaged zstd data/],
    ['with another checksum', damaged(OWLS.length - 1), /a checksum is not that of the content/],
    ['with something behind it', Buffer.concat([OWLS, Buffer.from('more')]), /does not begin as one/],
    ['not packed at all', text, /does not begin as one/],
    ['of another size than it says', zstdFrame([text], { size: 400 }), /has 29 bytes, and its header promises 400/],
    ['with a block too large', zstdFrame([{ byte: 65, times: 1 << 20 }]), /a kind or size that cannot be/],
    ['with a window too large', zstdFrame([text], { window: 20 << 3 }), /window of more than 128 MiB/],
    ['empty', Buffer.alloc(0), /the file is empty/],
  ])('%s', async (name, bytes, message) => {
    const path = file(`${name}.txt.zst`, bytes);
    const read = textOf(path);
    if (bytes.length === 0) await expect(read.then(() => readAll(path))).rejects.toThrow(message);
    else await expect(read).rejects.toMatchObject({ exitCode: 4, message: expect.stringMatching(message) });
    await expect(readAll(path)).rejects.toThrow(path);
  });

  test('every single byte: an error, or the very same text', async () => {
    const whole = owls();
    for (let at = 0; at < OWLS.length; at += 97) {
      const outcome = await textOf(file('one.txt.zst', damaged(at))).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome.message).toMatch(/one\.txt\.zst/);
      else expect(outcome).toBe(whole);
    }
  });
});

async function readAll(path: string): Promise<void> {
  for await (const { text } of readText([path], { textKey: 'text' })) expect(text).not.toBe('');
}
