// Layer norm over the last axis (Ba et al. 2016, https://arxiv.org/abs/1607.06450), alone and after a residual add.
//
//   mean = sum(x) / C                 biased variance, as in GPT-1, 2 and 3
//   rstd = 1 / sqrt(var + eps)
//   y    = (x - mean) * rstd * weight + bias
//
// layerNorm:          x (B,T,C), weight (C), bias (C) -> y (B,T,C)
// residualLayerNorm:  x, branch (B,T,C), weight, bias -> sum = x + branch (B,T,C), y = layerNorm(sum) (B,T,C)
// normedSum:          the same where nothing else reads the sum -> y (B,T,C)
//
// Kernels: layernorm.cpu.cc, layernorm.cuda.cc. Test: test/ops/layernorm.test.ts.

import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { callKernel, defineFusedOp, target } from '../define.js';

interface Attrs {
  readonly eps: number;
}

type LayerNormInputs = { x: tf.Tensor; weight: tf.Tensor; bias: tf.Tensor };

function compose(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor {
  const centered = tf.sub(x, tf.mean(x, -1, true)); //                              (B,T,C)
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), eps)); //    (B,T,1)
  return tf.add(tf.mul(tf.mul(centered, rstd), weight), bias); //                   (B,T,C)
}

/** [N, C, eps]: rows, width and epsilon, as the kernels take them. */
function dims(x: tf.Tensor, { eps }: Attrs): number[] {
  const C = x.shape.at(-1)!;
  return [x.size / C, C, eps];
}

function checkWidth(op: string, x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): void {
  const C = x.shape.at(-1) ?? 0;
  if (weight.size !== C) throw new ShapeError(op, 'weight', weight.shape, `(C) = [${C}]`);
  if (bias.size !== C) throw new ShapeError(op, 'bias', bias.shape, `(C) = [${C}]`);
}

const layerNormOp = defineFusedOp<LayerNormInputs, Attrs>({
  name: 'GptLayerNorm',
  check: ({ x, weight, bias }) => checkWidth('layerNorm', x, weight, bias),
  composite: ({ x, weight, bias }, { eps }) => [compose(x, weight, bias, eps)],
  forward: (backend, { x, weight, bias }, attrs) =>
    backend.call('GptLayerNorm', [x, weight, bias], [x.shape], dims(x, attrs)),
  save: { inputs: ['x', 'weight', 'bias'] },
  backward(backend, [dy], [x, weight, bias], attrs) {
    const dweight = target(weight!);
    const dbias = target(bias!);
    const outputs = [x!.shape, { update: dweight }, { update: dbias }];
    const [dx] = callKernel(backend, 'GptLayerNormGrad', [x!, weight!, dy!], outputs, dims(x!, attrs));
    return { x: dx, weight: dweight, bias: dbias };
  },
});

type ResidualInputs = { x: tf.Tensor; branch: tf.Tensor; weight: tf.Tensor; bias: tf.Tensor };

const residualOp = defineFusedOp<ResidualInputs, Attrs>({
  name: 'GptResidualLayerNorm',
  check({ x, branch, weight, bias }) {
    tf.util.assertShapesMatch(x.shape, branch.shape, 'residualLayerNorm: ');
    checkWidth('residualLayerNorm', x, weight, bias);
  },
  composite({ x, branch, weight, bias }, { eps }) {
    const sum = tf.add(x, branch);
    return [sum, compose(sum, weight, bias, eps)];
  },
  forward: (backend, { x, branch, weight, bias }, attrs) =>
    backend.call('GptResidualLayerNorm', [x, branch, weight, bias], [x.shape, x.shape], dims(x, attrs)),
  save: { inputs: ['weight', 'bias'], outputs: [true, false] },
  backward(backend, [dsum, dy], [weight, bias, sum], attrs) {
    const dweight = target(weight!);
    const dbias = target(bias!);
    const inputs = [sum!, weight!, dsum!, dy!];
    const outputs = [sum!.shape, { update: dweight }, { update: dbias }];
    const [d] = callKernel(backend, 'GptResidualLayerNormGrad', inputs, outputs, dims(sum!, attrs));
    return { x: d, branch: d.clone(), weight: dweight, bias: dbias };
  },
});

const normedSumOp = defineFusedOp<ResidualInputs, Attrs>({
  name: 'GptNormedSum',
  kernel: 'GptResidualLayerNorm',
  check: residualOp.op.check,
  composite: ({ x, branch, weight, bias }, { eps }) => [compose(tf.add(x, branch), weight, bias, eps)],
  hidden: ({ x }) => [x.shape], // the sum
  forward: (backend, { x, branch, weight, bias }, attrs, [sum]) =>
    backend.call('GptResidualLayerNorm', [x, branch, weight, bias], [sum!, x.shape], dims(x, attrs)),
  save: { inputs: ['weight', 'bias'] },
  backward(backend, [dy], [weight, bias, sum], attrs) {
    const dweight = target(weight!);
    const dbias = target(bias!);
    const outputs = [sum!.shape, { update: dweight }, { update: dbias }];
    const [d] = callKernel(backend, 'GptLayerNormGrad', [sum!, weight!, dy!], outputs, dims(sum!, attrs));
    return { x: d, branch: d.clone(), weight: dweight, bias: dbias };
  },
});

/** y (B,T,C) = layer norm of x (B,T,C). Throws ShapeError. */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps = 1e-5): tf.Tensor3D {
  return layerNormOp({ x, weight, bias }, { eps })[0] as tf.Tensor3D;
}
layerNorm.op = layerNormOp.op;

/** [x + branch, layer norm of it], both (B,T,C). Throws ShapeError. */
export function residualLayerNorm(
  x: tf.Tensor,
  branch: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps = 1e-5,
): [tf.Tensor3D, tf.Tensor3D] {
  return residualOp({ x, branch, weight, bias }, { eps }) as [tf.Tensor3D, tf.Tensor3D];
}
residualLayerNorm.op = residualOp.op;

/** Layer norm of x + branch, (B,T,C). Throws ShapeError. */
export function normedSum(
  x: tf.Tensor,
  branch: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps = 1e-5,
): tf.Tensor3D {
  return normedSumOp({ x, branch, weight, bias }, { eps })[0] as tf.Tensor3D;
}
normedSum.op = normedSumOp.op;
