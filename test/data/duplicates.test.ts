// Duplicates: against texts whose similarity is known by construction, and the formula of the banding.

import { describe, expect, test } from 'vitest';
import { type Dedup, SeenDocuments, Signature, textFraction } from '../../src/data/duplicates.js';

const signature = (method: Exclude<Dedup, 'none'>, ...parts: string[]): Signature => {
  const made = new Signature(method);
  for (const part of parts) made.add(part);
  return made;
};

function kept(method: Exclude<Dedup, 'none'>, texts: readonly string[]): boolean[] {
  const seen = new SeenDocuments();
  return texts.map((text) => seen.admit(signature(method, text)));
}

/** Words that are all different. */
const words = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `w${from + i}`);

describe('exact', () => {
  test('is blind to case and white space, and to nothing else', () => {
    const texts = ['The owl  sat.\n', 'the OWL sat.', ' The\towl\n\nsat. ', 'The owl sat', 'Theowl sat.', '', ' '];
    expect(kept('exact', texts)).toEqual([true, false, false, true, true, true, false]);
  });

  test('of parts is that of the whole', () => {
    const seen = new SeenDocuments();
    expect(seen.admit(signature('exact', 'one two', ' three', '\n four '))).toBe(true);
    expect(seen.admit(signature('exact', 'one two three four'))).toBe(false);
  });

  test('a hundred thousand different texts are different', () => {
    const texts = Array.from({ length: 100_000 }, (_, i) => `document ${i}`);
    expect(kept('exact', texts).every(Boolean)).toBe(true);
    const again = [...texts, ...texts];
    expect(kept('exact', again).filter(Boolean).length).toBe(100_000);
  });
});

describe('near', () => {
  test('finds pairs as often as 1 - (1 - s^8)^14 says', () => {
    for (const s of [0.3, 0.5, 0.7, 0.8, 0.9]) {
      // 200 grams each; sets of n grams of which m are shared have s = m / (2n - m)
      const shared = Math.round((2 * 200 * s) / (1 + s));
      let found = 0;
      const pairs = 300;
      for (let pair = 0; pair < pairs; pair++) {
        const at = 1000 * pair;
        const head = words(at, shared + 4); // shared grams, and four words for the first of the others
        const a = [...head, ...words(at + 400, 200 - shared)].join(' ');
        const b = [...head, ...words(at + 700, 200 - shared)].join(' ');
        if (!kept('near', [a, b])[1]) found++;
      }
      const expected = 1 - (1 - s ** 8) ** 14;
      const deviation = Math.sqrt((expected * (1 - expected)) / pairs);
      expect(Math.abs(found / pairs - expected), `s = ${s}: ${found} of ${pairs}`).toBeLessThan(4 * deviation + 0.01);
    }
  });

  test('punctuation does not matter, other words do; short texts are compared as a whole', () => {
    const long = words(0, 60).join(' ');
    expect(kept('near', [long, words(0, 60).join(', ')])).toEqual([true, false]);
    expect(kept('near', [long, words(100, 60).join(' ')])).toEqual([true, true]);
    expect(kept('near', ['Yes, it is.', 'yes it is', 'Yes, it was.'])).toEqual([true, false, true]);
    expect(kept('near', ['...', '!', '...'])).toEqual([true, true, false]);
  });

  test('Chinese is compared by its characters', () => {
    const text = '今天天气很好我们一起去公园看花然后回家吃饭吧'.repeat(1);
    expect(kept('near', [text, `${text}。`, '昨天下雨所以我在家里读书写字没有出门见任何朋友'])).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('of parts is that of the whole', () => {
    const seen = new SeenDocuments();
    seen.admit(signature('near', words(0, 30).join(' '), ` ${words(30, 30).join(' ')}`));
    expect(seen.admit(signature('near', words(0, 60).join(', ')))).toBe(false);
  });
});

test('textFraction is spread evenly', () => {
  const n = 20_000;
  const below = (limit: number) =>
    Array.from({ length: n }, (_, i) => textFraction(`${i}`)).filter((f) => f < limit).length;
  for (const limit of [0.01, 0.1, 0.5]) {
    expect(Math.abs(below(limit) - n * limit)).toBeLessThan(4 * Math.sqrt(n * limit * (1 - limit)));
  }
});
