// The check of the imports can fail: planted violations of every rule are found, and an empty or unread tree is not fine.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';

const repository = path.join(path.dirname(new URL(import.meta.url).pathname), '..');
const base = mkdtempSync(path.join(tmpdir(), 'gpt-imports-'));
let folder: string;
let count = 0;

beforeEach(() => {
  folder = path.join(base, String(count++));
  mkdirSync(folder);
  symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    '{"compilerOptions": {"module": "nodenext"}, "include": ["src", "outside.ts"]}',
  );
  writeFileSync(path.join(folder, 'outside.ts'), 'export {};');
  plant('base/errors.ts', 'export const e = 1;');
  plant('base/tf.ts', "import * as tf from '@tensorflow/tfjs-core';\nexport { tf };");
  plant('config/schema.ts', "import { e } from '../base/errors.js';\nexport const c = e;");
  plant('model/gpt.ts', "import { tf } from '../base/tf.js';\nexport const m = tf;");
});
afterAll(() => rmSync(base, { recursive: true }));

function plant(file: string, content: string): void {
  const to = path.join(folder, 'src', file);
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, content);
}

function check() {
  const script = path.join(repository, 'test/check_imports.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('a tree that keeps the rules passes', () => {
  expect(check()).toEqual({ status: 0, output: 'imports: 4 modules, 0 violations\n' });
});

const VIOLATIONS: [rule: string, file: string, content: string][] = [
  ['base-imports-only-downwards', 'base/up.ts', "import { c } from '../config/schema.js';\nexport const u = c;"],
  [
    'config-imports-only-downwards',
    'config/up.ts',
    "import type { m } from '../model/gpt.js';\nexport type U = typeof m;",
  ],
  ['no-cycles', 'config/b.ts', "import { e } from './b.js';\nexport const f = e;\nexport const e = 1;"],
  ['every-folder-is-a-layer', 'novelty/x.ts', "import { e } from '../base/errors.js';\nexport const n = e;"],
  ['tfjs-only-through-base', 'model/a.ts', "import * as tf from '@tensorflow/tfjs-core';\nexport const t = tf;"],
  ['no-tensors-outside-the-model-side', 'data/x.ts', "import { tf } from '../base/tf.js';\nexport const t = tf;"],
  ['terminal-only-in-cli', 'commands/x.ts', "import { Command } from 'commander';\nexport const t = Command;"],
  ['nothing-unresolved', 'model/b.ts', "import { y } from './nothing.js';\nexport const t = y;"],
  ['environment-only-in-cli', 'model/c.ts', "export const t = process.env['HOME'];"],
  ['terminal-only-in-cli', 'model/d.ts', 'export const t = () => process.stdout.write("x");'],
  ['addons-only-in-backends', 'model/e.ts', "export const t = 'native.node';"],
];

test('one violation of each rule: all are found', () => {
  for (const [, file, content] of VIOLATIONS) plant(file, content);
  const { status, output } = check();
  expect(VIOLATIONS.filter(([rule, file]) => !output.includes(`${rule}: src/${file}`))).toEqual([]);
  expect(status).toBe(1);
});

test('a comment about the environment is no violation', () => {
  plant('model/x.ts', '/** Never reads process.env. */\nexport const t = 1; // nor process.stdout');
  expect(check().status).toBe(0);
});

test('no modules is a violation', () => {
  rmSync(path.join(folder, 'src'), { recursive: true });
  mkdirSync(path.join(folder, 'src'));
  expect(check()).toEqual({
    status: 1,
    output: expect.stringContaining('dependency-cruiser saw 0 of 0 files') as string,
  });
});
