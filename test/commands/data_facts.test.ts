// What a start event says of the text: hashes, frequent tokens, words.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { commonTokens, dataFacts, wordsOf } from '../../src/commands/data_facts.js';
import type { TokenSource } from '../../src/data/token_file.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-facts-'));
afterAll(() => rmSync(dir, { recursive: true }));

const tokenizer = new ByteTokenizer();
const source = (ids: readonly number[]): TokenSource => ({
  length: ids.length,
  bytes: ids.length,
  read: (offset, count) => Int32Array.from(ids.slice(offset, offset + count)),
  close: () => {},
});
const idsOf = (text: string) => [...tokenizer.encode(text)];

test('the most frequent tokens first; half a character is named by its id', () => {
  const ids = [...idsOf('abbb cc\r'), 0xc3, 0xc3, 0xc3, 0xc3, tokenizer.eot, tokenizer.eot, tokenizer.eot];
  expect(commonTokens(source(ids), tokenizer)).toEqual([
    { token: '#195', count: 4 },
    { token: 'b', count: 3 },
    { token: '<|endoftext|>', count: 3 },
    { token: 'c', count: 2 },
    { token: '#13', count: 1 },
    { token: ' ', count: 1 },
    { token: 'a', count: 1 },
  ]);
});

test('words are what blanks separate, also across the parts in which text is read', () => {
  const words = (ids: readonly number[]) => wordsOf(source(ids), tokenizer);
  expect(words(idsOf(' one  two\nthree '))).toBe(3);
  expect(words([...idsOf('one'), tokenizer.eot, ...idsOf('two')])).toBe(2);
  expect(words([])).toBe(0);
  expect(words(idsOf('word '.repeat(30_000)))).toBe(30_000); // parts of 65,536 tokens cut one of them
});

test('files with their sizes and hashes', () => {
  writeFileSync(join(dir, 'a.txt'), 'hello');
  const text = source(idsOf('hello you'));
  const { list, val_words } = dataFacts([dir], { train: text, val: text, tokenizer });
  const sha256 = createHash('sha256').update('hello').digest('hex');
  expect(list).toEqual([{ file: join(dir, 'a.txt'), bytes: 5, sha256 }]);
  expect(val_words).toBe(2);
  expect(dataFacts([dir], { train: text, val: { ...text, bytes: null }, tokenizer })).not.toHaveProperty('val_words');
});
