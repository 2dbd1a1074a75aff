// Parameters and floating-point operations of a model, from its shape alone. Bytes: memory.ts.
//
// Letters: L layers, C width (n_embd), H heads, F MLP width (n_inner, usually 4C), V vocabulary, T tokens of context
// in use, N parameters, N_mm parameters that are multiplied (the matrices, with the tied head once). A multiply-add
// counts as two operations; the backward pass costs twice the forward pass.

import type { ResolvedModel } from './model_shape.js';

/** Parameters by what they are for. */
export interface ParametersByPart {
  readonly token_embedding: number; //    V C, the tied output head too
  readonly position_embedding: number; // n_ctx C
  readonly attention: number; //          L (4 C^2 + 4 C)
  readonly mlp: number; //                L (2 C F + F + C)
  readonly norms: number; //              L 4 C
  readonly final_norm: number; //         2 C; gpt1 has none
}

/** The parts of N. */
export function parametersByPart(model: ResolvedModel): ParametersByPart {
  const { vocab_size: V, n_embd: C, n_inner: F, n_layer: L, n_ctx, arch } = model;
  return {
    token_embedding: V * C,
    position_embedding: n_ctx * C,
    attention: L * (4 * C * C + 4 * C),
    mlp: L * (2 * C * F + F + C),
    norms: L * 4 * C,
    final_norm: arch === 'gpt1' ? 0 : 2 * C,
  };
}

/**
 * N: the number of trainable numbers, the tied output head counted once. With F = 4C:
 *   N = V C + n_ctx C + L (12 C^2 + 13 C) + 2 C [final layer norm; gpt1 has none]
 */
export const countParameters = (model: ResolvedModel): number =>
  Object.values(parametersByPart(model)).reduce((sum, part) => sum + part, 0);

/** N_mm: the parameters that take part in matrix products, L (4 C^2 + 2 C F) + V C. */
export function countMatrixParameters(model: ResolvedModel): number {
  const { vocab_size: V, n_embd: C, n_inner: F, n_layer: L } = model;
  return L * (4 * C * C + 2 * C * F) + V * C;
}

/** What to count. */
export interface FlopsOptions {
  /** Attention pays for the keys that the mask lets through (true), or for all T x T (false). */
  readonly causal: boolean;
  /** Forward and backward (true), or forward only. */
  readonly backward: boolean;
}

/**
 * Model FLOPs per token by the two conventions that throughput (mfu, model_gflops) is reported in, so that it can
 * be compared with other programs'. With backward:
 *   causal: 6 N + 6 L T C                    llm.c's; N is every parameter. The headline number.
 *   full:   6 (N - n_ctx C) + 12 L T C       nanoGPT's and PaLM's; about 7 % higher at 124M, T = 1024.
 * Without backward: a third. In `causal`, a banded layer of w keys costs 12 C w (2T - w) / (2T) instead of 6 T C
 * (the same at w = T); `full` takes every layer as dense. The exact count is exactFlopsPerToken.
 */
export function flopsPerToken(model: ResolvedModel, T: number, { causal, backward }: FlopsOptions): number {
  const { n_embd: C, n_layer: L, n_ctx } = model;
  const N = countParameters(model);
  const training = causal
    ? 6 * N + 12 * C * sumOverLayers(model, T, (w) => (w * (2 * T - w)) / (2 * T))
    : 6 * (N - n_ctx * C) + 12 * L * T * C;
  return backward ? training : training / 3;
}

/**
 * The operations of the matrix products alone, counted exactly. Forward, per token:
 *   2 N_mm + 4 C * (sum over layers of the mean number of keys)
 * keys: T with causal false; (T+1)/2 with causal, and w (2T - w + 1) / (2T) in a banded layer of w <= T keys.
 * GPT-2 124M at T = 1024, with backward: 8.544e8 full, 7.979e8 causal.
 */
export function exactFlopsPerToken(model: ResolvedModel, T: number, { causal, backward }: FlopsOptions): number {
  const keys = sumOverLayers(model, T, (w) => (causal ? (w * (2 * T - w + 1)) / (2 * T) : T));
  const forward = 2 * countMatrixParameters(model) + 4 * model.n_embd * keys;
  return backward ? 3 * forward : forward;
}

/** Sum over layers of f(w), w the number of keys that a layer's queries see at most. */
function sumOverLayers(model: ResolvedModel, T: number, f: (w: number) => number): number {
  return model.attention_layers.reduce(
    (sum, kind) => sum + f(kind === 'local' ? Math.min(model.window_size, T) : T),
    0,
  );
}
