// tfjs-core's own specs on backend `cuda` and the simulated GPU: all pass, and every core kernel runs. See
// src/backends/tfjs_suite.mjs.

import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from './machine.js';

describe.skipIf(reason !== undefined)(`tfjs-core's specs on the simulated GPU${NEEDS_SIM}`, () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = simEnvironment(await buildSim());
  }, 600_000);

  test.each(['', '--poison'])('all pass: %s', (line) => {
    const args = [`${ROOT}src/backends/tfjs_suite.mjs`, '--backend', 'cuda', ...line.split(' ').filter(Boolean)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    expect(stdout + stderr).toMatch(/4224 passed, 0 failed/);
    expect(status).toBe(0);
  });
});
