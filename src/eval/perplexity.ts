// Perplexity of a text under a model, by windows.
//
//   disjoint   windows of n_ctx tokens side by side, every token scored once with the context of its own window
//   strided    windows of n_ctx tokens that start every `stride` tokens; only tokens not yet scored are: each has at least
//              n_ctx - stride tokens of context
//   rolling    disjoint, but the last window is moved back until it is full: lm-evaluation-harness's loglikelihood_rolling
//
// The first token of the text is scored after end-of-text, so that all are. With NLL the sum of -ln p:
//   token perplexity = exp(NLL / tokens)         bits per byte    = NLL / (UTF-8 bytes * ln 2)
//   byte perplexity  = exp(NLL / bytes)          word perplexity  = exp(NLL / words), words split at white space
// Words and bytes are those of the original text, so that models with different tokenizers can be compared.

import { tf } from '../base/tf.js';
import type { Gpt } from '../model/gpt.js';

/** Sum of -ln p over the tokens of a text, and their number. */
export interface Score {
  readonly nats: number;
  readonly tokens: number;
}

/** What the sums come to. null where there is nothing to divide by. */
export interface Perplexity {
  /** Nats per token. */
  readonly loss: number;
  /** exp(nats / tokens of this tokenizer) */
  readonly token_perplexity: number;
  /** exp(nats / words), split at white space */
  readonly word_perplexity: number | null;
  /** exp(nats / UTF-8 bytes) */
  readonly byte_perplexity: number | null;
  /** nats / (UTF-8 bytes * ln 2) */
  readonly bits_per_byte: number | null;
}

/** How a text is cut into windows. */
export const WINDOW_RULES = ['disjoint', 'strided', 'rolling'] as const;
export type WindowRule = (typeof WINDOW_RULES)[number];

/** Predictions start .. start + length - 1 in one forward pass: the first `score` are context only, the rest is scored. */
export interface Window {
  readonly start: number;
  readonly length: number;
  readonly score: number; // index of the first scored position
}

/** The windows over `tokens` predictions: n_ctx each, every `stride`, which is n_ctx for disjoint ones. */
export function windowsOf(tokens: number, n_ctx: number, stride: number): Window[] {
  const windows: Window[] = [];
  let scored = 0;
  for (let start = 0; scored < tokens; start += stride) {
    const length = Math.min(n_ctx, tokens - start);
    windows.push({ start, length, score: scored - start });
    scored = start + length;
  }
  return windows;
}

/** The same by the rolling rule. */
export function rollingWindows(tokens: number, n_ctx: number): Window[] {
  const windows = windowsOf(tokens, n_ctx, n_ctx);
  const last = windows.pop();
  if (last === undefined) return [];
  const start = Math.max(0, tokens - n_ctx);
  return [...windows, { start, length: tokens - start, score: last.start - start }];
}

/**
 * Scores ids (the whole text) after end-of-text in windows over ids.length predictions, `batch` of one length at a time.
 * Calls onProgress with the tokens scored so far.
 */
export async function scoreTokens(
  model: Gpt,
  ids: Int32Array,
  {
    eot,
    windows,
    batch,
    onProgress,
  }: { eot: number; windows: readonly Window[]; batch: number; onProgress?: (tokens: number) => void },
): Promise<Score> {
  const all = concat(eot, ids); // position i predicts token i of the text
  let nats = 0;
  let tokens = 0;
  for (let i = 0; i < windows.length; ) {
    const T = windows[i]!.length;
    const group = windows.slice(i, i + batch).filter((w) => w.length === T);
    i += group.length;
    const B = group.length;
    const x = new Int32Array(B * T);
    const y = new Int32Array(B * T).fill(-1);
    for (const [b, { start, score }] of group.entries()) {
      x.set(all.subarray(start, start + T), b * T);
      y.set(all.subarray(start + score + 1, start + T + 1), b * T + score);
      tokens += T - score;
    }
    const nll = tf.tidy(() => {
      const targets = tf.tensor2d(y, [B, T], 'int32');
      return model.loss(tf.tensor2d(x, [B, T], 'int32'), targets, tf.ones([B, T]))[1];
    });
    for (const value of await nll.data<'float32'>()) nats += value;
    nll.dispose();
    onProgress?.(tokens);
    await new Promise(setImmediate);
  }
  return { nats, tokens };
}

/** Perplexities of a score, given the original text's words and UTF-8 bytes. */
export function perplexity({ nats, tokens }: Score, { words, bytes }: { words: number; bytes: number }): Perplexity {
  return {
    loss: nats / tokens,
    token_perplexity: Math.exp(nats / tokens),
    word_perplexity: words > 0 ? Math.exp(nats / words) : null,
    byte_perplexity: bytes > 0 ? Math.exp(nats / bytes) : null,
    bits_per_byte: bytes > 0 ? nats / bytes / Math.LN2 : null,
  };
}

function concat(first: number, rest: Int32Array): Int32Array {
  const all = new Int32Array(rest.length + 1);
  all[0] = first;
  all.set(rest, 1);
  return all;
}
