// gpt data get against a server on this machine: test/data/hub.ts answers as the hub does, or worse.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { describeHubSet, downloadFile } from '../../src/data/download.js';
import { evalRows } from '../../src/data/eval_sets.js';
import { startHub } from './hub.js';
import { tinyParquet } from './tiny_parquet.js';
import { workplace } from './workplace.js';

const work = workplace();
const PARQUET = tinyParquet();
const LARGE = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
const hub = await startHub(
  'me/set',
  {
    'easy/train/0000.parquet': PARQUET,
    'easy/train/0001.parquet': PARQUET,
    'easy/test/0000.parquet': PARQUET,
    'large/train/0000.parquet': LARGE,
    'escape/../0000.parquet': PARQUET,
  },
  { license: ['mit', 'cc0-1.0'] },
);
afterAll(() => hub.close());
afterEach(() => {
  hub.requests.length = 0;
  for (const key of Object.keys(hub.options)) delete hub.options[key as keyof typeof hub.options];
});

let made = 0;
const root = () => join(work.dir, `root-${++made}`);
const large = async () => (await describeHubSet(hub.url, 'me/set', 'large')).files[0]!;

describe('what the hub has', () => {
  test('licence, files by split, sizes and hashes; over several pages', async () => {
    hub.options.pageSize = 1;
    const set = await describeHubSet(`${hub.url}/`, 'me/set', 'easy');
    expect(set).toMatchObject({ path: 'me/set', name: 'easy', licence: 'mit, cc0-1.0' });
    expect(set.files.map(({ split, place, bytes }) => [split, place, bytes])).toEqual([
      ['train', 'me/set/easy/train-00000-of-00002.parquet', PARQUET.length],
      ['train', 'me/set/easy/train-00001-of-00002.parquet', PARQUET.length],
      ['test', 'me/set/easy/test.parquet', PARQUET.length],
    ]);
    expect(set.files[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('rows come out as they went in', async () => {
    const out = root();
    const set = await describeHubSet(hub.url, 'me/set', 'easy');
    for (const file of set.files) await downloadFile(out, file);
    const train = await evalRows([out], { path: 'me/set', name: 'easy' }, 'train');
    expect(train.map(({ n }) => n)).toEqual([7, null, 9, 7, null, 9]);
    expect((await evalRows([out], { path: 'me/set', name: 'easy' }, 'test')).length).toBe(3);
  });

  test.each<[string, string, string | undefined, number, RegExp, RegExp]>([
    ['no such set', 'me/none', undefined, 4, /has no data set me\/none, or none without an account \(404\)/, /by hand/],
    ['no such name', 'me/set', 'eazy', 2, /me\/set has no "eazy"/, /did you mean easy\? it has easy, large, escape/],
    ['no name where there are several', 'me/set', undefined, 2, /has several names/, /it has easy, large, escape/],
    ['no name of a set', '../etc', undefined, 2, /is no name of a data set/, /nyu-mll\/glue/],
    ['a path that leaves the root', 'me/set', 'escape', 4, /does not expect: escape\/\.\.\/0000\.parquet/, /by hand/],
  ])('%s', async (_, path, name, exitCode, message, fix) => {
    await expect(describeHubSet(hub.url, path, name)).rejects.toMatchObject({
      ...{ exitCode, message: expect.stringMatching(message), fix: expect.stringMatching(fix) },
    });
  });

  test('no hub, no network, and one that is no hub', async () => {
    await expect(describeHubSet('hub', 'me/set', 'easy')).rejects.toMatchObject({ exitCode: 2 });
    const closed = await startHub('x/y', {}, {});
    closed.close();
    await expect(describeHubSet(closed.url, 'me/set', 'easy')).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/),
      fix: expect.stringContaining('check the network'),
    });
    const other = await startHub('x/y', { '': Buffer.from('<html>') }, {});
    await expect(describeHubSet(`${other.url}/store/?`, 'me/set', 'easy')).rejects.toMatchObject({ exitCode: 4 });
    other.close();
  });
});

describe('a file', () => {
  test('goes on from where the connection broke', async () => {
    const out = root();
    hub.options.breakAfter = 120_000;
    const file = await large();
    await expect(downloadFile(out, file)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/the connection broke after .* of /),
      fix: 'run the command again: it goes on from there',
    });
    const target = join(out, file.place);
    const { size } = statSync(`${target}.part`);
    expect([existsSync(target), size > 0 && size <= 120_000]).toEqual([false, true]);
    const seen: number[] = [];
    expect(await downloadFile(out, file, (done) => seen.push(done))).toBe(target);
    expect(readFileSync(target).equals(LARGE)).toBe(true);
    expect(existsSync(`${target}.part`)).toBe(false);
    expect(hub.requests.at(-1)).toBe(`GET /store/large/train/0000.parquet bytes=${size}-`);
    expect([seen[0]! > size, seen.at(-1)]).toEqual([true, LARGE.length]);
  });

  test('starts anew where the server knows no ranges', async () => {
    const out = root();
    const file = await large();
    const target = join(out, file.place);
    work.file(`root-${made}/${file.place}.part`, LARGE.subarray(0, 1000));
    hub.options.noRange = true;
    await downloadFile(out, file);
    expect(readFileSync(target).equals(LARGE)).toBe(true);
  });

  test('whole but unnamed after a kill: nothing is fetched again', async () => {
    const out = root();
    const file = await large();
    work.file(`root-${made}/${file.place}.part`, LARGE);
    hub.requests.length = 0;
    await downloadFile(out, file);
    expect([hub.requests, readFileSync(join(out, file.place)).equals(LARGE)]).toEqual([[], true]);
  });

  test.each([false, true])('with other content is refused (hash in the answer: %s)', async (hashInAnswer) => {
    const out = root();
    Object.assign(hub.options, { corrupt: true, hashInAnswer });
    const file = await large();
    expect(file.sha256 === undefined).toBe(hashInAnswer);
    await expect(downloadFile(out, file)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/what came has the SHA-256 [0-9a-f]{64}, not /),
    });
    expect([existsSync(join(out, file.place)), existsSync(join(out, `${file.place}.part`))]).toEqual([false, false]);
  });

  test('of another size is refused', async () => {
    const file = { ...(await large()), bytes: LARGE.length + 1 };
    await expect(downloadFile(root(), file)).rejects.toThrow('what came has 200000 bytes, not 200001');
  });

  test('that the hub no longer has, and a disk without room', async () => {
    const file = await large();
    const gone = { ...file, url: file.url.replace('large', 'gone') };
    await expect(downloadFile(root(), gone)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('404'),
    });
    await expect(downloadFile(root(), { ...file, bytes: 2 ** 60 })).rejects.toThrow(
      /has 1\.\d+ EB|and the disk .* left/,
    );
  });

  test('where a file is in the way of its folder', async () => {
    const file = await large();
    const out = root();
    work.file(`root-${made}/me`, 'a file');
    await expect(downloadFile(out, file)).rejects.toMatchObject({ exitCode: 4 });
  });
});
