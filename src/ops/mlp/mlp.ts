// The MLP of a block: two linear layers with GELU in between (Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415).
//
//   pre = x W1 + b1
//   h   = 0.5 pre (1 + tanh(sqrt(2/pi) (pre + 0.044715 pre^3)))      'gelu_new', the form of GPT-1, 2 and 3
//       = 0.5 pre (1 + erf(pre / sqrt 2))                            'gelu', the form of nanoGPT
//   y   = h W2 + b2
//
//   dW2 += h^T dy;   dpre = (dy W2^T) * gelu'(pre);   dW1 += x^T dpre;   dx = dpre W1^T
//
// x (B,T,C), weight1 (C,F), bias1 (F), weight2 (F,C), bias2 (C) -> y (B,T,C). One op, so that GELU and its derivative are
// applied where the products are made: the gradient of h, the largest tensor of a block, never exists.
// Kernels: GptLinear and its gradients, ../linear; GptMlpGradHidden, mlp.cpu.cc and mlp.cuda.cc.
// Test: test/ops/mlp.test.ts.

import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { callKernel, defineFusedOp } from '../define.js';
import { gradientOfWeight } from '../linear/linear.js';
import { forProduct } from '../parameter.js';

/** The form of GELU. */
export type Gelu = 'gelu_new' | 'gelu';

const CODE = { gelu_new: 1, gelu: 2 } as const;

type MlpInputs = { x: tf.Tensor; weight1: tf.Tensor; bias1: tf.Tensor; weight2: tf.Tensor; bias2: tf.Tensor };
interface MlpAttrs {
  readonly form: Gelu;
}

/** GELU in stock TF.js ops, both forms. */
export function gelu(x: tf.Tensor, form: Gelu): tf.Tensor {
  const inner =
    form === 'gelu'
      ? tf.erf(tf.mul(x, Math.SQRT1_2))
      : tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, inner));
}

const mlpOp = defineFusedOp<MlpInputs, MlpAttrs>({
  name: 'GptMlp',
  kernel: 'GptMlpGradHidden',

  check({ x, weight1, bias1, weight2, bias2 }) {
    const [C, F] = weight1.shape;
    if (x.shape.at(-1) !== C) throw new ShapeError('mlp', 'x', x.shape, `(B,T,C) with C = ${C}, weight1's rows`);
    if (bias1.size !== F) throw new ShapeError('mlp', 'bias1', bias1.shape, `(F) = [${F}]`);
    if (weight2.shape[0] !== F) throw new ShapeError('mlp', 'weight2', weight2.shape, `(F,C) with F = ${F}`);
    if (bias2.size !== weight2.shape[1])
      throw new ShapeError('mlp', 'bias2', bias2.shape, `(C) = [${weight2.shape[1]}]`);
  },

  composite({ x, weight1, bias1, weight2, bias2 }, { form }) {
    const rows = tf.reshape(x, [-1, x.shape.at(-1)!]); //                                     (B*T,C)
    const h = gelu(tf.add(tf.matMul(rows, weight1 as tf.Tensor2D), bias1), form); //          (B*T,F)
    const y = tf.add(tf.matMul(h as tf.Tensor2D, weight2 as tf.Tensor2D), bias2); //          (B*T,C)
    return [tf.reshape(y, [...x.shape.slice(0, -1), -1])];
  },

  // h and pre (B,T,F)
  hidden: ({ x, weight1 }) => {
    const shape = [...x.shape.slice(0, -1), weight1.shape[1]!];
    return [shape, shape];
  },

  forward(backend, { x, weight1, bias1, weight2, bias2 }, { form }, [h, pre]) {
    const [C, F] = weight1.shape as [number, number];
    const out = weight2.shape[1]!;
    const [M, first, second] = [x.size / C, forProduct(weight1), forProduct(weight2)];
    backend.call('GptLinear', [x, first.operand, bias1], [h!, pre!], [M, F, C, CODE[form], Number(first.bf16)]);
    const outputs = [[...x.shape.slice(0, -1), out]];
    return backend.call('GptLinear', [h!.update, second.operand, bias2], outputs, [M, out, F, 0, Number(second.bf16)]);
  },

  save: { inputs: ['x', 'weight1', 'bias1', 'weight2', 'bias2'] },

  backward(backend, [dy], [x, weight1, bias1, weight2, bias2, h, pre], { form }) {
    const [C, F] = weight1!.shape as [number, number];
    const [M, out] = [x!.size / C, weight2!.shape[1]!];
    const [first, second] = [forProduct(weight1!), forProduct(weight2!)];
    const outer = { weight2: weight2!, bias2: bias2! };
    const gradients2 = gradientOfWeight(backend, [h!, dy!], outer, [M, out, F, Number(second.bf16)]);
    h!.dispose(); // the largest tensors of a block: each goes before the next is made
    const attrs = [M, out, F, CODE[form], Number(second.bf16)];
    const [dpre] = callKernel(backend, 'GptMlpGradHidden', [dy!, second.operand, pre!], [pre!.shape], attrs);
    pre!.dispose();
    const inner = { weight1: weight1!, bias1: bias1! };
    const gradients1 = gradientOfWeight(backend, [x!, dpre], inner, [M, F, C, Number(first.bf16)]);
    const [dx] = callKernel(
      backend,
      'GptLinearGradInput',
      [dpre, first.operand],
      [x!.shape],
      [M, F, C, Number(first.bf16)],
    );
    dpre.dispose();
    return { x: dx, ...gradients1, ...gradients2 };
  },
});

/** y (B,T,C) of x (B,T,C). Throws ShapeError. */
export function mlp(
  x: tf.Tensor,
  weight1: tf.Tensor,
  bias1: tf.Tensor,
  weight2: tf.Tensor,
  bias2: tf.Tensor,
  form: Gelu,
): tf.Tensor3D {
  return mlpOp({ x, weight1, bias1, weight2, bias2 }, { form })[0] as tf.Tensor3D;
}
mlp.op = mlpOp.op;
