// The addon itself on the simulated GPU: what no command of gpt would show before it goes wrong.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from './machine.js';

describe.skipIf(reason !== undefined)(`the CUDA addon${NEEDS_SIM}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-addon-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { ...simEnvironment(await buildSim()), GPT_CACHE: path.join(folder, 'cache') };
  }, 600_000);

  /** Runs a program with `cuda`, the backend; it writes its result as JSON. */
  const run = (program: string, more: Record<string, string> = {}): unknown => {
    const head = `
      import { openBackend } from '${ROOT}dist/commands/backend.js';
      import { tf } from '${ROOT}dist/base/tf.js';
      const { cuda } = await openBackend({ backend: 'cuda' }, process.env);
    `;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', head + program], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, ...env, ...more },
    });
    expect(ended.stderr).toBe('');
    return JSON.parse(ended.stdout);
  };

  test('uploads never overwrite pinned memory that a copy still reads', () => {
    // MiB: the second round ends before the last piece of the first one, which nobody has waited for
    const program = `
      const negated = [8, 8, 8, 2, 6, 8, 8, 8, 2, 8].map((size, i) =>
        tf.neg(tf.tensor1d(new Float32Array(size << 18).fill(i + 1))),
      );
      console.log(JSON.stringify(negated.map((t) => t.dataSync().at(-1))));
    `;
    expect(run(program)).toEqual([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10]);
  });
});
