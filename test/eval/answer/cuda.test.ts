// The answerer on a GPU, which here is the simulated one of test/cuda: the CPU's answers, and nothing of a chunk on the host.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { LoglikelihoodAnswer } from '../../../src/eval/request.js';
import { buildSim, simEnvironment } from '../../cuda/build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from '../../cuda/machine.js';

const RUN = fileURLToPath(new URL('answer_run.mjs', import.meta.url));

async function answersOn(backend: string, env: object = {}) {
  const options = { cwd: ROOT, env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, backend], options);
  return JSON.parse(stdout) as { answers: LoglikelihoodAnswer[]; fallbacks: Record<string, number> };
}

describe.skipIf(reason !== undefined)(`on the simulated GPU${NEEDS_SIM}`, () => {
  test('the answers of the CPU, without a copy to the host for a stock kernel', async () => {
    const got = await answersOn('cuda', simEnvironment(await buildSim()));
    const want = await answersOn('native');
    const rest = ({ logprob: _, ...other }: LoglikelihoodAnswer) => other;
    expect(got.answers.map(rest)).toEqual(want.answers.map(rest));
    const errors = got.answers.map(({ logprob }, i) => Math.abs(logprob - want.answers[i]!.logprob));
    expect(want.answers).toHaveLength(10);
    expect(Math.max(...errors)).toBeLessThan(1e-4); // of 67 tokens at most
    expect(got.fallbacks).toEqual({});
  }, 600_000);
});
