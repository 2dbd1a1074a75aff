// Overlaps against a plain search for n-grams as texts, whatever the chunks.

import { describe, expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { findOverlaps, gramLength, splitByOverlap } from '../../src/eval/contamination.js';

const words = (text: string): string[] =>
  text
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, '')
    .split(/\s+/)
    .filter((word) => word !== '');

/** The definition, word for word. */
function plainly(texts: readonly string[], corpus: readonly string[], n: number): boolean[] {
  const documents = corpus.map((text) => ` ${words(text).join(' ')} `);
  return texts.map((text) => {
    const all = words(text);
    const size = Math.min(n, all.length);
    return all.some((_, i) => {
      const gram = all.slice(i, i + size);
      return gram.length === size && documents.some((document) => document.includes(` ${gram.join(' ')} `));
    });
  });
}

function* chunks(text: string, size: number): Generator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

const random = new Random(5, Stream.bootstrap);
const sentence = (length: number): string =>
  Array.from(
    { length },
    () => ['a', 'the', 'Cat', "isn't", 'naïve,', '“sat”', '--', 'on', '3.5', '日本'][random.below(10)],
  ).join([' ', '\n', '  '][random.below(3)]);

test('dirty is what has an n-gram in a document of the corpus, however it is cut', async () => {
  const corpus = Array.from({ length: 40 }, () => sentence(random.below(60)));
  const texts = Array.from({ length: 300 }, (_, i) => {
    if (i % 3 > 0) return sentence(1 + random.below(30));
    const from = random.below(30);
    return `${sentence(3)} ${words(corpus[i % 40]!)
      .slice(from, from + 10)
      .join('... ')} ${sentence(3)}`;
  });
  // Short grams, where chance gives both kinds, and the usual ones.
  for (const synthetic of [true, false]) {
    const n = gramLength(
      texts.map((text) => words(text).length),
      synthetic,
    );
    const expected = plainly(texts, corpus, n);
    expect(new Set(expected).size).toBe(2);
    for (const size of [1, 7, 1000, 1e9]) {
      const [found] = await findOverlaps([{ texts, synthetic }], chunks(corpus.join('<|endoftext|>'), size));
      expect(found).toEqual({ n, dirty: expected });
    }
  }
});

test('several tasks in one pass, each with its own n', async () => {
  const long = 'One two three four five six seven eight nine ten eleven twelve thirteen fourteen.';
  const tasks = [
    { texts: [long, long.replace('seven', '7')] },
    { texts: ['two THREE four', 'four three two', '', '?!'], synthetic: true },
    { texts: ['six seven', 'seven six'] },
  ];
  const corpus = async function* () {
    yield 'zero one two, three fo';
    yield 'ur five six seven eight nine ten eleven twelve thirteen fourteen';
  };
  expect(await findOverlaps(tasks, corpus())).toEqual([
    { n: 13, dirty: [true, false] },
    { n: 1, dirty: [true, true, false, false] },
    { n: 8, dirty: [true, false] },
  ]);
});

test('documents of the corpus do not run into each other', async () => {
  const tasks = [{ texts: ['a b c d e f g h'] }];
  expect((await findOverlaps(tasks, ['a b c d<|endoftext|>e f g h']))[0]!.dirty).toEqual([false]);
  expect((await findOverlaps(tasks, ['a b c d<|endof', 'text|>a b c d e f g h<|endoftext|>']))[0]!.dirty).toEqual([
    true,
  ]);
});

test('n: the 5th percentile, from 8 to 13', () => {
  const lengths = Array.from({ length: 100 }, (_, i) => i + 1); // the 5th is 5
  expect(gramLength(lengths, true)).toBe(5);
  expect(gramLength(lengths, false)).toBe(8);
  expect(
    gramLength(
      lengths.map((x) => x + 5),
      false,
    ),
  ).toBe(10);
  expect(
    gramLength(
      lengths.map((x) => x + 50),
      false,
    ),
  ).toBe(13);
  expect(gramLength([0, 0], true)).toBe(1);
  expect(gramLength([], false)).toBe(13);
});

describe('a metric of both parts', () => {
  const mean = (items: readonly unknown[]) => (items as number[]).reduce((a, b) => a + b, 0) / items.length;
  test('each by itself', () => {
    const overlap = { n: 9, dirty: [true, false, false, true, false] };
    expect(splitByOverlap(overlap, [1, 0, 1, 0, undefined], mean)).toEqual({
      n: 9,
      dirty: 2,
      clean_value: 0.5,
      dirty_value: 0.5,
    });
    expect(splitByOverlap(overlap, [1, 0, 0, 1, 1], mean)).toMatchObject({ clean_value: 1 / 3, dirty_value: 1 });
  });
  test('null where a part is empty', () => {
    expect(splitByOverlap({ n: 8, dirty: [false, false] }, [1, 0], mean)).toEqual({
      n: 8,
      dirty: 0,
      clean_value: 0.5,
      dirty_value: null,
    });
    expect(splitByOverlap({ n: 8, dirty: [true] }, [1], mean)).toEqual({
      n: 8,
      dirty: 1,
      clean_value: null,
      dirty_value: 1,
    });
  });
});
