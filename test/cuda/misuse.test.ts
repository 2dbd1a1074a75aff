// The simulated machine stops kernels that a GPU would punish by wrong numbers, now and then: sim/misuse.cc.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KERNEL_FLAGS, whyNoSim } from './build_sim.mjs';
import { ROOT, SCHEDULES } from './machine.js';

const MISUSES: readonly [kernel: string, message: string][] = [
  ['barrier_for_some', 'deadlock|__syncthreads after some threads have returned'],
  ['barriers_apart', 'threads meet at different __syncthreads'],
  ['shuffle_for_some', 'deadlock: a barrier or collective that not all its threads reach'],
  ['shuffle_of_another_lane', 'a shuffle reads a lane outside its mask'],
  ['collectives_apart', 'lanes of one mask meet at different collectives'],
  ['copy_not_waited_for', 'an asynchronous copy is never waited for'],
  ['copy_misaligned', 'cp.async: an address is not a multiple of 16'],
  ['pack_misaligned', 'a misaligned address at .*misuse.cc:\\d+'],
  ['index_outside', 'an index outside of its array at .*misuse.cc:\\d+'],
  ['shared_overrun', 'wrote beyond its shared memory'],
];

const why = await whyNoSim();

describe.skipIf(why !== undefined)(`misuse of a simulated GPU${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-misuse-'));
  const program = path.join(folder, 'misuse');
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => {
    const sources = ['test/cuda/sim/misuse.cc', 'test/cuda/sim/shim.cc'];
    const built = spawnSync(
      'g++',
      ['-std=c++17', '-O1', ...KERNEL_FLAGS, '-Itest/cuda/sim', ...sources, '-o', program],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    expect(built.stderr).toBe('');
  });

  const run = (kernel: string, { order, copies }: (typeof SCHEDULES)[number]) =>
    spawnSync(program, [kernel], {
      encoding: 'utf8',
      env: { ...process.env, GPT_SIM_ORDER: order, GPT_SIM_COPIES: copies },
    });

  test.each(MISUSES)('%s', (kernel, message) => {
    for (const schedule of SCHEDULES) {
      const { signal, stderr } = run(kernel, schedule);
      expect(stderr, schedule.order).toMatch(new RegExp(`^shim: ${kernel}: (${message})`));
      expect(signal).toBe('SIGABRT');
    }
  });

  test('what is right runs', () => {
    for (const schedule of SCHEDULES) expect(run('nothing_wrong', schedule)).toMatchObject({ status: 0, stderr: '' });
  });
});
