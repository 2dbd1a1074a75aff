// Documents and answers: every window and every scored position against what was worked out by hand, and the batches
// that are made of them.

import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { describeLayout, type LayoutConfig, layoutOf } from '../../src/data/layout.js';
import { BatchStream, valWindows } from '../../src/data/stream.js';
import type { TokenSource } from '../../src/data/token_file.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';

const tokenizer = new ByteTokenizer();

/** A text in bytes, "$" for end-of-text. */
function sourceOf(text: string): TokenSource {
  const ids = Int32Array.from([...text], (c) => (c === '$' ? tokenizer.eot : c.charCodeAt(0)));
  return { length: ids.length, bytes: null, read: (at, count) => ids.slice(at, at + count), close() {} };
}

const layout = (text: string, keys: Partial<LayoutConfig>, T = 8) =>
  layoutOf(sourceOf(text), tokenizer, { sequences: 'stream', loss: 'all', ...keys }, T, 'training');

const show = (ids: Int32Array): string =>
  [...ids].map((id) => (id < 0 ? '_' : id === tokenizer.eot ? '$' : String.fromCharCode(id))).join('');

/** Each window's inputs without padding, and its targets, `_` where nothing is scored. */
function windowsOf(text: string, keys: Partial<LayoutConfig>, T = 8): string[][] {
  const rows: string[][] = [];
  for (const { x, y } of valWindows(sourceOf(text), T, undefined, layout(text, keys, T)).batches(1)) {
    rows.push([show(x).replaceAll('\0', ''), show(y)]);
  }
  return rows;
}

const answers = { loss: 'answers', answer_start: '>', answer_end: ';' } as const;
/** The answer tokens of a text, the rest as `_`. */
function scored(text: string, keys: Partial<LayoutConfig> = answers): string {
  const { isScored } = layout(text, keys)!;
  return [...text].map((c, i) => (isScored!(i) ? c : '_')).join('');
}

describe('documents', () => {
  const documents = { sequences: 'documents' } as const;

  test('each starts a window of its own, the rest is padding', () => {
    expect(windowsOf('abc$de$', documents)).toEqual([
      ['abc', 'bc$_____'],
      ['de', 'e$______'],
    ]);
  });

  test('one longer than a window goes on in the next, every token but the first predicted once', () => {
    expect(windowsOf('abcdefghi$xy$', documents, 4)).toEqual([
      ['abcd', 'bcde'],
      ['efgh', 'fghi'],
      ['i', '$___'],
      ['xy', 'y$__'],
    ]);
  });

  test.each([
    ['fills its window exactly', 'abcd$xy$', [['abcd', 'bcd$'], ['xy', 'y$__']]], // biome-ignore format: a table
    ['of end-of-text alone is none', '$ab$$cd$', [['ab', 'b$__'], ['cd', 'd$__']]], // biome-ignore format: a table
    ['the last one may lack its end-of-text', 'ab$cd', [['ab', 'b$__'], ['c', 'd___']]], // biome-ignore format: a table
  ])('one that %s', (_, text, rows) => {
    expect(windowsOf(text, documents, 4)).toEqual(rows);
  });

  test('an epoch visits each once, and is as long as its windows', () => {
    const text = 'abc$de$fghijklmnop$q$';
    const at = (micro: number, B: number) =>
      new BatchStream({ source: sourceOf(text), B, T: 8, seed: 3, layout: layout(text, documents) }).batchAt(micro);
    const stream = new BatchStream({ source: sourceOf(text), B: 1, T: 8, seed: 3, layout: layout(text, documents) });
    expect([stream.windows, stream.epochTokens, stream.epochOf(10)]).toEqual([5, 40, 2]);
    const epoch = (e: number) => Array.from({ length: 5 }, (_, i) => show(at(5 * e + i, 1).y));
    expect(epoch(0).sort()).toEqual(epoch(1).sort());
    expect(new Set(epoch(0))).toEqual(new Set(['bc$_____', 'e$______', 'ghijklmn', 'op$_____', '$_______']));
    expect(show(at(1, 5).y)).toBe(epoch(1).join('')); // the same sequences in one micro-batch as in five
    const scoredTokens = [0, 1, 2, 3, 4].reduce((n, micro) => n + stream.scoredAt(micro), 0);
    expect(scoredTokens).toBe(3 + 2 + 8 + 3 + 1);
  });
});

describe('answers', () => {
  test('the tokens behind the start marker, up to and including the end marker', () => {
    expect(scored('ab>cd;ef>g;h')).toBe('___cd;___g;_');
  });

  test('end-of-text ends an answer, and belongs to it', () => {
    expect(scored('a>bc$d;e>f$')).toBe('__bc$____f$');
    expect(scored('a>b;c>d$e>f', { loss: 'answers', answer_start: '>' })).toBe('__b;c>d$__f');
  });

  test('a start marker inside an answer means nothing; an end marker outside neither', () => {
    expect(scored('a;b>c>d;e;f>;')).toBe('____c>d;____;');
  });

  test('markers of several tokens, found inside one document and not across its end', () => {
    const keys = { loss: 'answers', answer_start: '=>', answer_end: '..' } as const;
    expect(scored('a=>b.c..d=$>e=>f', keys)).toBe('___b.c.._______f');
    expect(scored('==>...=>x', keys)).toBe('___..___x');
  });

  test('windows of documents without an answer are left out', () => {
    const keys = { ...answers, sequences: 'documents' } as const;
    expect(windowsOf('abcd$a>b;$$>$xyz>q', keys)).toEqual([
      ['a>b;', '_b;_____'],
      ['>', '$_______'],
      ['xyz>', '___q____'],
    ]);
    const found = layout('abcd$a>b;$$>$xyz>q', keys)!;
    expect(found.scored).toBe(4);
    expect(describeLayout(found, 18)).toBe('3 sequences of documents, 4 of 18 training tokens are scored');
  });

  test('an answer that a window cuts goes on in the next one', () => {
    expect(windowsOf('ab>cdefgh;i$', { ...answers, sequences: 'documents' }, 4)).toEqual([
      ['ab>c', '__cd'],
      ['defg', 'efgh'],
      ['h;i', ';___'],
    ]);
  });

  test('in a stream: windows on the ring, each answer token once an epoch', () => {
    const text = 'ab>cd;ef>g;hij>kl;m';
    const stream = new BatchStream({ source: sourceOf(text), B: 1, T: 3, seed: 1, layout: layout(text, answers) });
    expect(stream.epochTokens).toBe(text.length);
    const seen = Array.from({ length: 6 }, (_, i) => stream.batchAt(i));
    for (const { x, y } of seen) {
      const at = text.repeat(2).indexOf(show(x));
      const want = scored(text)
        .repeat(2)
        .slice(at + 1, at + 4);
      expect(show(y)).toBe(want);
    }
    expect(seen.map((_, i) => stream.scoredAt(i))).toEqual(seen.map(({ y }) => y.filter((id) => id >= 0).length));
  });
});

test('without documents or answers there is no layout, and batches are as they were', () => {
  expect(layout('abc$', {})).toBeNull();
  const source = sourceOf('abcdefghijklmnopqrstuvwxyz');
  const plain = new BatchStream({ source, B: 2, T: 4, seed: 1 });
  expect(plain.scoredAt(0)).toBe(8);
  expect(plain.epochTokens).toBe(26);
  expect(valWindows(source, 4, 8).tokens).toBe(8);
});

test.each([
  [{ sequences: 'documents' }, 'a', /no document of the training text has two tokens/],
  [answers, 'abc$def$', /behind the marker ">"/],
  [{ ...answers, sequences: 'documents' }, 'ab>', /nothing to score/],
] as const)('nothing to score: %j of %j', (keys, text, message) => {
  expect(() => layout(text, keys)).toThrow(DataError);
  expect(() => layout(text, keys)).toThrow(message);
});
