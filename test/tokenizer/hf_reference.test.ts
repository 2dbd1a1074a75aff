// Patterns, steps and ids as Hugging Face's own tokenizers give them (reference/make.py), and tiktoken's for
// GPT-4's vocabulary.

import { readFileSync } from 'node:fs';
import { get_encoding } from 'tiktoken';
import { describe, expect, test } from 'vitest';
import { symbolsOf } from '../../src/tokenizer/byte_symbols.js';
import { lastCut } from '../../src/tokenizer/cut.js';
import { bpeJson, GPT2_FORM } from '../../src/tokenizer/hf_json.js';
import { parseTokenizer } from '../../src/tokenizer/load.js';
import { Merger, MergeTable } from '../../src/tokenizer/merge.js';
import { PatternError, patternOf } from '../../src/tokenizer/oniguruma.js';
import { oddStrings } from './odd_strings.js';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`reference/${name}`, import.meta.url), 'utf8'));

describe('patterns of Oniguruma', () => {
  const { texts, cases } = read('oniguruma.json') as {
    texts: string[];
    cases: { pattern: string; pieces: string[][] }[];
  };

  test.each(cases)('$pattern', ({ pattern, pieces }) => {
    const cut = (text: string): string[] => {
      const parts: string[] = [];
      let done = 0;
      for (const { 0: found, index } of text.matchAll(patternOf(pattern))) {
        parts.push(text.slice(done, index), found);
        done = index + found.length;
      }
      return [...parts, text.slice(done)].filter((part) => part !== '');
    };
    expect(texts.map(cut)).toEqual(pieces);
  });

  test.each([
    ['(a)\\1', 'gpt does not know \\1'],
    ['\\bx', 'gpt does not know \\b'],
    ['(?i:[a-z])', 'it has a range where case is ignored'],
    ['(?i:[\\p{Lu}é])', 'it has a class where case is ignored'],
    ['(?i:straße)', 'it has "st" where case is ignored'],
    ['(?i:é)', 'it has "é" where case is ignored'],
    ['(?x:a b)', 'it has a group of a kind that gpt does not know'],
    ['(a', 'a group is not closed'],
    ['a)', 'it has a ) too many'],
    ['[a', 'it ends too early'],
    ['[]', 'it has an empty class'],
    ['*a', 'it has a * that repeats nothing'],
    ['a{2}?', '{2}? means other things to other engines'],
    ['\\p{InBasicLatinOrSo}', 'gpt does not know the property InBasicLatinOrSo'],
    ['[a-\\s]', 'it has a range without an end'],
    ['[z-a]', 'it is no valid pattern'],
    ['('.repeat(1000), 'its groups are nested too deeply'],
  ])('refuses %s', (pattern, message) => {
    expect(() => patternOf(pattern)).toThrow(PatternError);
    expect(() => patternOf(pattern)).toThrow(message);
  });
});

describe("ids of Hugging Face's tokenizers", () => {
  const { vocab, merges, texts, cases } = read('hf.json') as {
    vocab: Record<string, number>;
    merges: string[];
    texts: string[];
    cases: {
      name: string;
      file: { added_tokens: { id: number; content: string }[] };
      ignore_merges: boolean;
      ids: number[][];
    }[];
  };
  const fileOf = ({ file, ignore_merges }: (typeof cases)[number]): string => {
    const own = Object.fromEntries(file.added_tokens.map(({ content, id }) => [content, id]));
    return JSON.stringify({ ...file, model: { type: 'BPE', ignore_merges, vocab: { ...vocab, ...own }, merges } });
  };

  test.each(cases)('$name', (one) => {
    const tokenizer = parseTokenizer(fileOf(one), 'tokenizer.json');
    expect(texts.map((text) => [...tokenizer.encode(text)])).toEqual(one.ids);
    expect(tokenizer.decode([tokenizer.eot])).toBe(one.file.added_tokens[0]!.content);
    const again = parseTokenizer(tokenizer.toJson(), 'again.json');
    expect(again.fingerprint).toBe(tokenizer.fingerprint);
    expect(again.eot).toBe(tokenizer.eot);
    expect(texts.map((text) => [...again.encode(text)])).toEqual(one.ids);
    expect(again.toJson()).toBe(tokenizer.toJson());
  });

  test('fingerprints tell the steps apart', () => {
    const prints = cases.map((one) => parseTokenizer(fileOf(one), 'tokenizer.json').fingerprint);
    // GPT-2's pattern is one thing, however it is spelled; the file without a pattern is not it
    expect(prints[0]).toBe(prints[1]);
    expect(new Set(prints).size).toBe(cases.length - 1);
  });

  test('a text cut before a space between letters gives the same ids in two parts', () => {
    const strings = [...texts, ...oddStrings(300, 21).map((s, i) => `${s} a bc ${'Xy z '.repeat(i % 3)}${s}`)];
    for (const one of cases) {
      if (one.name === 'bytes') continue; // one piece
      const tokenizer = parseTokenizer(fileOf(one), 'tokenizer.json');
      const wrong = strings.filter((text) => {
        const at = lastCut(text);
        if (!/^\p{L} \p{L}/u.test(text.slice(at - 1))) return false;
        const parts = [...tokenizer.encode(text.slice(0, at)), ...tokenizer.encode(text.slice(at))];
        return parts.join() !== tokenizer.encode(text).join();
      });
      expect([one.name, ...wrong]).toEqual([one.name]);
    }
  });

  test.each([
    ['one two three', 7],
    ['one two. Three\nfour', 3],
    ['12 ab 34, 56\n', 12],
    ['漢字。漢字\n\n漢', 5],
    ['é ß\u00a0x', 1],
    [' x', 0],
    ['x', 0],
    ['', 0],
    [' '.repeat(9), 0],
  ])('%j is cut at %d', (text, at) => expect(lastCut(text)).toBe(at));

  test('a word that is too long for the matcher is cut and comes back', () => {
    const tokenizer = parseTokenizer(fileOf(cases.find(({ name }) => name === 'o200k')!), 'tokenizer.json');
    const text = `the ${'漢'.repeat(5 << 18)} owl`;
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });
});

test("GPT-4's vocabulary has tiktoken's ids on odd strings and a source file", async () => {
  const { default: ranks } = await import('gpt-tokenizer/esm/bpeRanks/cl100k_base');
  const tokens = ranks.map((token) => (typeof token === 'string' ? Buffer.from(token) : Uint8Array.from(token)));
  const byteIds = new Int32Array(256);
  for (let id = 0; id < 256; id++) byteIds[tokens[id]![0]!] = id;
  const table = new MergeTable();
  const merger = new Merger(table);
  for (let id = 256; id < tokens.length; id++) {
    const parts = Int32Array.from(tokens[id]!, (byte) => byteIds[byte]!);
    merger.merge(parts, parts.length); // leaves two parts, as in gpt2.ts
    table.add(parts[0]!, parts[1]!, id);
  }
  const spelled = tokens.map((bytes) => symbolsOf(bytes));
  const merges = table.pairs().map(([a, b]) => `${spelled[a]} ${spelled[b]}`);
  const pattern = String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`;
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  const preTokenizer = { type: 'Sequence', pretokenizers: [split, bytes] };
  const json = bpeJson([...spelled, '<|endoftext|>'], merges, tokens.length, { ...GPT2_FORM, preTokenizer });
  const tokenizer = parseTokenizer(json, 'cl100k_base.json');
  const reference = get_encoding('cl100k_base');
  const source = readFileSync(new URL('../../src/tokenizer/oniguruma.ts', import.meta.url), 'utf8');
  const wrong = [...oddStrings(1_000, 31), source].filter(
    (text) => [...tokenizer.encode(text)].join() !== [...reference.encode_ordinary(text)].join(),
  );
  reference.free();
  expect(wrong).toEqual([]);
});
