// One line about a model, for commands that move models around.

import { integer } from '../base/format.js';
import { countParameters } from '../config/arithmetic.js';
import type { ResolvedModel } from '../config/model_shape.js';

/** "gpt2, 12 layers, 768 wide, 12 heads, context 1,024, vocabulary 50,257: 124,439,808 parameters" */
export function modelLine(model: ResolvedModel): string {
  const { arch, n_layer, n_embd, n_head, n_ctx, vocab_size } = model;
  const layers = `${n_layer} layer${n_layer === 1 ? '' : 's'}`;
  const heads = `${n_head} head${n_head === 1 ? '' : 's'}`;
  const shape = `${arch}, ${layers}, ${n_embd} wide, ${heads}, context ${integer(n_ctx)}, vocabulary ${integer(vocab_size)}`;
  return `${shape}: ${integer(countParameters(model))} parameters`;
}
