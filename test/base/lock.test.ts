// One process per folder. A holder of another process is a real one: a child that sleeps, or has ended.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { type FileSystem, nodeFileSystem } from '../../src/base/files.js';
import { lockFolder } from '../../src/base/lock.js';
import { faultyDisk } from '../checkpoint/faulty_disk.js';

let dir: string;
let path: string;
let sleeper: ChildProcess;
let dead: number;
beforeAll(() => {
  sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1e6)'], { stdio: 'ignore' });
  dead = spawnSync(process.execPath, ['-e', '']).pid;
});
afterAll(() => void sleeper.kill('SIGKILL'));
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-lock-'));
  path = join(dir, 'lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const holder = (changes: object): string =>
  `${JSON.stringify({ pid: sleeper.pid, host: hostname(), born: '', started: '2026-07-01T12:00:00.000Z', ...changes })}\n`;
const mine = () =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<'host' | 'namespace' | 'born', string> & { pid: number };
function refusal(): DataError {
  try {
    lockFolder(dir)();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('the lock was taken');
}

test('names process and host, keeps a second one out, and goes with unlock', () => {
  const unlock = lockFolder(dir);
  expect(mine()).toMatchObject({ pid: process.pid, host: hostname() });
  expect(refusal().message).toContain(`in use: process ${process.pid} on host ${hostname()} has been training there`);
  unlock();
  expect(readdirSync(dir)).toEqual([]);
  lockFolder(dir)();
});

test('goes with the end of the process, and unlock leaves the lock of another one', () => {
  const listeners = process.listenerCount('exit');
  const unlock = lockFolder(dir);
  expect(process.listenerCount('exit')).toBe(listeners + 1);
  writeFileSync(path, holder({}));
  unlock();
  expect(process.listenerCount('exit')).toBe(listeners);
  expect(readFileSync(path, 'utf8')).toBe(holder({}));
});

test.each<[string, () => void]>([
  ['a folder', () => mkdirSync(path)],
  ['a link to nothing', () => symlinkSync(join(dir, 'nothing'), path)],
])('that cannot be read is respected: %s', (_, make) => {
  make();
  expect(refusal().message).toContain(`${path} cannot be read`);
  expect(readdirSync(dir)).toEqual(['lock']);
});

describe('of another process', () => {
  test('that lives is respected: wait, or kill', () => {
    writeFileSync(path, holder({}));
    const { message, fix } = refusal();
    expect(message).toContain(`process ${sleeper.pid} on host ${hostname()} has been training there since 2026-07-01`);
    expect(fix).toContain(`kill ${sleeper.pid}`);
    expect(readFileSync(path, 'utf8')).toBe(holder({}));
  });

  test('on another host is respected, though no process here has its number: remove it', () => {
    writeFileSync(path, holder({ host: 'elsewhere', pid: dead }));
    const { message, fix } = refusal();
    expect(message).toContain(`process ${dead} on host elsewhere`);
    expect(fix).toContain(`remove ${path}`);
  });

  test.skipIf(process.platform !== 'linux')(
    'in another PID namespace is respected, whoever has its number here, until the machine restarts',
    () => {
      lockFolder(dir);
      const { namespace, born } = mine();
      expect(namespace).toMatch(/^pid:\[\d+\]$/);
      const other = { namespace: 'pid:[1]', pid: dead };
      writeFileSync(path, holder({ ...other, born }));
      const { message, fix } = refusal();
      expect(message).toContain(`process ${dead} on host ${hostname()}`);
      expect(fix).toContain(`remove ${path}`);
      writeFileSync(path, holder({ ...other, born: born.replace(/^./, 'x') }));
      lockFolder(dir)();
      expect(readdirSync(dir)).toEqual([]);
    },
  );

  test('that is gone is taken over', () => {
    writeFileSync(path, holder({ pid: dead }));
    const unlock = lockFolder(dir);
    expect(mine().pid).toBe(process.pid);
    expect(readdirSync(dir)).toEqual(['lock']);
    unlock();
  });

  test.skipIf(process.platform !== 'linux')(
    'whose number another process has now is taken over (Linux only: /proc tells when a process began)',
    () => {
      const unlock = lockFolder(dir);
      const { born } = mine();
      expect(born).toMatch(/^[\da-f-]{36} \d+$/);
      unlock();
      for (const [pid, its] of [
        [sleeper.pid, born],
        [process.pid, `${born}0`], // a container that was restarted: the new process has the number of the old one
        [process.pid, born.replace(/^./, 'x')], // the machine was restarted
      ] as const) {
        writeFileSync(path, holder({ pid, born: its }));
        lockFolder(dir)();
        expect(readdirSync(dir)).toEqual([]);
      }
    },
  );
});

test('a lock without content is one that is just being made, until it is old', () => {
  writeFileSync(path, '');
  expect(refusal().message).toContain('just starting');
  const old = Date.now() / 1000 - 60;
  utimesSync(path, old, old);
  lockFolder(dir)();
});

test('of two that find a stale lock, the one that comes late does not take the new one away', () => {
  writeFileSync(path, holder({ pid: dead }));
  let first = true;
  const late: FileSystem = {
    ...nodeFileSystem,
    rename: (from, to) => {
      if (first) writeFileSync(path, holder({})); // between reading and renaming, somebody else has locked
      first = false;
      nodeFileSystem.rename(from, to);
    },
  };
  expect(() => lockFolder(dir, late)).toThrow(/in use/);
  expect(readFileSync(path, 'utf8')).toBe(holder({}));
  expect(readdirSync(dir)).toEqual(['lock']);
});

test('a fault at every call, with and without a stale lock: an error, and the next one gets it', () => {
  for (const content of [undefined, holder({ pid: dead })]) {
    const count = faultyDisk(Number.POSITIVE_INFINITY, 'fail');
    const begin = () => {
      rmSync(path, { force: true });
      if (content !== undefined) writeFileSync(path, content);
    };
    begin();
    lockFolder(dir, count);
    for (let at = 0; at < count.calls.length; at++) {
      begin();
      expect(() => lockFolder(dir, faultyDisk(at, 'fail'))).toThrow(DataError);
      lockFolder(dir)();
    }
    expect(count.calls.length).toBeGreaterThan(2);
  }
});
