// Errors as users see them, and what starting gpt says when it cannot start.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError, MemoryError, ShapeError } from '../../src/base/errors.js';
import { describeError } from '../../src/cli/exit.js';
import { wantsColor } from '../../src/cli/main.js';

test("a user's error: what, fix, its exit code, no stack trace", () => {
  const error = new DataError('corpus.txt is empty', 'give a text');
  expect(describeError(error, false)).toEqual({ text: 'error: corpus.txt is empty\n  fix: give a text\n', code: 4 });
  expect(describeError(new MemoryError('a', 'b'), false).code).toBe(6);
});

test('a name out of a file cannot steer the terminal', () => {
  const { text } = describeError(new DataError('x.bin: tensor \x1b[2J\x07', 'see \x9b31m'), false);
  expect(text).toBe('error: x.bin: tensor \ufffd[2J\ufffd\n  fix: see \ufffd31m\n');
});

test('an array that does not fit into memory is no bug', () => {
  for (const tooLarge of [() => new ArrayBuffer(2 ** 52), () => new Float32Array(2 ** 52)]) {
    let error: unknown;
    try {
      tooLarge();
    } catch (thrown) {
      error = thrown;
    }
    expect(describeError(error, false)).toEqual({
      code: 6,
      text: expect.stringMatching(/^error: there is not enough memory \(.*\)\n {2}fix: end other programs, .*\n$/),
    });
    expect(describeError(error, true).text).toContain('exit.test.ts');
  }
  expect(describeError(new RangeError('Invalid array buffer length'), false).code).toBe(6);
  expect(describeError(new RangeError('Invalid typed array length: 5'), false).code).toBe(1); // of a view
});

test('a bug says that it is one and how to report it', () => {
  for (const bug of [new TypeError('x is not a function'), new ShapeError('linear', 'weight', [2], '(C)')]) {
    const { text, code } = describeError(bug, false);
    expect(code).toBe(1);
    expect(text).toMatch(/^internal error: .*\(this is a bug in gpt; run again with --debug and report it\)\n$/);
  }
  expect(describeError('thrown text', false)).toMatchObject({ code: 1, text: expect.stringContaining('thrown text') });
});

test('--debug adds the stack', () => {
  expect(describeError(new DataError('a', 'b'), true).text).toMatch(/^error: a\n {2}fix: b\n.*\n\s+at /);
  expect(describeError(new Error('c'), true).text).toMatch(/\n\s+at /);
});

test('colours: the option, then NO_COLOR, then FORCE_COLOR, then the terminal', () => {
  expect(wantsColor('never', true, { FORCE_COLOR: '1' })).toBe(false);
  expect(wantsColor('always', false, { NO_COLOR: '1' })).toBe(true);
  expect(wantsColor('auto', true, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
  expect(wantsColor('auto', false, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColor('auto', true, { FORCE_COLOR: '0' })).toBe(false);
  expect(wantsColor('auto', true, { TERM: 'dumb' })).toBe(false);
  expect(wantsColor('auto', true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColor('auto', false, {})).toBe(false);
});

test('bin/gpt.js without dist says how to build, in one line', () => {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-bin-'));
  try {
    cpSync(new URL('../../bin', import.meta.url), join(dir, 'bin'), { recursive: true });
    cpSync(new URL('../../package.json', import.meta.url), join(dir, 'package.json'));
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(dir, 'bin/gpt.js')], { encoding: 'utf8' });
    expect({ status, stderr, stdout }).toEqual({
      status: 3,
      stderr: 'error: gpt is not built yet: run `npm ci` in its folder\n',
      stdout: '',
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
