// Linear layer with optional GELU (Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415).
//
//   pre = x W + b
//   y   = pre                                                        'none'
//       = 0.5 pre (1 + tanh(sqrt(2/pi) (pre + 0.044715 pre^3)))      'gelu_new', the form of GPT-1, 2 and 3
//       = 0.5 pre (1 + erf(pre / sqrt 2))                            'gelu', the form of nanoGPT
//
//   dpre = dy * gelu'(pre);   dx = dpre W^T;   dW += x^T dpre;   db += column sums of dpre
//
// x (B,T,K), weight (K,N), bias (N) -> y (B,T,N). Weights are stored (in, out), as in OpenAI's and Hugging Face's files.
// The three products round their operands to bfloat16 where the weight is a Parameter with `bf16`; sums are float32.
// Kernels: linear.cpu.cc. Test: test/ops/linear.test.ts.

import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { callKernel, defineFusedOp, target } from '../define.js';
import { forProduct } from '../parameter.js';

/** What follows the linear layer. */
export type Activation = 'none' | 'gelu_new' | 'gelu';

const CODE = { none: 0, gelu_new: 1, gelu: 2 } as const;

type LinearInputs = { x: tf.Tensor; weight: tf.Tensor; bias: tf.Tensor };
interface LinearAttrs {
  readonly activation: Activation;
}

/** GELU in stock TF.js ops, both forms. */
export function gelu(x: tf.Tensor, form: 'gelu_new' | 'gelu'): tf.Tensor {
  const inner =
    form === 'gelu'
      ? tf.erf(tf.mul(x, Math.SQRT1_2))
      : tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, inner));
}

const linearOp = defineFusedOp<LinearInputs, LinearAttrs>({
  name: 'GptLinear',

  check({ x, weight, bias }) {
    const [K, N] = weight.shape;
    if (x.shape.at(-1) !== K) throw new ShapeError('linear', 'x', x.shape, `(B,T,K) with K = ${K}, weight's rows`);
    if (bias.size !== N) throw new ShapeError('linear', 'bias', bias.shape, `(N) = [${N}]`);
  },

  composite({ x, weight, bias }, { activation }) {
    const [K, N] = weight.shape as [number, number];
    const rows = tf.reshape(x, [-1, K]); // (B*T,K)
    const pre = tf.add(tf.matMul(rows, weight as tf.Tensor2D), bias);
    const y = activation === 'none' ? pre : gelu(pre, activation);
    return [tf.reshape(y, [...x.shape.slice(0, -1), N])];
  },

  // pre (B,T,N)
  hidden: ({ x, weight }, { activation }) =>
    activation === 'none' ? [] : [[...x.shape.slice(0, -1), weight.shape[1]!]],

  forward(backend, { x, weight, bias }, { activation }, hidden) {
    const [K, N] = weight.shape as [number, number];
    const outputs = [[...x.shape.slice(0, -1), N], ...hidden];
    const { operand, bf16 } = forProduct(weight);
    return backend.call('GptLinear', [x, operand, bias], outputs, [x.size / K, N, K, CODE[activation], Number(bf16)]);
  },

  save: { inputs: ['x', 'weight', 'bias'] },

  backward(backend, [dy], [x, weight, bias, pre], { activation }) {
    const [K, N] = weight!.shape as [number, number];
    const M = x!.size / K;
    let dpre = dy!;
    if (activation !== 'none') {
      [dpre] = callKernel(backend, 'GptGeluGrad', [pre!, dy!], [dy!.shape], [M * N, CODE[activation]]);
      pre!.dispose(); // the largest tensors of a block: free them before dx is allocated
      dy!.dispose();
    }
    const dweight = target(weight!);
    const dbias = target(bias!);
    const { operand, bf16 } = forProduct(weight!);
    const attrs = [M, N, K, Number(bf16)];
    callKernel(backend, 'GptLinearGradWeight', [x!, dpre], [{ update: dweight }, { update: dbias }], attrs);
    const [dx] = callKernel(backend, 'GptLinearGradInput', [dpre, operand], [x!.shape], attrs);
    if (dpre !== dy) dpre.dispose();
    return { x: dx, weight: dweight, bias: dbias };
  },
});

/** y (B,T,N) = activation(x (B,T,K) weight (K,N) + bias (N)). Throws ShapeError. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, activation: Activation = 'none'): tf.Tensor3D {
  return linearOp({ x, weight, bias }, { activation })[0] as tf.Tensor3D;
}
linear.op = linearOp.op;
