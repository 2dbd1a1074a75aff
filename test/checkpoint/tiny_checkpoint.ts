// A one-layer model's checkpoint whose every number follows from the step, so that a test can tell checkpoints apart.

import { toGenerationConfig, toHfConfig } from '../../src/checkpoint/hf.js';
import type { Checkpoint, CheckpointContent, SavedTensor } from '../../src/checkpoint/store.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';

export const tinyModel: ResolvedModel = {
  arch: 'gpt2',
  vocab_size: 11,
  n_ctx: 8,
  n_layer: 1,
  n_head: 2,
  n_embd: 4,
  n_inner: 16,
  activation_function: 'gelu_new',
  resid_pdrop: 0.1,
  embd_pdrop: 0,
  attn_pdrop: 0.25,
  layer_norm_epsilon: 1e-5,
  initializer_range: 0.02,
  attention_layers: ['global'],
  window_size: 256,
};

const values = (seed: number, shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.fround(Math.sin(seed + i) / 3));

/** The content of the checkpoint of a step. */
export function tinyContent(step: number): CheckpointContent {
  const shapes = [...parameterShapes(tinyModel)];
  const tensors = (prefix: string, offset: number): SavedTensor[] =>
    shapes.map(([name, shape], i) => ({
      name: prefix + name,
      shape,
      data: () => values(step + offset + 100 * i, shape),
    }));
  return {
    hfConfig: toHfConfig(tinyModel, 10),
    generationConfig: toGenerationConfig(10),
    tokenizerJson: '{"version": "1.0"}',
    params: tensors('', 0),
    optimizer: [...tensors('m.', 0.25), ...tensors('v.', 0.5)],
    state: {
      step,
      tokens: step * 64,
      seconds: step / 3,
      best_val_loss: step / 7,
      best_step: step,
      without_better: 2,
      recent_loss: [step / 11, 2.5],
      recent_grad_norm: [0.5, step / 13],
      seed: 1337,
      config: { model: { n_ctx: 8 } },
      origins: { 'model.n_ctx': 'tiny.yaml:3' },
      data_fingerprint: 'abc',
    },
  };
}

/** What differs between an open checkpoint and the content of a step; empty when nothing does. Closes it. */
export async function differences(checkpoint: Checkpoint, step: number): Promise<string[]> {
  const want = tinyContent(step);
  const found: string[] = [];
  const compare = (name: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) found.push(name);
  };
  compare('model', checkpoint.model, tinyModel);
  compare('eot', checkpoint.eot, 10);
  compare('state', checkpoint.trainer?.state, want.state);
  for (const [tensors, read] of [
    [want.params, checkpoint.tensors],
    [want.optimizer, checkpoint.trainer?.optimizer],
  ] as const) {
    let count = 0;
    for (const { name, data } of tensors) {
      const bytes = read?.get(name)?.().buffer;
      if (!bytes || Buffer.compare(Buffer.from(bytes), Buffer.from((await data()).buffer)) !== 0) found.push(name);
      count++;
    }
    compare('number of tensors', read?.size, count);
  }
  checkpoint.close();
  return found;
}
