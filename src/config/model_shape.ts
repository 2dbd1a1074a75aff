// The model's shape with nothing left open: what the model code, the arithmetic and config.json work on.

import { ConfigError } from '../base/errors.js';
import type { ModelConfig } from './schema.js';

/** Which keys a layer's queries see: all earlier ones, or the last `window_size`. */
export type AttentionKind = 'global' | 'local';

/** A ModelConfig whose optional keys are filled in. */
export interface ResolvedModel extends Omit<ModelConfig, 'vocab_size' | 'n_inner' | 'attention_layers'> {
  /** V */
  readonly vocab_size: number;
  /** F */
  readonly n_inner: number;
  /** One entry per layer. */
  readonly attention_layers: readonly AttentionKind[];
}

/**
 * Fills in the vocabulary, the MLP width and one attention kind per layer.
 * vocabSize: the tokenizer's. Throws ConfigError when the configuration states another one: with a smaller table ids
 * have no row, with a larger one rows are never trained and sampling can draw ids that have no text.
 */
export function resolveModel(model: ModelConfig, vocabSize: number): ResolvedModel {
  if (model.vocab_size !== undefined && model.vocab_size !== vocabSize) {
    const kind = model.vocab_size < vocabSize ? 'smaller' : 'larger';
    throw new ConfigError(
      `model.vocab_size is ${model.vocab_size}, ${kind} than the tokenizer's ${vocabSize} tokens`,
      `set model.vocab_size to ${vocabSize}, or choose the tokenizer that the model was made for (--tokenizer.type)`,
    );
  }
  const pattern: readonly AttentionKind[] =
    model.attention_layers ?? (model.arch === 'gpt3' ? ['global', 'local'] : ['global']);
  return {
    ...model,
    vocab_size: vocabSize,
    n_inner: model.n_inner ?? 4 * model.n_embd,
    attention_layers: Array.from({ length: model.n_layer }, (_, i) => pattern[i % pattern.length]!),
  };
}
