// The model half of a checkpoint: a folder that Hugging Face transformers opens.
//
//   config.json              shape of the model, both ways between Hugging Face's keys and ours
//   model.safetensors        parameters under Hugging Face's names, linear weights as (in, out), the head tied to wte;
//                            in several files beyond 5 GB (shards.ts)
//   generation_config.json   end-of-text id
//
//   arch   architectures             model_type   activation key
//   gpt1   OpenAIGPTLMHeadModel      openai-gpt   afn: "gelu" means the tanh form
//   gpt2   GPT2LMHeadModel           gpt2         activation_function: "gelu_new" tanh, "gelu" erf
//   gpt3   as gpt2, with attention_layers and window_size where a layer is local
//
// transformers ignores keys that it does not know: it would run the banded layers of gpt3 as dense ones, and a gpt1 with
// erf GELU with the tanh form. Such a folder loads there, and is exact only here.

import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { readText } from '../base/files.js';
import { quoted } from '../base/format.js';
import { isRecord, parseJson } from '../base/json.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import { ModelConfig } from '../config/schema.js';
import { requireTensor } from './safetensors.js';
import { openSharded } from './shards.js';
import { few, matchTensors, readers, type StoredTensors, type TensorReport } from './tensor_report.js';

type JsonObject = { readonly [key: string]: Json };

// ---- config.json

/** Data types of stored weights, as config.json names them. */
export type WeightDtype = 'float32' | 'bfloat16' | 'float16';

/** The content of config.json. `eot` is the tokenizer's end-of-text id; null where there is none, as in OpenAI's GPT-1. */
export function toHfConfig(model: ResolvedModel, eot: number | null, dtype: WeightDtype = 'float32'): JsonObject {
  const gpt1 = model.arch === 'gpt1';
  const banded = model.attention_layers.includes('local');
  const fourfold = model.n_inner === 4 * model.n_embd;
  return {
    architectures: [gpt1 ? 'OpenAIGPTLMHeadModel' : 'GPT2LMHeadModel'],
    model_type: gpt1 ? 'openai-gpt' : 'gpt2',
    ...(gpt1 ? { afn: 'gelu' } : { activation_function: model.activation_function }),
    ...(gpt1 && model.activation_function === 'gelu' ? { activation_function: 'gelu' } : {}),
    vocab_size: model.vocab_size,
    n_positions: model.n_ctx,
    n_ctx: model.n_ctx,
    n_embd: model.n_embd,
    n_head: model.n_head,
    n_layer: model.n_layer,
    ...(gpt1 && fourfold ? {} : { n_inner: fourfold ? null : model.n_inner }),
    layer_norm_epsilon: model.layer_norm_epsilon,
    initializer_range: model.initializer_range,
    attn_pdrop: model.attn_pdrop,
    embd_pdrop: model.embd_pdrop,
    resid_pdrop: model.resid_pdrop,
    ...(gpt1 ? {} : { scale_attn_weights: true }),
    tie_word_embeddings: true,
    ...(eot === null ? {} : { bos_token_id: eot, eos_token_id: eot }),
    ...(banded ? { attention_layers: [...model.attention_layers], window_size: model.window_size } : {}),
    torch_dtype: dtype,
  };
}

/** What transformers would do otherwise with this config.json than gpt: empty for models that it knows. */
export function hfDifferences(model: ResolvedModel): string[] {
  const gpt1 = model.arch === 'gpt1';
  return [
    ...(model.attention_layers.includes('local') ? ['it computes the banded layers as dense ones'] : []),
    ...(gpt1 && model.activation_function === 'gelu' ? ['it computes GELU in the tanh form, not with erf'] : []),
    ...(gpt1 && model.n_inner !== 4 * model.n_embd ? [`it cannot load an MLP of width ${model.n_inner}`] : []),
  ];
}

/** The content of generation_config.json: what transformers' generate() needs to stop and to pad. */
export const toGenerationConfig = (eot: number): JsonObject => ({
  bos_token_id: eot,
  eos_token_id: eot,
  pad_token_id: eot,
});

/**
 * The model that a config.json describes, and its end-of-text id (null where it names none).
 * A missing key has the value that it has in transformers. Throws DataError, naming `file`, with all problems at once.
 */
export function fromHfConfig(
  json: unknown,
  file: string,
  fix = 'gpt reads the config.json of GPT2LMHeadModel and OpenAIGPTLMHeadModel',
): { model: ResolvedModel; eot: number | null } {
  if (!isRecord(json)) throw new DataError(`${file} holds no JSON object`, fix);
  const get = (key: string, fallback: unknown): unknown => json[key] ?? fallback;

  const modelType = get('model_type', undefined);
  if (modelType !== 'gpt2' && modelType !== 'openai-gpt') {
    throw new DataError(`${file}: model_type is ${quoted(modelType)}, expected "gpt2" or "openai-gpt"`, fix);
  }
  const gpt1 = modelType === 'openai-gpt';
  const problems: string[] = [];
  const only = (key: string, value: boolean) => {
    if (get(key, value) !== value) problems.push(`${key} is ${quoted(json[key])}, gpt has only ${value}`);
  };
  only('tie_word_embeddings', true);
  only('scale_attn_weights', true);
  only('scale_attn_by_inverse_layer_idx', false);
  only('add_cross_attention', false);
  if (gpt1 && get('afn', 'gelu') !== 'gelu') problems.push(`afn is ${quoted(get('afn', null))}, gpt has only "gelu"`);

  const layers = get('attention_layers', undefined);
  const n_embd = get('n_embd', 768);
  const activation = get('activation_function', 'gelu_new');
  const parsed = ModelConfig.safeParse({
    arch: gpt1 ? 'gpt1' : layers ? 'gpt3' : 'gpt2',
    vocab_size: get('vocab_size', gpt1 ? 40478 : 50257),
    n_ctx: get('n_positions', get('n_ctx', gpt1 ? 512 : 1024)),
    n_layer: get('n_layer', 12),
    n_head: get('n_head', 12),
    n_embd,
    n_inner: get('n_inner', 4 * Number(n_embd)),
    // transformers has two implementations of the tanh form.
    activation_function: activation === 'gelu_pytorch_tanh' ? 'gelu_new' : activation,
    resid_pdrop: get('resid_pdrop', 0.1),
    embd_pdrop: get('embd_pdrop', 0.1),
    attn_pdrop: get('attn_pdrop', 0.1),
    layer_norm_epsilon: get('layer_norm_epsilon', 1e-5),
    initializer_range: get('initializer_range', 0.02),
    attention_layers: layers,
    window_size: get('window_size', undefined),
  });
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  } else {
    const model = parsed.data;
    if (model.n_embd % model.n_head !== 0) {
      problems.push(`n_embd ${model.n_embd} is not divisible by n_head ${model.n_head}`);
    }
    const found = model.attention_layers?.length ?? model.n_layer;
    if (found !== model.n_layer) {
      problems.push(`attention_layers has ${found} entries for ${model.n_layer} layers`);
    }
  }
  if (problems.length > 0 || !parsed.success) throw new DataError(`${file}: ${few(problems, 3, '; ')}`, fix);
  const eot = get('eos_token_id', get('bos_token_id', null));
  // A gpt3 without local layers comes back as gpt2, which is the same model.
  const attention_layers = parsed.data.attention_layers ?? new Array(parsed.data.n_layer).fill('global');
  return { model: { ...(parsed.data as ResolvedModel), attention_layers }, eot: typeof eot === 'number' ? eot : null };
}

// ---- parameters

/** An open Hugging Face folder. */
export interface HfModel {
  readonly model: ResolvedModel;
  readonly eot: number | null;
  /** Canonical name (with prefix, in the order of parameterShapes) to a function that reads the values from the disk. */
  readonly tensors: ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
  close(): void;
}

/** The same with what else its weight files may hold. */
export interface HfFolder extends HfModel {
  readonly report: TensorReport;
  /** Tensors beside those of the model, of these shapes: a task's head. Throws DataError where one is missing. */
  readonly also: (shapes: ReadonlyMap<string, readonly number[]>) => Map<string, () => Float32Array<ArrayBuffer>>;
}

/**
 * Opens config.json and model.safetensors (or its shards) of a folder and checks every name and shape; values are read on
 * demand. `openWeights`: another way to open the weights.
 * Names may lack the "transformer." prefix (as in the hub's gpt2). Throws DataError on a missing or damaged file, and for
 * tensors that are missing, unknown or of a wrong shape (tensor_report.ts).
 */
export function readModel(
  dir: string,
  openWeights: (dir: string) => StoredTensors = (folder) => openSharded(folder, 'model'),
): HfFolder {
  const configFile = join(dir, 'config.json');
  const config = parseJson(
    readText(configFile),
    (message) => new DataError(`${configFile} is no JSON: ${message}`, 'copy the file again, or use another folder'),
  );
  const { model, eot } = fromHfConfig(config, configFile);
  const file = openWeights(dir);
  try {
    const shapes = parameterShapes(model);
    const report = matchTensors(file, shapes, {
      fix: 'copy or download the folder again: config.json and its weights must have been saved together',
    });
    const also: HfFolder['also'] = (more) => {
      for (const [name, shape] of more) requireTensor(file, name, shape);
      return new Map([...more.keys()].map((name) => [name, () => file.readFloat32(name)]));
    };
    return { model, eot, tensors: readers(file, shapes, report), report, also, close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}
