import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { fromHfConfig, readModel, toHfConfig } from '../../src/checkpoint/hf.js';
import { type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;
const hasFixtures = existsSync(FIXTURES);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-hf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const readConfig = (file: string) => fromHfConfig(JSON.parse(readFileSync(file, 'utf8')), file);

describe('config.json', () => {
  const gpt1: ResolvedModel = { ...tinyModel, arch: 'gpt1' };
  const gpt3: ResolvedModel = {
    ...tinyModel,
    arch: 'gpt3',
    n_layer: 3,
    attention_layers: ['global', 'local', 'global'],
    window_size: 5,
  };

  test.each<[string, ResolvedModel]>([
    ['gpt2', tinyModel],
    ['gpt2 with erf GELU and a narrow MLP', { ...tinyModel, activation_function: 'gelu', n_inner: 6 }],
    ['gpt1', gpt1],
    ['gpt1 with erf GELU and a narrow MLP', { ...gpt1, activation_function: 'gelu', n_inner: 6 }],
    ['gpt3', gpt3],
  ])('%s comes back as it was', (_, model) => {
    const json = JSON.parse(JSON.stringify(toHfConfig(model, 10)));
    expect(fromHfConfig(json, 'config.json')).toEqual({ model, eot: 10 });
  });

  test('has the keys and values of transformers', () => {
    const hf2 = toHfConfig(tinyModel, 10);
    expect(hf2).toMatchObject({
      architectures: ['GPT2LMHeadModel'],
      model_type: 'gpt2',
      activation_function: 'gelu_new',
      n_positions: 8,
      n_inner: null,
      tie_word_embeddings: true,
      eos_token_id: 10,
    });
    expect(hf2).not.toHaveProperty('attention_layers');
    const hf1 = toHfConfig(gpt1, 10);
    expect(hf1).toMatchObject({ architectures: ['OpenAIGPTLMHeadModel'], model_type: 'openai-gpt', afn: 'gelu' });
    expect(hf1).not.toHaveProperty('activation_function');
    expect(toHfConfig(gpt3, 10)).toMatchObject({
      model_type: 'gpt2',
      attention_layers: ['global', 'local', 'global'],
      window_size: 5,
    });
  });

  test("afn gelu is the tanh form, gpt2's gelu is not", () => {
    const read = (json: object) => fromHfConfig(json, 'c').model.activation_function;
    expect(read({ model_type: 'openai-gpt', afn: 'gelu' })).toBe('gelu_new');
    expect(read({ model_type: 'gpt2', activation_function: 'gelu' })).toBe('gelu');
    expect(read({ model_type: 'gpt2' })).toBe('gelu_new');
  });

  test('the config of the hub (no n_inner, only n_ctx and n_positions) is GPT-2 small', () => {
    const hub = { model_type: 'gpt2', n_ctx: 1024, n_positions: 1024, n_embd: 768, n_head: 12, n_layer: 12 };
    const { model, eot } = fromHfConfig({ ...hub, vocab_size: 50257, eos_token_id: 50256 }, 'config.json');
    const count = [...parameterShapes(model).values()].reduce((sum, s) => sum + s.reduce((a, b) => a * b, 1), 0);
    expect([count, eot, model.resid_pdrop]).toEqual([124_439_808, 50256, 0.1]);
    const small1 = fromHfConfig({ model_type: 'openai-gpt' }, 'config.json').model;
    const count1 = [...parameterShapes(small1).values()].reduce((sum, s) => sum + s.reduce((a, b) => a * b, 1), 0);
    expect(count1).toBe(116_534_784);
  });

  test.each<[object, RegExp]>([
    [{ model_type: 'llama' }, /^f: model_type is "llama", expected "gpt2" or "openai-gpt"$/],
    [{}, /model_type is undefined/],
    [[], /^f holds no JSON object$/],
    [{ model_type: 'gpt2', n_embd: 10, n_head: 3 }, /n_embd 10 is not divisible by n_head 3/],
    [{ model_type: 'gpt2', activation_function: 'relu' }, /activation_function: /],
    [{ model_type: 'openai-gpt', afn: 'swish' }, /afn is "swish"/],
    [{ model_type: 'gpt2', tie_word_embeddings: false }, /tie_word_embeddings is false/],
    [{ model_type: 'gpt2', scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx is true/],
    [{ model_type: 'gpt2', n_layer: 3, attention_layers: ['local'] }, /attention_layers has 1 entries for 3 layers/],
    [{ model_type: 'gpt2', n_layer: 'x', vocab_size: -1 }, /vocab_size: .*; n_layer: /],
  ])('%j is refused', (json, message) => {
    expect(() => fromHfConfig(json, 'f')).toThrow(message);
    expect(() => fromHfConfig(json, 'f')).toThrow(DataError);
  });
});

test.each<[object, RegExp]>([
  [{ n_layer: 1e9 }, /x\.json: n_layer: /],
  [{ attention_layers: Array(50_000).fill('none') }, /x\.json: attention_layers.*… \(50000\)$/],
  [{ model_type: 'x'.repeat(1e5) }, /x\.json: model_type is "x{56}\.\.\.,/],
  [{ scale_attn_weights: { toString: 1 } }, /scale_attn_weights is \{"toString":1\}, gpt has only true/],
  [
    { tie_word_embeddings: JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)) },
    /tie_word_embeddings is .* nested too deeply/,
  ],
])('a hostile config.json is refused, shortly: %#', (keys, message) => {
  const read = () => fromHfConfig({ ...toHfConfig(tinyModel, 10), ...keys }, 'x.json');
  expect(read).toThrow(message);
  expect(read).toThrow(DataError);
});

describe('readModel', () => {
  type Tensors = Map<string, TensorSource>;
  const tensors = (model: ResolvedModel): Tensors =>
    new Map(
      [...parameterShapes(model)].map(([name, shape], k) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => k + i / 100);
        return [name, { name, dtype: 'F32', shape, data }];
      }),
    );
  const write = async (model: ResolvedModel, edit: (t: Tensors) => Iterable<TensorSource> = (t) => t.values()) => {
    writeFileSync(join(dir, 'config.json'), JSON.stringify(toHfConfig(model, 10)));
    await writeSafetensors(join(dir, 'model.safetensors'), edit(tensors(model)));
  };
  const wte = 'transformer.wte.weight';
  const extra = (name: string, shape: number[], data: Float32Array): TensorSource => ({
    name,
    dtype: 'F32',
    shape,
    data,
  });

  test('reads names with and without prefix, past mask buffers and a tied head', async () => {
    const strange = function* (t: Tensors): Iterable<TensorSource> {
      for (const x of t.values()) yield { ...x, name: x.name.replace('transformer.', '') };
      yield extra('h.0.attn.bias', [1, 1, 8, 8], new Float32Array(64));
      yield extra('h.0.attn.masked_bias', [], new Float32Array(1));
      yield { ...t.get(wte)!, name: 'lm_head.weight' };
      yield extra('multiple_choice_head.weight', [1], new Float32Array(1));
    };
    for (const edit of [undefined, strange]) {
      await write(tinyModel, edit);
      const found = readModel(dir);
      const want = tensors(tinyModel);
      expect([...found.tensors.keys()]).toEqual([...want.keys()]);
      expect([...found.tensors].filter(([name, read]) => String(read()) !== String(want.get(name)!.data))).toEqual([]);
      expect([found.model, found.eot]).toEqual([tinyModel, 10]);
      found.close();
    }
  });

  test.each<[string, (t: Tensors) => Iterable<TensorSource>, RegExp]>([
    [
      'a missing tensor',
      (t) => [...t.values()].filter((x) => !x.name.endsWith('c_attn.bias')),
      /model.safetensors: tensors missing: transformer.h.0.attn.c_attn.bias$/,
    ],
    [
      'no tensors',
      () => [],
      /tensors missing: transformer.wte.weight, transformer.wpe.weight, transformer.h.0.ln_1.weight, .*, transformer.ln_f.bias$/,
    ],
    [
      'a wrong shape',
      (t) => [...t.values()].map((x) => (x.name === wte ? { ...x, shape: [4, 11] } : x)),
      /tensor transformer.wte.weight has shape \[4, 11\], expected \[11, 4\]/,
    ],
    [
      'a second layer',
      (t) => [...t.values(), extra('transformer.h.1.ln_1.bias', [4], new Float32Array(4))],
      /not in the model of its configuration: transformer.h.1.ln_1.bias/,
    ],
    [
      'a separate head',
      (t) => [...t.values(), extra('lm_head.weight', [11, 4], new Float32Array(44))],
      /lm_head.weight differs from transformer.wte.weight \(at element 1: 0 and 0.0/,
    ],
    [
      'a head of another size',
      (t) => [...t.values(), extra('lm_head.weight', [12, 4], new Float32Array(48))],
      /lm_head.weight differs from transformer.wte.weight \(shape \[12, 4\] and \[11, 4\]\)/,
    ],
    [
      'a dtype that is no number',
      (t) => [...t.values()].map((x) => (x.name === wte ? { ...x, dtype: 'I32', data: new Int32Array(44) } : x)),
      /wte.weight has dtype I32/,
    ],
  ])('%s is refused', async (_, edit, message) => {
    await write(tinyModel, edit);
    expect(() => readModel(dir)).toThrow(message);
    expect(() => readModel(dir)).toThrow(DataError);
  });

  test('a config.json of 3 GiB is refused before it is read', () => {
    writeFileSync(join(dir, 'config.json'), '{');
    truncateSync(join(dir, 'config.json'), 3 * 2 ** 30); // a hole: takes no space
    expect(() => readModel(dir)).toThrow(/config\.json has 3221225472 bytes/);
    expect(() => readModel(dir)).toThrow(DataError);
  });

  test('a missing or broken config.json, a missing model.safetensors', async () => {
    expect(() => readModel(dir)).toThrow(/config.json: no such file/);
    writeFileSync(join(dir, 'config.json'), '{');
    expect(() => readModel(dir)).toThrow(/config.json is no JSON/);
    writeFileSync(join(dir, 'config.json'), JSON.stringify(toHfConfig(tinyModel, 10)));
    expect(() => readModel(dir)).toThrow(/model.safetensors: no such file/);
  });

  test.skipIf(!hasFixtures).each([
    ['gpt2-tiny', 'gpt2', 172_416],
    ['gpt2-tiny-erf', 'gpt2', 16_968],
    ['gpt1-tiny', 'gpt1', 68_592],
    ['gpt3-tiny', 'gpt3', 57_760],
  ])('reads the fixture %s and describes it in the same words (needs ../shared/fixtures)', (name, arch, count) => {
    const folder = join(FIXTURES, name);
    const found = readModel(folder);
    expect(found.model.arch).toBe(arch);
    expect([...found.tensors.values()].reduce((sum, read) => sum + read().length, 0)).toBe(count);
    found.close();
    const original = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(toHfConfig(readConfig(join(folder, 'config.json')).model, found.eot ?? 0)).toMatchObject(original);
  });
});
