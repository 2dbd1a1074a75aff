// Every kernel computes what `gpt selftest` expects, on the simulated machine, in every order of threads and copies.

import { beforeAll, describe, expect, test } from 'vitest';
import { buildSim, type Sim } from './build_sim.mjs';
import { NEEDS_SIM, reason, SCHEDULES, selftest } from './machine.js';

describe.skipIf(reason !== undefined)(`kernels on the simulated GPU${NEEDS_SIM}`, () => {
  let sim: Sim;
  beforeAll(async () => {
    sim = await buildSim();
  }, 600_000);

  test.each(SCHEDULES)('threads $order, copies $copies', async (schedule) => {
    const { passed, output } = await selftest(sim, schedule);
    expect(passed, output).toBe(true);
  }, 600_000);
});
