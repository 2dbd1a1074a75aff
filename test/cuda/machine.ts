// Runs `gpt selftest` on the machine that replaces a GPU: test/cuda/sim.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Sim, simEnvironment, whyNoSim } from './build_sim.mjs';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

async function whyNot(): Promise<string | undefined> {
  if (!existsSync(`${ROOT}build/cuda/cuda.node`)) return 'the CUDA addon was not built';
  if (!existsSync(`${ROOT}build/cuda/kernels.cu`)) return 'the images of the CUDA kernels were not built';
  if (!existsSync(`${ROOT}dist/cli/main.js`)) return 'gpt was not built';
  return whyNoSim();
}

/** Why nothing of CUDA can be tested here, or undefined. */
export const reason = await whyNot();

/** For the titles of tests that are skipped. */
export const NEEDS_SIM = reason === undefined ? '' : ` (skipped: ${reason})`;

/** In which order the simulated machine runs threads, and when asynchronous copies are done: sim/shim.h. */
export interface Schedule {
  readonly order: 'forward' | 'reverse' | 'random' | 'greedy' | 'greedy-reverse' | 'greedy-random';
  readonly copies: 'late' | 'early';
}

/** Each order of threads, and both times of copies. */
export const SCHEDULES: readonly Schedule[] = [
  { order: 'forward', copies: 'late' },
  { order: 'greedy', copies: 'late' },
  { order: 'greedy-reverse', copies: 'early' },
  { order: 'reverse', copies: 'early' },
  { order: 'random', copies: 'late' },
  { order: 'greedy-random', copies: 'early' },
];

/** How a process has ended. */
export interface Run {
  /** Whether it ended with 0: every number is right. */
  readonly passed: boolean;
  /** Why it ended otherwise: the last of what it wrote. */
  readonly output: string;
}

/** `gpt selftest --backend cuda`, of one kernel or of all. It fails if it takes longer than `seconds`. */
export function selftest(sim: Sim, schedule: Schedule, kernel?: string, seconds = 300): Promise<Run> {
  const only = kernel === undefined ? [] : ['--only', kernel];
  const child = spawn(process.execPath, ['bin/gpt.js', 'selftest', '--backend', 'cuda', ...only], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...simEnvironment(sim),
      GPT_SIM_ORDER: schedule.order,
      GPT_SIM_COPIES: schedule.copies,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const add = (data: Buffer) => {
    output = (output + data.toString()).slice(-4000);
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  const timer = setTimeout(() => {
    output += `\nstopped after ${seconds} s`;
    child.kill('SIGKILL');
  }, seconds * 1000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ passed: status === 0, output });
    });
  });
}

/** Calls `work` for each item, two at a time; the results are in the items' order. */
export async function twoAtATime<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}
