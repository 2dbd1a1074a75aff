// gpt config: what a configuration says in full, which command it is for, and the list of presets.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../../src/commands/config.js';
import type { CommandContext, ConfigOptions } from '../../src/commands/options.js';
import { commandOfConfig } from '../../src/config/kind.js';
import { loadConfig, presets } from '../../src/config/load.js';
import { FinetuneConfig, RunConfig } from '../../src/config/schema.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-config-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

/** What a command line prints. */
async function gpt(...line: string[]): Promise<string> {
  const printed: string[] = [];
  const context = { out: (text: string) => void printed.push(text) } as unknown as CommandContext;
  const program = createProgram('0', async (_, options) => {
    expect(await run(options as ConfigOptions, context)).toBe(0);
  });
  await program.parseAsync(['config', ...line], { from: 'user' });
  return printed.join('');
}

const json = async (...line: string[]) => JSON.parse(await gpt(...line, '--json')) as Record<string, never>;

describe('show', () => {
  test('is what --print-config prints, flags included, and loads again', async () => {
    const text = await gpt('show', 'gpt2-124m', '--train.max_steps', '100', '--model.n_layer=4');
    const flags = ['--train.max_steps', '100', '--model.n_layer=4'];
    expect(text).toBe(loadConfig({ file: 'gpt2-124m', flags }).print());
    expect(text).toMatch(/\n {2}n_layer: 4 +# --model\.n_layer\n/);
    expect(text).toMatch(/\n {2}n_embd: 768 +# configs\/gpt2-124m\.yaml:\d+\n/);
    expect(text).toMatch(/\n {2}seed: 1337 +# default\n/);
    expect(text).not.toContain('max_tokens'); // --train.max_steps took its place
    expect(RunConfig.parse(parse(text))).toEqual(loadConfig({ file: 'gpt2-124m', flags }).run);
  });

  test('knows every preset of both commands', async () => {
    for (const name of presets('pretrain')) RunConfig.parse(parse(await gpt('show', name)));
    for (const name of presets('finetune')) FinetuneConfig.parse(parse(await gpt('show', name)));
    expect(await gpt('show', 'rte')).toMatch(/\n {2}task: entailment +# configs\/finetune\/rte\.yaml:\d+\n/);
  });

  test('--json: values and origins', async () => {
    const shown = await json('show', 'sst2', '--train.seed', '7');
    expect(shown).toMatchObject({
      ...{ name: 'sst2', command: 'finetune', file: 'configs/finetune/sst2.yaml' },
      config: { finetune: { task: 'classification' }, train: { seed: 7 } },
      origins: { 'train.seed': '--train.seed', 'train.keep': 'default' },
    });
    expect(await json('show', 'mini')).toMatchObject({ command: 'pretrain', config: { model: { n_layer: 6 } } });
  });

  test('what the command line must still say may be missing; what is wrong is refused', async () => {
    expect(await gpt('show', file('short.yaml', 'model: {n_layer: 2}\n'))).toContain('n_layer: 2');
    await expect(gpt('show', file('odd.yaml', 'model: {n_embd: 10, n_head: 3}\n'))).rejects.toThrow('not divisible');
    await expect(gpt('show', 'mini', '--train.max_stepss', '5')).rejects.toThrow('did you mean train.max_steps?');
    await expect(gpt('show', 'rte', '--train.batch_tokens', '5')).rejects.toThrow('train.batch_tokens');
  });

  test.each([
    ['gpt2-124', 'did you mean gpt2-124m? presets: '],
    ['rtee', 'did you mean rte? presets: '],
    ['nothing-like-it', /^presets: .*quickstart.*; of gpt finetune: cola, /],
    ['no/such.yaml', 'of gpt finetune: '],
  ])('%s is no configuration: %s', async (name, fix) => {
    await expect(gpt('show', name)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`${name}: no such configuration file`) as string,
      fix: (typeof fix === 'string' ? expect.stringContaining(fix) : expect.stringMatching(fix)) as string,
    });
  });
});

test('a file is for the command whose keys it has, or that of the file which it extends', () => {
  expect(commandOfConfig(file('a.yaml', 'train: {batch_size: 8}\n'))).toBe('finetune');
  expect(commandOfConfig(file('b.yaml', 'train: {batch_size: 8, batch_tokens: 64, max_tokens: 9}\n'))).toBe('pretrain');
  expect(commandOfConfig(file('c.yaml', 'extends: rte\ntrain: {seed: 2}\n'))).toBe('finetune');
  expect(commandOfConfig(file('d.yaml', 'extends: c.yaml\nlora: {r: 8}\n'))).toBe('finetune');
  expect(commandOfConfig(file('e.yaml', 'extends: mini\ntrain: {seed: 2}\n'))).toBe('pretrain');
  expect(commandOfConfig(file('f.yaml', 'extends: f.yaml\n'))).toBe('pretrain'); // in a circle
  expect(commandOfConfig(file('g.yaml', 'extends: nowhere\n'))).toBe('pretrain');
  expect(commandOfConfig(file('h.yaml', ': [\n'))).toBe('pretrain'); // its loader says what is wrong
  expect(commandOfConfig('configs/finetune/small.yaml')).toBe('finetune');
});

describe('list', () => {
  test('every preset with its size, in 80 columns', async () => {
    const lines = (await gpt('list')).trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.find((line) => line.startsWith('gpt3-175b'))?.split(/ +/)).toEqual(
      'gpt3-175b gpt3 175B 96 12288 96 2048 gpt2-bpe'.split(' '),
    );
    expect(lines.find((line) => line.startsWith('shakespeare '))).toContain(' ~3.22M '); // 100 characters are assumed
    for (const name of [...presets('pretrain'), ...presets('finetune')]) {
      expect(lines.some((line) => line.startsWith(`${name} `))).toBe(true);
    }
  });

  test('--json', async () => {
    const { pretrain, finetune } = (await json('list')) as unknown as Record<string, Record<string, unknown>[]>;
    expect(pretrain).toHaveLength(presets('pretrain').length);
    expect(pretrain!.find(({ name }) => name === 'gpt1')).toMatchObject({ params: 116_534_784, vocab_size: 40478 });
    expect(pretrain!.find(({ name }) => name === 'shakespeare')).toMatchObject({ params: null, vocab_size: null });
    expect(finetune!.find(({ name }) => name === 'stsb')).toEqual({ name: 'stsb', task: 'similarity', format: 'stsb' });
  });
});
