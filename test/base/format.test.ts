// How messages quote what stands in foreign files.

import { expect, test } from 'vitest';
import { quoted, short } from '../../src/base/format.js';

test('short() keeps a line short and the cursor where it is', () => {
  expect(short('h.0.attn.bias')).toBe('h.0.attn.bias');
  expect(short('n'.repeat(1000))).toBe(`${'n'.repeat(57)}...`);
  expect(short('\u001b[2Jx\u009b')).toBe('\ufffd[2Jx\ufffd');
});

test('quoted() is JSON, shortened, and knows values that JSON.stringify() cannot take', () => {
  expect([1, 'a"b', null, [1, 2], undefined, Number.NaN].map(quoted)).toEqual([
    '1',
    '"a\\"b"',
    'null',
    '[1,2]',
    'undefined',
    'null',
  ]);
  expect(quoted('x'.repeat(1e6)).length).toBe(60);
  expect(quoted(JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)))).toMatch(/nested too deeply/);
  const circle: unknown[] = [];
  circle.push(circle);
  expect(quoted(circle)).toMatch(/contains itself/);
});
