// llm.c's model files (https://github.com/karpathy/llm.c), little-endian, read and written.
//
//   byte 0     256 int32: magic 20240326, version (3: float32, 5: bfloat16), n_ctx, vocabulary V, layers, heads,
//              width C, padded vocabulary Vp (a multiple of 128), the rest 0
//   byte 1024  wte (Vp,C), rows V.. are padding; wpe (n_ctx,C); then each kind of tensor for all layers together:
//              ln_1 weight, bias; c_attn weight (3C,C), bias; attn c_proj weight (C,C), bias; ln_2 weight, bias;
//              c_fc weight (4C,C), bias; mlp c_proj weight (C,4C), bias; at last ln_f weight, bias
//
// Linear weights are (out, in). llm.c computes GPT-2 and nothing else: tanh GELU, epsilon 1e-5, an MLP of 4C. It knows no
// dropout, and stores neither tokenizer nor end-of-text id.

import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { elements, toBfloat16, toFloat32 } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { type FileSystem, makeFolder, nodeFileSystem, writeAll, writeNewFileAtomic } from '../base/files.js';
import { type InputFile, openInput } from '../base/input_file.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import { MAX_LAYERS } from '../config/schema.js';
import type { ForeignModel } from './foreign.js';
import type { HfModel } from './hf.js';
import { isLinearWeight, transpose } from './linear_layout.js';
import type { TensorReport } from './tensor_report.js';

export const LLMC_MODEL = 20240326;
const HEADER_BYTES = 1024;
const VERSIONS = [
  { version: 3, dtype: 'F32', width: 4 },
  { version: 5, dtype: 'BF16', width: 2 },
] as const;

/** What every number of the file says about the model, and what llm.c's code fixes. */
function modelOf(n_ctx: number, vocab_size: number, n_layer: number, n_head: number, n_embd: number): ResolvedModel {
  return {
    arch: 'gpt2',
    vocab_size,
    n_ctx,
    n_layer,
    n_head,
    n_embd,
    n_inner: 4 * n_embd,
    activation_function: 'gelu_new',
    resid_pdrop: 0,
    embd_pdrop: 0,
    attn_pdrop: 0,
    layer_norm_epsilon: 1e-5,
    initializer_range: 0.02,
    attention_layers: new Array(n_layer).fill('global'),
    window_size: 256,
  };
}

/** Parameters of a block, in the order of the file, and what llm.c calls them. */
const KINDS: Readonly<Record<string, string>> = {
  'ln_1.weight': 'ln1w',
  'ln_1.bias': 'ln1b',
  'attn.c_attn.weight': 'qkvw',
  'attn.c_attn.bias': 'qkvb',
  'attn.c_proj.weight': 'attprojw',
  'attn.c_proj.bias': 'attprojb',
  'ln_2.weight': 'ln2w',
  'ln_2.bias': 'ln2b',
  'mlp.c_fc.weight': 'fcw',
  'mlp.c_fc.bias': 'fcb',
  'mlp.c_proj.weight': 'fcprojw',
  'mlp.c_proj.bias': 'fcprojb',
};

/** "qkvw[3]" for transformer.h.3.attn.c_attn.weight */
function nameInFile(parameter: string): string {
  const [, layer, kind] = /^transformer\.h\.(\d+)\.(.+)$/.exec(parameter) ?? [];
  if (kind !== undefined) return `${KINDS[kind]}[${layer}]`;
  return parameter
    .replace('transformer.', '')
    .replace('ln_f.weight', 'lnfw')
    .replace('ln_f.bias', 'lnfb')
    .replace('.weight', '');
}

/** The order of the file: names of parameters, kind by kind. */
function fileOrder(model: ResolvedModel): string[] {
  const blocks = Object.keys(KINDS).flatMap((kind) =>
    Array.from({ length: model.n_layer }, (_, i) => `transformer.h.${i}.${kind}`),
  );
  return [WTE, 'transformer.wpe.weight', ...blocks, 'transformer.ln_f.weight', 'transformer.ln_f.bias'];
}

const WTE = 'transformer.wte.weight';

// ---- reading

/** Opens a file of version 3 or 5. Throws DataError when its header and its size do not fit. */
export function openLlmc(path: string): ForeignModel {
  const file = openInput(path);
  try {
    const { model, paddedVocab, dtype, width, version } = readHeader(file);
    const shapes = parameterShapes(model);
    const tensors = new Map<string, () => Float32Array<ArrayBuffer>>();
    let at = HEADER_BYTES;
    for (const name of fileOrder(model)) {
      const shape = shapes.get(name)!;
      const position = at;
      const count = elements(shape);
      at += width * (name === WTE ? paddedVocab * model.n_embd : count);
      tensors.set(name, () => {
        const values = toFloat32({ dtype, shape, bytes: file.read(position, width * count, name) });
        return isLinearWeight(name) ? transpose(values, shape[1]!, shape[0]!) : values;
      });
    }
    return {
      format: `llm.c, version ${version}, ${dtype === 'F32' ? 'float32' : 'bfloat16'}`,
      notes: ['llm.c computes GELU in the tanh form, so activation_function is gelu_new'],
      model,
      eot: null,
      tensors: new Map([...shapes.keys()].map((name) => [name, tensors.get(name)!])),
      report: reportOf(model, paddedVocab, dtype),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function reportOf(model: ResolvedModel, paddedVocab: number, dtype: 'F32' | 'BF16'): TensorReport {
  const used = [...parameterShapes(model)].map(([parameter, shape]) => {
    const transposed = isLinearWeight(parameter);
    const stored = transposed ? [...shape].reverse() : shape;
    return { name: nameInFile(parameter), parameter, shape: stored, dtype, transposed };
  });
  const { vocab_size: V, n_embd } = model;
  const rows = { name: `wte[${V}:${paddedVocab}]`, shape: [paddedVocab - V, n_embd], dtype, why: 'rows of padding' };
  return { used, ignored: paddedVocab > V ? [rows] : [], zero: [] };
}

function readHeader(file: InputFile) {
  const { path, size } = file;
  const damaged = (what: string) =>
    new DataError(`${path}: ${what}`, 'copy the file again, or export it again from llm.c');
  const header = new Int32Array(file.read(0, HEADER_BYTES, "llm.c's header").buffer);
  const [, number, n_ctx, vocab, n_layer, n_head, n_embd, paddedVocab] = [...header.subarray(0, 8)] as Eight;
  const version = VERSIONS.find((known) => known.version === number);
  if (version === undefined) {
    throw damaged(`version ${number} of llm.c's format; gpt reads 3 (float32) and 5 (bfloat16)`);
  }
  const named = { n_ctx, vocab_size: vocab, n_layer, n_head, n_embd, padded_vocab_size: paddedVocab };
  const bad = Object.entries(named).filter(([, value]) => value < 1);
  if (bad.length > 0) throw damaged(`its header says ${bad.map(([name, value]) => `${name} ${value}`).join(', ')}`);
  if (n_embd % n_head !== 0) throw damaged(`n_embd ${n_embd} is not divisible by n_head ${n_head}`);
  if (paddedVocab < vocab) throw damaged(`its vocabulary of ${vocab} is padded to ${paddedVocab}, which is less`);
  if (n_layer > MAX_LAYERS) throw damaged(`n_layer is ${n_layer}, gpt reads up to ${MAX_LAYERS}`);
  const C = n_embd;
  const values = (paddedVocab + n_ctx) * C + n_layer * (12 * C * C + 13 * C) + 2 * C;
  const expected = HEADER_BYTES + version.width * values;
  if (size !== expected) throw damaged(`has ${size} bytes, and its header promises a model of ${expected}`);
  return { model: modelOf(n_ctx, vocab, n_layer, n_head, n_embd), paddedVocab, ...version };
}

type Eight = [number, number, number, number, number, number, number, number];

// ---- writing

/**
 * Writes a model into a new file: version 3, or 5 with bfloat16 weights (rounded to nearest). One tensor at a time is in
 * memory. Throws DataError when `path` exists, the disk refuses, or the model is none that llm.c computes.
 */
export async function writeLlmc(
  path: string,
  { model, tensors }: Pick<HfModel, 'model' | 'tensors'>,
  dtype: 'F32' | 'BF16',
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  requireGpt2(model);
  makeFolder(dirname(path));
  const { version } = VERSIONS.find((known) => known.dtype === dtype)!;
  const { vocab_size, n_ctx, n_layer, n_head, n_embd } = model;
  const paddedVocab = Math.ceil(vocab_size / 128) * 128;
  const header = new Int32Array(HEADER_BYTES / 4);
  header.set([LLMC_MODEL, version, n_ctx, vocab_size, n_layer, n_head, n_embd, paddedVocab]);
  const shapes = parameterShapes(model);
  const write = (fd: number, values: Float32Array) => {
    const stored = dtype === 'F32' ? values : toBfloat16(values);
    writeAll(fd, new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), fs);
  };
  await writeNewFileAtomic(
    path,
    async (fd) => {
      writeAll(fd, new Uint8Array(header.buffer), fs);
      for (const name of fileOrder(model)) {
        await setImmediate(); // signals are heard between tensors: reading and writing keep this thread busy
        const [rows, columns] = shapes.get(name)!;
        const values = tensors.get(name)!();
        write(fd, isLinearWeight(name) ? transpose(values, rows!, columns!) : values);
        if (name === WTE) write(fd, new Float32Array((paddedVocab - vocab_size) * n_embd));
      }
    },
    fs,
  );
}

function requireGpt2(model: ResolvedModel): void {
  const { arch, activation_function, layer_norm_epsilon, n_embd, n_inner, attention_layers } = model;
  const problems = [
    ...(arch === 'gpt1' ? ['its arch is gpt1'] : []),
    ...(attention_layers.includes('local') ? ['it has banded layers'] : []),
    ...(activation_function === 'gelu_new' ? [] : ['its GELU is the erf form (activation_function gelu)']),
    ...(n_inner === 4 * n_embd ? [] : [`its MLP has width ${n_inner}, not 4 x ${n_embd}`]),
    ...(layer_norm_epsilon === 1e-5 ? [] : [`its layer_norm_epsilon is ${layer_norm_epsilon}, not 1e-5`]),
  ];
  if (problems.length === 0) return;
  throw new DataError(
    `llm.c would not compute this model: ${problems.join('; ')}`,
    'export it as a Hugging Face folder: --format hf',
  );
}
