// Output head and softmax cross-entropy in one op, so that the (B,T,V) logits never exist as a whole.
//
//   logits = h wte^T                                  (N,V), a chunk of rows at a time, N = B*T
//   nll[n] = -log softmax(logits[n])[targets[n]]      0 where targets[n] < 0
//   loss   = sum over n of weights[n] * nll[n]
//
// h (B,T,C), wte (V,C), targets (B,T) int32, weights (B,T) -> loss (), nll (B,T)
//
// Contract: `loss` must be what is differentiated, or an addend of it (dL/dloss = 1; the scale belongs into `weights`).
// The kernel computes both gradients in the forward pass, while a chunk's logits are in memory, and adds dwte right there:
// nothing is recomputed. `gradient: false` (validation) skips that.
// Kernel: head_loss.cpu.cc, head_loss.cuda.cc. Test: test/ops/head_loss.test.ts.

import { kernelBackend } from '../../backends/kernel_backend.js';
import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { areFrozen, defineFusedOp, target } from '../define.js';
import { forProduct, parameterOf } from '../parameter.js';

type HeadLossInputs = { h: tf.Tensor; wte: tf.Tensor; targets: tf.Tensor; weights: tf.Tensor };
interface HeadLossAttrs {
  readonly gradient: boolean;
}

const headLossOp = defineFusedOp<HeadLossInputs, HeadLossAttrs>({
  name: 'GptHeadLoss',

  check({ h, wte, targets, weights }) {
    const [V, C] = wte.shape;
    const N = h.size / C!;
    if (h.shape.at(-1) !== C) throw new ShapeError('headLoss', 'h', h.shape, `(B,T,C) with C = ${C}`);
    if (targets.size !== N) throw new ShapeError('headLoss', 'targets', targets.shape, `(B,T) with B*T = ${N}`);
    if (weights.size !== N) throw new ShapeError('headLoss', 'weights', weights.shape, `(B,T) with B*T = ${N}`);
    if (V === 0) throw new ShapeError('headLoss', 'wte', wte.shape, '(V,C)');
  },

  composite({ h, wte, targets, weights }) {
    const [V, C] = wte.shape as [number, number];
    const logits = tf.matMul(tf.reshape(h, [-1, C]) as tf.Tensor2D, wte as tf.Tensor2D, false, true); // (N,V)
    const flat = tf.reshape(targets, [-1]) as tf.Tensor1D;
    const scored = tf.cast(tf.greaterEqual(flat, 0), 'float32');
    const logp = tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.cast(tf.maximum(flat, 0), 'int32'), V)), -1);
    const nll = tf.mul(tf.neg(logp), scored); // (N)
    return [tf.sum(tf.mul(nll, tf.reshape(weights, [-1]))), tf.reshape(nll, targets.shape)];
  },

  // dh (B,T,C)
  hidden: ({ h }, { gradient }) => (gradient ? [h.shape] : []),

  forward(backend, { h, wte, targets, weights }, { gradient }, hidden) {
    const [V, C] = wte.shape as [number, number];
    const outputs = [[], targets.shape, ...hidden, ...(gradient ? [{ update: target(wte) }] : [])];
    const { operand, bf16 } = forProduct(wte);
    const attrs = [h.size / C, C, V, Number(gradient), Number(bf16)];
    return backend.call('GptHeadLoss', [h, operand, targets, weights], outputs, attrs);
  },

  save: { inputs: ['wte'] },

  backward(_backend, [dloss], [wte, dh], { gradient }) {
    if (!gradient) throw new Error('internal: headLoss was called without gradient and then differentiated');
    if (dloss!.dataSync()[0] !== 1) throw new Error('internal: headLoss must be differentiated with dL/dloss = 1');
    // a clone: the tape disposes what was saved
    return { h: dh!.clone(), ...(areFrozen(wte!) ? {} : { wte: target(wte!) }) };
  },
});

/**
 * [loss (), nll (B,T)] in nats. Throws ShapeError; a target outside the vocabulary is an error of the kernel.
 * On a backend with fused kernels and `gradient`, wte must be a Parameter's value: its gradient is added in this call.
 */
export function headLoss(
  h: tf.Tensor,
  wte: tf.Tensor,
  targets: tf.Tensor,
  weights: tf.Tensor,
  gradient = true,
): [tf.Scalar, tf.Tensor2D] {
  const fused = gradient && kernelBackend() !== undefined;
  const parameter = parameterOf(wte);
  if (fused && parameter === undefined) throw new Error('internal: headLoss needs wte to be a Parameter');
  if (fused && parameter?.trainable) parameter.grad; // made here: TF.js counts what is made inside a kernel as its results
  return headLossOp({ h, wte, targets, weights }, { gradient: fused }) as [tf.Scalar, tf.Tensor2D];
}
headLoss.op = headLossOp.op;
