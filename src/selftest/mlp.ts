// Cases of GptMlpGradHidden (src/ops/mlp): the derivative of both forms of GELU on a product.

import { BF16_TOLERANCE, type CaseSize, type KernelCase, normal } from './kernel_case.js';
import { BF16, ERF, F32, geluDerivative, MIXED, operand, product, type Storage, TANH } from './linear.js';

const F32_TOLERANCE = 3e-6;

/** dpre (M,K) = (dy (M,N) weight (K,N)^T) * gelu'(pre) */
function gradHidden(M: number, N: number, K: number, form: number, storage: Storage, timed = false): KernelCase {
  const dy = normal([M, N], storage.activation);
  const weight = normal([K, N], storage.weight, 1 / Math.sqrt(N));
  const pre = normal([M, K], storage.activation, 1.5);
  const narrow = storage.activation || storage.products;
  const dys = operand(dy, narrow);
  const ws = operand(weight, narrow);
  const expected = (): Float64Array[] => {
    const dh = product(
      M,
      K,
      N,
      (i, j) => dys[i * N + j]!,
      (j, k) => ws[k * N + j]!,
    );
    return [dh.map((v, i) => v * geluDerivative(pre.values[i]!, form))];
  };
  return {
    kernel: 'GptMlpGradHidden',
    label: `${storage.name}${form === ERF ? ' erf' : ' tanh'} M=${M} N=${N} K=${K}`,
    inputs: [dy, weight, pre],
    outputs: [[M, K]],
    attrs: [M, N, K, form, Number(storage.products)],
    tolerance: storage.activation ? BF16_TOLERANCE : F32_TOLERANCE,
    operations: 2 * M * N * K,
    ...(timed ? {} : { expected }),
  };
}

export function mlpCases(size: CaseSize): KernelCase[] {
  const forms = [TANH, ERF];
  if (size === 'large')
    return [F32, BF16].flatMap((storage) => forms.map((form) => gradHidden(8 * 1024, 768, 3072, form, storage, true)));
  return forms.flatMap((form) => [
    ...[F32, BF16].flatMap((storage) => [
      gradHidden(1, 3, 1, form, storage),
      gradHidden(7, 3, 13, form, storage), //  rows that packs do not fit, and less than a block's rows
      gradHidden(9, 8, 1040, form, storage), // packs, two tiles of columns
    ]),
    ...MIXED.map((storage) => gradHidden(5, 12, 24, form, storage)),
  ]);
}
