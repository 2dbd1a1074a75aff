import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

// A path in a variable: the generator is plain JavaScript without types.
const generator = new URL('../../data/generate_stories.mjs', import.meta.url).href;
const { generateStories, toJsonl } = (await import(generator)) as {
  generateStories(count?: number): string[];
  toJsonl(stories: readonly string[]): string;
};

const file = readFileSync(new URL('../../data/stories/stories.jsonl', import.meta.url), 'utf8');
const stories = file
  .trimEnd()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);

/** How often each value occurs. */
function count(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

const moreThan = (counts: Map<string, number>, most: number): string[] =>
  [...counts].filter(([, n]) => n > most).map(([value, n]) => `${n} x ${value}`);

describe('the bundled stories', () => {
  test('the file is what the generator writes, byte for byte', () => {
    expect(toJsonl(generateStories()) === file).toBe(true);
  });

  test('a shorter run is a beginning of the longer one', () => {
    expect(generateStories(50)).toEqual(stories.slice(0, 50));
  });

  test('1.2 to 1.7 MB in at least 1,900 different stories', () => {
    expect(file.length).toBeGreaterThan(1_200_000);
    expect(file.length).toBeLessThan(1_700_000);
    expect(new Set(stories).size).toBe(stories.length);
    expect(stories.length).toBeGreaterThanOrEqual(1_900);
  });

  test('no sentence occurs more than 20 times', () => {
    const sentences = stories.flatMap((story) =>
      story
        .split(/[.!?]/)
        .map((s) => s.replace(/["\s]+/g, ' ').trim())
        .filter(Boolean),
    );
    expect(sentences.length).toBeGreaterThan(20_000);
    expect(moreThan(count(sentences), 20)).toEqual([]);
  });

  test('no run of eight words occurs more than 20 times', () => {
    const runs = stories.flatMap((story) => {
      const words = story.split(/\s+/);
      return words.slice(7).map((_, i) => words.slice(i, i + 8).join(' '));
    });
    expect(moreThan(count(runs), 20)).toEqual([]);
  });

  test('60 to 180 words a story, at most 1,100 bytes, and at most 2,000 different words', () => {
    const words = stories.map((story) => story.split(/\s+/).length);
    expect(Math.min(...words)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...words)).toBeLessThanOrEqual(180);
    expect(Math.max(...stories.map((story) => story.length))).toBeLessThanOrEqual(1_100);
    expect(
      new Set(
        stories
          .join(' ')
          .toLowerCase()
          .match(/[a-z']+/g),
      ).size,
    ).toBeLessThan(2_000);
  });

  test('the text is clean: ASCII, no marks of the notation, spaces, articles, capitals and quotation marks in order', () => {
    const faults: [string, RegExp][] = [
      ['not printable ASCII', /[^\x20-\x7e\n]/],
      ['notation left over', /[[\]{}<>|~_]|undefined/],
      ['spaces', /(?:^|\n) | {2}| (?:\n|$)| [,.!?]|\n{3}|(?<!\n)\n(?!\n)/],
      ['punctuation', /[.,!?]{2}|[.!?]",|"[.,]|,(?:\n|$)/],
      ['a or an', /\b[Aa] (?:[aeiou]|hour|honest)|\b[Aa]n (?![aeiou]|hour|honest)/],
      ['small letter after a full stop', /[.!?] [a-z]|(?:^|\n)"?[a-z]|[.!?] "[a-z]/],
      ['a word twice', /\b(a|an|the|to|of|in|on|at|and|but|was|he|she|it|down|up) \1\b/],
    ];
    const found = stories.flatMap((story, i) =>
      faults
        .filter(([, fault]) => fault.test(story))
        .map(([name, fault]) => `${i}: ${name}: ${fault.exec(story)?.[0]}`),
    );
    const unbalanced = stories
      .flatMap((story) => story.split('\n\n'))
      .filter((part) => part.split('"').length % 2 === 0);
    expect(found).toEqual([]);
    expect(unbalanced).toEqual([]);
  });

  test('what a story says first holds later: a coloured thing keeps its colour', () => {
    // "had a red kite" ... "the red kite": a story names its thing with one colour only.
    const things = 'kite|scarf|drum|flute|doll|hoop|whistle|horn|umbrella|pinwheel';
    const wrong = stories.filter((story) => {
      const named = story.matchAll(
        new RegExp(
          `\\b(red|blue|green|yellow|white|black|brown|silver|golden|purple|orange|grey|pink) (${things})\\b`,
          'g',
        ),
      );
      const colours = new Map<string, Set<string>>();
      for (const [, colour = '', thing = ''] of named) {
        colours.set(thing, (colours.get(thing) ?? new Set()).add(colour));
      }
      return [...colours.values()].some((set) => set.size > 1);
    });
    expect(wrong).toEqual([]);
  });
});
