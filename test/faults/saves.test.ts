// A save that breaks, at every single call that changes the disk, in both of its halves and while old steps are deleted.
// What was saved before loads, bit by bit; training goes on from it to the same bytes as a run that never stopped; the
// next save works and leaves nothing behind.
//   npm run test:faults   every call, and the figures of docs/reliability.md
//   npm test              every 7th call

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { toGenerationConfig, toHfConfig } from '../../src/checkpoint/hf.js';
import { type CheckpointContent, CheckpointStore, loadCheckpoint } from '../../src/checkpoint/store.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig, TrainConfig } from '../../src/config/schema.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { languageLosses } from '../../src/train/language_model.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { FAULTS, faultyDisk } from '../checkpoint/faulty_disk.js';
import { differences, tinyContent } from '../checkpoint/tiny_checkpoint.js';

const STRIDE = process.env['FAULTS'] === 'full' ? 1 : 7;
const LAST = 6; // step to which every run trains

let run: string;
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'gpt-faults-'));
  run = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const healthy = () => faultyDisk(Number.POSITIVE_INFINITY, 'fail'); // no fsync: faster
const figures = { calls: 0, staging: 0, publishing: 0, fail: 0, full: 0, kill: 0, resumed: 0, processes: 0 };
afterAll(() => {
  const { calls, staging, publishing, fail, full, kill, resumed, processes } = figures;
  process.stdout.write(
    `faults: 3 saves of ${calls} calls (${staging} while the bytes are written, ${publishing} while they are published): ` +
      `${kill} kills, ${fail} EIO, ${full} full disks; ${resumed} resumes; ${processes} processes killed\n`,
  );
});

// ---- a model that really trains

const V = 5;
const T = 4;
const shape = resolveModel(
  ModelConfig.parse({ n_ctx: T, n_layer: 1, n_head: 1, n_embd: 4, n_inner: 4, resid_pdrop: 0.1 }),
  V,
);
type Values = ReadonlyMap<string, () => Float32Array>;

function trainer(values: Values, moments?: Values, from = 0) {
  const model = new Gpt(shape, values);
  const stored = moments && { values: moments, step: from };
  const optimizer = new Optimizer(model.parameters(), TrainConfig.parse({}), stored);
  const tensors = () => [
    ...model.parameters().map(({ name, value }) => ({ name, tensor: value })),
    ...optimizer.state(),
  ];
  const ids = (from: number) => Int32Array.from({ length: T }, (_, i) => (from + i * i) % V);
  return {
    step: (step: number) => {
      const batches = [() => ({ B: 1, T, x: ids(step), y: ids(step + 1) })];
      return trainStep({ optimizer, losses: languageLosses(model, batches, { seed: 1, micro: step }), lr: 0.01 });
    },
    values: () => new Map(tensors().map(({ name, tensor }) => [name, tensor.dataSync<'float32'>().slice()])),
    dispose: () => {
      model.dispose();
      optimizer.dispose();
    },
  };
}

/** By step, of the run that never stopped: all parameters and moments. */
const states: ReadonlyMap<string, Float32Array>[] = [];
beforeAll(async () => {
  await silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  });
  const straight = trainer(initialValues(shape, 1));
  states.push(straight.values());
  for (let step = 0; step < LAST; step++) {
    await straight.step(step);
    states.push(straight.values());
  }
  expect(new Set(states.map(digest)).size).toBe(LAST + 1); // every step changes something
});

const digest = (values: ReadonlyMap<string, Float32Array>): string => {
  const hash = createHash('sha256');
  for (const [name, data] of [...values].sort()) hash.update(name).update(data);
  return hash.digest('hex');
};

function content(step: number): CheckpointContent {
  const tensors = [...states[step]!].map(([name, data]) => ({
    name,
    shape: shapes.get(name.replace(/^[mv]\./, ''))!,
    data: () => data,
  }));
  const isMoment = ({ name }: { name: string }) => /^[mv]\./.test(name);
  return {
    ...tinyContent(step),
    hfConfig: toHfConfig(shape, V - 1),
    generationConfig: toGenerationConfig(V - 1),
    params: tensors.filter((tensor) => !isMoment(tensor)),
    optimizer: tensors.filter(isMoment),
  };
}
const shapes = new Map<string, readonly number[]>();
beforeAll(() => {
  const model = new Gpt(shape, initialValues(shape, 1));
  for (const p of model.parameters()) shapes.set(p.name, p.shape);
  model.dispose();
});

/** Step of a checkpoint that holds exactly the values of that step; throws when it does not. */
function wholeStep(path: string, which: 'latest' | 'best' = 'latest'): number {
  const checkpoint = loadCheckpoint(path, which);
  const { state, optimizer } = checkpoint.trainer!;
  const values = new Map([...checkpoint.tensors, ...optimizer].map(([name, read]) => [name, read()]));
  checkpoint.close();
  if (digest(values) !== digest(states[state.step]!)) throw new Error(`${path}: not the values of step ${state.step}`);
  return state.step;
}

async function resumesToTheSameBytes(): Promise<boolean> {
  const checkpoint = loadCheckpoint(run, 'latest');
  const { state, optimizer } = checkpoint.trainer!;
  const resumed = trainer(checkpoint.tensors, optimizer, state.step);
  checkpoint.close();
  for (let step = state.step; step < LAST; step++) await resumed.step(step);
  const same = digest(resumed.values()) === digest(states[LAST]!);
  resumed.dispose();
  figures.resumed++;
  return same;
}

// ---- faults

const SAVES = [
  { what: 'the first save', before: [], best: true },
  { what: 'a save that is the best', before: [{ step: 2, best: true }], best: true },
  {
    what: 'a save that deletes two old steps',
    before: [
      { step: 1, best: true },
      { step: 2, best: false },
      { step: 3, best: false },
    ], // prettier-ignore
    best: false,
    keep: 1,
  },
] as const;

/** Saves step 4. */
async function save(disk: ReturnType<typeof faultyDisk>, { best, ...more }: (typeof SAVES)[number]): Promise<void> {
  const { published } = await new CheckpointStore(run, disk).save(4, content(4), {
    best,
    ...('keep' in more ? { keep: more.keep } : {}),
  });
  await published;
}

/** What is wrong after a fault; empty when nothing is. */
async function aftermath(
  where: string,
  { before, best }: (typeof SAVES)[number],
  mayLeave: boolean,
): Promise<string[]> {
  const problems: string[] = [];
  const check = (ok: boolean, what: string) => ok || problems.push(`${where}: ${what}`);
  const store = new CheckpointStore(run, healthy());
  const steps = existsSync(run) ? store.list() : [];
  try {
    for (const { dir, step } of steps) check(wholeStep(dir) === step, `${dir} is another step`);
    const last = before.at(-1)?.step;
    if (last !== undefined || steps.length > 0) {
      const latest = wholeStep(run);
      check([last, 4].includes(latest), 'latest is neither the old nor the new one');
      const old = before[0]?.step;
      const allowed = !best ? [old] : latest === 4 ? [4] : [old, 4];
      check(allowed.includes(wholeStep(run, 'best')), `best is not ${allowed.join(' or ')} where latest is ${latest}`);
      check(await resumesToTheSameBytes(), 'the resumed run differs');
    }
    if (!mayLeave) check(unfinished().length === 0, `left behind: ${unfinished()}`);
    await (await store.save(5, content(5), { best: true, keep: 1 })).published;
    check(wholeStep(run) === 5 && wholeStep(run, 'best') === 5, 'the next save is not the latest and best');
    check(unfinished().length === 0, `left behind after the next save: ${unfinished()}`);
  } catch (error) {
    check(false, String(error));
  }
  return problems;
}

const unfinished = (): string[] => readdirSync(run).filter((name) => name.includes('.tmp-'));

test.each(SAVES)('$what breaks at every single call', async (scenario) => {
  const { before } = scenario;
  const start = join(base, 'before');
  for (const { step, best } of before) {
    await (await new CheckpointStore(run, healthy()).save(step, content(step), { best })).published;
  }
  if (!existsSync(run)) mkdirSync(run);
  cpSync(run, start, { recursive: true });
  const count = healthy();
  await save(count, scenario);
  const calls = count.calls.length;
  const staging = count.calls.indexOf('fsync') - 1; // the file to be fsynced is opened first
  figures.calls += calls;
  figures.staging += staging;
  figures.publishing += calls - staging;

  const problems: string[] = [];
  for (const [offset, fault] of FAULTS.entries()) {
    for (let at = offset % STRIDE; at < calls; at += STRIDE) {
      rmSync(run, { recursive: true });
      cpSync(start, run, { recursive: true });
      const error: unknown = await save(faultyDisk(at, fault), scenario).then(
        () => undefined,
        (thrown) => thrown,
      );
      const where = `${fault} at call ${at} of ${calls} (${count.calls[at]})`;
      const hit = error !== undefined;
      // the last bytes were on the disk: there is nothing left that a full one could refuse
      if (!hit && fault === 'full' && at > count.calls.lastIndexOf('fsync')) continue;
      if (!(error instanceof DataError)) problems.push(`${where}: ${error}`);
      figures[fault]++;
      problems.push(...(await aftermath(where, scenario, fault === 'kill' || count.calls[at] === 'rm')));
    }
  }
  expect(problems).toEqual([]);
  expect(staging).toBeGreaterThan(20);
  expect(calls - staging).toBeGreaterThan(20);
});

test('SIGKILL of a real process, before the disk changes', async () => {
  const script = join(base, 'killed_save.mjs');
  const source = new URL('../checkpoint/killed_save.ts', import.meta.url).pathname;
  await build({
    entryPoints: [source],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const tiny = async (step: number, disk = healthy()) =>
    (await new CheckpointStore(run, disk).save(step, tinyContent(step), { best: true })).published;
  await tiny(100);
  cpSync(run, join(base, 'before'), { recursive: true });
  const count = healthy();
  await tiny(200, count);
  const problems: string[] = [];
  let leftovers = 0;
  for (let at = 1; at < count.calls.length; at += STRIDE) {
    rmSync(run, { recursive: true });
    cpSync(join(base, 'before'), run, { recursive: true });
    const child = spawnSync(process.execPath, [script, run, String(at)], { encoding: 'utf8' });
    if (child.signal !== 'SIGKILL') problems.push(`call ${at}: ended with ${child.status} ${child.stderr}`);
    figures.processes++;
    leftovers += Number(unfinished().length > 0);
    for (const which of ['latest', 'best'] as const) {
      const checkpoint = loadCheckpoint(run, which);
      const { step } = checkpoint.trainer!.state;
      const wrong = await differences(checkpoint, step);
      if (wrong.length > 0) problems.push(`call ${at}: ${which} is step ${step} and differs in ${wrong}`);
    }
    await tiny(300);
    if (unfinished().length > 0) problems.push(`call ${at}: ${unfinished()} after the next save`);
  }
  expect(problems).toEqual([]);
  expect(leftovers).toBeGreaterThan(3);
});
