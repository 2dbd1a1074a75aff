// Real processes: one that runs, one that has ended, and one that has ended without its parent noticing.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isAlive } from '../../src/base/process.js';

test('a process is alive until it ends', () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(spawnSync(process.execPath, ['-e', '']).pid)).toBe(false);
});

test.skipIf(!existsSync('/proc/self/stat'))('a zombie is gone (Linux only)', async () => {
  // the shell starts a child, and becomes, before the child ends, a sleep, which waits for no child
  const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    await expect.poll(() => isAlive(Number(pid)), { timeout: 5000 }).toBe(false);
    expect(existsSync(`/proc/${Number(pid)}/stat`)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});
