// Regular expressions against Python's re (fixtures/make_regex.py).

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/base/errors.js';
import { escapeRegex, PythonRegex } from '../../../src/eval/harness/python_regex.js';

interface Fixture {
  readonly texts: readonly string[];
  readonly cases: readonly { readonly pattern: string; readonly found: unknown; readonly removed: unknown }[];
  readonly refused: readonly string[];
  readonly subs: readonly (readonly [pattern: string, by: string, text: string, count: number, want: string])[];
  readonly refused_subs: readonly (readonly [pattern: string, by: string])[];
}
const { texts, cases, refused, subs, refused_subs } = JSON.parse(
  readFileSync(new URL('fixtures/regex.json', import.meta.url), 'utf8'),
) as Fixture;

test.each(cases)('$pattern', ({ pattern, found, removed }) => {
  const regex = new PythonRegex(pattern);
  expect(texts.map((text) => regex.findAll(text))).toEqual(found);
  expect(texts.map((text) => regex.sub('', text))).toEqual(removed);
});

test.each(refused)('%s is refused', (pattern) => {
  expect(() => new PythonRegex(pattern)).toThrow(SyntaxError);
  const compile = () => PythonRegex.at('task t: filter "f"', pattern);
  expect(compile).toThrow(ConfigError);
  expect(compile).toThrow(`task t: filter "f": the regular expression ${pattern}: `);
});

test.each(subs)('%j by %j in %j, %i times', (pattern, by, text, count, want) => {
  expect(new PythonRegex(pattern).sub(by, text, count)).toBe(want);
});

test.each(refused_subs)('%j by %j is refused', (pattern, by) => {
  expect(() => new PythonRegex(pattern).sub(by, 'a')).toThrow(SyntaxError);
});

test('an escaped text finds itself', () => {
  for (const text of [...texts, '.*+?^$()|[]{}\\/-&~#@ \n']) {
    if (text !== '') expect(new PythonRegex(escapeRegex(text)).findAll(`x${text}y`)).toEqual([text]);
  }
});
