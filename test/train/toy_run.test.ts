// Long runs of a toy model on the native backend, each a process of its own: memory stays constant, overwriting freed
// buffers changes no bit, and neither do profiling signals. 10,000 steps: npm run test:leaks.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';

const script = fileURLToPath(new URL('toy_run.mjs', import.meta.url));
const isBuilt = nativeIsBuilt() && existsSync(new URL('../../dist/train/step.js', import.meta.url));

/** What toy_run.mjs prints. */
interface ToyRun {
  readonly hash: string;
  readonly loss: number;
  readonly warm: Readonly<Record<'tensors' | 'entries' | 'pool_in_use' | 'pool_reserved', number>>;
  readonly end: ToyRun['warm'];
  readonly rss_growth: number;
  readonly signals: number;
}

/** Runs it, with a signal every millisecond while it trains if `storm` says so. */
async function toyRun(args: string[], nodeArgs: string[] = [], storm?: NodeJS.Signals): Promise<ToyRun> {
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOMP_SPINCOUNT: '0' }, // threads that wait leave the cores to whatever else runs
  });
  let stdout = '';
  let stderr = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    if (String(data).includes('ready')) timer = setInterval(() => child.kill(storm), 1);
    if (String(data).includes('done')) clearInterval(timer);
  });
  const [status, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (...end) => resolve(end));
  });
  clearInterval(timer);
  expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
  return JSON.parse(stdout);
}

describe.skipIf(!isBuilt)(`a toy run${isBuilt ? '' : ' (skipped: run npm run build)'}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gpt-toy-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of 1,000 steps keeps its tensors, its pool, and its memory below 32 MiB of growth', async () => {
    const { warm, end, rss_growth, loss } = await toyRun(['--steps', '1000']);
    expect(end).toEqual(warm);
    expect(rss_growth).toBeLessThan(32 << 20); // the garbage that JavaScript may let lie; a leak grows without end
    expect(loss).toBeLessThan(1); // it trains
  });

  test('with every freed buffer poisoned, slices cut loose or not, gives bitwise the same parameters', async () => {
    const steps = ['--steps', '20'];
    const plain = await toyRun(steps);
    for (const flags of [['--poison'], ['--poison', '--copy-views']]) {
      const { hash, loss } = await toyRun([...steps, ...flags]);
      expect({ hash, loss }, flags.join(' ')).toEqual({ hash: plain.hash, loss: plain.loss });
    }
  });

  test('of 200 steps under SIGPROF at 1 kHz gives bitwise the same parameters', async () => {
    const plain = await toyRun(['--steps', '200']);
    const steps = ['--steps', '200', '--threads', '2']; // a thread of the addon's own, which the signals could hit
    // V8's profiler signals the thread of JavaScript
    const profiled = await toyRun(steps, ['--cpu-prof', '--cpu-prof-interval', '1000', '--cpu-prof-dir', folder]);
    expect(profiled.hash).toBe(plain.hash);
    expect(readdirSync(folder).some((file) => file.endsWith('.cpuprofile'))).toBe(true);
    // signals to the process reach any thread that does not block them
    const stormed = await toyRun([...steps, '--signals'], [], 'SIGPROF');
    expect(stormed.hash).toBe(plain.hash);
    expect(stormed.signals).toBeGreaterThan(50);
  });
});
