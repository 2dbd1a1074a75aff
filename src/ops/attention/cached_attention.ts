// Attention of new tokens on cached keys and values: what decoding runs instead of attention.ts.
//
// qkv (B,T,3C) of T new tokens at positions past .. past+T-1, cache with `past` earlier positions -> y (B,T,C).
// The new keys and values join the cache, in the place of what it held from position `past` on. No gradient.
// Mathematics: attention.ts.
//
// With B = 1 the T tokens may be several pieces, each with a `past` of its own, one after the other: sequences that begin
// alike share what they begin with, and stand side by side as one for everything but attention and positions.
//
// With a fused kernel the cache is one buffer (2,B,P,C), keys then values, written in place; else it is a pair of tensors
// (B,H,past,D) that grow by concatenation. Kernels: attention.cpu.cc, cached_attention.cuda.cu.
// Test: test/ops/attention.test.ts.

import { kernelBackend, toTensors } from '../../backends/kernel_backend.js';
import { tf } from '../../base/tf.js';
import { maskBias, mergeHeads, splitHeads } from './attention.js';

/** Tokens that follow the first `past` positions of a cache; what it held behind them is forgotten. */
export interface Piece {
  readonly past: number;
  readonly length: number;
}

/** Keys and values of one layer. */
export class LayerCache {
  readonly #capacity: number;
  #buffer: tf.Tensor | undefined;
  #past: [tf.Tensor, tf.Tensor] | undefined;

  /** capacity: the most positions that it will hold, n_ctx. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** y (B,T,C) of pieces whose lengths add up to T; several only where B = 1. */
  attend(qkv: tf.Tensor, n_head: number, window: number, pieces: readonly Piece[]): tf.Tensor3D {
    const [B, T, C3] = qkv.shape as [number, number, number];
    const C = C3 / 3;
    const backend = kernelBackend();
    if (backend !== undefined) {
      this.#buffer ??= tf.keep(tf.zeros([2, B, this.#capacity, C]));
      const dims = [B, T, n_head, C / n_head, Math.min(window, this.#capacity), this.#capacity];
      const attrs = [...dims, ...pieces.flatMap(({ past, length }) => [past, length])];
      return toTensors(
        backend.call('GptAttentionCached', [qkv], [[B, T, C], { update: this.#buffer }], attrs),
      )[0] as tf.Tensor3D;
    }
    return tf.tidy(() => {
      let start = 0;
      const parts = pieces.map(({ past, length }) => {
        const part = tf.slice(qkv, [0, start, 0], [-1, length, -1]);
        start += length;
        return this.#attendPart(part, n_head, window, past);
      });
      return tf.concat(parts, 1);
    });
  }

  #attendPart(qkv: tf.Tensor, n_head: number, window: number, past: number): tf.Tensor3D {
    const before = this.#past;
    const [y, keys, values] = tf.tidy(() => {
      const [q, k, v] = splitHeads(qkv, n_head); // (B,H,T,D)
      const after = (old: tf.Tensor | undefined, fresh: tf.Tensor) =>
        old === undefined ? fresh : tf.concat([tf.slice(old, [0, 0, 0, 0], [-1, -1, past, -1]), fresh], 2);
      const [keys, values] = [after(before?.[0], k), after(before?.[1], v)]; // (B,H,past+T,D)
      const scores = tf.mul(tf.matMul(q, keys, false, true), 1 / Math.sqrt(q.shape[3]!)); // (B,H,T,past+T)
      const weights = tf.softmax(tf.add(scores, maskBias(q.shape[2]!, past, window)));
      return [mergeHeads(tf.matMul(weights, values)), keys.clone(), values.clone()] as const;
    });
    this.#past = [tf.keep(keys), tf.keep(values)];
    if (before !== undefined) tf.dispose(before);
    return y;
  }

  dispose(): void {
    this.#buffer?.dispose();
    if (this.#past !== undefined) tf.dispose(this.#past);
    this.#buffer = undefined;
    this.#past = undefined;
  }
}
