// The npm package by itself: what is in it, and that it works where there is nothing but Node.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';
import { readRun } from '../../src/report/record.js';
import { type Installed, install, locked, node, tfgpt } from './packed.js';

const repository = path.join(import.meta.dirname, '../..');
const SHORT = ['--train.max_steps', '2', '--train.eval_tokens', '1536', '--sample.tokens', '5', '--json'];
const native = `prebuilds/${process.platform}-${process.arch}/native`;

let installed: Installed;
const inPackage = (file: string) => path.join(installed.folder, file);
const runOf = (name: string) => readRun(path.join(installed.project, 'checkpoints', name, 'run.jsonl'));

beforeAll(() => {
  installed = install();
});
afterAll(() => rmSync(path.dirname(installed.project), { recursive: true }));

describe('what is in it', () => {
  test('everything that the commands read, and no sources, tests or maps', () => {
    const names = installed.files.map((file) => file.path);
    const presets = readdirSync(path.join(repository, 'configs'), { recursive: true, encoding: 'utf8' });
    const wanted = presets.filter((name) => /\.\w+$/.test(name)).map((name) => `configs/${name}`);
    expect(wanted.length).toBeGreaterThan(20);
    for (const name of [
      'bin/gpt.js',
      'dist/api/index.d.ts',
      'data/stories/stories.jsonl',
      'docs/config.md',
      ...wanted,
    ]) {
      expect(names).toContain(name);
    }
    const top = new Set(names.map((name) => name.split('/')[0]!));
    const known = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'build',
      'configs',
      'data',
      'dist',
      'docs',
      'man',
      'package.json',
      'prebuilds',
    ];
    expect([...top].filter((name) => !known.includes(name))).toEqual([]);
    expect(names.filter((name) => /\.(map|cc|h|tgz)$|\.test\.|^build\/(?!tfjs_gradients)/.test(name))).toEqual([]);
    expect(installed.bytes).toBeLessThan(8e6);
  });

  test('nothing runs when it is installed: no script of its own, none of what it needs', () => {
    const { scripts, dependencies } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'));
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
    expect(Object.keys(dependencies)).toContain('commander');
    const needed = locked().filter(([, { optional }]) => !optional);
    expect(needed.length).toBeGreaterThan(15);
    expect(needed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });

  test.skipIf(!nativeIsBuilt() || process.platform !== 'linux')(
    'the addons find the OpenMP library beside them',
    () => {
      expect(readdirSync(inPackage(native))).toEqual(
        expect.arrayContaining(['native.node', 'libgomp.so.1', 'libgomp.txt']),
      );
      const libraries = readdirSync(inPackage(native)).filter((file) => file.startsWith('kernels-'));
      expect(libraries).toContain('kernels-baseline.so');
      for (const file of libraries)
        expect(readFileSync(path.join(inPackage(native), file)).includes('$ORIGIN')).toBe(true);
    },
  );
});

describe('the command', () => {
  test('--version, presets and the suggestion that npx can follow', async () => {
    expect(await tfgpt(installed, '--version')).toEqual({ code: 0, stdout: 'gpt 0.1.0\n', stderr: '' });
    const { code, stdout } = await tfgpt(installed, 'pretrain', 'gpt2-124m', '--print-config');
    expect(code).toBe(0);
    expect(stdout).toMatch(/n_layer: 12\b/);
    expect((await tfgpt(installed, 'pretrain', 'gpt2-124n')).stderr).toContain('did you mean gpt2-124m?');
  });

  test.skipIf(!nativeIsBuilt())('trains on bundled text with the addon of the package, and writes', async () => {
    const run = await tfgpt(installed, 'pretrain', 'quickstart', ...SHORT);
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    const { start, end } = runOf('quickstart');
    expect([start.backend, start.params, end?.reason, end?.step]).toEqual(['native', 2_209_920, 'done', 2]);
    const args = ['generate', 'checkpoints/quickstart', '--prompt', 'Once', '--tokens', '3', '--backend', 'native'];
    const { code, stdout } = await tfgpt(installed, ...args);
    expect([code, stdout.startsWith('Once')]).toEqual([0, true]);
  });

  describe('without an addon that it can load', () => {
    const kept = () => `${installed.folder}-kept`;
    const addon = () => inPackage(`${native}/native.node`);
    beforeEach(() => {
      if (!existsSync(inPackage('prebuilds'))) return;
      renameSync(inPackage('prebuilds'), kept());
      cpSync(kept(), inPackage('prebuilds'), { recursive: true });
      rmSync(addon());
    });
    afterEach(() => {
      rmSync(inPackage('prebuilds'), { recursive: true, force: true });
      if (existsSync(kept())) renameSync(kept(), inPackage('prebuilds'));
    });

    test('there is none for this platform: it trains the portable model on wasm, and says why', async () => {
      writeFileSync(path.join(installed.project, 'text.txt'), 'There was a fox who had a hat. '.repeat(300));
      const args = ['quickstart', '--data', 'text.txt', '--out', 'checkpoints/portable', ...SHORT];
      const { code, stderr } = await tfgpt(installed, 'pretrain', ...args);
      expect([code, stderr]).toEqual([0, '']);
      const { start, end } = runOf('portable');
      expect([start.backend, start.params, end?.reason]).toEqual(['wasm', 235_264, 'done']);
      expect(start.backend_reason).toContain(
        `this package has no native backend for ${process.platform}-${process.arch}; to train some 50 times faster, use gpt from its source`,
      );
    });

    test('it does not load: the portable model, and the reason where it is asked for', async () => {
      mkdirSync(path.dirname(addon()), { recursive: true });
      writeFileSync(addon(), 'made for another machine');
      expect((await tfgpt(installed, 'pretrain', 'quickstart', '--print-config')).stdout).toMatch(/n_embd: 64\b/);
      const { code, stderr } = await tfgpt(installed, 'bench', '--backend', 'native');
      expect(code).toBe(3);
      expect(stderr).toContain('error: the native backend does not load: ');
      expect(stderr).toContain('fix: use gpt from its source');
    });
  });
});

test('the example of docs/api.md compiles against the package, and runs', async () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(repository, 'docs/api.md'), 'utf8'))!;
  const short = example!.replace('max_steps: 50', 'max_steps: 2, eval_tokens: 1536').replace('tokens: 40', 'tokens: 4');
  expect(short).not.toBe(example);
  const options = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  };
  const typeRoots = [path.join(repository, 'node_modules/@types')];
  const write = (name: string, text: string) => writeFileSync(path.join(installed.project, name), text);
  write('package.json', '{"type": "module"}');
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...options, typeRoots }, files: ['example.ts'] }));
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  const wrong = `// @ts-expect-error: a key that there is not
export const wrong = () => pretrain({ overrides: { train: { max_stepz: 1 } } });\n`;
  write('example.ts', short + wrong);
  expect(await node(installed, [tsc])).toEqual({ code: 0, stdout: '', stderr: '' });
  const { code, stdout, stderr } = await node(installed, ['example.js']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^1 7\.\d{3}\n2 7\.\d{3}\n/);
  expect(stdout).toContain('checkpoints/example done {');
  expect(stdout).toContain('is the likeliest of 2048 tokens');
  expect(stdout).toMatch(/\n\d\.\d{3} nats per token, \d\.\d{3} bits per byte\n$/);
});
