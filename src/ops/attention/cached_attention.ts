// Attention of new tokens on cached keys and values: what decoding runs instead of attention.ts.
//
// qkv (B,T,3C) of T new tokens at positions past .. past+T-1, cache with `past` earlier positions -> y (B,T,C).
// The new keys and values join the cache, in the place of what it held from position `past` on. No gradient.
// Mathematics: attention.ts.
//
// With a fused kernel the cache is one buffer (2,B,P,C), keys then values, written in place; else it is a pair of tensors
// (B,H,past,D) that grow by concatenation. Kernels: attention.cpu.cc, cached_attention.cuda.cu.
// Test: test/ops/attention.test.ts.

import { kernelBackend, toTensors } from '../../backends/kernel_backend.js';
import { tf } from '../../base/tf.js';
import { maskBias, mergeHeads, splitHeads } from './attention.js';

/** Keys and values of one layer. */
export class LayerCache {
  readonly #capacity: number;
  #buffer: tf.Tensor | undefined;
  #past: [tf.Tensor, tf.Tensor] | undefined;

  /** capacity: the most positions that it will hold, n_ctx. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** y (B,T,C) after the first `past` positions of the cache. */
  attend(qkv: tf.Tensor, n_head: number, window: number, past: number): tf.Tensor3D {
    const [B, T, C3] = qkv.shape as [number, number, number];
    const C = C3 / 3;
    const backend = kernelBackend();
    if (backend !== undefined) {
      this.#buffer ??= tf.keep(tf.zeros([2, B, this.#capacity, C]));
      const attrs = [B, T, n_head, C / n_head, Math.min(window, this.#capacity), past, this.#capacity];
      return toTensors(
        backend.call('GptAttentionCached', [qkv], [[B, T, C], { update: this.#buffer }], attrs),
      )[0] as tf.Tensor3D;
    }
    const before = this.#past;
    const [y, keys, values] = tf.tidy(() => {
      const [q, k, v] = splitHeads(qkv, n_head); // (B,H,T,D)
      const after = (old: tf.Tensor | undefined, fresh: tf.Tensor) =>
        old === undefined ? fresh : tf.concat([tf.slice(old, [0, 0, 0, 0], [-1, -1, past, -1]), fresh], 2);
      const keys = after(before?.[0], k); //                                             (B,H,past+T,D)
      const values = after(before?.[1], v);
      const scores = tf.mul(tf.matMul(q, keys, false, true), 1 / Math.sqrt(C / n_head)); // (B,H,T,past+T)
      const weights = tf.softmax(tf.add(scores, maskBias(T, past, window)));
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
