// The API's reference: typedoc makes it, and takes a name without documentation for an error.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';

const repository = path.join(import.meta.dirname, '../..');
const out = mkdtempSync(path.join(tmpdir(), 'gpt-reference-'));
afterAll(() => rmSync(out, { recursive: true }));

const typedoc = (folder: string): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const program = path.join(repository, 'node_modules/typedoc/bin/typedoc');
    execFile(process.execPath, [program, '--out', path.join(out, 'api')], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });

test('every name that is exported is documented', async () => {
  expect(await typedoc(repository)).toEqual({ code: 0, said: '' });
  expect(readdirSync(path.join(out, 'api/functions')).sort()).toEqual(
    ['evaluate', 'finetune', 'loadModel', 'pretrain', 'readRun'].map((name) => `${name}.html`),
  );
  expect(readdirSync(path.join(out, 'api/interfaces'))).toContain('Model.html');
});

test('one without documentation is an error', async () => {
  const { typedocOptions } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
  const own = { entryPoints: ['undocumented.ts'], tsconfig: 'tsconfig.json', readme: 'none' };
  const write = (name: string, text: string) => writeFileSync(path.join(out, name), text);
  write('package.json', JSON.stringify({ name: 'planted', typedocOptions: { ...typedocOptions, ...own } }));
  write('tsconfig.json', '{"compilerOptions": {"module": "nodenext", "types": []}, "files": ["undocumented.ts"]}');
  write('undocumented.ts', 'export const undocumented = (n: number): number => n;');
  const { code, said } = await typedoc(out);
  expect(said).toContain(
    'undocumented (CallSignature), defined in planted/undocumented.ts, does not have any documentation',
  );
  expect(code).not.toBe(0);
});
