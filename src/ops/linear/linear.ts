// Linear layer.
//
//   y = x W + b;   dx = dy W^T;   dW += x^T dy;   db += column sums of dy
//
// x (B,T,K), weight (K,N), bias (N) -> y (B,T,N). Weights are stored (in, out), as in OpenAI's and Hugging Face's files.
// The three products round their operands to bfloat16 where the weight is a Parameter with `bf16`; sums are float32.
// Kernels: linear.cpu.cc, linear.cuda.cc. Two of them with GELU between: ../mlp. Test: test/ops/linear.test.ts.

import type { KernelBackend } from '../../backends/kernel_backend.js';
import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { areFrozen, callKernel, defineFusedOp, target } from '../define.js';
import { forProduct } from '../parameter.js';

type LinearInputs = { x: tf.Tensor; weight: tf.Tensor; bias: tf.Tensor };

const linearOp = defineFusedOp<LinearInputs, object>({
  name: 'GptLinear',

  check({ x, weight, bias }) {
    const [K, N] = weight.shape;
    if (x.shape.at(-1) !== K) throw new ShapeError('linear', 'x', x.shape, `(B,T,K) with K = ${K}, weight's rows`);
    if (bias.size !== N) throw new ShapeError('linear', 'bias', bias.shape, `(N) = [${N}]`);
  },

  composite({ x, weight, bias }) {
    const [K, N] = weight.shape as [number, number];
    const rows = tf.reshape(x, [-1, K]); // (B*T,K)
    const y = tf.add(tf.matMul(rows, weight as tf.Tensor2D), bias);
    return [tf.reshape(y, [...x.shape.slice(0, -1), N])];
  },

  forward(backend, { x, weight, bias }) {
    const [K, N] = weight.shape as [number, number];
    const { operand, bf16 } = forProduct(weight);
    const attrs = [x.size / K, N, K, 0, Number(bf16)];
    return backend.call('GptLinear', [x, operand, bias], [[...x.shape.slice(0, -1), N]], attrs);
  },

  save: { inputs: ['x', 'weight', 'bias'] },

  backward(backend, [dy], [x, weight, bias]) {
    const [K, N] = weight!.shape as [number, number];
    const { operand, bf16 } = forProduct(weight!);
    const attrs = [x!.size / K, N, K, Number(bf16)];
    const gradients = gradientOfWeight(backend, [x!, dy!], { weight: weight!, bias: bias! }, attrs);
    const [dx] = callKernel(backend, 'GptLinearGradInput', [dy!, operand], [x!.shape], attrs);
    return { x: dx, ...gradients };
  },
});

/**
 * dW += x^T dy, db += column sums of dy. `parameters`: weight and bias, in this order; returns their gradients by the same
 * names, none where both are frozen. attrs [M, N, K, bf16]
 */
export function gradientOfWeight<K extends string>(
  backend: KernelBackend,
  [x, dy]: readonly [tf.Tensor, tf.Tensor],
  parameters: Readonly<Record<K, tf.Tensor>>,
  attrs: readonly number[],
): Partial<Record<K, tf.Tensor>> {
  const tensors = Object.values<tf.Tensor>(parameters);
  if (areFrozen(...tensors)) return {};
  const gradients = tensors.map(target);
  const outputs = gradients.map((update) => ({ update }));
  backend.call('GptLinearGradWeight', [x, dy], outputs, attrs);
  return Object.fromEntries(Object.keys(parameters).map((name, i) => [name, gradients[i]])) as Record<K, tf.Tensor>;
}

/** y (B,T,N) = x (B,T,K) weight (K,N) + bias (N). Throws ShapeError. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor3D {
  return linearOp({ x, weight, bias }, {})[0] as tf.Tensor3D;
}
linear.op = linearOp.op;
