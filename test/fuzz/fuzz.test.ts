// Half a minute of the fuzzing that `npm run test:fuzz` does at length; and that it finds what it looks for.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('fuzz.mjs', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'gpt-fuzz-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

interface Result {
  readonly target: string;
  readonly files: number;
  readonly read: number;
  readonly refused: number;
  readonly failures: readonly { readonly index: number; readonly kind: string; readonly what: string }[];
}

function fuzz(...args: string[]): { results: Result[]; status: number | null; output: string } {
  const json = join(dir, 'results.json');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--json', json, ...args], {
    encoding: 'utf8',
  });
  return { results: JSON.parse(readFileSync(json, 'utf8')), status, output: stdout + stderr };
}

test('every damaged file is read, or refused with an error that helps', () => {
  const { results, status, output } = fuzz('--seed', '7', '--files', '700');
  expect(results.flatMap(({ target, failures }) => failures.map((f) => ({ target, ...f })))).toEqual([]);
  expect(status, output).toBe(0);
  expect(results.length).toBeGreaterThanOrEqual(27);
  // A target of which nothing is refused, or nothing is read, tests less than it seems to.
  const lopsided = results.filter(({ files, read, refused }) => read < 20 || refused < 20 || read + refused !== files);
  expect(lopsided).toEqual([]);
});

test('each fault that a reader can have is found, and attributed to its file', () => {
  const { results, status } = fuzz('--target', 'self-test', '--files', '13', '--patience', '6');
  const found = results[0]!.failures.map(({ index, kind, what }) => `${index} ${kind} ${what.slice(0, 21)}`);
  expect(found.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))).toEqual([
    '2 exception TypeError: cannot rea',
    expect.stringMatching(/^3 message an empty text/),
    expect.stringMatching(/^4 message the file is not named/),
    expect.stringMatching(/^5 message \d+ characters/),
    expect.stringMatching(/^6 allocation 4194304 bytes at once/),
    expect.stringMatching(/^7 allocation 11529215046068/),
    expect.stringMatching(/^8 (allocation|crash) /),
    expect.stringMatching(/^9 crash /),
    expect.stringMatching(/^10 crash /),
    '11 hang no result after 6000 ',
    expect.stringMatching(/^12 crash /),
  ]);
  expect([results[0]!.read, results[0]!.refused]).toEqual([1, 1]);
  expect(status).toBe(1);
});
