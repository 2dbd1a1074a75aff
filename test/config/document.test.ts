// docs/config.md is what the schema says. To write it anew, run this file with -u.

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { commentedConfig, configMarkdown } from '../../src/config/document.js';
import { FINETUNE_KEYS, PRETRAIN_KEYS } from '../../src/config/keys.js';
import { RunConfig } from '../../src/config/schema.js';

test('docs/config.md is up to date', async () => {
  await expect(configMarkdown()).toMatchFileSnapshot('../../docs/config.md');
});

test('every key has a meaning and a readable type', () => {
  const bad = [...PRETRAIN_KEYS.keys.values(), ...FINETUNE_KEYS.keys.values()].filter(
    (k) => k.meaning === '' || k.type === '' || /undefined|\[object/.test(k.type),
  );
  expect(bad.map((k) => k.path)).toEqual([]);
});

test('the table says type, range and default', () => {
  const lines = configMarkdown().split('\n');
  expect(lines.find((l) => l.startsWith('| `n_ctx`'))).toContain('| whole number, at least 1 | `1024` |');
  expect(lines.find((l) => l.startsWith('| `betas`'))).toContain(
    '| list of 2 (number, at least 0, below 1) | `[0.9, 0.95]` |',
  );
  expect(lines.find((l) => l.startsWith('| `max_tokens`'))).toContain('| number, above 0 | - |');
});

test('text that YAML would read as something else is quoted', () => {
  const prompts = [
    '',
    'Once upon',
    '3',
    'true',
    'null',
    'a: b #c',
    '- x',
    'it\'s "so"',
    'two\nlines',
    '\t',
    '~',
    '1e3',
    'é\u2028',
  ];
  const runs = prompts.map((prompt) => RunConfig.parse({ sample: { prompt }, data: { path: [prompt, 'b c.txt'] } }));
  expect(runs.map((run) => RunConfig.parse(parse(commentedConfig(run, (p) => p))))).toEqual(runs);
});
