// gpt get against a server on this machine: test/data/model_hub.ts answers as the hub does.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { toHfConfig } from '../../src/checkpoint/hf.js';
import { openHfSource } from '../../src/checkpoint/hf_source.js';
import { type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { writeSharded } from '../../src/checkpoint/shards.js';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../../src/commands/get.js';
import type { CommandContext, GetOptions } from '../../src/commands/options.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { byteJson } from '../../src/tokenizer/hf_json.js';
import { tinyModel } from '../checkpoint/tiny_checkpoint.js';
import { startModelHub } from '../data/model_hub.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-get-'));
const model: ResolvedModel = { ...tinyModel, vocab_size: 257, n_embd: 16, n_inner: 64 };

/** As the hub's gpt2: without prefix, with masks and a tied head. */
function tensors(): TensorSource[] {
  const own = [...parameterShapes(model)].map(([name, shape], k): TensorSource => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(k + i));
    return { name: name.replace('transformer.', ''), dtype: 'F32', shape, data };
  });
  const mask = { name: 'h.0.attn.bias', dtype: 'F32', shape: [1, 1, 8, 8], data: new Float32Array(64) } as const;
  return [...own, mask, { ...own[0]!, name: 'lm_head.weight' }];
}

const config = Buffer.from(JSON.stringify(toHfConfig(model, 256)));
const tokenizer = Buffer.from(byteJson());
await writeSafetensors(join(dir, 'model.safetensors'), tensors());
const weights = readFileSync(join(dir, 'model.safetensors'));
const small = { 'README.md': Buffer.from('# A model'), 'config.json': config, 'tokenizer.json': tokenizer };
const hub = await startModelHub('openai-community/gpt2', {
  ...small,
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.alloc(1e6),
});
const hubs = [hub];
afterAll(() => {
  for (const { close } of hubs) close();
  rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
  hub.requests.length = 0;
  delete hub.options.corrupt;
});

/** Runs a command line; what it prints. */
async function gpt(line: readonly string[], url = hub.url): Promise<string> {
  const printed: string[] = [];
  const context = {
    ...{ out: (text: string) => void printed.push(text), err: () => {}, isTty: false, columns: 80, color: false },
    ...{ env: { GPT_HUB: url }, argv: [], program: 'gpt', version: '0' },
  } as unknown as CommandContext;
  const program = createProgram('0', async (name, options) => {
    expect(name).toBe('get');
    expect(await run(options as GetOptions, context)).toBe(0);
  });
  await program.parseAsync(['get', ...line], { from: 'user' });
  return printed.join('');
}

let made = 0;
const place = () => join(dir, `out-${++made}`);

test('says licence, size and address, fetches what gpt opens, and reports the tensors', async () => {
  const out = place();
  const text = await gpt(['gpt2', '--out', out]);
  const n = parameterShapes(model).size;
  expect(text).toMatch(
    /^model {4}openai-community\/gpt2 {3}\(http:\/\/127.*\/openai-community\/gpt2\)\nlicence {2}mit\n/,
  );
  expect(text).toContain('KiB in 3 files\n');
  expect(text).toContain(`         ${n} tensors used, 2 ignored (causal masks 1, tied head 1), 0 missed\n`);
  expect(text).toContain(`wrote    ${out}\ntry      gpt generate ${out} --interactive\n`);
  expect(readdirSync(out).sort()).toEqual([
    ...['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'],
  ]);
  expect(readFileSync(join(out, 'model.safetensors')).equals(weights)).toBe(true);
  expect(existsSync(`${out}.part`)).toBe(false);
  expect(hub.requests.some((path) => path.includes('pytorch_model'))).toBe(false);
  await expect(gpt(['gpt2', '--out', out])).rejects.toThrow(`${out} exists and is not overwritten`);
});

test('--dry-run fetches nothing; --json says what there is', async () => {
  const out = place();
  expect(await gpt(['gpt2', '--out', out, '--dry-run'])).toContain('licence  mit\n');
  const told = JSON.parse(await gpt(['gpt2', '--out', out, '--dry-run', '--json'])) as { files: { place: string }[] };
  expect(told.files.map(({ place: name }) => name)).toEqual(['config.json', 'tokenizer.json', 'model.safetensors']);
  expect(hub.requests.filter((path) => path.startsWith('/store') || path.includes('resolve'))).toEqual([]);
  expect([existsSync(out), existsSync(`${out}.part`)]).toEqual([false, false]);
});

test('goes on where the connection broke, and nothing has the final name before', async () => {
  const out = place();
  hub.options.breakAfter = 12_000;
  await expect(gpt(['gpt2', '--out', out])).rejects.toMatchObject({
    ...{ exitCode: 4, message: expect.stringContaining('the connection broke after') },
    fix: 'run the command again: it goes on from there',
  });
  const { size } = statSync(join(`${out}.part`, 'model.safetensors.part'));
  expect([existsSync(out), size > 0 && size <= 12_000]).toEqual([false, true]);
  hub.requests.length = 0;
  await gpt(['gpt2', '--out', out, '--quiet']);
  expect(hub.requests.filter((path) => path.startsWith('/store'))).toEqual([`/store/model.safetensors bytes=${size}-`]);
  expect(readFileSync(join(out, 'model.safetensors')).equals(weights)).toBe(true);
});

test('weights with other content are refused by their SHA-256', async () => {
  const out = place();
  hub.options.corrupt = true;
  await expect(gpt(['gpt2', '--out', out])).rejects.toMatchObject({
    ...{ exitCode: 4, message: expect.stringMatching(/what came has the SHA-256 [0-9a-f]{64}, not /) },
  });
  expect(existsSync(out)).toBe(false);
});

async function other(files: Record<string, Buffer>): Promise<string> {
  const started = await startModelHub('me/other', files);
  hubs.push(started);
  return started.url;
}

test('shards and their index', async () => {
  const made = join(dir, 'shards');
  mkdirSync(made);
  await writeSharded(made, 'model', tensors(), { maxBytes: 12_000 });
  const names = readdirSync(made);
  expect(names.length).toBeGreaterThan(3);
  const shards = Object.fromEntries(names.map((name) => [name, readFileSync(join(made, name))]));
  const out = place();
  await gpt(['me/other', '--out', out, '--quiet'], await other({ ...small, ...shards }));
  const found = openHfSource(out);
  expect(found.report.used.length).toBe(parameterShapes(model).size);
  found.close();
});

describe('refused', () => {
  const llama = Buffer.from('{"model_type": "llama"}');
  test.each<[string, Record<string, Buffer>, RegExp, RegExp]>([
    [
      'another kind of model, before its weights',
      { ...small, 'config.json': llama, 'model.safetensors': weights },
      /model_type is "llama"/,
      /GPT2LMHeadModel/,
    ],
    [
      'no safetensors',
      { ...small, 'pytorch_model.bin': weights },
      /me\/other has no safetensors/,
      /gpt import FOLDER OUT/,
    ],
    ['no configuration', { 'model.safetensors': weights }, /me\/other has no config.json/, /format of transformers/],
    [
      'weights of another model',
      { ...small, 'model.safetensors': Buffer.from('x') },
      /is truncated/,
      /copy or download/,
    ],
  ])('%s', async (_, files, message, fix) => {
    const out = place();
    const url = await other(files);
    await expect(gpt(['me/other', '--out', out], url)).rejects.toMatchObject({
      ...{ exitCode: 4, message: expect.stringMatching(message), fix: expect.stringMatching(fix) },
    });
    expect(existsSync(out)).toBe(false);
    expect(existsSync(join(`${out}.part`, 'model.safetensors.part'))).toBe(false);
  });

  test('no such model, a name that cannot be one, and no network', async () => {
    await expect(gpt(['me/none'])).rejects.toMatchObject({
      ...{ exitCode: 4, message: expect.stringContaining('has no model me/none, or none without an account (404)') },
    });
    await expect(gpt(['gpt2-larg'])).rejects.toMatchObject({
      ...{ exitCode: 2, fix: expect.stringContaining('did you mean gpt2-large?') },
    });
    await expect(gpt(['../etc/passwd'])).rejects.toMatchObject({ exitCode: 2 });
    const closed = await startModelHub('x/y', {});
    closed.close();
    await expect(gpt(['gpt2'], closed.url)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/),
      fix: expect.stringMatching(
        /^check the network; or fetch config.json, .* into a folder, which every command opens$/,
      ),
    });
  });
});
