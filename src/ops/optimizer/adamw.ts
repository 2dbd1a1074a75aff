// One optimizer update of all parameters, in place, and the global gradient norm.
//
//   n = sqrt(sum over all gradients of g^2);   g <- g * min(1, clip / (n + e))
//   m <- b1 m + (1 - b1) g;   v <- b2 v + (1 - b2) g^2;   t = updates made, this one included
//
//   'adamw' (Loshchilov & Hutter 2019, as in PyTorch; e = 1e-6):
//     p <- p - lr wd p;   p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//   'openai-adam' (GPT-1's opt.py; e = 0):
//     lrt = lr sqrt(1 - b2^t) / (1 - b1^t);   p <- p - lrt (m / (sqrt(v) + eps) + wd p)
//
// A norm that is not finite changes nothing. Weight decay applies to parameters with two or more dimensions, embeddings included. The gradients are zero afterwards.
// These two change tensors in place, and nothing else in gpt does. Kernels: adamw.cpu.cc, adamw.cuda.cc.
// Test: test/ops/adamw.test.ts.

import { kernelBackend, toTensors } from '../../backends/kernel_backend.js';
import { tf } from '../../base/tf.js';
import { Parameter } from '../parameter.js';

/** Hyper-parameters of one update. */
export interface AdamAttrs {
  readonly variant: 'adamw' | 'openai-adam';
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  /** Largest global norm; 0: no clipping. */
  readonly clip: number;
  /** 1 for the first update. */
  readonly t: number;
}

/** Moments of one parameter, float32, its shape. */
export interface Moments {
  readonly m: tf.Variable;
  readonly v: tf.Variable;
}

/** L2 norm of all tensors together, a scalar: of gradients, the global gradient norm. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  const backend = kernelBackend();
  if (backend !== undefined) return toTensors(backend.call('GptGlobalNorm', tensors, [[]], []))[0] as tf.Scalar;
  return tf.tidy(() => tf.sqrt(tf.addN(tensors.map((t) => tf.sum(tf.square(t))))) as tf.Scalar);
}

/**
 * Updates every parameter and its moments, and sets its gradient to zero; where `norm`, globalNorm's result, is not finite,
 * nothing changes. A backend with fused kernels has been asked for all of it when this returns.
 */
export async function adam(
  parameters: readonly Parameter[],
  moments: readonly Moments[],
  norm: tf.Scalar,
  { variant, lr, betas: [b1, b2], eps, weight_decay, clip, t }: AdamAttrs,
): Promise<void> {
  const openai = variant === 'openai-adam';
  const decay = (p: Parameter) => (p.shape.length >= 2 ? weight_decay : 0);
  const correction1 = 1 - b1 ** t;
  const correction2 = 1 - b2 ** t;
  const clipEpsilon = openai ? 0 : 1e-6;

  const backend = kernelBackend();
  if (backend !== undefined) {
    const update = (tensors: tf.Tensor[]) => tensors.map((update) => ({ update }));
    const outputs = [
      ...update(parameters.map((p) => p.value)),
      ...update(moments.map(({ m }) => m)),
      ...update(moments.map(({ v }) => v)),
      ...update(parameters.map((p) => p.grad)),
    ];
    const numbers = [lr, b1, b2, eps, clip, clipEpsilon, correction1, correction2];
    backend.call('GptAdam', [norm], outputs, [parameters.length, openai ? 1 : 0, ...numbers, ...parameters.map(decay)]);
    Parameter.changed(parameters);
    return;
  }

  if (!Number.isFinite((await norm.data())[0])) return;
  tf.tidy(() => {
    const coefficient = clip > 0 ? tf.minimum(1, tf.div(clip, tf.add(norm, clipEpsilon))) : tf.scalar(1);
    const rate = openai ? (lr * Math.sqrt(correction2)) / correction1 : lr / correction1;
    parameters.forEach((p, i) => {
      const { m, v } = moments[i]!;
      const g = tf.mul(p.grad, coefficient);
      m.assign(tf.add(tf.mul(m, b1), tf.mul(g, 1 - b1)));
      v.assign(tf.add(tf.mul(v, b2), tf.mul(tf.square(g), 1 - b2)));
      const root = openai ? tf.sqrt(v) : tf.sqrt(tf.div(v, correction2));
      const kept = tf.mul(p.value, 1 - (openai ? rate : lr) * decay(p));
      p.value.assign(tf.sub(kept, tf.mul(rate, tf.div(m, tf.add(root, eps)))));
      p.grad.assign(tf.zerosLike(p.grad));
    });
  });
}
