// Token sequences of the four task forms: where the special tokens stand, and what is cut when a text is too long.

import { describe, expect, test } from 'vitest';
import type { TaskForm } from '../../src/data/examples.js';
import { encodeExample, transformOf } from '../../src/data/task_inputs.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';

const tokenizer = new ByteTokenizer();
const [S, D, X] = [257, 258, 259]; // start, delimiter, extract

function sequences(
  form: TaskForm,
  texts: readonly string[],
  {
    choices,
    nCtx = 64,
    readout = 'pair',
    lower = false,
  }: {
    choices?: readonly string[];
    nCtx?: number;
    readout?: 'pair' | 'cosine';
    lower?: boolean;
  } = {},
) {
  const transform = transformOf(form, readout, lower, tokenizer.vocabSize);
  const example = choices === undefined ? { texts } : { texts, choices };
  const { sequences: found, truncated } = encodeExample(example, transform, tokenizer, nCtx);
  const special: Record<number, string> = { [S]: '<', [D]: '|', [X]: '>' };
  const shown = found.map((ids) =>
    Array.from(ids, (id) => special[id] ?? String.fromCharCode(tokenizer.decode([id]).charCodeAt(0))).join(''),
  );
  return { shown, truncated };
}

test('each form has its sequences', () => {
  expect(sequences('classification', ['good'])).toEqual({ shown: ['<good>'], truncated: false });
  expect(sequences('entailment', ['all', 'one'])).toEqual({ shown: ['<all|one>'], truncated: false });
  expect(sequences('similarity', ['a b', 'c'])).toEqual({ shown: ['<a b|c>', '<c|a b>'], truncated: false });
  expect(sequences('similarity', ['a b', 'c'], { readout: 'cosine' }).shown).toEqual(['<a b>', '<c>']);
  expect(sequences('multiple-choice', ['why?'], { choices: ['so', 'no', 'x'] }).shown).toEqual([
    '<why?|so>',
    '<why?|no>',
    '<why?|x>',
  ]);
  expect(sequences('classification', ['GooD'], { lower: true }).shown).toEqual(['<good>']);
});

describe('what does not fit is cut, and said to be', () => {
  test('a single text loses its end; one that just fits loses nothing', () => {
    expect(sequences('classification', ['abcdef'], { nCtx: 8 })).toEqual({ shown: ['<abcdef>'], truncated: false });
    expect(sequences('classification', ['abcdefg'], { nCtx: 8 })).toEqual({ shown: ['<abcdef>'], truncated: true });
  });

  test('of two texts the longer one first, down to half each', () => {
    const cut = (a: string, b: string) => sequences('entailment', [a, b], { nCtx: 11 }); // 8 tokens of text
    expect(cut('abcd', 'efgh')).toEqual({ shown: ['<abcd|efgh>'], truncated: false });
    expect(cut('abcdefghij', 'xy')).toEqual({ shown: ['<abcdef|xy>'], truncated: true });
    expect(cut('ab', 'qrstuvwxyz')).toEqual({ shown: ['<ab|qrstuv>'], truncated: true });
    expect(cut('abcdefghij', 'qrstuvwxyz')).toEqual({ shown: ['<abcd|qrst>'], truncated: true });
  });

  test('both orders of a pair keep the same parts', () => {
    const { shown } = sequences('similarity', ['abcdefghij', 'qrstuvwxyz'], { nCtx: 10 }); // 7: halves of 4 and 3
    expect(shown).toEqual(['<abcd|qrs>', '<qrst|abc>']);
  });

  test('a choice keeps the question at the end of its context', () => {
    const { shown, truncated } = sequences('multiple-choice', ['long context why?'], {
      choices: ['so', 'no'],
      nCtx: 10,
    });
    expect(shown).toEqual(['< why?|so>', '< why?|no>']);
    expect(truncated).toBe(true);
  });

  test('no sequence is longer than the context, whatever the lengths', () => {
    const transform = transformOf('entailment', 'pair', false, 257);
    for (let a = 1; a < 14; a++) {
      for (let b = 1; b < 14; b++) {
        for (const nCtx of [8, 9]) {
          const texts = ['x'.repeat(a), 'y'.repeat(b)];
          const {
            sequences: [ids],
            truncated,
          } = encodeExample({ texts }, transform, tokenizer, nCtx);
          expect(ids!.length).toBe(Math.min(nCtx, a + b + 3));
          expect(truncated).toBe(a + b + 3 > nCtx);
          expect(ids![ids!.length - 1]).toBe(X);
          expect(ids!.filter((id) => id === D)).toHaveLength(1);
        }
      }
    }
  });
});
