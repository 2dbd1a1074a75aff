// Matrix products of float32 tensors: BatchMatMul and _FusedMatMul.
//
//   c (...,M,N) = a (...,M,K) b (...,K,N) [+ bias], each operand optionally stored transposed
//
// Batch dimensions broadcast; where b has none, a's rows of all batches are one product. K = 0 gives zeros. A bias of N
// numbers is added inside the kernel; any other bias, and an activation, by the kernels of those names.
// Kernels: matmul.cpu.cc, on gemm(); matmul.cuda.cc, on cuBLASLt. Test: test/ops/core/core.test.ts.

import { tf } from '../../../base/tf.js';
import { broadcast } from '../broadcast.js';
import { areFloat32, type CoreBackend, type CoreKernel, coreKernel, isWork, sizeOf } from '../core_kernel.js';

interface MatmulInputs {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
}

interface MatmulAttrs {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

function matmul(
  name: string,
  backend: CoreBackend,
  { a, b }: MatmulInputs,
  { transposeA = false, transposeB = false }: MatmulAttrs,
  bias?: tf.TensorInfo,
): tf.TensorInfo | undefined {
  const [M, K] = lastTwo(a.shape, transposeA);
  const [innerB, N] = lastTwo(b.shape, transposeB);
  if (K !== innerB) return undefined; // TF.js's kernel throws its own error
  const { shape: batch, dims } = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, M, N];
  if (sizeOf(shape) === 0 || !isWork(backend, sizeOf(shape) * Math.max(1, K), a, b) || !areFloat32(a, b))
    return undefined;
  const fold = !transposeA && sizeOf(b.shape.slice(0, -2)) === 1;
  const [rows, batches] = fold ? [sizeOf(batch) * M, [[1, 0, 0] as const]] : [M, dims];
  const strides = batches.map(([size, strideA, strideB]) => [size, strideA * M * K, strideB * K * N]);
  const numbers = [rows, N, K, Number(transposeA), Number(transposeB), strides.length, ...strides.flat()];
  return backend.call(name, bias === undefined ? [a, b] : [a, b, bias], [shape], numbers)[0];
}

/** Rows and columns of the operand as the product sees it. */
function lastTwo(shape: readonly number[], transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

const ACTIVATIONS: Readonly<Record<string, string>> = {
  elu: 'Elu',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
};

interface FusedInputs extends MatmulInputs {
  readonly bias?: tf.TensorInfo;
  readonly preluActivationWeights?: tf.TensorInfo;
}

interface FusedAttrs extends MatmulAttrs {
  readonly activation?: string | null;
  readonly leakyreluAlpha?: number | null;
}

function fusedMatmul(backend: CoreBackend, inputs: FusedInputs, attrs: FusedAttrs): tf.TensorInfo | undefined {
  const { bias, preluActivationWeights } = inputs;
  const N = lastTwo(inputs.b.shape, attrs.transposeB ?? false)[1];
  const activation = attrs.activation ?? 'linear';
  if (activation !== 'linear' && ACTIVATIONS[activation] === undefined) return undefined;
  if (bias != null && !areFloat32(bias)) return undefined;
  const biasIsRow = bias != null && bias.shape.at(-1) === N && sizeOf(bias.shape) === N;
  let result = biasIsRow
    ? matmul('_FusedMatMul', backend, inputs, attrs, bias)
    : matmul('BatchMatMul', backend, inputs, attrs);
  if (result === undefined) return undefined;
  const then = (kernel: string, more: tf.NamedTensorInfoMap, kernelAttrs: tf.NamedAttrMap = {}) => {
    const before = result!;
    const { kernelFunc } = tf.getKernel(kernel, tf.getBackend());
    result = kernelFunc({ inputs: more, backend, attrs: kernelAttrs }) as tf.TensorInfo;
    backend.disposeIntermediateTensorInfo(before);
  };
  if (bias != null && !biasIsRow) then('Add', { a: result, b: bias });
  if (activation === 'prelu') then('Prelu', { x: result, alpha: preluActivationWeights! });
  else if (activation !== 'linear') {
    then(ACTIVATIONS[activation]!, { x: result }, { alpha: attrs.leakyreluAlpha ?? 0.2 });
  }
  return result;
}

export const matmulKernels: readonly CoreKernel[] = [
  coreKernel<MatmulInputs, MatmulAttrs>('BatchMatMul', (backend, inputs, attrs) =>
    matmul('BatchMatMul', backend, inputs, attrs),
  ),
  coreKernel<FusedInputs, FusedAttrs>('_FusedMatMul', fusedMatmul),
];
