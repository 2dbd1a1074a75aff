// Causal self-attention (Vaswani et al. 2017), dense or locally banded (Child et al. 2019; GPT-3, section 2.1).
//
//   S = q k^T / sqrt(D)                      per sequence and head, (T,T), never held as a whole by the kernels
//   visible: key j for query i iff i - window < j <= i        dense: window >= T
//   A = softmax over visible keys, then dropout
//   y = A v                                  heads side by side
//
// qkv (B,T,3C): all of q, then all of k, then all of v; head h owns columns h*D .. (h+1)*D of each third
//   -> y (B,T,C), lse (B,H,T) = log sum exp of the visible scores (for the backward)
//
//   dV = A^T dY;   dA = dY V^T;   dS = A * (dA - rowsum(dY * Y));   dQ = dS K / sqrt(D);   dK = dS^T Q / sqrt(D)
//
// Kernels: attention.cpu.cc; attention_mma.cuda.cu and attention.cuda.cu, launched by attention.cuda.cc. Decoding:
// cached_attention.ts. Test: test/ops/attention.test.ts.

import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { callKernel, defineFusedOp } from '../define.js';
import { type Dropout, maskAttrs, maskFactors } from '../dropout/dropout.js';

/** What one attention layer does. */
export interface AttentionAttrs {
  readonly n_head: number;
  /** Keys that a query sees, itself included; Infinity or anything >= T: all earlier ones. */
  readonly window: number;
  /** Dropout on the attention weights, or undefined for none. */
  readonly dropout?: Dropout | undefined;
}

type AttentionInputs = { qkv: tf.Tensor };

function kernelDims(qkv: tf.Tensor, { n_head, window, dropout }: AttentionAttrs): number[] {
  const [B, T, C3] = qkv.shape as [number, number, number];
  const mask = dropout !== undefined && dropout.p > 0 ? [1, ...maskAttrs(dropout)] : [0, 0, 1, 0, 0, 0, 0];
  return [B, T, n_head, C3 / 3 / n_head, Math.min(window, T), ...mask];
}

/** q, k, v of shape (B,H,T,D). */
export function splitHeads(qkv: tf.Tensor, n_head: number): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [B, T, C3] = qkv.shape as [number, number, number];
  const heads = tf.transpose(tf.reshape(qkv, [B, T, 3, n_head, C3 / 3 / n_head]), [2, 0, 3, 1, 4]); // (3,B,H,T,D)
  return tf.unstack(heads, 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

/** (B,H,T,D) -> (B,T,C) */
export function mergeHeads(y: tf.Tensor): tf.Tensor3D {
  const [B, H, T, D] = y.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [B, T, H * D]);
}

/** Scores of invisible keys, (T, past + T): 0 where visible, -1e9 where not. Query i is at position past + i. */
export function maskBias(T: number, past: number, window: number): tf.Tensor2D {
  const keys = past + T;
  const bias = new Float32Array(T * keys);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j < keys; j++) if (j > past + i || j <= past + i - window) bias[i * keys + j] = -1e9;
  }
  return tf.tensor2d(bias, [T, keys]);
}

const attentionOp = defineFusedOp<AttentionInputs, AttentionAttrs>({
  name: 'GptAttention',

  check({ qkv }, { n_head }) {
    const C3 = qkv.shape[2] ?? 0;
    if (qkv.rank !== 3 || C3 % (3 * n_head) !== 0) {
      throw new ShapeError('attention', 'qkv', qkv.shape, `(B,T,3C) with C a multiple of n_head = ${n_head}`);
    }
  },

  composite({ qkv }, { n_head, window, dropout }) {
    const T = qkv.shape[1]!;
    const [q, k, v] = splitHeads(qkv, n_head); //                                           (B,H,T,D)
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[3]!)); //     (B,H,T,T)
    const masked = tf.add(scores, maskBias(T, 0, window));
    let weights = tf.softmax(masked);
    if (dropout !== undefined && dropout.p > 0) {
      weights = tf.mul(weights, tf.tensor(maskFactors(weights.size, dropout), weights.shape));
    }
    return [mergeHeads(tf.matMul(weights, v))];
  },

  // lse (B,H,T), the logarithm of the sum of exponentials of every query's scores
  hidden: ({ qkv }, { n_head }) => [[qkv.shape[0]!, n_head, qkv.shape[1]!]],

  forward(backend, { qkv }, attrs, hidden) {
    const [B, T, C3] = qkv.shape as [number, number, number];
    return backend.call('GptAttention', [qkv], [[B, T, C3 / 3], ...hidden], kernelDims(qkv, attrs));
  },

  save: { inputs: ['qkv'], outputs: [true] },

  backward(backend, [dy], [qkv, y, lse], attrs) {
    const [dqkv] = callKernel(
      backend,
      'GptAttentionGrad',
      [qkv!, y!, lse!, dy!],
      [qkv!.shape],
      kernelDims(qkv!, attrs),
    );
    return { qkv: dqkv };
  },
});

/** y (B,T,C) of qkv (B,T,3C). Throws ShapeError. */
export function attention(qkv: tf.Tensor, attrs: AttentionAttrs): tf.Tensor3D {
  return attentionOp({ qkv }, attrs)[0] as tf.Tensor3D;
}
attention.op = attentionOp.op;
