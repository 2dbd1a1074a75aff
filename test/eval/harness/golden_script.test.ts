// npm run golden on the vectors in fixtures/: it passes, and finds a difference of one letter.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { workplace } from '../../data/workplace.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const fixtures = path.join(root, 'test/eval/harness/fixtures');
const { dir } = workplace();

const golden = (folder: string) =>
  spawnSync(
    process.execPath,
    [path.join(root, 'scripts/golden.mjs'), folder, '--tasks-dir', `${fixtures}/tasks`, '--data', `${fixtures}/data`],
    { encoding: 'utf8' },
  );

// it runs from dist/: npm run build
const built = existsSync(path.join(root, 'dist/commands/open_tasks.js'));

describe.skipIf(!built)('npm run golden (skipped where dist/ is not built)', () => {
  it('passes', () => {
    const { status, stdout } = golden(path.join(fixtures, 'golden'));
    expect(stdout).toContain('all 47 entries are the same');
    expect(status).toBe(0);
  });

  it('finds a difference', () => {
    const vectors = readFileSync(path.join(fixtures, 'golden/harness_requests.json'), 'utf8');
    mkdirSync(path.join(dir, 'changed'));
    writeFileSync(path.join(dir, 'changed/harness_requests.json'), vectors.replace('is usually', 'is  usually'));
    const { status, stdout } = golden(path.join(dir, 'changed'));
    expect(stdout).toMatch(
      /DIFF {2}colours\.yaml colours, 0 shots: 12 requests: request 0:\n {2}want .*is {2}usually.*\n {2}got .*is usually/,
    );
    expect(stdout).toContain('1 of 47 entries differ');
    expect(status).toBe(1);
  });

  it('is not content with an empty folder', () => {
    mkdirSync(path.join(dir, 'empty'));
    expect(golden(path.join(dir, 'empty')).status).toBe(1);
  });
});
