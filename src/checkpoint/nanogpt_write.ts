// Writes nanoGPT's ckpt.pt, which its train.py (--init_from=resume) and sample.py open. The format: nanogpt.ts.
//
//   model            names and layout of nanoGPT's state dict, float32; lm_head in the storage of wte
//   optimizer        AdamW's two groups without moments: what load_state_dict takes, and a resumed run starts fresh with
//   config           activation_function, which nanoGPT has no field for, and gpt import reads
//
// nanoGPT computes GPT-2 with dense attention and GELU by erf. Tanh GELU is written with a note: its own from_pretrained
// takes OpenAI's weights so, too.

import { DataError } from '../base/errors.js';
import { type FileSystem, nodeFileSystem } from '../base/files.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import type { HfModel } from './hf.js';
import { isLinearWeight, transpose } from './linear_layout.js';
import { py, writeTorchFile } from './torch_write.js';

/** What a checkpoint says beside its weights. */
export interface NanoGptProgress {
  readonly step: number;
  /** null: not validated. */
  readonly bestValLoss: number | null;
}

const WTE = 'transformer.wte.weight';

/** Writes a new file. Throws DataError when `path` exists, the disk refuses, or nanoGPT cannot hold the model. */
export async function writeNanoGpt(
  path: string,
  { model, tensors }: Pick<HfModel, 'model' | 'tensors'>,
  { step, bestValLoss }: NanoGptProgress,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  requireNanoGpt(model);
  const shapes = [...parameterShapes(model)];
  const stored = shapes.map(([name, shape], i) => {
    const read = tensors.get(name)!;
    const [rows, columns] = shape;
    return isLinearWeight(name)
      ? { name, key: String(i), shape: [...shape].reverse(), read: () => transpose(read(), rows!, columns!) }
      : { name, key: String(i), shape, read };
  });
  const state = stored.map(({ name, key, shape }) => [name, py.tensor(key, shape)] as const);
  const [, head] = state.find(([name]) => name === WTE)!;
  const value = py.dict([
    ['model', py.dict([...state, ['lm_head.weight', head]])],
    ['optimizer', optimizer(shapes.map(([, shape]) => shape.length))],
    ['model_args', modelArgs(model)],
    ['iter_num', py.int(step)],
    ['best_val_loss', py.float(bestValLoss ?? 1e9)], // nanoGPT's own before the first validation
    ['config', py.dict([['activation_function', py.text(model.activation_function)]])],
  ]);
  await writeTorchFile(path, value, new Map(stored.map(({ key, read }) => [key, read])), fs);
}

const modelArgs = ({ n_layer, n_head, n_embd, n_ctx, vocab_size, resid_pdrop }: ResolvedModel) =>
  py.dict([
    ['n_layer', py.int(n_layer)],
    ['n_head', py.int(n_head)],
    ['n_embd', py.int(n_embd)],
    ['block_size', py.int(n_ctx)],
    ['bias', py.bool(true)],
    ['vocab_size', py.int(vocab_size)],
    ['dropout', py.float(resid_pdrop)],
  ]);

/** Matrices decay, vectors do not (configure_optimizers). lr is set at every step; the rest are train.py's defaults. */
function optimizer(dimensions: readonly number[]) {
  const matrices = dimensions.filter((n) => n >= 2).length;
  const group = (weightDecay: number, from: number, to: number) =>
    py.dict([
      ['lr', py.float(6e-4)],
      ['betas', py.tuple([py.float(0.9), py.float(0.95)])],
      ['eps', py.float(1e-8)],
      ['weight_decay', py.float(weightDecay)],
      ['amsgrad', py.bool(false)],
      ['maximize', py.bool(false)],
      ['foreach', py.none],
      ['capturable', py.bool(false)],
      ['params', py.list(Array.from({ length: to - from }, (_, i) => py.int(from + i)))],
    ]);
  const groups = [group(0.1, 0, matrices), group(0, matrices, dimensions.length)];
  return py.dict([
    ['state', py.dict([])],
    ['param_groups', py.list(groups)],
  ]);
}

/** What nanoGPT does otherwise with this model than gpt, one sentence each. */
export function nanoGptDifferences({
  activation_function,
  resid_pdrop,
  embd_pdrop,
  attn_pdrop,
}: ResolvedModel): string[] {
  const dropouts = new Set([resid_pdrop, embd_pdrop, attn_pdrop]);
  return [
    ...(activation_function === 'gelu_new'
      ? [
          "nanoGPT computes GELU with erf, and this model has the tanh form: logits differ a little, unless its model.py says nn.GELU(approximate='tanh')",
        ]
      : []),
    ...(dropouts.size > 1 ? [`nanoGPT has one dropout: ${resid_pdrop}, that of the residual branches`] : []),
  ];
}

function requireNanoGpt({ arch, attention_layers, n_embd, n_inner, layer_norm_epsilon }: ResolvedModel): void {
  const problems = [
    ...(arch === 'gpt1' ? ['its arch is gpt1'] : []),
    ...(attention_layers.includes('local') ? ['it has banded layers'] : []),
    ...(n_inner === 4 * n_embd ? [] : [`its MLP has width ${n_inner}, not 4 x ${n_embd}`]),
    ...(layer_norm_epsilon === 1e-5 ? [] : [`its layer_norm_epsilon is ${layer_norm_epsilon}, not 1e-5`]),
  ];
  if (problems.length === 0) return;
  throw new DataError(
    `nanoGPT would not compute this model: ${problems.join('; ')}`,
    'export it as a Hugging Face folder: --format hf',
  );
}
