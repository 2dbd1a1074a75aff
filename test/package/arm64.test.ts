// The C++ of the CPU backend is portable: a compiler for arm64 takes every file of it, without a warning. Objects and an
// addon for that processor are made by `npm run check:arm64`.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

const COMPILER = 'aarch64-linux-gnu-g++';
const isMissing = spawnSync(COMPILER, ['--version']).error !== undefined;
const why = isMissing ? ` (skipped: needs ${COMPILER}; Debian: apt-get install g++-aarch64-linux-gnu)` : '';

const root = path.join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
const folderOf = (name: string) => path.dirname(require.resolve(`${name}/package.json`));
const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.cpu\.cc$|backends\/native\/[^/]+\.cc$/.test(file))
  .sort();

const FLAGS = [
  ...['-std=gnu++17', '-fsyntax-only', '-fopenmp', '-fno-math-errno', '-fno-trapping-math', '-fexceptions'],
  ...['-Wall', '-Wextra', '-Werror', '-Wno-psabi', '-Wno-ignored-attributes'],
  ...['-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS'],
  ...['-isystem', folderOf('node-addon-api'), '-isystem', path.join(folderOf('node-api-headers'), 'include')],
];

const compile = (file: string): Promise<string> =>
  new Promise((resolve) =>
    execFile(COMPILER, [...FLAGS, path.join(root, 'src', file)], (error, _, said) =>
      resolve(error === null ? '' : `${file}: ${said || error.message}`),
    ),
  );

test.skipIf(isMissing)(`every file compiles for arm64${why}`, async () => {
  expect(files.length).toBeGreaterThan(20);
  const said: string[] = [];
  for (let i = 0; i < files.length; i += 2) said.push(...(await Promise.all(files.slice(i, i + 2).map(compile))));
  expect(said.filter((text) => text !== '')).toEqual([]);
});

test.skipIf(isMissing)(`what is for x86 alone is found${why}`, async () => {
  expect(existsSync(path.join(root, 'src', '../test/package/fixtures/x86.cc'))).toBe(true);
  expect(await compile('../test/package/fixtures/x86.cc')).toContain('immintrin.h');
});
