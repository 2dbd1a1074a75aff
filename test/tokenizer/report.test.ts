import { expect, test } from 'vitest';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { CharVocabulary } from '../../src/tokenizer/char.js';
import { gpt2Tokenizer } from '../../src/tokenizer/gpt2.js';
import { Measure, vocabularyFacts } from '../../src/tokenizer/report.js';
import { SAMPLE_TEXTS } from '../../src/tokenizer/sample_texts.js';

const gpt2 = await gpt2Tokenizer();

test('bytes per token, whole or in parts, beside another tokenizer', () => {
  // "Hello world" is two tokens of GPT-2's, and eleven bytes
  const measure = new Measure('greeting', new ByteTokenizer(), gpt2).add('Hello').add(' world');
  expect(measure.result()).toEqual({
    kind: 'greeting',
    bytes: 11,
    tokens: 11,
    bytesPerToken: 1,
    unknown: 0,
    beside: { tokens: 2, bytesPerToken: 5.5 },
    difference: 1 / 5.5 - 1,
    problem: null,
  });
  expect(measure.counts[108]).toBe(3); // l
});

test('a text that cannot be written has no figures of its own', () => {
  const chars = new CharVocabulary();
  chars.add('helo');
  const result = new Measure('x', chars.tokenizer(), gpt2).add('hello').add('é').add('hello').result();
  expect(result).toMatchObject({ bytes: 12, tokens: null, bytesPerToken: null, difference: null });
  expect(result.problem).toContain('U+00E9');
});

test('facts about a vocabulary', () => {
  const chars = new CharVocabulary();
  chars.add('ab日👍');
  const tokenizer = chars.tokenizer();
  const { counts } = new Measure('x', tokenizer, gpt2).add('a日a');
  expect(vocabularyFacts(tokenizer, counts)).toEqual({
    size: 5,
    longest: [
      { id: 3, text: '👍', bytes: 4 },
      { id: 2, text: '日', bytes: 3 },
      { id: 0, text: 'a', bytes: 1 },
      { id: 1, text: 'b', bytes: 1 },
    ],
    multiByte: 2,
    partial: 0,
    unused: {
      count: 2,
      some: [
        { id: 1, text: 'b' },
        { id: 3, text: '👍' },
      ],
    },
  });
  expect(vocabularyFacts(new ByteTokenizer(), null)).toMatchObject({
    size: 257,
    multiByte: 0,
    partial: 128,
    unused: null,
  });
});

test('the bundled texts are of a few kinds, and GPT-2 writes English best', () => {
  const ratios = new Map(
    SAMPLE_TEXTS.map(({ kind, text }) => [kind, new Measure(kind, gpt2, gpt2).add(text).result().bytesPerToken!]),
  );
  expect([...ratios.keys()]).toEqual([
    ...['news', 'code', 'mathematics', 'tables', 'European', 'East Asian', 'other scripts'],
  ]);
  for (const { text } of SAMPLE_TEXTS) {
    expect(Buffer.byteLength(text)).toBeGreaterThan(1000);
    expect(text).toBe(text.normalize('NFC'));
  }
  expect(Math.max(...ratios.values())).toBe(ratios.get('news'));
});
