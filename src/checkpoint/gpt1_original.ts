// GPT-1 as OpenAI published it (https://github.com/openai/finetune-transformer-lm, folder model), read.
//
//   params_shapes.json              shapes of 146 arrays for 12 layers: positions (512,C), tokens (40478,C), then per layer
//                                   c_attn w (1,C,3C), b; attn c_proj w (1,C,C), b; ln_1 g, b; c_fc w (1,C,4C), b;
//                                   mlp c_proj w (1,4C,C), b; ln_2 g, b
//   params_0.npy ... params_9.npy   all of them flat, one after the other, cut anywhere into ten float32 arrays
//
// Linear weights are (in, out), as here. Heads of 64, tanh GELU, epsilon 1e-5 and dropout 0.1 stand in its train.py.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { elements, isCounts } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { readText } from '../base/files.js';
import { quoted } from '../base/format.js';
import { type InputFile, openInput } from '../base/input_file.js';
import { parseJson } from '../base/json.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import { MAX_LAYERS } from '../config/schema.js';
import type { ForeignModel } from './foreign.js';
import type { UsedTensor } from './tensor_report.js';

const FIX = "give the folder model of OpenAI's finetune-transformer-lm, with all of its files";
const HEAD_SIZE = 64;
const ARRAYS_PER_LAYER = 12;

/** Opens the folder and checks shapes against the sizes of the files. Throws DataError. */
export function openGpt1Original(dir: string): ForeignModel {
  const shapesFile = join(dir, 'params_shapes.json');
  const json = parseJson(readText(shapesFile), (message) => new DataError(`${shapesFile} is no JSON: ${message}`, FIX));
  const { model, used, starts } = layoutOf(json, shapesFile);
  const shapes = parameterShapes(model);
  const parts = openParts(dir);
  const close = () => {
    for (const { file } of parts) file.close();
  };
  try {
    const total = parts.reduce((sum, { length }) => sum + length, 0);
    const expected = [...shapes.values()].reduce((sum, shape) => sum + elements(shape), 0);
    if (total !== expected) {
      throw new DataError(
        `${dir}: params_*.npy have ${total} numbers, and params_shapes.json promises ${expected}`,
        FIX,
      );
    }
    const tensors = [...shapes].map(([name, shape]) => {
      const read = () => readRange(parts, starts.get(name)!, elements(shape), name);
      return [name, read] as const;
    });
    return {
      format: "OpenAI's GPT-1, float32",
      notes: [`heads of ${HEAD_SIZE}, GELU in the tanh form and dropout 0.1, as its train.py has them`],
      model,
      eot: null,
      tensors: new Map(tensors),
      report: { used, ignored: [], zero: [] },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The model that the shapes are of, and where each parameter starts, in numbers from the first. */
function layoutOf(
  json: unknown,
  file: string,
): { model: ResolvedModel; used: UsedTensor[]; starts: Map<string, number> } {
  const problem = (what: string) => new DataError(`${file}: ${what}`, FIX);
  const arrays: unknown[] = Array.isArray(json) ? json : [];
  const n_layer = (arrays.length - 2) / ARRAYS_PER_LAYER;
  const [positions, tokens] = arrays;
  if (!Number.isInteger(n_layer) || n_layer < 1 || n_layer > MAX_LAYERS || !isMatrix(positions) || !isMatrix(tokens)) {
    throw problem('it does not list the arrays of a GPT-1');
  }
  const [n_ctx, n_embd] = positions;
  if (n_embd % HEAD_SIZE !== 0) throw problem(`a width of ${n_embd} has no heads of ${HEAD_SIZE}`);
  const model = modelOf(tokens[0], n_ctx, n_layer, n_embd);
  const shapes = parameterShapes(model);
  const [tokenName, positionName, ...rest] = [...shapes.keys()];
  const starts = new Map<string, number>();
  const stored = new Map<string, UsedTensor>();
  let at = 0;
  for (const [i, parameter] of [positionName!, tokenName!, ...rest].entries()) {
    const shape = arrays[i];
    const own = shapes.get(parameter)!;
    // weights are kernels of convolutions of width 1
    const expected = parameter.includes('.h.') && own.length === 2 ? [1, ...own] : own;
    if (String(shape) !== String(expected) || !isCounts(shape)) {
      throw problem(`array ${i} has shape ${quoted(shape)}, expected [${expected.join(', ')}] for ${parameter}`);
    }
    starts.set(parameter, at);
    stored.set(parameter, { name: `params[${i}]`, parameter, shape, dtype: 'F32', transposed: false });
    at += elements(own);
  }
  return { model, used: [...shapes.keys()].map((name) => stored.get(name)!), starts };
}

const isMatrix = (shape: unknown): shape is [number, number] =>
  isCounts(shape) && shape.length === 2 && shape.every((n) => n > 0);

function modelOf(vocab_size: number, n_ctx: number, n_layer: number, n_embd: number): ResolvedModel {
  return {
    arch: 'gpt1',
    ...{ vocab_size, n_ctx, n_layer, n_head: n_embd / HEAD_SIZE, n_embd, n_inner: 4 * n_embd },
    activation_function: 'gelu_new',
    ...{ resid_pdrop: 0.1, embd_pdrop: 0.1, attn_pdrop: 0.1 },
    layer_norm_epsilon: 1e-5,
    initializer_range: 0.02,
    attention_layers: new Array(n_layer).fill('global'),
    window_size: 256,
  };
}

// ---- NumPy's files

interface Part {
  readonly file: InputFile;
  /** Byte of the first number. */
  readonly dataAt: number;
  /** Numbers. */
  readonly length: number;
}

const MOST_PARTS = 100;

function openParts(dir: string): Part[] {
  const parts: Part[] = [];
  try {
    for (let i = 0; i < MOST_PARTS && existsSync(join(dir, `params_${i}.npy`)); i++) {
      const file = openInput(join(dir, `params_${i}.npy`));
      parts.push({ file, dataAt: 0, length: 0 });
      parts[i] = { file, ...readNpyHeader(file) };
    }
    return parts;
  } catch (error) {
    for (const { file } of parts) file.close();
    throw error;
  }
}

/** "\x93NUMPY", version, u16 length (u32 from version 2), and {'descr': '<f4', 'fortran_order': False, 'shape': (N,), } */
function readNpyHeader(file: InputFile): { dataAt: number; length: number } {
  const problem = (what: string) => new DataError(`${file.path}: ${what}`, FIX);
  const start = Buffer.from(file.read(0, 12, "NumPy's header"));
  const version = start[6]!;
  if (start.toString('latin1', 0, 6) !== '\x93NUMPY' || version < 1 || version > 3) throw problem('it is no .npy file');
  const [headerAt, size] = version === 1 ? [10, start.readUInt16LE(8)] : [12, start.readUInt32LE(8)];
  if (size > 0xffff) throw problem(`its header has ${size} bytes`);
  const header = Buffer.from(file.read(headerAt, size, "NumPy's header")).toString('latin1');
  const length = Number(/'shape': \((\d{1,15}),\)/.exec(header)?.[1] ?? Number.NaN);
  if (!/'descr': '<f4'/.test(header) || !/'fortran_order': False/.test(header) || Number.isNaN(length)) {
    throw problem(`expected one row of float32, its header says ${quoted(header.trim())}`);
  }
  const dataAt = headerAt + size;
  if (file.size !== dataAt + 4 * length) {
    throw problem(`has ${file.size} bytes, and its header promises ${dataAt + 4 * length} (cut off?)`);
  }
  return { dataAt, length };
}

/** `count` numbers from number `start` on, over the ends of files. */
function readRange(parts: readonly Part[], start: number, count: number, name: string): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let first = 0; // of the part
  for (const { file, dataAt, length } of parts) {
    const from = Math.max(start, first);
    const to = Math.min(start + count, first + length);
    if (from < to) {
      const bytes = file.read(dataAt + 4 * (from - first), 4 * (to - from), name);
      values.set(new Float32Array(bytes.buffer), from - start);
    }
    first += length;
  }
  return values;
}
