import { expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { type ColumnType, type Row, requireColumns, type Value } from '../../src/data/row.js';

const row = (values: Row['values']): Row => ({ place: 'train.tsv:17', values });

test('gives the wanted columns with their types', () => {
  const values = { sentence: 'a', label: '1', score: ' 2.50 ', id: 7, good: 'True', answers: ['x', 'y'], more: null };
  const columns = requireColumns(row(values), {
    sentence: 'string',
    label: [0, 1],
    score: 'number',
    id: 'integer',
    good: 'boolean',
    answers: 'strings',
    more: 'any',
  });
  const label: 0 | 1 = columns.label;
  const sentence: string = columns.sentence;
  expect([sentence, label, columns.score, columns.id]).toEqual(['a', 1, 2.5, 7]);
  expect([columns.good, columns.answers, columns.more]).toEqual([true, ['x', 'y'], null]);
  expect(requireColumns(row({ kind: 'b' }), { kind: ['a', 'b'] }).kind).toBe('b');
  expect(requireColumns(row({ n: '-3', e: '1e3' }), { n: 'integer', e: 'integer' })).toEqual({ n: -3, e: 1000 });
});

test.each<[Value, ColumnType, string]>([
  ['maybe', [0, 1], 'v is "maybe", expected one of 0, 1'],
  ['', [0, 1], 'v is "", expected one of 0, 1'],
  ['1.5', 'integer', 'v is "1.5", expected a whole number'],
  ['0x10', 'number', 'v is "0x10", expected a number'],
  ['', 'number', 'v is "", expected a number'],
  [Number.NaN, 'number', 'v is NaN, expected a number'],
  [true, 'integer', 'v is true, expected a whole number'],
  [9007199254740993n, 'integer', 'v is 9007199254740993, expected a whole number'],
  [3, 'string', 'v is 3, expected text'],
  [null, 'string', 'v is null, expected text'],
  [Uint8Array.of(255, 1), 'string', 'v is 2 bytes that are not UTF-8, expected text'],
  ['yes', 'boolean', 'v is "yes", expected true or false'],
  [['a', 1], 'strings', 'v is ["a",1], expected a list of strings'],
  ['x'.repeat(100), 'number', `v is "${'x'.repeat(56)}..., expected a number`],
])('%s as %s is an error', (value, type, message) => {
  expect(() => requireColumns(row({ v: value }), { v: type })).toThrow(`train.tsv:17: ${message}`);
  expect(() => requireColumns(row({ v: value }), { v: type })).toThrow(DataError);
});

test('what a row holds is quoted in part, however deep or long', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as Value;
  for (const type of ['number', [0, 1]] as const) {
    expect(() => requireColumns(row({ v: deep }), { v: type })).toThrow(
      /v is something that .* nested too deeply, exp/,
    );
  }
  expect(() => requireColumns(row({ v: [3n] }), { v: 'number' })).toThrow('v is ["3"], expected a number');
  expect(() => requireColumns(row({ v: [1] }), { v: [0, 1] })).toThrow('v is [1], expected one of 0, 1'); // was read as 1
  const wide = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`column${i}`, '']));
  const error = caught(() => requireColumns(row(wide), { v: 'any' }));
  expect((error as DataError).fix).toMatch(/^it has: column0, column1, .*\.\.\.$/);
  expect((error as DataError).fix.length).toBeLessThan(300);
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test('a missing column names those that are there', () => {
  const missing = () => requireColumns(row({ Sentence: 'a', lable: '1' }), { label: [0, 1] });
  expect(missing).toThrow('train.tsv:17: there is no "label" in the row');
  try {
    missing();
  } catch (error) {
    expect((error as DataError).fix).toBe('did you mean "lable"? it has: Sentence, lable');
  }
  expect(() => requireColumns(row({}), { constructor: 'any' })).toThrow(/there is no "constructor"/);
});
