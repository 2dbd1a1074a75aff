import { describe, expect, test } from 'vitest';
import { BpeTokenizer } from '../../src/tokenizer/bpe.js';
import { MergeTable } from '../../src/tokenizer/merge.js';
import { GPT2_PATTERN, PieceCache, pieceEnd } from '../../src/tokenizer/pieces.js';
import { END_OF_TEXT } from '../../src/tokenizer/tokenizer.js';
import { WordCounts } from '../../src/tokenizer/word_counts.js';
import { oddStrings } from './odd_strings.js';

const byHand = (text: string): string[] => {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
};
const byPattern = (text: string): string[] => text.match(GPT2_PATTERN) ?? [];

describe('pieces by hand are those of the pattern', () => {
  test('on 30,000 odd strings', () => {
    expect(oddStrings(30_000, 11).filter((text) => byHand(text).join('\0') !== byPattern(text).join('\0'))).toEqual([]);
  });

  test('on every string of up to five characters of each kind', () => {
    const kinds = ["'", 's', 'l', 'é', '7', ' ', '\n', '\u0085', '\ufeff', '!', '😀', '\ud83d', '𝐀'];
    let strings = [''];
    const wrong: string[] = [];
    for (let length = 1; length <= 5; length++) {
      strings = strings.flatMap((text) => kinds.map((kind) => text + kind));
      wrong.push(...strings.filter((text) => byHand(text).join('\0') !== byPattern(text).join('\0')));
    }
    expect(strings.length).toBe(13 ** 5);
    expect(wrong).toEqual([]);
  });

  test('on every code point, alone and after a space', () => {
    const wrong: number[] = [];
    for (let code = 0; code < 0x110000; code++) {
      const text = ` ${String.fromCodePoint(code)}a`;
      const pieces = byHand(text);
      if (pieces.join('\0') !== byPattern(text).join('\0')) wrong.push(code);
    }
    expect(wrong).toEqual([]);
  });
});

// The regular expression overflows V8's stack here.
test.each(['漢', '😀'])('5 million %s in a row are one piece, to encode and to count', (char) => {
  const n = 5 << 20;
  const text = char.repeat(n);
  const bytes = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const ids = new BpeTokenizer([...bytes, Buffer.from(END_OF_TEXT)], new MergeTable(), 256).encode(text);
  expect(Buffer.from(ids).equals(Buffer.from(text))).toBe(true);
  const words = new WordCounts();
  words.add(text);
  words.add(`a ${text}`);
  expect([words.total, words.distinct, words.bytes]).toEqual([3, 3, 2 * Buffer.byteLength(text) + 2]);
});

test('the cache gives back what was added, while it grows and after it has started over', () => {
  const cache = new PieceCache();
  const out = new Int32Array(100).fill(-1);
  const piece = (i: number): string => `w${i.toString(36)}`;
  let missing = 0;
  for (let i = 0; i < 70_000; i++) {
    expect(cache.find(piece(i), 0, piece(i).length, out, 0)).toBe(0);
    cache.add(piece(i), 0, piece(i).length, Int32Array.of(i, i + 1));
    const seen = Math.floor(i / 2);
    const n = cache.find(`x${piece(seen)}y`, 1, 1 + piece(seen).length, out, 3);
    if (n === 0) missing++;
    else expect([n, out[3], out[4], out[2]]).toEqual([2, seen, seen + 1, -1]);
  }
  expect(missing).toBeGreaterThan(0); // it has started over
  expect(missing).toBeLessThan(5_000);
  cache.add('a'.repeat(25), 0, 25, Int32Array.of(1)); // too long to remember
  expect(cache.find('a'.repeat(25), 0, 25, out, 0)).toBe(0);
});
