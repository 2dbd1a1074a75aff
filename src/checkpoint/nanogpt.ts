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
// tell which, except from before January 2023's commit cc5444e: its model_args have no `bias`. Files that gpt exports
// (nanogpt_write.ts) say it in their config, which nanoGPT does not read there.

import { DataError } from '../base/errors.js';
import { short } from '../base/format.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import type { Activation, ForeignModel } from './foreign.js';
import { fromHfConfig } from './hf.js';
import { isLinearWeight } from './linear_layout.js';
import type { PickleValue } from './pickle.js';
import { type IgnoredTensor, matchTensors, readers, roundedNote } from './tensor_report.js';
import { openTorchFile, stateDict, TorchTensor } from './torch_file.js';

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
    const gelu = geluOf(args, parts.get('config'), activation);
    const { model, bias } = modelOf(args, gelu.activation, path);
    const state = stateDict(file, dict(parts.get('model'), path, 'model'), {
      what: 'model',
      rename: (name) => (name.startsWith(COMPILED) ? name.slice(COMPILED.length) : name),
      fix: FIX,
    });
    const shapes = parameterShapes(model);
    const zero = bias ? [] : [...shapes.keys()].filter((name) => name.endsWith('.bias'));
    const stored = new Map([...shapes].filter(([name]) => !zero.includes(name)));
    const matched = matchTensors(state, stored, { transposed: isLinearWeight, zero, fix: FIX });
    const report = { ...matched, ignored: [...matched.ignored, ...optimizerTensors(parts.get('optimizer'))] };
    const step = parts.get('iter_num');
    return {
      format: `nanoGPT${typeof step === 'number' ? `, step ${step}` : ''}`,
      notes: [
        gelu.note,
        ...roundedNote(report),
        ...(bias ? [] : ['the model has no biases: they are zero, which computes the same']),
      ],
      model,
      eot: null,
      tensors: readers(state, shapes, report),
      report,
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

function geluOf(
  args: Args,
  config: PickleValue | undefined,
  asked: Activation | undefined,
): { activation: Activation; note: string } {
  if (asked !== undefined) return { activation: asked, note: `activation_function is ${asked}, as --activation says` };
  const exported = config instanceof Map ? (config as Args).get('activation_function') : undefined;
  if (exported === 'gelu' || exported === 'gelu_new') {
    return { activation: exported, note: `activation_function is ${exported}, as the file's config says` };
  }
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

/** {"state": {index: {"exp_avg": tensor, ...}}, "param_groups"}: gpt starts with fresh moments. */
function optimizerTensors(optimizer: PickleValue | undefined): IgnoredTensor[] {
  const state = optimizer instanceof Map ? (optimizer as Args).get('state') : undefined;
  const found: IgnoredTensor[] = [];
  for (const [index, moments] of state instanceof Map ? (state as Args) : []) {
    for (const [kind, tensor] of moments instanceof Map ? (moments as Args) : []) {
      if (!(tensor instanceof TorchTensor)) continue;
      const name = `optimizer.${[index, kind].map((key) => (typeof key === 'object' ? '?' : short(String(key)))).join('.')}`;
      found.push({ name, shape: tensor.shape, dtype: tensor.storage.dtype, why: 'optimizer state' });
    }
  }
  return found;
}
