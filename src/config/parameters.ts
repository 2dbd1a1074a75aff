// Names and shapes of a model's parameters: what the model creates, checkpoints store, and the arithmetic counts.
//
// Names are Hugging Face's, with the `transformer.` prefix. Linear weights are (in, out). The head is tied to wte.

import type { ResolvedModel } from './model_shape.js';

/** Parameter name -> shape, in transformers' order. C = n_embd, F = n_inner, V = vocab_size. */
export function parameterShapes(model: ResolvedModel): Map<string, number[]> {
  const { vocab_size: V, n_ctx, n_embd: C, n_inner: F } = model;
  const gpt1 = model.arch === 'gpt1';
  const shapes = new Map<string, number[]>();
  shapes.set(`transformer.${gpt1 ? 'tokens_embed' : 'wte'}.weight`, [V, C]);
  shapes.set(`transformer.${gpt1 ? 'positions_embed' : 'wpe'}.weight`, [n_ctx, C]);
  for (let i = 0; i < model.n_layer; i++) {
    const norm = (name: string) => {
      shapes.set(`transformer.h.${i}.${name}.weight`, [C]);
      shapes.set(`transformer.h.${i}.${name}.bias`, [C]);
    };
    const linear = (name: string, inputs: number, outputs: number) => {
      shapes.set(`transformer.h.${i}.${name}.weight`, [inputs, outputs]);
      shapes.set(`transformer.h.${i}.${name}.bias`, [outputs]);
    };
    if (!gpt1) norm('ln_1');
    linear('attn.c_attn', C, 3 * C);
    linear('attn.c_proj', C, C);
    if (gpt1) norm('ln_1');
    if (!gpt1) norm('ln_2');
    linear('mlp.c_fc', C, F);
    linear('mlp.c_proj', F, C);
    if (gpt1) norm('ln_2');
  }
  if (!gpt1) {
    shapes.set('transformer.ln_f.weight', [C]);
    shapes.set('transformer.ln_f.bias', [C]);
  }
  return shapes;
}
