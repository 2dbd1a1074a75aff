// Heads of supervised tasks: from the hidden state at a sequence's <extract> token to classes, a score, or a choice
// (Radford et al. 2018, sections 3.2 and 3.3).
//
//   e        hidden state at <extract>, the last block's output that the LM head reads too                    (C)
//   classes  logits = e W + b, W (C,n)              similarity, pair: e is the sum over both orders
//   score    the same with n = 1: in standard deviations from the mean of the training scores
//   choice   logit of answer k = e_k W + b, W (C,1); softmax over the answers
//   cosine   logits = cos(e_a, e_b) W + b, W (1,n)
//
// Letters: E examples, K sequences of each, n outputs. One dropout mask for all sequences of an example, as in OpenAI's code.

import { Random, Stream } from '../base/rng.js';
import { tf } from '../base/tf.js';
import { type HeadShape, headShapes } from '../config/head.js';
import { dropout } from '../ops/dropout/dropout.js';
import { linear } from '../ops/linear/linear.js';
import { Parameter } from '../ops/parameter.js';
import type { DropoutPass } from './gpt.js';

const SITE = 0xffff; // of the head's dropout mask: beyond those of any model
const HIDDEN = -1e9; // added to the logit of an answer that is not there

/** New values: W from N(0, 0.02), b = 0. A cosine is a score already: W = 1, or from -1 to 1 over the classes. */
export function initialHead(shape: HeadShape, nEmbd: number, seed: number): Map<string, () => Float32Array> {
  const { outputs: n, readout } = shape;
  const weight = (): Float32Array => {
    if (readout === 'cosine') return Float32Array.from({ length: n }, (_, i) => (n === 1 ? 1 : (2 * i) / (n - 1) - 1));
    const values = new Float32Array(nEmbd * n);
    new Random(seed, Stream.init, 2 ** 20).fillNormal(values, 0.02); // no parameter of a model has this ordinal
    return values;
  };
  return new Map([
    ['head.weight', weight],
    ['head.bias', () => new Float32Array(n)],
  ]);
}

/** A task's head, with its parameters on the active backend. */
export class TaskHead {
  readonly shape: HeadShape;
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(shape: HeadShape, nEmbd: number, values: ReadonlyMap<string, () => Float32Array>) {
    this.shape = shape;
    const [weight, bias] = [...headShapes(shape, nEmbd)].map(([name, dims]) => {
      const tensor = tf.tensor(values.get(name)!(), dims, 'float32');
      const parameter = new Parameter(name, tensor);
      tensor.dispose();
      return parameter;
    }) as [Parameter, Parameter];
    this.weight = weight;
    this.bias = bias;
  }

  parameters(): Parameter[] {
    return [this.weight, this.bias];
  }

  /**
   * hidden (B,T,C), rows (E*K) of its B*T positions, valid (E*K) -> logits (E,n), or (E,K) of a choice. `pdrop` only in
   * training, with the pass that says which mask.
   */
  logits(
    hidden: tf.Tensor3D,
    { E, K, rows, valid }: { E: number; K: number; rows: Int32Array; valid: Float32Array },
    { pdrop, pass }: { pdrop: number; pass?: DropoutPass | undefined },
  ): tf.Tensor2D {
    const C = hidden.shape[2];
    const { kind, readout, outputs } = this.shape;
    return tf.tidy(() => {
      const positions = tf.reshape(hidden, [-1, C]); //                                            (B*T,C)
      const at = tf.gather(positions, tf.tensor1d(rows, 'int32')); //                              (E*K,C)
      const summed = kind !== 'choice' && readout === 'pair';
      const read = tf.reshape(at, [E, K, C]);
      const e = summed ? tf.sum(read, 1, true) : read; //                                          (E,1,C) or (E,K,C)
      const mask = { p: pass === undefined ? 0 : pdrop, seed: 0, step: 0, ...pass, site: SITE };
      const dropped = mask.p === 0 ? e : tf.mul(e, dropout(tf.ones([E, 1, C]), mask));
      const input = readout === 'cosine' ? cosine(dropped as tf.Tensor3D) : dropped; //            (E,1,1) for cosine
      const logits = linear(input, this.weight.value, this.bias.value);
      if (kind !== 'choice') return tf.reshape(logits, [E, outputs]);
      const hides = tf.mul(tf.sub(1, tf.tensor2d(valid, [E, K])), HIDDEN);
      return tf.add(tf.reshape(logits, [E, K]), hides) as tf.Tensor2D;
    });
  }

  dispose(): void {
    for (const p of this.parameters()) p.dispose();
  }
}

/** (E,2,C) -> cosine of the two (E,1,1). */
function cosine(pairs: tf.Tensor3D): tf.Tensor {
  const [E, , C] = pairs.shape;
  const [a, b] = [0, 1].map((k) => tf.slice(pairs, [0, k, 0], [E, 1, C])) as [tf.Tensor, tf.Tensor];
  const dot = (u: tf.Tensor, v: tf.Tensor) => tf.sum(tf.mul(u, v), -1, true);
  return tf.div(dot(a, b), tf.sqrt(tf.add(tf.mul(dot(a, a), dot(b, b)), 1e-12)));
}

/**
 * Sum over examples of weights (E) * cross-entropy of logits (E,n) at `targets` (E) class numbers; nats. The gradient is
 * weights * (softmax - one-hot).
 */
export function classLoss(logits: tf.Tensor2D, targets: Float32Array, weights: Float32Array): tf.Scalar {
  const [E, n] = logits.shape;
  const hot = new Float32Array(E * n);
  for (const [e, target] of targets.entries()) hot[e * n + target] = 1;
  const oneHot = () => tf.tensor2d(hot, [E, n]);
  const w = () => tf.tensor2d(weights, [E, 1]);
  const loss = tf.customGrad((x, save) => {
    const l = x as tf.Tensor2D;
    (save as tf.GradSaveFunc)([l]);
    const shifted = tf.sub(l, tf.max(l, 1, true));
    const sums = tf.log(tf.sum(tf.exp(shifted), 1, true));
    const nll = tf.sub(sums, tf.sum(tf.mul(shifted, oneHot()), 1, true)); //                      (E,1)
    return {
      value: tf.sum(tf.mul(w(), nll)),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.mul(tf.mul(w(), tf.sub(tf.softmax(saved as tf.Tensor2D), oneHot())), dy),
    };
  });
  return loss(logits) as tf.Scalar;
}

/** Sum over examples of weights (E) * (score - target)^2, of scores (E,1). */
export function scoreLoss(scores: tf.Tensor2D, targets: Float32Array, weights: Float32Array): tf.Scalar {
  return tf.tidy(() => {
    const error = tf.sub(tf.reshape(scores, [-1]), tf.tensor1d(targets));
    return tf.sum(tf.mul(tf.tensor1d(weights), tf.square(error))) as tf.Scalar;
  });
}
