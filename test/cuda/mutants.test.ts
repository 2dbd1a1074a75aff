// The cases of `gpt selftest` find bugs: for every kernel there are versions with one mistake each, mutants/*.json, and
// each of them must give a wrong number, or stop the simulated machine, in one of three orders of threads and copies.
// Here one of each kernel; all of them: npm run test:mutants, four minutes.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildMutant, buildSim, type Sim } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason, SCHEDULES, selftest, twoAtATime } from './machine.js';

/** One mistake: a text that occurs once in a file, and what stands there instead. */
interface Mutant {
  readonly file: string;
  /** What is wrong, in a few words. */
  readonly name: string;
  /** The kernel whose cases must find it. */
  readonly kernel: string;
  readonly replace: string;
  readonly with: string;
}

const FOLDER = 'test/cuda/mutants';
const LISTS = readdirSync(ROOT + FOLDER).filter((file) => file.endsWith('.json'));
const ORDERS = SCHEDULES.slice(0, 3);

const OF_EACH_KERNEL = process.env['MUTANTS'] === 'all' ? Number.POSITIVE_INFINITY : 1;

const mutantsOf = (list: string): Mutant[] => JSON.parse(readFileSync(`${ROOT}${FOLDER}/${list}`, 'utf8'));

/** The first few of each kernel. */
function chosen(mutants: readonly Mutant[]): Mutant[] {
  const before = new Map<string, number>();
  return mutants.filter(({ kernel }) => {
    before.set(kernel, (before.get(kernel) ?? 0) + 1);
    return before.get(kernel)! <= OF_EACH_KERNEL;
  });
}

/** The text of the mutant's file. */
function mutated({ file, name, replace, with: replacement }: Mutant): string {
  const parts = readFileSync(ROOT + file, 'utf8').split(replace);
  if (parts.length !== 2) throw new Error(`${name}: its text is ${parts.length - 1} times in ${file}, not once`);
  return parts.join(replacement);
}

test.each(LISTS)('%s: every text to be replaced is there once', (list) => {
  for (const mutant of mutantsOf(list)) expect(mutated(mutant)).not.toBe('');
});

describe.skipIf(reason !== undefined)(`mutants of kernels${NEEDS_SIM}`, () => {
  let sim: Sim;
  beforeAll(async () => {
    sim = await buildSim();
  }, 600_000);

  /** Whether one of the orders finds it. */
  async function isCaught(mutant: Mutant, folder: string): Promise<boolean> {
    try {
      const broken = await buildMutant({ folder, mutants: { [mutant.file]: mutated(mutant) } });
      for (const schedule of ORDERS) {
        if (!(await selftest(broken, schedule, mutant.kernel, 60)).passed) return true;
      }
      return false;
    } finally {
      rmSync(ROOT + folder, { recursive: true, force: true });
    }
  }

  test.each(LISTS)('%s', async (list) => {
    const mutants = chosen(mutantsOf(list));
    for (const kernel of new Set(mutants.map((mutant) => mutant.kernel))) {
      const { passed, output } = await selftest(sim, ORDERS[0]!, kernel);
      expect(passed, `${kernel} without a mistake: ${output}`).toBe(true);
    }
    const caught = await twoAtATime(mutants, (mutant, i) =>
      isCaught(mutant, `build/cuda-sim/mutants/${list.replace('.json', '')}-${i}`),
    );
    expect(mutants.filter((_, i) => !caught[i]).map((mutant) => mutant.name)).toEqual([]);
  }, 1_200_000);
});
