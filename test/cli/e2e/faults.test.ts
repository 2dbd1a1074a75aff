// What goes wrong around a run that trains: a disk that fills up, limits, a folder that can no longer be written, a second
// process, a profiler's signals. The run ends with an error that says what to do, what was saved is whole, nothing
// half-written stays, and a resume ends with the same bytes as a run that never stopped.
// Faults at every call of a save: test/faults.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, cpSync, mkdirSync, openSync, rmSync, symlinkSync, watch, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCheckpoint } from '../../../src/checkpoint/store.js';
import { complaint, DROPOUT, type Ended, TINY, Workplace } from './gpt.js';

const place = new Workplace();
const disk = place.path('disk'); // a small one, mounted
const isRoot = process.getuid?.() === 0;
const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
mkdirSync(disk);
const canMount = isRoot && works('mount', '-t', 'tmpfs', '-o', 'size=12m', 'gpt-test', disk);
afterAll(() => {
  if (canMount) works('umount', '-l', disk);
  place.remove();
});

const STEPS = 150;
const FLAGS = [...DROPOUT, '--train.max_steps', String(STEPS), '--train.save_every', '4', '--sample.tokens', '0'];
const FINAL = `step-${String(STEPS).padStart(6, '0')}`;
const args = (out: string) => ['pretrain', '--data', 'text.txt', '--out', out, ...TINY, ...FLAGS];
const SELDOM = ['--train.save_every', '0']; // faster
beforeAll(() => place.train('straight', ...FLAGS, ...SELDOM));

const unfinished = (run: string) => place.names(run).filter((name) => name.includes('.tmp-'));

/** The latest checkpoint opens, nothing unfinished lies about, and a resume ends with the right bytes. */
async function goesOn(run: string): Promise<void> {
  const checkpoint = loadCheckpoint(place.path(run), 'latest');
  expect(checkpoint.trainer!.state.step).toBeLessThan(STEPS);
  checkpoint.close();
  expect(unfinished(run)).toEqual([]);
  const { code, stderr } = await place.gpt(['pretrain', '--resume', run, ...SELDOM]);
  expect(code, stderr).toBe(0);
  expect(place.state(run, FINAL)).toEqual(place.state('straight', FINAL));
  expect(place.names(run)).not.toContain('lock');
}

const refused = (ended: Ended, ...texts: string[]): void => {
  const { code, text, wellFormed } = complaint(ended);
  expect({ code, wellFormed }, text).toEqual({ code: 4, wellFormed: true });
  for (const part of texts) expect(text).toContain(part);
};

describe.skipIf(!canMount)('a small disk (skipped where tmpfs cannot be mounted: root only)', () => {
  const fill = (): string => {
    const fd = openSync(`${disk}/ballast`, 'w');
    try {
      for (const size of [1 << 20, 4096]) while (true) if (writeSync(fd, new Uint8Array(size)) < size) break;
    } catch {} // full
    closeSync(fd);
    return `${disk}/ballast`;
  };

  test('that is too small is known before training', async () => {
    const ended = await place.gpt([...args('disk/small'), '--train.keep', '20']);
    refused(ended, 'the run (22 checkpoints of 1.4', 'at a time) needs', '--train.keep 1');
    expect(place.names('disk')).toEqual([]);
  });

  test('that fills up in mid-run', async () => {
    const running = place.start(args('disk/run'));
    await running.says('saved');
    const ballast = fill();
    // found before a save, or by a write of it
    refused(await running.ended, 'disk/run', 'free some space');
    rmSync(ballast);
    await goesOn('disk/run');
    rmSync(`${disk}/run`, { recursive: true });
  });
});

test('a limit on the size of files: an error, no signal (ulimit -f)', async () => {
  const limited = ['sh', '-c', 'ulimit -f 200; exec "$0" "$@"', process.execPath]; // 200 blocks of 512 bytes
  const ended = await place.start(args('limited'), {}, { node: limited }).ended;
  refused(ended, 'cannot write', 'the file would be larger than a limit allows', 'ulimit -f');
  expect(place.names('limited').filter((name) => name.startsWith('step-'))).toEqual([]);
});

const lockDown = isRoot ? ['chattr', '+i'] : ['chmod', '555'];
const unlock = isRoot ? ['chattr', '-i'] : ['chmod', '755'];
mkdirSync(place.path('probe'));
const canLockDown = works(lockDown[0]!, lockDown[1]!, place.path('probe'));
works(unlock[0]!, unlock[1]!, place.path('probe'));
test.skipIf(!canLockDown)('a folder made read-only in mid-run (skipped where chattr +i fails, as root)', async () => {
  const running = place.start(args('readonly'));
  await running.says('saved');
  expect(works(lockDown[0]!, lockDown[1]!, place.path('readonly'))).toBe(true);
  const ended = await running.ended;
  expect(works(unlock[0]!, unlock[1]!, place.path('readonly'))).toBe(true);
  refused(ended, 'cannot ', 'permission denied');
  for (const left of unfinished('readonly')) rmSync(place.path('readonly', left), { recursive: true }); // nobody could
  await goesOn('readonly');
});

test('a log that cannot be written: the run saves, then ends', async () => {
  cpSync(place.path('straight'), place.path('mute'), { recursive: true });
  rmSync(place.path('mute/run.jsonl'));
  symlinkSync('/dev/full', place.path('mute/run.jsonl'));
  const more = ['--train.max_steps', String(2 * STEPS)];
  refused(await place.gpt(['pretrain', '--resume', 'mute', ...more]), 'run.jsonl', 'no space left');
  expect(place.read('mute/latest').toString()).toBe(`step-000${STEPS + 1}\n`);
  loadCheckpoint(place.path('mute'), 'latest').close();
});

test('two runs in one folder: the second is told who is there', async () => {
  const running = place.start(args('shared'));
  await running.says('saved');
  const before = place.read('shared', 'run.jsonl').toString();
  const second = await place.gpt(['pretrain', '--resume', 'shared']);
  refused(second, 'shared is in use', `process ${running.process.pid} on host ${hostname()}`);
  running.process.kill('SIGKILL');
  await running.ended;
  expect(place.names('shared')).toContain('lock'); // of a dead process: the next one takes it over
  expect(place.read('shared', 'run.jsonl').toString().startsWith(before)).toBe(true);
  expect(place.events('shared', 'start')).toHaveLength(1);
  const { code, stderr } = await place.gpt(['pretrain', '--resume', 'shared', ...SELDOM]);
  expect(code, stderr).toBe(0);
  expect(place.state('shared', FINAL)).toEqual(place.state('straight', FINAL));
});

describe('a signal while a checkpoint is being published', () => {
  /** Sends it when a folder is staged. */
  async function signalled(run: string, signal: NodeJS.Signals): Promise<Ended> {
    const running = place.start(args(run));
    await running.says('saved');
    const watcher = watch(place.path(run), (_, name) => {
      if (!/^step-\d+\.tmp-/.test(name ?? '')) return;
      watcher.close();
      running.process.kill(signal);
    });
    const ended = await running.ended;
    watcher.close();
    return ended;
  }

  test.each(['SIGTERM', 'SIGHUP'] as const)('%s: that one, and the one of this step, are finished', async (signal) => {
    const { code, stderr } = await signalled(signal, signal);
    expect(code, stderr).toBe(signal === 'SIGTERM' ? 143 : 129);
    const saved = place.events(signal, 'checkpoint').map(({ step }) => step);
    expect(place.read(signal, 'latest').toString().trim()).toBe(`step-${String(saved.at(-1)).padStart(6, '0')}`);
    for (const { seconds, blocked_seconds } of place.events(signal, 'checkpoint')) {
      expect(blocked_seconds).toBeLessThan(seconds);
    }
    await goesOn(signal);
  });
});

// Node itself aborts when it leaves a terminal that is gone: no exit code to test
test.skipIf(!works('script', '--version'))(
  'the terminal is closed: saved (skipped where there is no script(1))',
  async () => {
    const command = [...args('terminal'), '--train.save_every', '100', '--train.max_steps', '1000000'].join(' ');
    const gpt = `${process.execPath} ${fileURLToPath(new URL('../../../bin/gpt.js', import.meta.url))} ${command}`;
    const env = { ...process.env, GPT_CACHE: place.path('.cache'), GPT_THREADS: '1' };
    const terminal = spawn('script', ['-qfc', gpt, '/dev/null'], {
      cwd: place.dir,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let shown = '';
    for await (const text of terminal.stdout) {
      shown += text;
      if (shown.includes('saved')) break;
    }
    terminal.kill('SIGKILL');
    const ended = () => place.events('terminal', 'end');
    for (let wait = 0; wait < 600 && ended().length === 0; wait++) await new Promise((done) => setTimeout(done, 100));
    expect(ended()).toMatchObject([{ reason: 'interrupted' }]);
    const { step } = ended()[0]!;
    expect(place.read('terminal/latest').toString()).toBe(`step-${String(step).padStart(6, '0')}\n`);
  },
);

// node --cpu-prof interrupts the process with SIGPROF, here a thousand times a second
test('a profiler at 1 kHz changes nothing in 200 steps', async () => {
  const steps = ['--train.max_steps', '200', ...SELDOM];
  await place.train('unwatched', ...FLAGS, ...steps);
  const profiler = ['--cpu-prof', '--cpu-prof-interval', '1000', '--cpu-prof-dir', place.path('profiles')];
  const { code, stderr } = await place.start(
    [...args('watched'), ...steps],
    {},
    { node: [process.execPath, ...profiler] },
  ).ended;
  expect(code, stderr).toBe(0);
  expect(place.names('profiles').length).toBeGreaterThan(0);
  expect(place.losses('watched')).toEqual(place.losses('unwatched'));
  expect(place.state('watched', 'step-000200')).toEqual(place.state('unwatched', 'step-000200'));
});

// test/checkpoint/fixtures: a run of 4 steps of gpt 0.1.0, of which step 2 is kept, and what step 4 was
test('a checkpoint that version 0.1.0 saved resumes to the same bytes', async () => {
  const frozen = fileURLToPath(new URL('../../checkpoint/fixtures/format-1/', import.meta.url));
  cpSync(frozen, place.path('frozen'), { recursive: true });
  const { code, stderr } = await place.gpt(['pretrain', '--resume', 'frozen', '--backend', 'cpu']);
  expect(code, stderr).toBe(0);
  const sums = ['model.safetensors', 'trainer/optimizer.safetensors'].map((name) => [
    name,
    createHash('sha256').update(place.read('frozen/step-000004', name)).digest('hex'),
  ]);
  expect(Object.fromEntries(sums)).toEqual(JSON.parse(place.read('frozen/step-000004.json').toString()));
});
