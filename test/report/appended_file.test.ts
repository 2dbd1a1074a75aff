// A growing file on a disk that fills up and gets room again.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { AppendedFile } from '../../src/report/appended_file.js';

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY })); // bytes
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeSync = (fd: number, bytes: Uint8Array): number => {
    if (disk.room === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 });
    const written = fs.writeSync(fd, bytes.subarray(0, disk.room));
    disk.room -= written;
    return written;
  };
  return { ...fs, writeSync };
});

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-append-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

test('after a full disk the file goes on at the byte that failed', () => {
  const path = join(dir, 'file');
  const file = new AppendedFile(path);
  disk.room = 7;
  file.append('hello ');
  file.append('world');
  expect(() => file.flush()).toThrow(DataError);
  expect(() => file.flush()).toThrow(`cannot write ${path}: no space left on the disk`);
  expect(readFileSync(path, 'utf8')).toBe('hello w');
  disk.room = Number.POSITIVE_INFINITY;
  file.append('!');
  file.close();
  file.close();
  expect(readFileSync(path, 'utf8')).toBe('hello world!');
});

test('a folder that is not there is an error that names the file', () => {
  const path = join(dir, 'absent', 'file');
  expect(() => new AppendedFile(path)).toThrow(path);
  expect(existsSync(path)).toBe(false);
});
