// PEFT's folders: keys, shapes and layout by PEFT's source, a round trip, and every refusal.

import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import {
  isPeftFolder,
  type PeftContent,
  type PeftTensor,
  readPeftFolder,
  writePeftFolder,
} from '../../src/checkpoint/peft.js';
import { openSafetensors, type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { adapterShapes } from '../../src/config/lora.js';
import { tinyModel } from './tiny_checkpoint.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-peft-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const TARGETS = ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'];
const { n_embd: C, n_inner: F, n_layer } = tinyModel;
const values = (shape: readonly number[], k: number) =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.fround(Math.sin(100 * k + i)));

const content = (more: Partial<PeftContent> = {}): PeftContent => {
  const config = { r: 2, alpha: 5, dropout: 0.1, target_modules: TARGETS, ...more.config };
  return {
    task: 'CAUSAL_LM',
    base: 'some/base',
    modules: [],
    ...more,
    config,
    adapters: [...adapterShapes(tinyModel, config)].map(([name, shape], k) => ({
      name,
      shape,
      data: () => values(shape, k),
    })),
  };
};
const score: PeftTensor = { name: 'score.weight', shape: [3, C], data: () => values([3, C], 77) };

const folder = () => join(dir, 'out');
const readConfig = () => JSON.parse(readFileSync(join(folder(), 'adapter_config.json'), 'utf8'));
/** Writes a folder, then its configuration again with these keys changed; undefined removes a key. */
async function foreign(keys: Record<string, unknown>, more: Partial<PeftContent> = {}): Promise<string> {
  await writePeftFolder(folder(), content(more));
  writeFileSync(join(folder(), 'adapter_config.json'), JSON.stringify({ ...readConfig(), ...keys }));
  return folder();
}
/** Writes a folder, then its tensors again after `change`. */
async function withTensors(change: (tensors: TensorSource[]) => TensorSource[], more: Partial<PeftContent> = {}) {
  await writePeftFolder(folder(), content(more));
  const path = join(folder(), 'adapter_model.safetensors');
  const file = openSafetensors(path);
  const tensors = file.names.map((name): TensorSource => {
    const data = file.readFloat32(name);
    return { name, shape: file.info(name).shape, dtype: 'F32', data };
  });
  file.close();
  await writeSafetensors(path, change(tensors));
  return path;
}
const refusal = (run: () => unknown): DataError => {
  try {
    run();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('writing', () => {
  test("PEFT's keys and shapes", async () => {
    await writePeftFolder(folder(), content());
    expect(readdirSync(folder()).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(isPeftFolder(folder())).toBe(true);
    expect(isPeftFolder(dir)).toBe(false);
    expect(readConfig()).toEqual({
      alpha_pattern: {},
      auto_mapping: null,
      base_model_name_or_path: 'some/base',
      bias: 'none',
      fan_in_fan_out: true,
      inference_mode: true,
      init_lora_weights: true,
      layers_pattern: null,
      layers_to_transform: null,
      lora_alpha: 5,
      lora_dropout: 0.1,
      modules_to_save: null,
      peft_type: 'LORA',
      r: 2,
      rank_pattern: {},
      revision: null,
      target_modules: TARGETS,
      task_type: 'CAUSAL_LM',
      use_dora: false,
      use_rslora: false,
    });
    const file = openSafetensors(join(folder(), 'adapter_model.safetensors'));
    expect(file.metadata).toEqual({ format: 'pt' });
    const shapes = Object.fromEntries(file.names.map((name) => [name, file.info(name).shape]));
    const want: Record<string, number[]> = {};
    for (let i = 0; i < n_layer; i++) {
      for (const [layer, inputs, outputs] of [
        ['attn.c_attn', C, 3 * C],
        ['attn.c_proj', C, C],
        ['mlp.c_fc', C, F],
        ['mlp.c_proj', F, C],
      ] as const) {
        want[`base_model.model.transformer.h.${i}.${layer}.lora_A.weight`] = [2, inputs];
        want[`base_model.model.transformer.h.${i}.${layer}.lora_B.weight`] = [outputs, 2];
      }
    }
    expect(shapes).toEqual(want);
    // (in,r) became (r,in)
    const ours = content().adapters[0]!.data() as Float32Array;
    const theirs = file.readFloat32('base_model.model.transformer.h.0.attn.c_attn.lora_A.weight');
    expect([...theirs]).toEqual([0, 1].flatMap((k) => Array.from({ length: C }, (_, i) => ours[2 * i + k])));
    file.close();
  });

  test('a classifier: the modules that PEFT saves whole', async () => {
    const bias: PeftTensor = { name: 'transformer.ln_f.bias', shape: [C], data: async () => values([C], 78) };
    await writePeftFolder(folder(), content({ task: 'SEQ_CLS', modules: [score, bias] }));
    expect(readConfig()).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['classifier', 'score', 'ln_f'] });
    const file = openSafetensors(join(folder(), 'adapter_model.safetensors'));
    expect(file.info('base_model.model.score.weight').shape).toEqual([3, C]);
    expect(file.readFloat32('base_model.model.score.weight')).toEqual(values([3, C], 77));
    expect(file.readFloat32('base_model.model.transformer.ln_f.bias')).toEqual(values([C], 78));
    file.close();
  });

  test('nothing is overwritten', async () => {
    await writePeftFolder(folder(), content());
    await expect(writePeftFolder(folder(), content())).rejects.toThrow(DataError);
  });
});

describe('reading', () => {
  const same = (found: ReturnType<typeof readPeftFolder>, want: PeftContent) => {
    expect([...found.values.keys()]).toEqual(want.adapters.map(({ name }) => name));
    for (const { name, data } of want.adapters) expect(found.values.get(name)!(), name).toEqual(data());
  };

  test('what was written', async () => {
    const want = content({ task: 'SEQ_CLS', modules: [score] });
    await writePeftFolder(folder(), want);
    const found = readPeftFolder(folder(), tinyModel);
    expect([found.config, found.task, found.base]).toEqual([want.config, 'SEQ_CLS', 'some/base']);
    same(found, want);
    expect([...found.modules.keys()]).toEqual(['score.weight']);
    expect(found.modules.get('score.weight')!.shape).toEqual([3, C]);
    expect(found.modules.get('score.weight')!.read()).toEqual(score.data());
    found.close();
  });

  test('what other versions of PEFT write of plain LoRA', async () => {
    await foreign({
      peft_version: '0.20.0',
      megatron_core: 'megatron.core',
      megatron_config: null,
      qalora_group_size: 16,
      loftq_config: {},
      use_qalora: false,
      trainable_token_indices: null,
      exclude_modules: [],
      eva_config: null,
      fan_in_fan_out: false, // PEFT corrects it when it sees the layers
      init_lora_weights: 'gaussian',
      a_key_of_tomorrow: null,
      task_type: null,
      base_model_name_or_path: null,
    });
    const found = readPeftFolder(folder(), tinyModel);
    expect([found.config, found.task, found.base]).toEqual([content().config, null, null]);
    same(found, content());
    found.close();
  });

  test('a rank-stabilised scale', async () => {
    const found = readPeftFolder(await foreign({ use_rslora: true }), tinyModel);
    expect(found.config.alpha / found.config.r).toBeCloseTo(5 / Math.sqrt(2), 12);
    found.close();
  });

  test("PEFT's defaults for keys that are missing", async () => {
    await foreign({ lora_alpha: undefined, lora_dropout: undefined, bias: undefined, init_lora_weights: undefined });
    const found = readPeftFolder(folder(), tinyModel);
    expect(found.config).toMatchObject({ alpha: 8, dropout: 0 });
    found.close();
  });

  test('names of a base model without a head', async () => {
    await withTensors((tensors) => tensors.map((t) => ({ ...t, name: t.name.replace('.transformer.', '.') })));
    const found = readPeftFolder(folder(), tinyModel);
    same(found, content());
    found.close();
  });
});

describe('refusals', () => {
  const FIX = 'gpt reads adapters of plain LoRA, for the linear layers of GPT-1 and GPT-2';
  test.each<[Record<string, unknown>, string]>([
    [{ peft_type: 'IA3' }, 'peft_type is "IA3", expected "LORA"'],
    [{ peft_type: undefined }, 'peft_type is null, expected "LORA"'],
    [{ task_type: 'SEQ_2_SEQ_LM' }, 'task_type is "SEQ_2_SEQ_LM", expected "CAUSAL_LM" or "SEQ_CLS"'],
    [{ base_model_name_or_path: 7 }, 'base_model_name_or_path is 7, expected a name'],
    [{ r: 0 }, 'r is 0, expected a positive whole number'],
    [{ r: 1.5 }, 'r is 1.5, expected a positive whole number'],
    [{ r: undefined }, 'r is null, expected a positive whole number'],
    [{ lora_alpha: -1 }, 'lora_alpha is -1, expected a positive number'],
    [{ lora_dropout: 1 }, 'lora_dropout is 1, expected a number from 0 to 1'],
    [{ use_rslora: 'yes' }, 'use_rslora is "yes", expected true or false'],
    [{ bias: 'lora_only' }, 'bias is "lora_only", expected "none"'],
    [{ init_lora_weights: 'pissa_niter_16' }, 'init_lora_weights is "pissa_niter_16", expected true'],
    [{ init_lora_weights: 'loftq' }, 'init_lora_weights is "loftq", expected true'],
    [{ target_modules: '.*c_attn' }, 'target_modules is ".*c_attn", expected a list of the ends of modules\' names'],
    [{ target_modules: null }, "target_modules is null, expected a list of the ends of modules' names"],
    [{ target_modules: [] }, "target_modules is [], expected a list of the ends of modules' names"],
    [{ target_modules: ['c_attn', 'wte'] }, 'target_modules has "wte", which is no linear layer of this model'],
    [{ target_modules: ['q_proj'] }, 'target_modules has "q_proj", which is no linear layer of this model'],
    [{ use_dora: true }, 'use_dora is true, which gpt does not have'],
    [{ lora_bias: true }, 'lora_bias is true, which gpt does not have'],
    [{ use_qalora: true }, 'use_qalora is true, which gpt does not have'],
    [{ layers_to_transform: [0] }, 'layers_to_transform is [0], which gpt does not have'],
    [{ layers_to_transform: 0 }, 'layers_to_transform is 0, which gpt does not have'],
    [{ layers_pattern: 'h' }, 'layers_pattern is "h", which gpt does not have'],
    [{ exclude_modules: ['mlp.c_proj'] }, 'exclude_modules is ["mlp.c_proj"], which gpt does not have'],
    [{ rank_pattern: { c_attn: 4 } }, 'rank_pattern is {"c_attn":4}, which gpt does not have'],
    [{ alpha_pattern: { c_attn: 4 } }, 'alpha_pattern is {"c_attn":4}, which gpt does not have'],
    [{ layer_replication: [[0, 1]] }, 'layer_replication is [[0,1]], which gpt does not have'],
    [{ trainable_token_indices: [3] }, 'trainable_token_indices is [3], which gpt does not have'],
    [{ target_parameters: ['wte'] }, 'target_parameters is ["wte"], which gpt does not have'],
    [{ alora_invocation_tokens: [1] }, 'alora_invocation_tokens is [1], which gpt does not have'],
    [{ a_key_of_tomorrow: 1 }, 'a_key_of_tomorrow is 1, which gpt does not have'],
  ])('%j', async (keys, problem) => {
    await foreign(keys);
    const { message, fix } = refusal(() => readPeftFolder(folder(), tinyModel));
    expect([message, fix]).toEqual([`${join(folder(), 'adapter_config.json')}: ${problem}`, FIX]);
  });

  test('all problems of a configuration at once', async () => {
    await foreign({ use_dora: true, r: -1, bias: 'all' });
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toBe(
      `${join(folder(), 'adapter_config.json')}: r is -1, expected a positive whole number; bias is "all", expected "none"; ` +
        'use_dora is true, which gpt does not have',
    );
  });

  test.each([
    ['{', /is no JSON: /],
    ['[]', /holds no JSON object$/],
  ])('a configuration that reads %j', async (text, message) => {
    await writePeftFolder(folder(), content());
    writeFileSync(join(folder(), 'adapter_config.json'), text);
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toMatch(message);
  });

  test('missing files, and weights as a pickle', async () => {
    await writePeftFolder(folder(), content());
    const [config, weights] = ['adapter_config.json', 'adapter_model.safetensors'].map((name) => join(folder(), name));
    renameSync(weights!, join(folder(), 'adapter_model.bin'));
    const { message, fix } = refusal(() => readPeftFolder(folder(), tinyModel));
    expect(message).toBe(`${folder()} has adapter_model.bin, not adapter_model.safetensors`);
    expect(fix).toBe('save it again with a current version of PEFT');
    rmSync(join(folder(), 'adapter_model.bin'));
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toContain(weights);
    rmSync(config!);
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toContain(config);
  });

  const NAME = 'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight';
  test.each<[string, (tensors: TensorSource[]) => TensorSource[], string]>([
    ['a missing one', (all) => all.filter(({ name }) => name !== NAME), `tensor ${NAME} is missing`],
    [
      'a transposed one',
      (all) => all.map((t) => (t.name === NAME ? { ...t, shape: [...t.shape].reverse() } : t)),
      `tensor ${NAME} has shape [${C}, 2], expected [2, ${C}]`,
    ],
    [
      'one of a layer that the model does not have',
      (all) => [...all, { ...all[0]!, name: NAME.replace('h.0', 'h.99') }],
      `tensor ${NAME.replace('h.0', 'h.99')} belongs to no adapter and no part of this model`,
    ],
    [
      'one of another method',
      (all) => [...all, { ...all[0]!, name: NAME.replace('lora_A.weight', 'lora_magnitude_vector') }],
      `tensor ${NAME.replace('lora_A.weight', 'lora_magnitude_vector')} belongs to no adapter and no part of this model`,
    ],
    [
      'one under two names',
      (all) => [...all, { ...all.find(({ name }) => name === NAME)!, name: NAME.replace('transformer.', '') }],
      `tensor ${NAME.replace('transformer.', '')} is there under two names`,
    ],
    [
      'a head of another width',
      (all) => [
        ...all,
        { name: 'base_model.model.score.weight', shape: [2, C + 1], dtype: 'F32', data: values([2, C + 1], 1) },
      ],
      `tensor base_model.model.score.weight has shape [2, ${C + 1}], expected [2, ${C}]`,
    ],
    [
      'an embedding of another vocabulary',
      (all) => [
        ...all,
        { name: 'base_model.model.transformer.wte.weight', shape: [1, C], dtype: 'F32', data: values([1, C], 1) },
      ],
      `tensor base_model.model.transformer.wte.weight has shape [1, ${C}], expected [${tinyModel.vocab_size}, ${C}]`,
    ],
    [
      'integers',
      (all) => all.map((t) => (t.name === NAME ? { ...t, dtype: 'I32', data: new Int32Array(2 * C) } : t)),
      `tensor ${NAME} has dtype I32, expected F32, F64, F16 or BF16`,
    ],
  ])('tensors: %s', async (_what, change, problem) => {
    const path = await withTensors(change);
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toBe(`${path}: ${problem}`);
  });

  test('a classifier without a head', async () => {
    const path = await withTensors((all) => all.filter(({ name }) => !name.includes('score')), {
      task: 'SEQ_CLS',
      modules: [score],
    });
    expect(refusal(() => readPeftFolder(folder(), tinyModel)).message).toBe(
      `${path}: tensor base_model.model.score.weight is missing`,
    );
  });
});
