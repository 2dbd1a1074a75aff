// `gpt import` and `gpt export`, and models and tokens of other programs in the other commands.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromHfConfig } from '../../../src/checkpoint/hf.js';
import { openSafetensors, type TensorSource } from '../../../src/checkpoint/safetensors.js';
import { writeSharded } from '../../../src/checkpoint/shards.js';
import { parameterShapes } from '../../../src/config/parameters.js';
import { floats, type Pickled, py, tensor, writeTorchFile } from '../../checkpoint/torch_writer.js';
import { BACKEND, complaint, TINY, Workplace } from './gpt.js';

const FIXTURES = new URL('../../../../shared/fixtures/', import.meta.url).pathname;
const place = new Workplace();
beforeAll(() => place.train('run', '--train.max_steps', '2'));
afterAll(() => place.remove());

const GREEDY = ['--prompt', 'The cat', '--temperature', '0', '--tokens', '8', '--backend', BACKEND];
const written = async (folder: string) => (await place.gpt(['generate', folder, ...GREEDY])).stdout;

describe('export', () => {
  test('hf: a clean folder that writes the same text', async () => {
    const { code, stdout, stderr } = await place.gpt(['export', 'run', '--out', 'exported/']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^read {3}run\/step-000002\n {7}gpt2, 2 layers, 32 wide, .*parameters\nwrote {2}exported\n$/,
    );
    expect(place.names('exported')).toEqual([
      ...['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    const same = (name: string) => place.read('exported', name).equals(place.read('run', 'step-000002', name));
    expect(['config.json', 'model.safetensors', 'tokenizer.json'].map(same)).toEqual([true, true, true]);
    expect(await written('exported')).toBe(await written('run'));
  });

  test('hf in shards: generate opens them', async () => {
    await place.gpt(['export', 'run', '--out', 'sharded']);
    const whole = openSafetensors(place.path('sharded', 'model.safetensors'));
    const tensors = whole.names.map((name): TensorSource => {
      const data = whole.readFloat32(name);
      return { name, dtype: 'F32', shape: whole.info(name).shape, data };
    });
    whole.close();
    rmSync(place.path('sharded', 'model.safetensors'));
    await writeSharded(place.path('sharded'), 'model', tensors, { maxBytes: 30_000 });
    const shards = place.names('sharded').filter((name) => /^model-0000\d-of-0000\d\.safetensors$/.test(name));
    expect(shards.length).toBeGreaterThan(2);
    expect(await written('sharded')).toBe(await written('run'));
    rmSync(place.path('sharded', shards[1]!));
    const refused = complaint(await place.gpt(['generate', 'sharded', ...GREEDY]));
    expect(refused).toMatchObject({ code: 4, wellFormed: true });
    expect(refused.text).toContain(`model.safetensors.index.json says that`);
    expect(refused.text).toContain(`is in ${shards[1]}, which is not there`);
  });

  test('llmc and back: every bit; bfloat16 is half as large', async () => {
    const { code, stderr } = await place.gpt(['export', 'run', '--format', 'llmc', '--out', 'model.bin']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const back = await place.gpt(['import', 'model.bin', 'back', '--tokenizer', 'byte']);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(place.read('back', 'model.safetensors').equals(place.read('run', 'step-000002', 'model.safetensors'))).toBe(
      true,
    );
    expect(await written('back')).toBe(await written('run'));
    const bf16 = await place.gpt([
      'export',
      'run',
      '--format',
      'llmc',
      '--dtype',
      'bf16',
      '--out',
      'half.bin',
      '--json',
    ]);
    expect(JSON.parse(bf16.stdout)).toMatchObject({ format: 'llmc', dtype: 'bf16', out: 'half.bin' });
    expect(2 * (place.read('half.bin').length - 1024)).toBe(place.read('model.bin').length - 1024);
  });

  test("nanogpt and back: every bit, and the run's step", async () => {
    const { code, stdout, stderr } = await place.gpt(['export', 'run', '--format', 'nanogpt', '--out', 'run.pt']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('note   nanoGPT computes GELU with erf, and this model has the tanh form');
    expect(stdout).toContain("note   without Adam's moments");
    const back = await place.gpt(['import', 'run.pt', 'from-nano', '--tokenizer', 'byte', '--json']);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    const told = JSON.parse(back.stdout) as { tensors: Record<string, { name: string }[]> };
    expect(told).toMatchObject({ source: 'run.pt', format: 'nanoGPT, step 2', out: 'from-nano' });
    expect(told.tensors).toMatchObject({
      missed: [],
      unknown: [],
      ignored: [{ name: 'lm_head.weight', why: 'tied head' }],
    });
    expect(told.tensors['used']).toHaveLength(28);
    expect(place.read('from-nano', 'model.safetensors')).toEqual(place.read('run', 'step-000002', 'model.safetensors'));
  });

  test.each<[string, string[], number, RegExp]>([
    [
      'float16 for nanoGPT',
      ['run', '--out', 'x', '--format', 'nanogpt', '--dtype', 'f16'],
      2,
      /nanogpt writes float32/,
    ],
    ['float16 for llm.c', ['run', '--out', 'x', '--format', 'llmc', '--dtype', 'f16'], 2, /llm.c has no float16/],
    ['a target that exists', ['run', '--out', 'text.txt'], 4, /text.txt exists and is not overwritten/],
    ['a checkpoint that is none', ['nowhere', '--out', 'x'], 4, /nowhere/],
    ['the name of an unfinished file', ['run', '--out', 'x.tmp-7'], 2, /x.tmp-7: a name that ends in .tmp-NUMBER/],
  ])('%s', async (_, args, code, message) => {
    const refused = complaint(await place.gpt(['export', ...args]));
    expect(refused).toMatchObject({ code, wellFormed: true });
    expect(refused.text).toMatch(message);
  });
});

/** A nanoGPT checkpoint without biases: one layer, a vocabulary of 50,304. */
function nanoGpt(name: string, more: readonly (readonly [string, Pickled])[] = []): string {
  const args = { n_layer: 1, n_head: 1, n_embd: 2, block_size: 8, vocab_size: 50304 };
  const { model } = fromHfConfig({ model_type: 'gpt2', ...args, n_positions: 8 }, '');
  const storages = new Map<string, Uint8Array>();
  const tensors = [...parameterShapes(model)].flatMap(([tensorName, shape]): (readonly [string, Pickled])[] => {
    if (tensorName.endsWith('.bias')) return [];
    const stored = /(attn|proj|fc)\.weight$/.test(tensorName) ? [...shape].reverse() : shape;
    const length = shape.reduce((a, b) => a * b, 1);
    const key = String(storages.size);
    storages.set(key, floats(Float32Array.from({ length }, (_, i) => Math.sin(i))));
    return [[tensorName, tensor({ key, length, shape: stored })]];
  });
  const modelArgs = [
    ...Object.entries(args).map(([k, n]) => [k, py.int(n)] as const),
    ['bias', py.bool(false)] as const,
  ];
  const value = py.dict([['model', py.dict(tensors)], ['model_args', py.dict(modelArgs)], ...more]);
  writeTorchFile(place.path(name), value, storages);
  return name;
}

// a disk on which every write takes a while
const SLOW = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { writeSync } = fs;
  fs.writeSync = (...args) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    return writeSync(...args);
  };
  syncBuiltinESMExports();
`)}`;

test.each<[NodeJS.Signals, number, string[]]>([
  ['SIGINT', 130, ['export', 'run', '--out', 'stopped/hf']],
  ['SIGTERM', 143, ['export', 'run', '--format', 'llmc', '--out', 'stopped/model.bin']],
  ['SIGHUP', 129, ['import', 'stopped.pt', 'stopped/nano']],
])('%s while a model is written: exit %i, and nothing of it stays', async (signal, exit, args) => {
  nanoGpt('stopped.pt');
  mkdirSync(place.path('stopped'));
  const running = place.start(args, {}, { node: [process.execPath, '--import', SLOW] });
  await expect.poll(() => place.names('stopped'), { timeout: 20_000 }).toEqual([expect.stringMatching(/\.tmp-\d+$/)]);
  running.process.kill(signal);
  expect(await running.ended).toMatchObject({ code: exit, stdout: '', stderr: '' });
  expect(place.names('stopped')).toEqual([]);
  rmSync(place.path('stopped'), { recursive: true });
});

describe('import', () => {
  test('a Hugging Face folder, with its tokenizer: every tensor is reported, and the text is the same', async () => {
    await place.gpt(['export', 'run', '--out', 'hub', '--dtype', 'bf16']);
    const { code, stdout, stderr } = await place.gpt(['import', 'hub/', 'imported', '--tensors']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^read {3}hub\/ \(Hugging Face folder, bfloat16\)\n {7}gpt2, 2 layers.*\n {7}28 tensors used, 0 ignored, 0 missed\n/,
    );
    expect(stdout).toMatch(/\n {7}used {5}transformer\.wte\.weight +BF16 \[257, 32\]\n/);
    expect(stdout).toMatch(/\nwrote {2}imported\ntry {4}.* generate imported --prompt "Once upon a time"\n$/);
    expect(place.read('imported', 'tokenizer.json').equals(place.read('hub', 'tokenizer.json'))).toBe(true);
    expect(await written('imported')).toBe(await written('hub'));
  });

  test("GPT-2's two tokenizer files become a tokenizer.json", async () => {
    await place.gpt(['import', nanoGpt('two.pt'), 'two']);
    const whole = place.read('two', 'tokenizer.json');
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) rmSync(place.path('two', name));
    expect(await place.gpt(['import', 'two', 'two-again', '--quiet'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(place.read('two-again', 'tokenizer.json').equals(whole)).toBe(true);
    expect(place.names('two-again')).toContain('tokenizer_config.json');
  });

  test('a folder that lacks tensors, one whose index leads out of it, a run folder', async () => {
    await place.gpt(['export', 'run', '--out', 'lacks']);
    const config = JSON.parse(place.read('lacks', 'config.json').toString()) as object;
    place.write('lacks/config.json', JSON.stringify({ ...config, n_layer: 4 }));
    const lacks = complaint(await place.gpt(['import', 'lacks', 'z']));
    expect(lacks).toMatchObject({ code: 4, wellFormed: true });
    expect(lacks.text).toContain('tensors missing: transformer.h.{2-3}.ln_1.weight, transformer.h.{2-3}.ln_1.bias, ');
    rmSync(place.path('lacks', 'model.safetensors'));
    place.write('lacks/model.safetensors.index.json', '{"weight_map": {"wte.weight": "../x.safetensors"}}');
    const leads = complaint(await place.gpt(['import', 'lacks', 'z']));
    expect(leads).toMatchObject({ code: 4, wellFormed: true });
    expect(leads.text).toContain('puts wte.weight into ../x.safetensors, outside of its folder');
    const own = complaint(await place.gpt(['import', 'run', 'z']));
    expect(own).toMatchObject({ code: 4, wellFormed: true });
    expect(own.text).toContain("run is a checkpoint of gpt's own");
    expect(existsSync(place.path('z'))).toBe(false);
  });

  test("nanoGPT's padded vocabulary gets GPT-2's tokenizer and loses the padding", async () => {
    const { code, stdout, stderr } = await place.gpt(['import', nanoGpt('ckpt.pt'), 'nano']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('note   the model has no biases: they are zero');
    expect(stdout).toContain('note   of 50,304 rows of the embedding the last 47 are padding, and were cut off\n');
    expect(place.names('nano')).toContain('merges.txt');
    const config = JSON.parse(place.read('nano', 'config.json').toString()) as Record<string, unknown>;
    expect(config).toMatchObject({ vocab_size: 50257, eos_token_id: 50256, activation_function: 'gelu' });
    const text = await place.gpt(['generate', 'nano', '--prompt', 'Hello', '--tokens', '2', '--backend', BACKEND]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^Hello./);
  });

  test('nothing of a checkpoint is executed', async () => {
    const evil = nanoGpt('evil.pt', [['config', py.call(py.global('posix', 'system'), py.str('touch pwned'))]]);
    const refused = complaint(await place.gpt(['import', evil, 'evil']));
    expect(refused).toMatchObject({ code: 4, wellFormed: true });
    expect(refused.text).toContain('evil.pt: its pickle cannot be read: it refers to posix.system');
    expect(existsSync(place.path('pwned'))).toBe(false);
    expect(existsSync(place.path('evil'))).toBe(false);
  });

  test('the wrong tokenizer, a file of tokens, a folder that exists', async () => {
    nanoGpt('small.pt');
    place.write('tokens.bin', new Uint8Array(Int32Array.of(20240520, 1, 0).buffer));
    for (const [args, code, message] of [
      [['small.pt', 'y', '--tokenizer', 'byte'], 4, /vocabulary of 50304 is larger than the tokenizer's 257 tokens/],
      [['small.pt', 'y', '--tokenizer', 'char'], 2, /--tokenizer char does not say which vocabulary/],
      [['small.pt', 'run'], 4, /run exists and is not overwritten/],
      [['small.pt', 'y.tmp-7/'], 2, /y.tmp-7\/: a name that ends in .tmp-NUMBER/],
      [['tokens.bin', 'y'], 4, /tokens.bin is a file of tokens, not a model/],
    ] as const) {
      const refused = complaint(await place.gpt(['import', ...args]));
      expect(refused).toMatchObject({ code, wellFormed: true });
      expect(refused.text).toMatch(message);
    }
    expect(existsSync(place.path('y'))).toBe(false);
  });
});

test('a tokenizer of no known kind: text says what is wrong, the weights go through', async () => {
  await place.gpt(['export', 'run', '--out', 'gpt1']);
  const json = JSON.parse(place.read('gpt1', 'tokenizer.json').toString()) as { model: { end_of_word_suffix: string } };
  json.model.end_of_word_suffix = '@@';
  place.write('gpt1/tokenizer.json', JSON.stringify(json));
  const refused = complaint(await place.gpt(['generate', 'gpt1', ...GREEDY]));
  expect(refused).toMatchObject({ code: 4, wellFormed: true });
  expect(refused.text).toContain('gpt1/tokenizer.json: the model is not a plain byte-level BPE');
  const { code, stdout } = await place.gpt(['export', 'gpt1', '--out', 'gpt1-copy']);
  expect(code).toBe(0);
  expect(stdout).toContain('note   the tokenizer was copied unread');
  expect(place.read('gpt1-copy', 'tokenizer.json').equals(place.read('gpt1', 'tokenizer.json'))).toBe(true);
});

test.skipIf(!existsSync(FIXTURES))(
  'token files of nanoGPT and llm.c train the same model (needs ../shared/fixtures)',
  async () => {
    mkdirSync(place.path('tokens'));
    for (const kind of ['nanogpt', 'llmc']) {
      place.write(`tokens/${kind}.bin`, readFileSync(join(FIXTURES, 'formats', `tokens_${kind}.bin`)));
      const tiny = TINY.map((word) => (word === 'byte' ? 'gpt2-bpe' : word === '32' ? '4' : word));
      const args = ['pretrain', '--data', `tokens/${kind}.bin`, '--out', kind, ...tiny, '--train.max_steps', '2'];
      expect((await place.gpt([...args, '--train.batch_tokens', '16'])).code).toBe(0);
    }
    expect(place.losses('llmc').length).toBe(2);
    expect(place.losses('nanogpt')).toEqual(place.losses('llmc'));
  },
);
