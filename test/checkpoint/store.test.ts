import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { type FileSystem, nodeFileSystem } from '../../src/base/files.js';
import { type Publication, publish } from '../../src/checkpoint/publish.js';
import { checkpointBytes, requireCheckpointSpace, stepBytes } from '../../src/checkpoint/space.js';
import {
  CheckpointStore,
  loadCheckpoint,
  resolveCheckpoint,
  type SavedStep,
  uniqueRunDir,
} from '../../src/checkpoint/store.js';
import { faultyDisk } from './faulty_disk.js';
import { differences, tinyContent } from './tiny_checkpoint.js';

let base: string;
let run: string;
let store: CheckpointStore;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'gpt-store-'));
  run = join(base, 'run');
  store = new CheckpointStore(run, faultyDisk(Number.POSITIVE_INFINITY, 'fail')); // no fsync: faster
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function save(step: number, best = false, keep?: number): Promise<SavedStep> {
  const saved = await store.save(step, tinyContent(step), { best, ...(keep === undefined ? {} : { keep }) });
  await saved.published;
  return saved;
}
const errorOf = (call: () => unknown): DataError => {
  try {
    call();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('a run', () => {
  test('has the promised layout', async () => {
    const { dir, bytes } = await save(100, true);
    expect(dir).toBe(join(run, 'step-000100'));
    const files = readdirSync(run, { recursive: true, encoding: 'utf8' }).sort();
    expect(files.map((name) => name.replace('step-000100', 'S'))).toEqual(
      [
        'best',
        'latest',
        'S',
        'S/config.json',
        'S/generation_config.json',
        'S/model.safetensors',
        'S/tokenizer.json',
        'S/trainer',
        'S/trainer/optimizer.safetensors',
        'S/trainer/state.json',
      ].sort((a, b) => (a.replace('S', 'step') < b.replace('S', 'step') ? -1 : 1)),
    );
    const sizes = files.filter((name) => /\..*$/.test(name)).map((name) => readFileSync(join(run, name)).length);
    expect(bytes).toBe(sizes.reduce((a, b) => a + b, 0));
    expect(readFileSync(join(run, 'latest'), 'utf8')).toBe('step-000100\n');
    expect(readFileSync(join(dir, 'tokenizer.json'), 'utf8')).toBe(tinyContent(100).tokenizerJson);
  });

  test('gives back what was saved, by pointer, step and path', async () => {
    await save(100, true);
    await save(200);
    expect(await differences(store.load('latest'), 200)).toEqual([]);
    expect(await differences(store.load('best'), 100)).toEqual([]);
    expect(await differences(store.load(100), 100)).toEqual([]);
    expect(await differences(loadCheckpoint(run, 'best'), 100)).toEqual([]);
    expect(await differences(loadCheckpoint(join(run, 'step-000200/'), 'best'), 200)).toEqual([]);
    expect(await differences(store.load(100), 200)).not.toEqual([]);
    expect(store.list().map(({ step, name }) => [step, name])).toEqual([
      [100, 'step-000100'],
      [200, 'step-000200'],
    ]);
    expect(errorOf(() => store.load(150)).fix).toContain('step-000100, step-000200');
  });

  test('a step that exists is not overwritten, and its successor is the latest', async () => {
    await save(100);
    await save(200);
    const again = await store.save(100, tinyContent(101), { best: false });
    await again.published;
    expect(again.name).toBe('step-000100-2');
    expect(await differences(store.load('latest'), 101)).toEqual([]);
    expect(await differences(loadCheckpoint(join(run, 'step-000100'), 'latest'), 100)).toEqual([]);
    expect(store.list().map(({ name }) => name)).toEqual(['step-000100', 'step-000100-2', 'step-000200']);
  });

  test('keeps those that were written last, the best and the latest', async () => {
    await save(100, true);
    for (const step of [200, 300, 400]) await save(step);
    await save(50); // resumed from an earlier step
    mkdirSync(join(run, 'step-notes'));
    writeFileSync(join(run, 'run.jsonl'), '');
    await save(60, false, 10);
    expect(store.list()).toHaveLength(6);
    await save(55, false, 2);
    expect(readdirSync(run).sort()).toEqual(
      ['best', 'latest', 'run.jsonl', 'step-000055', 'step-000060', 'step-000100', 'step-notes'].sort(),
    );
  });

  test('after a copy, which loses the times of the folders, too; in old runs these are all there is', async () => {
    for (const step of [400, 100, 200, 300]) await save(step);
    const loseTimes = () => {
      for (const [i, { dir }] of store.list().entries()) utimesSync(dir, i + 1, i + 1); // in the order of the steps
    };
    loseTimes();
    cpSync(run, join(base, 'old'), { recursive: true });
    await save(500, false, 2);
    expect(store.list().map(({ step }) => step)).toEqual([300, 500]);
    rmSync(run, { recursive: true });
    renameSync(join(base, 'old'), run);
    for (const { dir } of store.list()) {
      const file = join(dir, 'trainer', 'state.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^ *"saved_at".*\n/m, ''));
    }
    loseTimes();
    await save(500, false, 2);
    expect(store.list().map(({ step }) => step)).toEqual([400, 500]);
  });

  test('files and links to nothing that are named as steps are no checkpoints, links to folders are', async () => {
    await save(100);
    writeFileSync(join(run, 'step-000001'), '');
    symlinkSync(join(base, 'nothing'), join(run, 'step-000002'));
    renameSync(join(run, 'step-000100'), join(base, 'elsewhere'));
    symlinkSync(join(base, 'elsewhere'), join(run, 'step-000100'));
    symlinkSync('nothing', join(run, 'step-000100', 'link'));
    expect(store.list().map(({ step }) => step)).toEqual([100]);
    expect(await differences(store.load('latest'), 100)).toEqual([]);
    requireCheckpointSpace({ runDir: run, resumed: true, bytes: 1, keep: 1, steps: 1 });
    expect((await save(1, false, 1)).name).toBe('step-000001-2');
    expect((await save(2, true, 1)).name).toBe('step-000002-2');
    expect(store.list().map(({ name }) => name)).toEqual(['step-000002-2']);
    expect(readdirSync(join(base, 'elsewhere'))).toContain('config.json'); // only the link was deleted
    expect(readdirSync(run)).toEqual(['best', 'latest', 'step-000001', 'step-000002', 'step-000002-2']);
  });

  test('survives moving, and copying by a tool that knows no links', async () => {
    await save(100, true);
    cpSync(run, join(base, 'copy'), { recursive: true, dereference: true });
    renameSync(run, join(base, 'moved'));
    for (const name of ['copy', 'moved']) {
      expect(await differences(loadCheckpoint(join(base, name), 'best'), 100)).toEqual([]);
    }
  });
});

test('uniqueRunDir appends a number', async () => {
  const dirs = [];
  for (let i = 0; i < 3; i++) dirs.push(await uniqueRunDir(join(base, 'new'), 'my-run'));
  expect(dirs).toEqual(['my-run', 'my-run-2', 'my-run-3'].map((name) => join(base, 'new', name)));
  writeFileSync(join(base, 'file'), '');
  await expect(uniqueRunDir(join(base, 'file'), 'x')).rejects.toThrow(DataError);
});

describe('resolveCheckpoint', () => {
  test('a plain Hugging Face folder has no trainer', async () => {
    const { dir } = await save(100);
    rmSync(join(dir, 'trainer'), { recursive: true });
    renameSync(dir, join(base, 'hf'));
    expect(resolveCheckpoint(join(base, 'hf'), 'latest')).toBe(join(base, 'hf'));
    const checkpoint = loadCheckpoint(join(base, 'hf'), 'latest');
    expect(checkpoint.trainer).toBeNull();
    checkpoint.close();
  });

  test('a run without pointers means its newest step', async () => {
    await save(100);
    await save(200);
    rmSync(join(run, 'latest'));
    expect(resolveCheckpoint(run, 'best')).toBe(join(run, 'step-000200'));
    writeFileSync(join(run, 'latest'), 'step-000100\n');
    expect(resolveCheckpoint(run, 'best')).toBe(join(run, 'step-000100'));
  });

  test('says what is wrong with everything else', async () => {
    const what = (path: string) => errorOf(() => resolveCheckpoint(path, 'latest')).message.replace(base, '');
    expect(what(join(base, 'none'))).toBe('cannot read /none: no such file or folder');
    expect(what(base)).toBe(' is no checkpoint folder');
    mkdirSync(run);
    writeFileSync(join(run, 'run.jsonl'), '');
    expect(what(run)).toBe('/run has no checkpoint: the run ended before its first save');
    mkdirSync(join(run, 'step-000100.tmp-1'));
    expect(what(run)).toBe('/run has no finished checkpoint: its first save was interrupted');
    const { dir } = await save(100);
    expect(what(join(dir, 'config.json'))).toBe('/run/step-000100/config.json is a file, not a folder');
    writeFileSync(join(run, 'latest'), 'step-000300');
    const error = errorOf(() => resolveCheckpoint(run, 'latest'));
    expect(error.message).toContain('latest names "step-000300", which is not there');
    expect(error.fix).toContain(`--resume ${dir}`);
  });
});

describe('a damaged latest checkpoint names what is wrong and the newest whole one', () => {
  const cut = (name: string) => (dir: string) =>
    truncateSync(join(dir, name), readFileSync(join(dir, name)).length - 3);
  const remove = (name: string) => (dir: string) => rmSync(join(dir, name));
  const edit = (name: string, from: string | RegExp, to: string) => (dir: string) =>
    writeFileSync(join(dir, name), readFileSync(join(dir, name), 'latin1').replace(from, to), 'latin1');
  const state = 'trainer/state.json';
  const optimizer = 'trainer/optimizer.safetensors';

  test.each<[string, (dir: string) => void, RegExp]>([
    ['truncated parameters', cut('model.safetensors'), /model.safetensors is truncated/],
    ['truncated moments', cut(optimizer), /optimizer.safetensors is truncated/],
    ['no parameters', remove('model.safetensors'), /model.safetensors: no such file/],
    ['no moments', remove(optimizer), /optimizer.safetensors: no such file/],
    [
      'a moment missing',
      edit(optimizer, '"m.transformer.wte', '"x.transformer.wte'),
      /m.transformer.wte.weight is missing/,
    ],
    [
      'a moment of another shape',
      edit(optimizer, '[11,4]', '[4,11]'),
      /wte.weight has shape \[4, 11\], expected \[11, 4\]/,
    ],
    ['no config.json', remove('config.json'), /config.json: no such file/],
    ['no state', remove(state), /state.json: no such file/],
    ['half a state', cut(state), /state.json: is no JSON/],
    ['a state without step', edit(state, '"step"', '"stop"'), /state.json: step: /],
    [
      'a state of the future',
      edit(state, '"format_version": 1', '"format_version": 2'),
      /format version 2, .* reads 1/,
    ],
  ])('%s', async (_, damage, message) => {
    await save(100);
    const whole = await save(200);
    const { dir: worse } = await save(300);
    remove('model.safetensors')(worse);
    const { dir } = await save(400);
    damage(dir);
    for (const path of [run, dir]) {
      const error = errorOf(() => loadCheckpoint(path, 'latest'));
      expect(error.message).toMatch(message);
      expect(error.message).toContain(dir);
      expect(error.fix).toContain(`--resume ${whole.dir}`);
    }
  });

  test('or says that there is none', async () => {
    cut('model.safetensors')((await save(100)).dir);
    expect(errorOf(() => store.load('latest')).fix).toContain('no other checkpoint');
  });
});

describe('a save in two halves', () => {
  /** A publisher that does nothing until it is told to. */
  function later() {
    const waiting: (() => void)[] = [];
    const publisher = async (publication: Publication): Promise<number> => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return publish(publication, faultyDisk(Number.POSITIVE_INFINITY, 'fail'));
    };
    return { publisher, goOn: () => waiting.shift()?.() };
  }

  test('is not there before it is published, and the next save waits for it', async () => {
    const { publisher, goOn } = later();
    const slow = new CheckpointStore(run, undefined, publisher);
    const { published } = await slow.save(100, tinyContent(100), { best: true });
    expect(readdirSync(run)).toEqual([expect.stringMatching(/^step-000100\.tmp-\d+$/)]);
    const next = slow.save(200, tinyContent(200), { best: false });
    goOn();
    expect(await published).toBeGreaterThan(0);
    expect(await differences(slow.load('latest'), 100)).toEqual([]);
    const { published: second } = await next;
    expect(await differences(slow.load('latest'), 100)).toEqual([]);
    goOn();
    await second;
    expect(await differences(slow.load('latest'), 200)).toEqual([]);
    expect(await differences(slow.load('best'), 100)).toEqual([]);
  });

  test('a second half that fails is the error of the next save, and of nobody who does not ask', async () => {
    const broken = new CheckpointStore(run, undefined, () => Promise.reject(new DataError('bad disk', 'another')));
    await broken.save(100, tinyContent(100), { best: false });
    await new Promise(setImmediate); // an unhandled rejection would end this process
    await expect(broken.save(200, tinyContent(200), { best: false })).rejects.toThrow('bad disk');
    expect(readdirSync(run).filter((name) => name.startsWith('step-000200'))).toEqual([]);
  });
});

describe('room on the disk', () => {
  const withRoom = (freeBytes: number): FileSystem => ({ ...nodeFileSystem, freeBytes: () => freeBytes });

  test('is asked for before a save writes anything', async () => {
    await save(100);
    const small = new CheckpointStore(run, withRoom(1000));
    const error = await small.save(200, tinyContent(200), { best: true }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(/^saving step 200 needs 1\.\d+ MiB on the disk of .*run, and 1000 B/);
    expect(readdirSync(run).sort()).toEqual(['latest', 'step-000100']);
    expect(await differences(store.load('latest'), 100)).toEqual([]);
  });

  test('for all checkpoints that a run keeps at a time is asked for before training', async () => {
    const plan = { runDir: run, resumed: false, bytes: 1000, keep: 2, steps: 100 };
    const room = (free: number, changes: Partial<typeof plan> = {}) =>
      requireCheckpointSpace({ ...plan, ...changes }, withRoom(free));
    room(4000); // the newest two, the best, the one that is being written
    expect(() => room(3999)).toThrow(/the run \(4 checkpoints of 1000 B at a time\) needs 3\.91 KiB on the disk of/);
    room(3000, { keep: 1 });
    room(2000, { steps: 2 }); // a run of two steps makes two
    expect(() => room(999, { steps: 1 })).toThrow(/1 checkpoint of/);
    const { bytes } = await save(100);
    await save(200);
    const resumed = { resumed: true, bytes };
    room(2 * bytes, resumed); // two of the four are there
    expect(() => room(bytes, resumed)).toThrow(DataError);
    expect(() => room(bytes - 1, { ...resumed, steps: 1 })).toThrow(DataError); // the one to write has to fit in any case
  });

  test('where the system does not tell, the write itself will', async () => {
    const silent: FileSystem = {
      ...nodeFileSystem,
      freeBytes: () => {
        throw new Error('ENOSYS');
      },
    };
    await new CheckpointStore(run, silent).save(100, tinyContent(100), { best: false });
    expect(await differences(store.load('latest'), 100)).toEqual([]);
  });

  test('is as much as a checkpoint takes', async () => {
    const { bytes } = await save(100);
    const content = tinyContent(100);
    const numbers = content.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(stepBytes(content)).toBe(checkpointBytes(numbers, content.tokenizerJson));
    expect(stepBytes(content)).toBeGreaterThan(bytes);
    expect(stepBytes(content)).toBeLessThan(bytes + 2 ** 20);
  });
});
