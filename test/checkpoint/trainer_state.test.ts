// state.json across versions: an older file is migrated step by step, a newer one is refused. That files of the present
// version go on loading, and resume to the same bytes, is tested on a frozen run in test/cli/e2e/faults.test.ts.

import { expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { FORMAT_VERSION, parseTrainerState, savedAt, trainerStateText } from '../../src/checkpoint/trainer_state.js';
import { tinyContent } from './tiny_checkpoint.js';

const { state } = tinyContent(100);
const stored = (changes: object): string =>
  JSON.stringify({ ...JSON.parse(trainerStateText(state, new Date(0))), ...changes });

// two versions that never were: -1 counted examples instead of tokens, 0 had no best_step
const migrations = {
  [FORMAT_VERSION - 2]: ({ examples, ...old }: Readonly<Record<string, unknown>>) => ({
    ...old,
    tokens: Number(examples) * 8,
  }),
  [FORMAT_VERSION - 1]: (old: Readonly<Record<string, unknown>>) => ({ ...old, best_step: old['step'] }),
};
const older = {
  format_version: FORMAT_VERSION - 2,
  examples: state.tokens / 8,
  tokens: undefined,
  best_step: undefined,
};

test('a file of this version is read as it was written', () => {
  expect(parseTrainerState(trainerStateText(state, new Date(0)), 'state.json')).toEqual(state);
});

test('when it was saved is no part of the state, and old files do not say it', () => {
  expect(savedAt(trainerStateText(state, new Date(12345)))).toBe(12345);
  for (const text of [stored({ saved_at: undefined }), stored({ saved_at: 'today' }), '{']) {
    expect(savedAt(text)).toBeUndefined();
  }
  expect(parseTrainerState(stored({ saved_at: undefined }), 'state.json')).toEqual(state);
});

test('an older file is migrated through every version between', () => {
  expect(parseTrainerState(stored(older), 'state.json', migrations)).toEqual(state);
  const last = { format_version: FORMAT_VERSION - 1, best_step: undefined };
  expect(parseTrainerState(stored(last), 'state.json', migrations)).toEqual(state);
});

test('what a migration makes is checked like any other file', () => {
  const broken = { ...migrations, [FORMAT_VERSION - 1]: () => ({}) };
  expect(() => parseTrainerState(stored(older), 'state.json', broken)).toThrow(/state.json: step: /);
});

test.each([
  [FORMAT_VERSION + 1, /has format version 2, this gpt reads .*1$/, /a newer gpt saved it/],
  [FORMAT_VERSION - 3, /has format version -2, this gpt reads /, /the version of gpt that saved it/],
  [0.5, /has format version 0.5/, /the version of gpt that saved it/],
])('version %s is refused', (format_version, what, fix) => {
  let error: unknown;
  try {
    parseTrainerState(stored({ format_version }), 'state.json', migrations);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).message).toMatch(what);
  expect((error as DataError).fix).toMatch(fix);
});

test.each<[string, string, RegExp]>([
  ['a configuration nested 100,000 deep', `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`, /^none$/],
  ['no configuration', 'null', /^s\.json: config: /],
  ['sections that are none', '{"model":3}', /^s\.json: config\.model: /],
  [
    '10,000 wrong sections',
    JSON.stringify(Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [i, 1]))),
    /^s\.json: config\.0: /,
  ],
])('state.json with %s', (_, config, message) => {
  const text = trainerStateText({ ...tinyContent(1).state, config: {} }, new Date(0)).replace(
    '"config": {}',
    `"config": ${config}`,
  );
  let what = 'none';
  try {
    parseTrainerState(text, 's.json');
  } catch (error) {
    what = error instanceof DataError ? error.message : String(error);
  }
  expect(what).toMatch(message);
  expect(what.length).toBeLessThan(1000);
});
