import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { CheckpointStore, loadCheckpoint, resolveCheckpoint, uniqueRunDir } from '../../src/checkpoint/store.js';
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

const save = (step: number, best = false) => store.save(step, tinyContent(step), { best });
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
    expect(again.name).toBe('step-000100-2');
    expect(await differences(store.load('latest'), 101)).toEqual([]);
    expect(await differences(loadCheckpoint(join(run, 'step-000100'), 'latest'), 100)).toEqual([]);
    expect(store.list().map(({ name }) => name)).toEqual(['step-000100', 'step-000100-2', 'step-000200']);
  });

  test('prune keeps the newest, the best and the latest', async () => {
    await save(100, true);
    for (const step of [200, 300, 400]) await save(step);
    await save(50); // resumed from an earlier step
    mkdirSync(join(run, 'step-notes'));
    writeFileSync(join(run, 'run.jsonl'), '');
    expect(await store.prune({ keep: 1 })).toEqual(['step-000200', 'step-000300']);
    expect(readdirSync(run).sort()).toEqual(
      ['best', 'latest', 'run.jsonl', 'step-000050', 'step-000100', 'step-000400', 'step-notes'].sort(),
    );
    expect(await store.prune({ keep: 10 })).toEqual([]);
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

describe('an interrupted save', () => {
  /** What is wrong after a save of step 200 broke, and after the next save; empty when nothing is. */
  async function aftermath(where: string): Promise<string[]> {
    const problems: string[] = [];
    const check = async (which: 'latest' | 'best', steps: number[]) => {
      const checkpoint = store.load(which);
      const step = checkpoint.trainer!.state.step;
      const wrong = await differences(checkpoint, step);
      if (!steps.includes(step) || wrong.length > 0)
        problems.push(`${where}: ${which} is ${step}, differs in ${wrong}`);
    };
    const pointed = (name: string) => (readFileSync(join(run, name), 'utf8').includes('200') ? 200 : 100);
    await check('latest', [pointed('latest')]);
    await check('best', [pointed('best')]);
    for (const { dir, step } of store.list()) {
      const wrong = await differences(loadCheckpoint(dir, 'latest'), step);
      if (wrong.length > 0) problems.push(`${where}: ${dir} is there and not whole: ${wrong}`);
    }
    await save(300, true);
    await check('latest', [300]);
    if (readdirSync(run).some((name) => name.includes('.tmp-'))) problems.push(`${where}: leftovers`);
    return problems;
  }

  test('at every single call of the file system leaves the previous one loadable', async () => {
    await save(100, true);
    cpSync(run, join(base, 'before'), { recursive: true });
    const count = faultyDisk(Number.POSITIVE_INFINITY, 'fail');
    await new CheckpointStore(run, count).save(200, tinyContent(200), { best: true });
    const problems: string[] = [];
    const found = new Set<number>();
    for (const fault of ['fail', 'kill'] as const) {
      for (let at = 0; at < count.calls.length; at++) {
        rmSync(run, { recursive: true });
        cpSync(join(base, 'before'), run, { recursive: true });
        const broken = new CheckpointStore(run, faultyDisk(at, fault));
        const error = await broken.save(200, tinyContent(200), { best: true }).catch((e: unknown) => e);
        const where = `${fault} at call ${at} (${count.calls[at]})`;
        if (!(error instanceof DataError)) problems.push(`${where}: ${error}`);
        found.add(store.list().length);
        problems.push(...(await aftermath(where)));
      }
    }
    expect(problems).toEqual([]);
    expect(count.calls.length).toBeGreaterThan(80);
    expect(found).toEqual(new Set([1, 2]));
  });

  test('by SIGKILL of a real process leaves the previous one loadable', async () => {
    const script = join(base, 'killed_save.mjs');
    const source = new URL('./killed_save.ts', import.meta.url).pathname;
    await build({
      entryPoints: [source],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    await save(100, true);
    cpSync(run, join(base, 'before'), { recursive: true });
    const count = faultyDisk(Number.POSITIVE_INFINITY, 'fail');
    await new CheckpointStore(run, count).save(200, tinyContent(200), { best: true });
    const problems: string[] = [];
    let leftovers = 0;
    for (let at = 1; at < count.calls.length; at += 9) {
      rmSync(run, { recursive: true });
      cpSync(join(base, 'before'), run, { recursive: true });
      const child = spawnSync(process.execPath, [script, run, String(at)], { encoding: 'utf8' });
      if (child.signal !== 'SIGKILL') problems.push(`call ${at}: ended with ${child.status} ${child.stderr}`);
      leftovers += Number(readdirSync(run).some((name) => name.includes('.tmp-')));
      problems.push(...(await aftermath(`SIGKILL at call ${at}`)));
    }
    expect(problems).toEqual([]);
    expect(leftovers).toBeGreaterThan(5);
  });

  test('pruning that is killed leaves no half-deleted step', async () => {
    await save(100);
    await save(200);
    await save(300, true);
    for (let at = 0; at < 3; at++) {
      const killed = new CheckpointStore(run, faultyDisk(at, 'kill'));
      if (store.list().length === 3) await expect(killed.prune({ keep: 2 })).rejects.toThrow(DataError);
      for (const { dir, step } of store.list())
        expect(await differences(loadCheckpoint(dir, 'latest'), step)).toEqual([]);
    }
    expect(existsSync(join(run, 'step-000100'))).toBe(false);
    await save(400);
    expect(readdirSync(run).filter((name) => name.includes('.tmp-'))).toEqual([]);
  });
});
