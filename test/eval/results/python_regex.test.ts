// Regular expressions against Python's re (fixtures/make_regex.py).

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/base/errors.js';
import { escapeRegex, PythonRegex } from '../../../src/eval/results/python_regex.js';

interface Fixture {
  readonly texts: readonly string[];
  readonly cases: readonly { readonly pattern: string; readonly found: unknown; readonly removed: unknown }[];
  readonly refused: readonly string[];
}
const { texts, cases, refused } = JSON.parse(
  readFileSync(new URL('fixtures/regex.json', import.meta.url), 'utf8'),
) as Fixture;

test.each(cases)('$pattern', ({ pattern, found, removed }) => {
  const regex = new PythonRegex(pattern, 'here');
  expect(texts.map((text) => regex.findAll(text))).toEqual(found);
  expect(texts.map((text) => regex.remove(text))).toEqual(removed);
});

test.each(refused)('%s is refused', (pattern) => {
  const compile = () => new PythonRegex(pattern, 'task t: filter "f"');
  expect(compile).toThrow(ConfigError);
  expect(compile).toThrow(`task t: filter "f": the regular expression ${pattern}: `);
});

test('an escaped text finds itself', () => {
  for (const text of [...texts, '.*+?^$()|[]{}\\/-&~#@ \n']) {
    if (text !== '') expect(new PythonRegex(escapeRegex(text), 'here').findAll(`x${text}y`)).toEqual([text]);
  }
});
