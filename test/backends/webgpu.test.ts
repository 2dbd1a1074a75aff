// Backend webgpu: what it says where it cannot run, with packages made here, and the real one where it can.
//
// The real part takes minutes and is skipped but for `npm run test:webgpu`, which installs the two packages into build/webgpu;
// there a missing adapter is a failure. Any adapter will do; where there is none, the software driver of Debian's package
// chromium.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findWebgpu, isSoftware, openWebgpu } from '../../src/base/tf_webgpu.js';
import { complaint, DROPOUT, type Ended, TINY, Workplace } from '../cli/e2e/gpt.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder with the two packages; `dawn` is the source of npm package webgpu. */
function packages(dawn: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-webgpu-'));
  made.push(folder);
  const put = (name: string, source: string) => {
    mkdirSync(path.join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(path.join(folder, 'node_modules', name, 'package.json'), '{"type": "module", "main": "index.js"}');
    writeFileSync(path.join(folder, 'node_modules', name, 'index.js'), source);
  };
  put('webgpu', dawn);
  put('@tensorflow/tfjs-backend-webgpu', 'export const WebGPUBackend = class {};');
  return folder;
}

/** A package webgpu whose only adapter calls itself so. */
const dawnWith = (info: object): string => `
  const adapter = { info: ${JSON.stringify(info)}, limits: {}, requestDevice: async () => { throw new Error('no\\nmore'); } };
  export const globals = {};
  export const create = () => ({ requestAdapter: async () => adapter });`;

const SWIFTSHADER = { vendor: 'google', architecture: 'swiftshader', device: 'x', description: 'SwiftShader 5' };
const RADEON = { vendor: 'amd', architecture: 'rdna-3', device: 'AMD Radeon RX 7900', description: 'radv' };

test('software adapters are told from GPUs', () => {
  expect(isSoftware(SWIFTSHADER)).toBe(true);
  expect(isSoftware({ ...RADEON, device: 'llvmpipe (LLVM 15.0.6, 256 bits)' })).toBe(true);
  expect(isSoftware({ ...RADEON, vendor: 'microsoft', device: 'Microsoft Basic Render Driver' })).toBe(true);
  expect(isSoftware({ ...RADEON, isFallbackAdapter: true })).toBe(true);
  expect(isSoftware({ ...RADEON, isFallbackAdapter: false })).toBe(false);
  expect(isSoftware({ vendor: 'apple', architecture: 'metal-3', device: 'Apple M2', description: '' })).toBe(false);
});

describe.skipIf(findWebgpu([]) !== undefined)('where it cannot run', () => {
  test('the packages are missing: the line to type', async () => {
    const half = packages('');
    rmSync(path.join(half, 'node_modules/@tensorflow'), { recursive: true });
    for (const folders of [[], [half]]) {
      await expect(openWebgpu({ folders, software: true })).rejects.toMatchObject({
        exitCode: 3,
        message: 'webgpu and @tensorflow/tfjs-backend-webgpu are not installed',
        fix: 'npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0',
      });
    }
  });

  test.each([
    ["throw new Error('wrong GLIBC');", /does not load: wrong GLIBC/, /^npm install webgpu@/],
    [
      'export const globals = {}; export const create = () => ({ requestAdapter: async () => null });',
      /finds no adapter/,
      process.platform === 'linux' ? /mesa-vulkan-drivers.*VK_ICD_FILENAMES/ : /driver/,
    ],
    [dawnWith(RADEON), /^AMD Radeon RX 7900 \(amd rdna-3\) gives no device: no$/, /driver/],
    [dawnWith(SWIFTSHADER), /^WebGPU finds only x \(google swiftshader\), which computes on the CPU/, /driver/],
  ])('%s', async (source, message, fix) => {
    const folders = [packages(source)];
    const failed = openWebgpu({ folders, software: false });
    await expect(failed).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });

  test('packages of the working folder are loaded for --backend webgpu, and only named by doctor', async () => {
    const place = new Workplace();
    try {
      symlinkSync(path.join(packages("throw new Error('loaded');"), 'node_modules'), place.path('node_modules'));
      const generate = await place.gpt(['parity', path.join(root, 'test/fixtures/gpt1-tiny'), '--backend', 'webgpu']);
      expect(complaint(generate)).toMatchObject({ code: 3, wellFormed: true, text: expect.stringMatching(/: loaded/) });
      const { code, stdout } = await place.gpt(['doctor']);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^- webgpu .*are not installed beside gpt, but in this folder: --backend webgpu takes them/m,
      );
    } finally {
      place.remove();
    }
  });

  test('--device is not for it', async () => {
    const place = new Workplace();
    const ended = await place.gpt(['bench', '--backend', 'webgpu', '--device', '1']);
    place.remove();
    expect(complaint(ended)).toMatchObject({ code: 3, text: expect.stringMatching(/the driver picks that of webgpu/) });
  });
});

// ---- the real one

const modules = path.join(root, 'build/webgpu/node_modules');
const place = new Workplace();
afterAll(() => place.remove());
let env: Record<string, string> = {};
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';
const onWebgpu = (...args: string[]): Promise<Ended> => place.gpt([...args, '--backend', 'webgpu'], env);
const fixture = (name: string): string => path.join(root, 'test/fixtures', name);
const unasked = process.env['WEBGPU'] === undefined;
const how = 'takes minutes: npm run test:webgpu';

beforeAll(async () => {
  if (unasked) return;
  symlinkSync(modules, place.path('node_modules'));
  const opens = () => onWebgpu('parity', place.path('none'));
  let { code, stderr } = await opens();
  if (code === 3 && existsSync(SOFTWARE)) {
    env = { VK_ICD_FILENAMES: SOFTWARE };
    ({ code, stderr } = await opens());
  }
  if (code !== 4) throw new Error(stderr); // 4: it has looked for the folder
});

const shared = path.join(root, '../shared/fixtures/gpt2-tiny');
const fixtures = [
  ...readdirSync(fixture('.'))
    .filter((name) => !name.includes('.'))
    .map(fixture),
  shared,
];
test.for(fixtures)('%s is within the tolerances of float32', async (dir, { skip }) => {
  skip(unasked, how);
  skip(!existsSync(dir), 'only where ../shared is');
  const { code, stdout } = await onWebgpu('parity', dir, '--json');
  const { ok, backend, rows } = JSON.parse(stdout) as { ok: boolean; backend: string; rows: unknown[] };
  expect({ code, ok, backend }, stdout).toEqual({ code: 0, ok: true, backend: 'webgpu' });
  expect(rows).toHaveLength(9);
});

test('a run has the losses of cpu, goes on after a stop, and generates and scores as cpu does', async ({ skip }) => {
  skip(unasked, how);
  const flags = [
    ...[
      ...DROPOUT,
      '--model.n_layer',
      '1',
      '--model.n_embd',
      '16',
      '--model.n_ctx',
      '16',
      '--train.batch_tokens',
      '64',
    ],
    ...['--train.max_steps', '4', '--train.micro_batch', '2', '--train.save_every', '2', '--sample.tokens', '0'],
  ];
  await place.train('cpu', ...flags, '--backend', 'cpu');
  const trained = await onWebgpu('pretrain', '--data', 'text.txt', '--out', 'run', ...TINY, ...flags);
  expect(trained).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('backend  webgpu (chosen by --backend webgpu'),
  });
  const resumed = await onWebgpu('pretrain', '--resume', 'run/step-000002');
  expect(resumed.code, resumed.stderr).toBe(0);
  const want = place.losses('cpu');
  const got = place.losses('run');
  expect(got).toHaveLength(6);
  for (const [i, loss] of [...want, ...want.slice(2)].entries()) expect(got[i]).toBeCloseTo(loss, 4);
  expect(new Set(place.events('run', 'step').map(({ tensors }) => tensors)).size, 'no tensor is left over').toBe(1);

  place.write('little.txt', 'One morning a cat went out to look at the moon.');
  const both = async (...args: string[]) => {
    const ended = [await place.gpt([...args, '--backend', 'cpu', '--json']), await onWebgpu(...args, '--json')];
    return ended.map(({ stdout }) => JSON.parse(stdout) as { loss: number; samples: { text: string }[] });
  };
  const [told, retold] = await both('generate', 'run', '--prompt', 'The ', '--tokens', '8', '--seed', '5');
  expect(told!.samples[0]!.text).toHaveLength(8);
  expect(retold!.samples).toEqual(told!.samples);
  const [score, again] = await both('eval', 'run', '--data', 'little.txt');
  expect(again!.loss).toBeCloseTo(score!.loss, 5);
});

test('what Dawn finds wrong is thrown at the next read, and a norm of NaN is told', ({ skip }) => {
  skip(unasked, how);
  const script = `
    const { openBackend } = await import(${JSON.stringify(path.join(root, 'dist/commands/backend.js'))});
    const { tf } = await import(${JSON.stringify(path.join(root, 'dist/base/tf.js'))});
    await openBackend({ backend: 'webgpu' }, {});
    const many = Array.from({ length: 40 }, (_, i) => tf.neg(tf.fill([3], i)));
    const before = tf.memory().numTensors;
    const sum = await tf.addN(many).data();
    const left = tf.memory().numTensors - before;
    const broken = tf.add(tf.fill([2000], 1), NaN);
    const norm = await tf.sqrt(tf.sum(tf.square(broken))).data();
    const huge = await tf.sum(tf.fill([64, 2 ** 30], 1)).data().catch(({ exitCode, message, fix }) => ({ exitCode, message, fix }));
    const after = await tf.neg(broken).data().catch(({ message }) => message);
    console.log(JSON.stringify({ sum: [...sum], left, norm: String(norm[0]), huge, after }));
    process.exit(0);`;
  const node = ['--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, node, {
    cwd: place.dir,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(stdout, stderr).not.toBe('');
  const found = JSON.parse(stdout) as { huge: { exitCode: number; message: string; fix: string }; after: string };
  expect(found).toMatchObject({ sum: [-780, -780, -780], left: 1, norm: 'NaN' });
  expect([3, 6]).toContain(found.huge.exitCode);
  expect(found.huge.fix).toMatch(/train\.micro_batch/);
  expect(found.after, 'and at every one after that').toBe(found.huge.message);
});
