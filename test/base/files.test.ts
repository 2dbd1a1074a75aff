import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../src/base/errors.js';
import {
  type FileSystem,
  makeFolder,
  nodeFileSystem,
  outputPath,
  readText,
  removeFolderAtomic,
  removeLeftovers,
  writeAll,
  writeFile,
  writeFileAtomic,
  writeFolderAtomic,
  writeNewFileAtomic,
} from '../../src/base/files.js';
import { faultyDisk } from '../checkpoint/faulty_disk.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const fill = (fs: FileSystem) => async (tmp: string) => {
  await writeFile(join(tmp, 'a'), 'first', fs);
  fs.mkdir(join(tmp, 'sub'));
  await writeFile(join(tmp, 'sub', 'b'), 'second', fs);
};

test('makeFolder makes those above too, and says where a file is in the way', () => {
  makeFolder(join(dir, 'a', 'b'));
  makeFolder(join(dir, 'a', 'b'));
  writeFileSync(join(dir, 'file'), '');
  expect(() => makeFolder(join(dir, 'file'))).toThrow(`cannot write ${join(dir, 'file')}: it is a file`);
  expect(() => makeFolder(join(dir, 'file', 'b'))).toThrow('a part of the path is a file');
  expect(readdirSync(dir).sort()).toEqual(['a', 'file']);
});

test.skipIf(process.platform !== 'linux')('makeFolder comes back where the system makes no folders', () => {
  expect(() => makeFolder('/proc/no/such')).toThrow('cannot write /proc/no/such: no such file');
});

describe('writeFileAtomic', () => {
  test('is the old or the new file after a fault at every call, and the next write cleans up', async () => {
    const path = join(dir, 'file');
    const count = faultyDisk(Number.POSITIVE_INFINITY, 'fail');
    await writeFileAtomic(path, 'old content', count);
    const problems: string[] = [];
    for (const fault of ['fail', 'kill'] as const) {
      for (let at = 0; at < count.calls.length; at++) {
        await writeFileAtomic(path, 'old content');
        const disk = faultyDisk(at, fault);
        const error = await writeFileAtomic(path, 'new content', disk).catch((e: unknown) => e);
        const where = `${fault} at call ${at} (${count.calls[at]})`;
        const renamed = at > count.calls.indexOf('rename');
        if (!(error instanceof DataError)) problems.push(`${where}: no DataError`);
        if (readFileSync(path, 'utf8') !== (renamed ? 'new content' : 'old content'))
          problems.push(`${where}: content`);
        await writeFileAtomic(path, 'last');
        if (readdirSync(dir).length !== 1 || readText(path) !== 'last') problems.push(`${where}: next write`);
      }
    }
    expect(problems).toEqual([]);
    expect(count.calls).toEqual([
      'open',
      'write',
      'close',
      'open',
      'fsync',
      'close',
      'rename',
      'open',
      'fsync',
      'close',
    ]);
  });

  test('goes on after short writes', async () => {
    const oneByte: FileSystem = {
      ...nodeFileSystem,
      write: (fd, bytes) => nodeFileSystem.write(fd, bytes.subarray(0, 1)),
    };
    await writeFileAtomic(join(dir, 'file'), 'abc ü', oneByte);
    expect(readText(join(dir, 'file'))).toBe('abc ü');
  });

  test('a full disk and a missing folder are errors for the user, a bug is not', async () => {
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 });
    const failing = (error: Error): FileSystem => ({
      ...nodeFileSystem,
      write: () => {
        throw error;
      },
    });
    await expect(writeFileAtomic(join(dir, 'x'), 'abc', failing(full))).rejects.toThrow(/x: no space left on the disk/);
    await expect(writeFileAtomic(join(dir, 'x'), 'abc', failing(new TypeError('bug')))).rejects.toThrow(TypeError);
    await expect(writeFileAtomic(join(dir, 'none', 'x'), 'abc')).rejects.toThrow(/none\/x: no such file or folder/);
  });
});

describe('writeFolderAtomic', () => {
  test('fsyncs every file, every folder, and the parent after the rename', async () => {
    const opened = new Map<number, string>();
    const log: string[] = [];
    const fs: FileSystem = {
      ...nodeFileSystem,
      open: (path, flags) => {
        const fd = nodeFileSystem.open(path, flags);
        opened.set(fd, path.replace(dir, '').replace(`.tmp-${process.pid}`, ''));
        return fd;
      },
      fsync: (fd) => log.push(`fsync ${opened.get(fd)}`),
      rename: (from, to) => {
        log.push('rename');
        nodeFileSystem.rename(from, to);
      },
    };
    await writeFolderAtomic(join(dir, 'new'), fill(fs), fs);
    expect(log).toEqual(['fsync /new/a', 'fsync /new/sub/b', 'fsync /new/sub', 'fsync /new', 'rename', 'fsync ']);
    expect(readText(join(dir, 'new', 'sub', 'b'))).toBe('second');
  });

  test('is whole or absent after a fault at every call', async () => {
    const target = join(dir, 'new');
    const count = faultyDisk(Number.POSITIVE_INFINITY, 'fail');
    await writeFolderAtomic(target, fill(count), count);
    const problems: string[] = [];
    for (const fault of ['fail', 'kill'] as const) {
      for (let at = 0; at < count.calls.length; at++) {
        rmSync(target, { recursive: true, force: true });
        const disk = faultyDisk(at, fault);
        await writeFolderAtomic(target, fill(disk), disk).then(
          () => problems.push(`${fault} ${at}: no error`),
          () => undefined,
        );
        const renamed = at > count.calls.indexOf('rename');
        if (existsSync(target) !== renamed) problems.push(`${fault} ${at}: exists ${!renamed}`);
        if (renamed && readText(join(target, 'sub', 'b')) !== 'second') problems.push(`${fault} ${at}: content`);
        if (fault === 'fail' && readdirSync(dir).length > Number(renamed)) problems.push(`fail ${at}: not cleaned up`);
        if (!renamed) await writeFolderAtomic(target, fill(nodeFileSystem));
        if (String(readdirSync(dir)) !== 'new') problems.push(`${fault} ${at}: leftovers after the next write`);
      }
    }
    expect(problems).toEqual([]);
  });

  test('never overwrites', async () => {
    mkdirSync(join(dir, 'mine'));
    writeFileSync(join(dir, 'mine', 'file'), 'precious');
    await expect(writeFolderAtomic(join(dir, 'mine'), fill(nodeFileSystem))).rejects.toThrow(/mine exists/);
    expect(readText(join(dir, 'mine', 'file'))).toBe('precious');
  });

  test('passes an error of its writer on and leaves nothing', async () => {
    const broken = () => Promise.reject(new RangeError('mine'));
    await expect(writeFolderAtomic(join(dir, 'new'), broken)).rejects.toThrow(RangeError);
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('writeNewFileAtomic', () => {
  const path = () => join(dir, 'new');
  const write = (fs?: FileSystem) =>
    writeNewFileAtomic(path(), (fd) => writeAll(fd, Buffer.from('mine'), nodeFileSystem), fs);

  test('does not replace what appeared while it wrote, and leaves nothing', async () => {
    const slow: FileSystem = { ...nodeFileSystem, fsync: () => writeFileSync(path(), 'theirs') };
    await expect(write(slow)).rejects.toThrow(/new exists and is not overwritten/);
    expect(readText(path())).toBe('theirs');
    expect(readdirSync(dir)).toEqual(['new']);
  });

  test('does not replace a link to nothing', async () => {
    symlinkSync(join(dir, 'nothing'), path());
    await expect(write()).rejects.toThrow(/new exists and is not overwritten/);
    expect(readdirSync(dir)).toEqual(['new']);
  });
});

test('a name that a user gives loses its last slash, and must not be that of an unfinished file', () => {
  expect(outputPath('a/b/')).toBe('a/b');
  expect(outputPath('a.tmp-x')).toBe('a.tmp-x');
  for (const path of ['model.tmp-12', 'a/model.tmp-12/']) expect(() => outputPath(path)).toThrow(ConfigError);
});

test('removeLeftovers takes what dead processes left of the chosen targets, and nothing else', () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const names = [`a.tmp-${dead}`, `a.tmp-${process.pid}`, `a.tmp-${process.ppid}`, `b.tmp-${dead}`, 'a', 'a.tmp-mine'];
  for (const name of names) writeFileSync(join(dir, name), '');
  removeLeftovers(dir, (target) => target === 'a');
  expect(readdirSync(dir).sort()).toEqual(['a', 'a.tmp-mine', `a.tmp-${process.ppid}`, `b.tmp-${dead}`].sort());
});

test('removeFolderAtomic: a folder that is half deleted has a temporary name', async () => {
  const target = join(dir, 'old');
  for (let at = 0; at < 3; at++) {
    rmSync(dir, { recursive: true });
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'file'), '');
    await expect(removeFolderAtomic(target, faultyDisk(at, 'kill'))).rejects.toThrow(DataError);
    expect(existsSync(join(target, 'file'))).toBe(at < 2);
    expect(existsSync(target)).toBe(at < 2);
  }
});
