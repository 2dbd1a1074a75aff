// Models and an optimizer small enough for tests that train them.

import type { ResolvedModel } from '../../src/config/model_shape.js';
import type { Optimizer } from '../../src/train/optimizer.js';

/** Three layers, 36 wide, 61 tokens, with dropout; of gpt3 every second layer is banded. */
export function smallModel(arch: ResolvedModel['arch'], more: Partial<ResolvedModel> = {}): ResolvedModel {
  const n_layer = more.n_layer ?? 3;
  return {
    arch,
    vocab_size: 61,
    n_ctx: 16,
    n_layer,
    n_head: 3,
    n_embd: 36,
    n_inner: 100,
    activation_function: 'gelu_new',
    resid_pdrop: 0.1,
    embd_pdrop: 0.2,
    attn_pdrop: 0.3,
    layer_norm_epsilon: 1e-5,
    initializer_range: 0.2,
    attention_layers: Array.from({ length: n_layer }, (_, i) => (arch === 'gpt3' && i % 2 ? 'local' : 'global')),
    window_size: 5,
    ...more,
  };
}

/** nanoGPT's settings. */
export const ADAMW: ConstructorParameters<typeof Optimizer>[1] = {
  optimizer: 'adamw',
  betas: [0.9, 0.95],
  eps: 1e-8,
  weight_decay: 0.1,
  grad_clip: 1,
};
