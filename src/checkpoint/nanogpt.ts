// nanoGPT's checkpoints (https://github.com/karpathy/nanoGPT, train.py): what torch.save made of
//
//   {model: state dict, optimizer, model_args, iter_num, best_val_loss, config}
//
// model_args: n_layer, n_head, n_embd, block_size, bias, vocab_size, dropout. Names are Hugging Face's, linear weights
// are (out, in), and the head shares the storage of the embedding. torch.compile puts "_orig_mod." before each name,
// PyTorch before 2 stores causal masks. Without biases (bias: false) it computes exactly what zero biases give. Nothing
// of the file is executed (pickle.ts).
//
// GELU: nanoGPT computes the erf form, and until May 2023 the tanh form (its commit 594068e, "Use nn.GELU"). A file does not
// tell which, except from before January 2023's commit cc5444e: its model_args have no `bias`.

import { elements } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { short } from '../base/format.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import { type Activation, type ForeignModel, isLinearWeight, transpose } from './foreign.js';
import { checkNames, fromHfConfig, HEAD, requireTied } from './hf.js';
import { NAMELESS, type PickleValue } from './pickle.js';
import { openTorchFile, type TorchFile, TorchTensor } from './torch_file.js';

const FIX = "give the ckpt.pt of nanoGPT's train.py";
const COMPILED = '_orig_mod.';

/**
 * Opens a checkpoint and checks every name and shape. `activation`: what the user knows of it. Throws DataError; nothing of
 * the file is executed.
 */
export function openNanoGpt(path: string, activation?: Activation): ForeignModel {
  const file = openTorchFile(path);
  try {
    const parts = dict(file.value, path, 'it');
    const args = dict(parts.get('model_args'), path, 'model_args');
    const gelu = geluOf(args, activation);
    const { model, bias } = modelOf(args, gelu.activation, path);
    const found = namedTensors(dict(parts.get('model'), path, 'model'), path);
    const shapes = parameterShapes(model);
    const needed = new Map([...shapes].filter(([name]) => bias || !name.endsWith('.bias')));
    checkNames(path, needed, found, FIX);
    checkShapes(file, needed, found);
    checkHead(file, found);
    const tensors = new Map(
      [...shapes].map(([name, shape]) => {
        const tensor = found.get(name);
        const zeros = () => new Float32Array(elements(shape));
        return [name, tensor ? () => read(file, name, tensor) : zeros];
      }),
    );
    const rounded = [...needed.keys()].filter((name) => found.get(name)!.storage.dtype === 'F64').length;
    const step = parts.get('iter_num');
    return {
      format: `nanoGPT${typeof step === 'number' ? `, step ${step}` : ''}`,
      notes: [
        gelu.note,
        ...(rounded === 0 ? [] : [`${rounded} of ${needed.size} tensors are float64: they are rounded to float32`]),
        ...(bias ? [] : ['the model has no biases: they are zero, which computes the same']),
      ],
      model,
      eot: null,
      tensors,
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function dict(value: PickleValue | undefined, path: string, what: string): ReadonlyMap<PickleValue, PickleValue> {
  if (value instanceof Map) return value;
  throw new DataError(
    `${path} is no checkpoint of nanoGPT: ${what} ${value === undefined ? 'is missing' : 'is no dict'}`,
    FIX,
  );
}

type Args = ReadonlyMap<PickleValue, PickleValue>;

function geluOf(args: Args, asked: Activation | undefined): { activation: Activation; note: string } {
  if (asked !== undefined) return { activation: asked, note: `activation_function is ${asked}, as --activation says` };
  if (!args.has('bias')) {
    const note =
      'the file is from before February 2023 (no bias in model_args), when nanoGPT computed GELU in the tanh form, so activation_function is gelu_new';
    return { activation: 'gelu_new', note };
  }
  const note =
    'nanoGPT computes GELU with erf, so activation_function is gelu; if it trained before June 2023, in the tanh form: --activation gelu_new';
  return { activation: 'gelu', note };
}

function modelOf(args: Args, activation: Activation, path: string): { model: ResolvedModel; bias: boolean } {
  const bias = args.get('bias') ?? true; // the first versions had no such key
  if (typeof bias !== 'boolean') throw new DataError(`${path}: model_args: bias is neither True nor False`, FIX);
  const dropout = args.get('dropout') ?? 0;
  const sizes = {
    n_layer: 'n_layer',
    n_head: 'n_head',
    n_embd: 'n_embd',
    n_positions: 'block_size',
    vocab_size: 'vocab_size',
  };
  const config = Object.entries(sizes).map(([hf, nano]) => {
    const value = args.get(nano);
    if (typeof value !== 'number') throw new DataError(`${path}: model_args has no number ${nano}`, FIX);
    return [hf, value] as const;
  });
  // one judge of what a model can be
  const { model } = fromHfConfig(
    {
      model_type: 'gpt2',
      ...Object.fromEntries(config),
      activation_function: activation,
      ...{ resid_pdrop: dropout, embd_pdrop: dropout, attn_pdrop: dropout },
    },
    `${path}: model_args`,
    FIX,
  );
  return { model, bias };
}

function namedTensors(state: ReadonlyMap<PickleValue, PickleValue>, path: string): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  for (const [key, value] of state) {
    if (typeof key !== 'string' || !(value instanceof TorchTensor)) {
      throw new DataError(
        `${path}: model holds ${typeof key === 'string' ? short(key) : NAMELESS}, which is no tensor`,
        FIX,
      );
    }
    const name = key.startsWith(COMPILED) ? key.slice(COMPILED.length) : key;
    if (found.has(name)) throw new DataError(`${path}: model holds ${short(name)} twice`, FIX);
    found.set(name, value);
  }
  return found;
}

function checkShapes(
  file: TorchFile,
  needed: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, TorchTensor>,
): void {
  let values = 0;
  const storages = new Map<string, number>();
  for (const [name, shape] of needed) {
    const tensor = found.get(name)!;
    const expected = isLinearWeight(name) ? [...shape].reverse() : shape;
    if (String(tensor.shape) !== String(expected)) {
      throw new DataError(
        `${file.path}: tensor ${name} has shape [${tensor.shape.join(', ')}], expected [${expected.join(', ')}] by model_args`,
        FIX,
      );
    }
    values += elements(shape);
    storages.set(tensor.storage.key, tensor.storage.length);
  }
  // a small file must not become a large folder: parameters may share a storage, but not their values
  const stored = [...storages.values()].reduce((sum, length) => sum + length, 0);
  if (values > stored) throw new DataError(`${file.path}: its ${values} parameters share ${stored} values`, FIX);
}

/** A head in the embedding's storage is the embedding; any other must have its values. */
function checkHead(file: TorchFile, found: ReadonlyMap<string, TorchTensor>): void {
  const name = 'transformer.wte.weight';
  const head = found.get(HEAD);
  const wte = found.get(name)!;
  const place = ({ storage, offset, shape, strides }: TorchTensor) => `${storage.key} ${offset} ${shape} ${strides}`;
  if (head === undefined || place(head) === place(wte)) return;
  requireTied(file.path, file.readFloat32(HEAD, head), name, file.readFloat32(name, wte));
}

function read(file: TorchFile, name: string, tensor: TorchTensor): Float32Array<ArrayBuffer> {
  const values = file.readFloat32(name, tensor);
  return isLinearWeight(name) ? transpose(values, tensor.shape[0]!, tensor.shape[1]!) : values;
}
