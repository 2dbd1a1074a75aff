import { expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { longestOverlap, textOf } from '../../src/data/overlap.js';
import type { TokenSource } from '../../src/data/token_file.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';

test('finds the longest copied stretch, also across chunks', async () => {
  const corpus = ['Once upon a time there was a fo', 'x who lived', ' in the wood.'];
  expect(await longestOverlap('He saw there was a fox who ran.', corpus)).toEqual({
    chars: 21,
    text: ' there was a fox who ',
  });
  expect(await longestOverlap('XYZ', corpus)).toEqual({ chars: 0, text: '' });
  expect(await longestOverlap('', corpus)).toEqual({ chars: 0, text: '' });
  expect((await longestOverlap('a fox who lived', corpus)).text).toBe('a fox who lived');
});

test('counts code points and splits none', async () => {
  expect(await longestOverlap('x👍👎', ['y👍\u{1f44d}', '👍👎z'])).toEqual({ chars: 2, text: '👍👎' });
  expect(await longestOverlap('a👍', ['b👎'])).toEqual({ chars: 0, text: '' });
});

test('equals a search for every substring', async () => {
  const random = new Random(1, Stream.test);
  const text = (n: number) => Array.from({ length: n }, () => 'abc'[random.below(3)]).join('');
  const wrong: unknown[] = [];
  for (let k = 0; k < 100; k++) {
    const sample = text(25);
    const corpus = text(300);
    let best = 0;
    for (let i = 0; i < sample.length; i++)
      while (corpus.includes(sample.slice(i, i + best + 1)) && i + best < sample.length) best++;
    const got = await longestOverlap(sample, [corpus.slice(0, 100), corpus.slice(100)]);
    if (got.chars !== best || !corpus.includes(got.text)) wrong.push({ sample, corpus, best, got });
  }
  expect(wrong).toEqual([]);
});

test('reads the corpus back from its tokens', async () => {
  const byte = new ByteTokenizer();
  const ids = [...byte.encode('žluť'.repeat(20_000)), byte.eot, ...byte.encode('kůň')];
  const source: TokenSource = {
    length: ids.length,
    bytes: null,
    read: (offset, count) => Int32Array.from(ids.slice(offset, offset + count)),
    close() {},
  };
  expect([...textOf(source, byte)].join('') === `${'žluť'.repeat(20_000)}<|endoftext|>kůň`).toBe(true);
  expect((await longestOverlap('můj kůň', textOf(source, byte))).text).toBe('kůň');
});
