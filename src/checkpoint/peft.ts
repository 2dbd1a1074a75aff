// LoRA adapters as a folder of Hugging Face's PEFT:
//
//   adapter_config.json         rank, scale, targets, the base model's name
//   adapter_model.safetensors   base_model.model.<layer>.lora_A.weight (r,in), .lora_B.weight (out,r): ours transposed;
//                               base_model.model.<name> of every other trained module ("modules_to_save")
//
// Keys and shapes are those of peft/utils/save_and_load.py and tuners/lora/layer.py, version 0.20. GPT-1 and GPT-2 store
// their linear weights (in,out), as transformers' Conv1D: fan_in_fan_out is true. PEFT has many variants of LoRA; a folder
// of another than the plain one is refused, since its adapters would mean something else. Test: test/checkpoint/peft.test.ts.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataError } from '../base/errors.js';
import { type FileSystem, makeFolder, nodeFileSystem, readText, writeFile, writeFolderAtomic } from '../base/files.js';
import { quoted, short } from '../base/format.js';
import { isRecord, jsonFileText, parseJson } from '../base/json.js';
import { adapterShapes, unknownTargets } from '../config/lora.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import type { LoraConfig } from '../config/schema.js';
import { transpose } from './linear_layout.js';
import {
  openSafetensors,
  requireTensor,
  type SafetensorsFile,
  type TensorSource,
  writeSafetensors,
} from './safetensors.js';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const PREFIX = 'base_model.model.';

/** What the base model with its adapters is: a language model, or a classifier with a `score` head. */
export type PeftTask = 'CAUSAL_LM' | 'SEQ_CLS';

/** Whether a folder is one of PEFT's. */
export const isPeftFolder = (dir: string): boolean => existsSync(join(dir, CONFIG));

// ---- writing

/** A tensor to write; `data` is called when its turn comes. */
export interface PeftTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array | Promise<Float32Array>;
}

/** What a folder is made of. */
export interface PeftContent {
  readonly config: LoraConfig;
  readonly task: PeftTask;
  /** Where PEFT finds the base model: a folder or a name of Hugging Face's hub. */
  readonly base: string;
  /** Adapters, by their names here (config/lora.ts): `.lora_A` (in,r) and `.lora_B` (r,out). */
  readonly adapters: readonly PeftTensor[];
  /** What else was trained, with names and shapes of transformers: score.weight (classes,C), transformer.ln_f.bias. */
  readonly modules: readonly PeftTensor[];
}

/**
 * Writes a folder, whole or not at all. `files`: name -> content of what belongs beside the adapters, a tokenizer. Throws
 * DataError when it exists or the disk refuses.
 */
export async function writePeftFolder(
  dir: string,
  content: PeftContent,
  files: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  makeFolder(dirname(dir));
  await writeFolderAtomic(dir, async (tmp) => {
    for (const [name, text] of files) await writeFile(join(tmp, name), text, nodeFileSystem);
    await writePeftFiles(tmp, content);
  });
}

/** Writes the two files into a folder that is being made. */
export async function writePeftFiles(
  dir: string,
  content: PeftContent,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  await writeFile(join(dir, CONFIG), jsonFileText(toPeftConfig(content)), fs);
  await writeSafetensors(join(dir, WEIGHTS), tensorsOf(content), undefined, fs);
}

function toPeftConfig({ config, task, base, modules }: PeftContent) {
  const saved = new Set(modules.map(({ name }) => moduleOf(name)));
  // PEFT itself adds both names to every classifier's, whichever of them there is
  const names =
    task === 'SEQ_CLS' ? ['classifier', 'score', ...[...saved].filter((name) => name !== 'score')] : [...saved];
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: true,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    modules_to_save: names.length > 0 ? names : null,
    peft_type: 'LORA',
    r: config.r,
    rank_pattern: {},
    revision: null,
    target_modules: [...config.target_modules],
    task_type: task,
    use_dora: false,
    use_rslora: false,
  };
}

/** "transformer.ln_f.bias" -> "ln_f": PEFT finds modules by the end of their names. */
const moduleOf = (name: string): string => name.replace(/^transformer\./, '').replace(/\.\w+$/, '');

function tensorsOf({ adapters, modules }: PeftContent): TensorSource[] {
  const transposed = adapters.map(({ name, shape, data }): TensorSource => {
    const [rows, columns] = shape as [number, number];
    const values = async () => transpose(await data(), rows, columns);
    return { name: `${PREFIX}${name}.weight`, shape: [columns, rows], dtype: 'F32', data: values };
  });
  const others = modules.map((t): TensorSource => ({ ...t, name: `${PREFIX}${t.name}`, dtype: 'F32' }));
  return [...transposed, ...others];
}

// ---- reading

/** An open folder, whose keys, names and shapes have been checked. Values are read on demand. */
export interface PeftAdapters {
  readonly config: LoraConfig;
  readonly task: PeftTask | null;
  readonly base: string | null;
  /** By their names here, (in,r) and (r,out). */
  readonly values: ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
  /** What else was trained: score.weight, or a parameter of the model by its name. Whoever opens a folder has to use it. */
  readonly modules: ReadonlyMap<string, { readonly shape: readonly number[]; read(): Float32Array<ArrayBuffer> }>;
  close(): void;
}

/**
 * Opens a folder of adapters for this model. Throws DataError on a missing or damaged file, on anything in its
 * configuration that is not plain LoRA, and on tensors that are missing, unknown or of another shape.
 */
export function readPeftFolder(dir: string, model: ResolvedModel): PeftAdapters {
  const configFile = join(dir, CONFIG);
  const json = parseJson(
    readText(configFile),
    (message) => new DataError(`${configFile} is no JSON: ${message}`, 'copy the folder again'),
  );
  const { config, task, base } = fromPeftConfig(json, configFile, model);
  const weights = join(dir, WEIGHTS);
  if (!existsSync(weights) && existsSync(join(dir, 'adapter_model.bin'))) {
    throw new DataError(`${dir} has adapter_model.bin, not ${WEIGHTS}`, 'save it again with a current version of PEFT');
  }
  const file = openSafetensors(weights);
  try {
    const tensors = tensorsIn(file, model, config);
    if (task === 'SEQ_CLS' && !tensors.modules.has('score.weight')) {
      throw new DataError(`${weights}: tensor ${PREFIX}score.weight is missing`, 'a classifier needs its head');
    }
    return { config, task, base, ...tensors, close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Keys that mean nothing for what the adapters compute, or that have been read. Any other must be empty. */
const HARMLESS = new Set([
  ...['peft_type', 'task_type', 'base_model_name_or_path', 'r', 'lora_alpha', 'lora_dropout', 'target_modules'],
  ...['bias', 'use_rslora', 'init_lora_weights', 'modules_to_save'], // read below
  ...['auto_mapping', 'revision', 'inference_mode', 'peft_version', 'runtime_config'],
  ...['fan_in_fan_out', 'ensure_weight_tying', 'megatron_core', 'qalora_group_size', 'eva_config'],
]);
/** Initialisations that leave the base model's weights as they are. */
const PLAIN_INIT = [true, false, null, 'gaussian', 'eva', 'orthogonal', 'mica'];

const isEmpty = (value: unknown): boolean =>
  value === null || value === false || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

function fromPeftConfig(
  json: unknown,
  file: string,
  model: ResolvedModel,
): Omit<PeftAdapters, 'values' | 'modules' | 'close'> {
  const fix = 'gpt reads adapters of plain LoRA, for the linear layers of GPT-1 and GPT-2';
  if (!isRecord(json)) throw new DataError(`${file} holds no JSON object`, fix);
  const { r, lora_alpha: alpha = 8, lora_dropout: dropout = 0, target_modules: targets } = json;
  const { task_type: task = null, base_model_name_or_path: base = null, use_rslora: rslora = false } = json;
  const problems: string[] = [];
  const expect = (key: string, ok: boolean, expected: string) => {
    if (!ok) problems.push(`${key} is ${quoted(json[key] ?? null)}, expected ${expected}`);
  };
  expect('peft_type', json['peft_type'] === 'LORA', '"LORA"');
  expect('task_type', task === null || task === 'CAUSAL_LM' || task === 'SEQ_CLS', '"CAUSAL_LM" or "SEQ_CLS"');
  expect('base_model_name_or_path', base === null || typeof base === 'string', 'a name');
  expect('r', Number.isSafeInteger(r) && (r as number) > 0, 'a positive whole number');
  expect('lora_alpha', typeof alpha === 'number' && alpha > 0, 'a positive number');
  expect('lora_dropout', typeof dropout === 'number' && dropout >= 0 && dropout < 1, 'a number from 0 to 1');
  expect('use_rslora', typeof rslora === 'boolean', 'true or false');
  expect('bias', (json['bias'] ?? 'none') === 'none', '"none"');
  expect('init_lora_weights', PLAIN_INIT.includes((json['init_lora_weights'] ?? true) as never), 'true');
  const isList = Array.isArray(targets) && targets.length > 0 && targets.every((name) => typeof name === 'string');
  expect('target_modules', isList, "a list of the ends of modules' names");
  for (const name of isList ? unknownTargets(model, targets) : []) {
    problems.push(`target_modules has ${quoted(name)}, which is no linear layer of this model`);
  }
  for (const [key, value] of Object.entries(json)) {
    if (!HARMLESS.has(key) && !isEmpty(value))
      problems.push(`${short(key)} is ${quoted(value)}, which gpt does not have`);
  }
  if (problems.length > 0) throw new DataError(`${file}: ${problems.join('; ')}`, fix);
  // rank-stabilised: scaled by alpha / sqrt(r)
  const scaled = (alpha as number) * (rslora ? Math.sqrt(r as number) : 1);
  const config = { r, alpha: scaled, dropout, target_modules: targets } as LoraConfig;
  return { config, task: task as PeftTask | null, base: base as string | null };
}

function tensorsIn(
  file: SafetensorsFile,
  model: ResolvedModel,
  config: LoraConfig,
): Pick<PeftAdapters, 'values' | 'modules'> {
  const fix = 'the adapters must have been trained on this model; copy the folder again';
  const found = new Map(file.names.map((name) => [canonicalName(name), name]));
  const twice = file.names.find((name) => found.get(canonicalName(name)) !== name);
  if (twice !== undefined)
    throw new DataError(`${file.path}: tensor ${short(twice, 100)} is there under two names`, fix);
  const values = new Map<string, () => Float32Array<ArrayBuffer>>();
  for (const [name, [rows, columns]] of adapterShapes(model, config)) {
    const stored = found.get(`${name}.weight`);
    if (stored === undefined) throw new DataError(`${file.path}: tensor ${PREFIX}${name}.weight is missing`, fix);
    requireTensor(file, stored, [columns, rows]);
    values.set(name, () => transpose(file.readFloat32(stored), columns, rows));
  }
  const shapes = parameterShapes(model);
  const modules = new Map<string, { shape: readonly number[]; read(): Float32Array<ArrayBuffer> }>();
  for (const [name, stored] of found) {
    if (values.has(name.replace(/\.weight$/, ''))) continue;
    const shape =
      shapes.get(name) ?? (name === 'score.weight' ? [file.info(stored).shape[0] ?? 0, model.n_embd] : null);
    if (shape === null) {
      throw new DataError(
        `${file.path}: tensor ${short(stored, 100)} belongs to no adapter and no part of this model`,
        fix,
      );
    }
    requireTensor(file, stored, shape);
    modules.set(name, { shape, read: () => file.readFloat32(stored) });
  }
  return { values, modules };
}

/** A name here; of a base model without a head PEFT's names lack the "transformer." */
function canonicalName(name: string): string {
  const inner = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  return /^(h\.\d|wte\.|wpe\.|ln_f\.|tokens_embed\.|positions_embed\.)/.test(inner) ? `transformer.${inner}` : inner;
}
