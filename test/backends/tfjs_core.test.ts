// tfjs-core's own specs on backend `native`: all pass, and every core kernel runs. See src/backends/tfjs_suite.mjs.
// It runs what `npm run build` made in dist/.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';

const script = fileURLToPath(new URL('../../src/backends/tfjs_suite.mjs', import.meta.url));
const isBuilt = nativeIsBuilt() && existsSync(new URL('../../dist/ops/core/register.js', import.meta.url));

function suite(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe.skipIf(!isBuilt)(`tfjs-core's specs${isBuilt ? '' : ' (skipped: run npm run build)'}`, () => {
  const runs = ['', '--poison', '--poison --copy-views --threads 3', '--isa avx2', '--isa baseline --threads 1'];
  test.each(runs)('all pass: %s', (line) => {
    const args = line.split(' ').filter(Boolean);
    const { status, output } = suite(...args);
    expect(output).toMatch(/4225 passed, 0 failed/);
    expect(status, output).toBe(0);
  });

  test('a run of no specs is a failure', () => {
    const { status, output } = suite('--grep', 'no such spec');
    expect(output).toMatch(/no spec ran/);
    expect(status).toBe(1);
  });
});
