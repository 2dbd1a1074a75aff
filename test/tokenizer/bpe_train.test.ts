// Byte pair training against the naive trainer (naive_bpe.ts), and what comes out of it.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { type TrainedBpe, trainBpe } from '../../src/tokenizer/bpe_train.js';
import { parseTokenizer } from '../../src/tokenizer/load.js';
import { WordCounts } from '../../src/tokenizer/word_counts.js';
import { naiveMerges } from './naive_bpe.js';
import { oddStrings } from './odd_strings.js';

function train(texts: readonly string[], vocabSize: number, minFrequency = 1): TrainedBpe {
  const words = new WordCounts();
  for (const text of texts) words.add(text);
  return trainBpe(words, { vocabSize, minFrequency });
}

const merges = ({ json }: TrainedBpe) => (JSON.parse(json) as { model: { merges: string[] } }).model.merges;
const file = (name: string) => readFileSync(new URL(`../../data/stories/${name}`, import.meta.url), 'utf8');

test('merges the pair that occurs most often, until the vocabulary is full', () => {
  // "low" 5, "lower" 2, "new" 6 (as pieces of one text each): the textbook case, worked by hand
  const texts = [...Array(5).fill('low'), ...Array(2).fill('lower'), ...Array(6).fill('new')] as string[];
  const trained = train(texts, 256 + 4 + 1);
  // l+o 7 and o+w 7: "l" < "o"; then lo+w 7; e+w 6 and n+e 6: "e" < "n"; then n+ew 6
  expect(merges(trained)).toEqual(['l o', 'lo w', 'e w', 'n ew']);
  expect(trained).toMatchObject({ vocabSize: 261, corpusTokens: 5 + 2 * 3 + 6 });
  const tokenizer = parseTokenizer(trained.json, 'test');
  expect(tokenizer.vocabSize).toBe(261);
  expect(tokenizer.eot).toBe(260);
  expect([...tokenizer.encode('lownew')]).toEqual([257, 259]);
  expect(tokenizer.toJson()).toBe(trained.json);
});

describe('equals the naive trainer', () => {
  /** n texts of 0 to 30 letters of an alphabet, runs of one letter included. */
  function random(alphabet: string, n: number, seed: number): string[] {
    const letters = [...alphabet];
    const draw = new Random(seed, Stream.test);
    return Array.from({ length: n }, () => {
      let text = '';
      while (draw.below(12) > 0) text += letters[draw.below(letters.length)]!.repeat(1 + draw.below(3));
      return text;
    });
  }
  const stories = file('stories.jsonl')
    .split('\n', 40)
    .map((row) => (JSON.parse(row) as { text: string }).text);
  const chinese = '从前有一只小狐狸住在山上，小狐狸每天看月亮。月亮问小狐狸：你为什么每天看我？';

  test.each<[string, readonly string[], number]>([
    ['one letter: overlapping pairs', ['a', 'aa', 'aaa', 'aaaa', 'aaaaa', 'a'.repeat(1001)], 400],
    ['two letters', random('ab', 300, 1), 700],
    ['three letters and spaces', random('abc ', 500, 2), 800],
    ['Chinese characters', random(chinese, 300, 3), 900],
    ['a Chinese sentence', [chinese, chinese.slice(5)], 1000],
    ['emoji', random('🦊🌙👍🏽🏳️‍🌈👨‍👩‍👧 ', 200, 4), 600],
    ['odd strings', oddStrings(400, 6), 700],
    ['stories', stories, 500],
    ['bytes and end-of-text only', stories, 257],
    ['one merge', stories, 258],
    ['no text', [], 300],
    ['no pair', ['a', ' ', 'b'], 300],
  ])('%s', (_, texts, vocabSize) => {
    const trained = train(texts, vocabSize);
    expect(merges(trained)).toEqual(naiveMerges(texts, vocabSize));
    const tokenizer = parseTokenizer(trained.json, 'test');
    expect(tokenizer.vocabSize).toBe(trained.vocabSize);
    expect(texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0)).toBe(trained.corpusTokens);
    expect(texts.map((text) => tokenizer.decode(tokenizer.encode(text)))).toEqual(
      texts.map((text) => Buffer.from(text).toString()), // a lone surrogate comes back as U+FFFD
    );
  });

  test.each([2, 3, 10, 1000])('with pairs that occur at least %d times', (minFrequency) => {
    const texts = random('abcd ', 300, 5);
    const trained = train(texts, 2000, minFrequency);
    expect(merges(trained)).toEqual(naiveMerges(texts, 2000, minFrequency));
    expect(trained.vocabSize).toBe(257 + merges(trained).length);
  });
});

test('stops when nothing is left to merge', () => {
  expect(train(['ab'], 1000).vocabSize).toBe(258);
});

test('the order of the texts changes nothing', () => {
  const texts = oddStrings(300, 7);
  expect(train([...texts].reverse(), 500).json).toBe(train(texts, 500).json);
});

test('a word of a million letters becomes one token', () => {
  const trained = train(['a'.repeat(1 << 20)], 1000);
  expect(merges(trained)).toHaveLength(20); // a a, aa aa, ..., until it is one token
  expect(trained.corpusTokens).toBe(1);
});

test('Chinese and emoji come back, seen or not, and a frequent word is one token', () => {
  const story = [
    '从前，山脚下住着一只小狐狸。🦊 它每天晚上都坐在河边看月亮。🌙',
    '有一天，小狐狸问月亮：“你为什么总是跟着我走？”月亮笑了：“因为你总是抬头看我。”🌙',
    '小狐狸听了很高兴，它跑回家告诉妈妈：“月亮是我的朋友！”🦊👨‍👩‍👧',
  ].join('\n');
  const trained = train([story], 420, 2);
  const tokenizer = parseTokenizer(trained.json, 'test');
  expect(tokenizer.decode(tokenizer.encode(story))).toBe(story);
  expect(tokenizer.encode(story).length).toBeLessThan(0.5 * Buffer.byteLength(story));
  expect([...tokenizer.encode('小狐狸')].map((id) => tokenizer.decode([id]))).toEqual(['小狐狸']);
  const unseen = '🦁和🦊在月亮上跳舞 💃🏽';
  expect(tokenizer.decode(tokenizer.encode(unseen))).toBe(unseen);
});

test('the bundled tokenizer is what the stories give, and fits them', () => {
  const stories = file('stories.jsonl')
    .trimEnd()
    .split('\n')
    .map((row) => (JSON.parse(row) as { text: string }).text);
  expect(train(stories, 2048, 2).json === file('tokenizer.json')).toBe(true);
  const tokenizer = parseTokenizer(file('tokenizer.json'), 'tokenizer.json');
  expect(tokenizer.vocabSize).toBe(2048);
  expect(tokenizer.decode(tokenizer.encode(stories[0]!))).toBe(stories[0]);
  expect(tokenizer.toJson() === file('tokenizer.json')).toBe(true);
});

describe('counting words', () => {
  test('a text in parts that are cut before white space counts as the whole', () => {
    const text = oddStrings(300, 8).join(' x ');
    const parts = text.split(/(?<=\P{White_Space})(?=\p{White_Space})/u);
    const count = (texts: readonly string[]): WordCounts => {
      const words = new WordCounts();
      for (const one of texts) words.add(one);
      return words;
    };
    const [whole, sum] = [count([text]), count(parts)];
    expect(parts.length).toBeGreaterThan(300);
    expect([...sum].sort()).toEqual([...whole].sort());
    expect([sum.total, sum.bytes, sum.distinct]).toEqual([whole.total, Buffer.byteLength(text), [...whole].length]);
  });
});
