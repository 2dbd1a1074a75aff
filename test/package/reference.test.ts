// The API's reference: typedoc makes it, and takes a name without documentation for an error.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';

const repository = path.join(import.meta.dirname, '../..');
const out = mkdtempSync(path.join(tmpdir(), 'gpt-reference-'));
afterAll(() => rmSync(out, { recursive: true }));

const typedoc = (...args: string[]): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const all = ['node_modules/typedoc/bin/typedoc', '--out', out, ...args];
    execFile(process.execPath, all, { cwd: repository }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });

test('every name that is exported is documented', async () => {
  expect(await typedoc()).toEqual({ code: 0, said: '' });
  expect(readdirSync(path.join(out, 'functions')).sort()).toEqual(
    ['evaluate', 'finetune', 'loadModel', 'pretrain', 'readRun'].map((name) => `${name}.html`),
  );
  expect(readdirSync(path.join(out, 'interfaces'))).toContain('Model.html');
});

test('one without documentation is an error', async () => {
  const { code, said } = await typedoc(
    '--entryPoints',
    'test/package/fixtures/undocumented.ts',
    '--tsconfig',
    'tsconfig.json',
  );
  expect(code).not.toBe(0);
  expect(said).toContain('undocumented (Function)');
});
