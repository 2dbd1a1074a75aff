import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { trainBpe } from '../../src/tokenizer/bpe_train.js';
import { parseTokenizer } from '../../src/tokenizer/load.js';

const file = (name: string) => readFileSync(new URL(`../../data/stories/${name}`, import.meta.url), 'utf8');
const merges = (json: string) => (JSON.parse(json) as { model: { merges: unknown[] } }).model.merges.map(String);

test('merges the pair that occurs most often, until the vocabulary is full', () => {
  // "low" 5, "lower" 2, "new" 6 (as pieces of one text each): the textbook case, worked by hand
  const texts = [...Array(5).fill('low'), ...Array(2).fill('lower'), ...Array(6).fill('new')] as string[];
  const json = trainBpe(texts, 256 + 4 + 1);
  // l+o 7 and o+w 7: "l" < "o"; then lo+w 7; e+w 6 and n+e 6: "e" < "n"; then n+ew 6
  expect(merges(json).map((m) => m.replace(',', ' '))).toEqual(['l o', 'lo w', 'e w', 'n ew']);
  const tokenizer = parseTokenizer(json, 'test');
  expect(tokenizer.vocabSize).toBe(261);
  expect(tokenizer.eot).toBe(260);
  expect([...tokenizer.encode('lownew')]).toEqual([257, 259]);
});

test('stops when nothing is left to merge', () => {
  expect(parseTokenizer(trainBpe(['ab'], 1000), 'test').vocabSize).toBe(258);
});

test('Chinese and emoji come back', () => {
  const text = '从前有一只小狐狸。🦊 从前有一只小狗。';
  const tokenizer = parseTokenizer(trainBpe([text], 300), 'test');
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  expect(tokenizer.encode(text).length).toBeLessThan(new TextEncoder().encode(text).length);
});

test('the bundled tokenizer is what the stories give, and fits them', () => {
  const stories = file('stories.jsonl')
    .trimEnd()
    .split('\n')
    .map((row) => (JSON.parse(row) as { text: string }).text);
  expect(trainBpe(stories, 2048) === file('tokenizer.json')).toBe(true);
  const tokenizer = parseTokenizer(file('tokenizer.json'), 'tokenizer.json');
  expect(tokenizer.vocabSize).toBe(2048);
  expect(tokenizer.decode(tokenizer.encode(stories[0]!))).toBe(stories[0]);
});
