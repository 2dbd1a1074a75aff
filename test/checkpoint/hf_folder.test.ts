import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toFloat32 } from '../../src/base/array.js';
import { fromHfConfig, type HfModel, hfDifferences, readModel } from '../../src/checkpoint/hf.js';
import { type HfFolderOptions, writeHfFolder } from '../../src/checkpoint/hf_folder.js';
import { openSafetensors, type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const content = (model: ResolvedModel, eot: number | null): Pick<HfModel, 'model' | 'eot' | 'tensors'> => ({
  model,
  eot,
  tensors: new Map(
    [...parameterShapes(model)].map(([name, shape], k) => [
      name,
      () => Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(k + i)),
    ]),
  ),
});
const PLAIN: HfFolderOptions = { dtype: 'float32', tokenizerFiles: new Map() };
const json = (...path: string[]) => JSON.parse(readFileSync(join(dir, ...path), 'utf8'));

test('a folder with everything that was given, and nothing of training', async () => {
  const model = { ...content(tinyModel, 10) };
  await writeHfFolder(join(dir, 'deep', 'out'), model, {
    ...PLAIN,
    tokenizerFiles: new Map([['tokenizer.json', '{}']]),
  });
  expect(readdirSync(join(dir, 'deep', 'out')).sort()).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
  const found = readModel(join(dir, 'deep', 'out'));
  expect([found.model, found.eot]).toEqual([tinyModel, 10]);
  for (const [name, read] of model.tensors) expect(found.tensors.get(name)!()).toEqual(read());
  found.close();
});

test('shards beyond the limit', async () => {
  await writeHfFolder(join(dir, 'out'), content(tinyModel, 10), { ...PLAIN, maxShardBytes: 200 });
  expect(existsSync(join(dir, 'out', 'model.safetensors.index.json'))).toBe(true);
  const found = readModel(join(dir, 'out'));
  for (const [name, read] of content(tinyModel, 10).tensors) expect(found.tensors.get(name)!()).toEqual(read());
  found.close();
});

test.each([
  ['bfloat16', 'BF16', 2 ** -8],
  ['float16', 'F16', 2 ** -11],
] as const)('%s has half the bytes, rounded to nearest', async (dtype, stored, relative) => {
  await writeHfFolder(join(dir, 'out'), content(tinyModel, 10), { ...PLAIN, dtype });
  expect(json('out', 'config.json').torch_dtype).toBe(dtype);
  const file = openSafetensors(join(dir, 'out', 'model.safetensors'));
  for (const [name, read] of content(tinyModel, 10).tensors) {
    expect(file.info(name).dtype).toBe(stored);
    const found = toFloat32(file.read(name));
    read().forEach((value, i) => {
      expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(relative * Math.abs(value));
    });
  }
  file.close();
  const again = readModel(join(dir, 'out'));
  expect(again.model).toEqual(tinyModel);
  again.close();
});

test('a weight too large for float16 is an error, and no folder appears', async () => {
  const { model, eot, tensors } = content(tinyModel, 10);
  const large = new Map([...tensors, ['transformer.ln_f.bias', () => Float32Array.of(1, 2, 70000, 4)]]);
  const writing = writeHfFolder(join(dir, 'out'), { model, eot, tensors: large }, { ...PLAIN, dtype: 'float16' });
  await expect(writing).rejects.toThrow(/transformer.ln_f.bias has the value 70000, which float16 cannot hold/);
  expect(readdirSync(dir)).toEqual([]);
});

test('a folder that exists is not touched', async () => {
  writeFileSync(join(dir, 'out'), 'mine');
  await expect(writeHfFolder(join(dir, 'out'), content(tinyModel, 10), PLAIN)).rejects.toThrow(
    /exists and is not overwritten/,
  );
  expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('mine');
});

describe("GPT-1's folders", () => {
  // config.json of the hub's openai-gpt, made small
  const HUB = {
    afn: 'gelu',
    architectures: ['OpenAIGPTLMHeadModel'],
    attn_pdrop: 0.1,
    embd_pdrop: 0.1,
    initializer_range: 0.02,
    layer_norm_epsilon: 1e-5,
    model_type: 'openai-gpt',
    n_ctx: 8,
    n_embd: 4,
    n_head: 2,
    n_layer: 2,
    n_positions: 8,
    n_special: 0,
    predict_special_tokens: true,
    resid_pdrop: 0.1,
    summary_activation: null,
    summary_first_dropout: 0.1,
    summary_proj_to_labels: true,
    summary_type: 'cls_index',
    summary_use_proj: true,
    task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } },
    vocab_size: 11,
  };
  const { model } = fromHfConfig(HUB, 'config.json');

  const writeHub = async (hub: string) => {
    const sources: TensorSource[] = [...content(model, null).tensors].map(([name, read]) => ({
      name: name.replace('transformer.', ''),
      dtype: 'F32',
      shape: parameterShapes(model).get(name)!,
      data: read(),
    }));
    for (let i = 0; i < 2; i++) {
      sources.push({ name: `h.${i}.attn.bias`, dtype: 'F32', shape: [1, 1, 8, 8], data: new Float32Array(64) });
    }
    await writeSafetensors(join(hub, 'model.safetensors'), sources);
    writeFileSync(join(hub, 'config.json'), JSON.stringify(HUB));
  };

  test('the one of the hub loads: no prefix, mask buffers, keys that only other heads need', async () => {
    await writeHub(dir);
    const found = readModel(dir);
    expect(found.model).toMatchObject({ arch: 'gpt1', activation_function: 'gelu_new', n_inner: 16, vocab_size: 11 });
    expect(found.eot).toBe(null);
    expect([...found.tensors.keys()].slice(0, 4)).toEqual([
      'transformer.tokens_embed.weight',
      'transformer.positions_embed.weight',
      'transformer.h.0.attn.c_attn.weight',
      'transformer.h.0.attn.c_attn.bias',
    ]);
    for (const [name, read] of content(model, null).tensors) expect(found.tensors.get(name)!()).toEqual(read());
    found.close();
  });

  test('what is saved is what OpenAIGPTLMHeadModel reads', async () => {
    await writeHub(dir);
    const found = readModel(dir);
    await writeHfFolder(join(dir, 'out'), found, PLAIN);
    found.close();
    // no end-of-text: neither in config.json nor in a generation_config.json
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['config.json', 'model.safetensors']);
    // the attributes of transformers' OpenAIGPTConfig that the model reads
    const keys = [
      'afn',
      'attn_pdrop',
      'embd_pdrop',
      'initializer_range',
      'layer_norm_epsilon',
      'model_type',
      'n_embd',
      'n_head',
    ] as const;
    const config = json('out', 'config.json');
    for (const key of [...keys, 'n_layer', 'n_positions', 'resid_pdrop', 'vocab_size', 'architectures'] as const) {
      expect([key, config[key]]).toEqual([key, HUB[key]]);
    }
    expect(config).not.toHaveProperty('eos_token_id');
    const file = openSafetensors(join(dir, 'out', 'model.safetensors'));
    expect(file.names.every((name) => name.startsWith('transformer.'))).toBe(true);
    expect(file.names.filter((name) => name.includes('ln_f') || name.includes('wte'))).toEqual([]);
    file.close();
  });

  test.skipIf(!existsSync(FIXTURES))('the fixture comes back bit for bit (needs ../shared/fixtures)', async () => {
    const found = readModel(join(FIXTURES, 'gpt1-tiny'));
    await writeHfFolder(join(dir, 'out'), found, PLAIN);
    found.close();
    const stored = readFileSync(join(dir, 'out', 'model.safetensors'));
    expect(stored.equals(readFileSync(join(FIXTURES, 'gpt1-tiny', 'model.safetensors')))).toBe(true);
  });

  test('what transformers would compute otherwise is known', () => {
    expect(hfDifferences(model)).toEqual([]);
    expect(hfDifferences(tinyModel)).toEqual([]);
    expect(hfDifferences({ ...model, activation_function: 'gelu', n_inner: 12 })).toEqual([
      'it computes GELU in the tanh form, not with erf',
      'it cannot load an MLP of width 12',
    ]);
    expect(hfDifferences({ ...tinyModel, arch: 'gpt3', attention_layers: ['local'] })).toEqual([
      'it computes the banded layers as dense ones',
    ]);
  });
});
