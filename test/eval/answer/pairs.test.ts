// The boundary rule, with GPT-2's tokenizer.

import { beforeAll, expect, test } from 'vitest';
import { DataError } from '../../../src/base/errors.js';
import { pairEncoder, sequencesOf } from '../../../src/eval/answer/pairs.js';
import { gpt2Tokenizer } from '../../../src/tokenizer/gpt2.js';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.js';

const EOT = 50256;
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await gpt2Tokenizer();
});
const encode = (context: string, continuation: string) => {
  const pair = pairEncoder(tokenizer)(context, continuation);
  return [[...pair.context], [...pair.continuation]];
};
const ids = (text: string) => [...tokenizer.encode(text)];

test('the delimiter is in the continuation, or moves there from the end of the context', () => {
  expect(encode('Hello', ' world')).toEqual([[15496], [995]]);
  expect(encode('Hello ', 'world')).toEqual([[15496], [995]]);
  expect(encode('Answer:', ' True')).toEqual([ids('Answer:'), [6407]]);
  expect(encode('Hello\n\n ', 'world')).toEqual([[15496], [628, 995]]);
});

test('the continuation is what stands behind as many tokens as the context has alone', () => {
  // one token, Hello, is shorter than Hell + o: its o is lost, as in lm-evaluation-harness
  expect(encode('Hell', 'o world')).toEqual([ids('Hell'), [995]]);
  // as many tokens alone as joined, but others: the model reads the word's beginning, and is not asked about its end
  expect(encode('Hello wor', 'ld is')).toEqual([[15496, 476], [318]]);
  expect(ids('Hello world is')).toEqual([15496, 995, 318]);
  expect(() => encode('Hel', 'lo')).toThrow(DataError);
});

test("Python's white space, and nothing else, moves", () => {
  // [c for c in range(0x110000) if chr(c).isspace()]
  const white = [
    9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201,
    8202, 8232, 8233, 8239, 8287, 12288,
  ];
  const moves = (c: number) => {
    const [context] = encode(`.${String.fromCharCode(c)}`, ' on and on');
    return context!.join() === ids('.').join();
  };
  const found: number[] = [];
  for (let c = 0; c < 0x3100; c++) if (moves(c)) found.push(c);
  expect(found).toEqual(white);
  expect(moves(0xfeff)).toBe(false); // white space to JavaScript
});

test('an empty context is end-of-text; so is one of white space', () => {
  expect(encode('', 'Hello world')).toEqual([[EOT], [15496, 995]]);
  expect(encode(' ', 'world')).toEqual([[EOT], [995]]);
});

test('a continuation that begins with end-of-text lends it to an empty context', () => {
  const whole = { ...tokenizer, eot: EOT, encode: (text: string) => Int32Array.from(text === '' ? [] : [EOT, 15496]) };
  const pair = pairEncoder(whole)('', '<|endoftext|>Hello');
  expect([[...pair.context], [...pair.continuation]]).toEqual([[EOT], [15496]]);
  expect(encode('Hello', '<|endoftext|>')[1]).not.toContain(EOT); // our tokenizers read it as text
});

test('nothing to ask about is an error that quotes the text', () => {
  expect(() => encode('Question', '')).toThrow(/continuation "" adds no token .* ends in "Question"/);
  expect(() => encode('', '')).toThrow(DataError);
});

test('a context is encoded once for choices that follow each other', () => {
  const encoded: string[] = [];
  const spy = {
    ...tokenizer,
    eot: EOT,
    encode: (text: string) => {
      encoded.push(text);
      return tokenizer.encode(text);
    },
  };
  const pairs = pairEncoder(spy);
  pairs('A question', ' yes');
  pairs('A question', ' no');
  pairs('Another', ' yes');
  expect(encoded).toEqual(['A question', 'A question yes', 'A question no', 'Another', 'Another yes']);
});

test('the model reads the last n_ctx + 1 tokens without the last; what is cut is counted', () => {
  const pair = { context: Int32Array.of(1, 2, 3, 4), continuation: Int32Array.of(5, 6) };
  const read = (n_ctx: number) => {
    return sequencesOf(pair, n_ctx).map(({ ids, targets, truncated }) => [[...ids], [...targets], truncated]);
  };
  expect(read(9)).toEqual([[[1, 2, 3, 4, 5], [5, 6], 0]]);
  expect(read(5)).toEqual([[[1, 2, 3, 4, 5], [5, 6], 0]]);
  expect(read(4)).toEqual([[[2, 3, 4, 5], [5, 6], 1]]);
  expect(read(2)).toEqual([[[4, 5], [5, 6], 3]]);
});

test('a continuation beyond n_ctx is read in parts, each token once and with at least n_ctx / 2 before it', () => {
  const pair = { context: Int32Array.of(1, 2), continuation: Int32Array.of(3, 4, 5, 6, 7) };
  const parts = sequencesOf(pair, 4);
  expect(parts.map(({ ids, targets }) => [[...ids], [...targets]])).toEqual([
    [
      [1, 2, 3],
      [3, 4],
    ],
    [
      [2, 3, 4, 5],
      [5, 6],
    ],
    [[3, 4, 5, 6], [7]],
  ]);
  expect(parts.map(({ truncated }) => truncated)).toEqual([0, 1, 2]);
});
