// Cases of GptLinear and its gradients (src/ops/linear), and what those of the MLP share with them: mlp.ts.

import { erf } from './erf.js';
import { BF16_TOLERANCE, type CaseSize, type CaseTensor, type KernelCase, normal, tensor } from './kernel_case.js';

const NONE = 0;
export const TANH = 1;
export const ERF = 2;
const F32_TOLERANCE = 3e-6;

function gelu(x: number, activation: number): number {
  if (activation === NONE) return x;
  if (activation === ERF) return 0.5 * x * (1 + erf(x / Math.SQRT2));
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** By a central difference in float64, exact to about 1e-9: nothing of a derivative is written twice. */
export function geluDerivative(x: number, activation: number): number {
  const h = 1e-4;
  return (gelu(x + h, activation) - gelu(x - h, activation)) / (2 * h);
}

/** The values as a product of bfloat16 takes them. */
export function operand(values: CaseTensor, bf16: boolean): CaseTensor['values'] {
  return bf16 ? tensor(values.shape, values.values as Float32Array, true).values : values.values;
}

/** C (M,N) = sum over k of a(i,k) b(k,j) */
export function product(
  M: number,
  N: number,
  K: number,
  a: (i: number, k: number) => number,
  b: (k: number, j: number) => number,
): Float64Array {
  const c = new Float64Array(M * N);
  for (let i = 0; i < M; i++)
    for (let j = 0; j < N; j++) for (let k = 0; k < K; k++) c[i * N + j]! += a(i, k) * b(k, j);
  return c;
}

/** How activations and the weight are stored, and whether the call asks for products of bfloat16. */
export interface Storage {
  readonly name: string;
  readonly activation: boolean;
  readonly weight: boolean;
  readonly products: boolean;
}

export const F32: Storage = { name: 'f32', activation: false, weight: false, products: false };
export const BF16: Storage = { name: 'bf16', activation: true, weight: true, products: true };
export const MIXED: Storage[] = [
  { name: 'f32, products bf16', activation: false, weight: true, products: true },
  { name: 'f32, weight f32, products bf16', activation: false, weight: false, products: true },
  { name: 'f32, weight bf16', activation: false, weight: true, products: false },
  { name: 'bf16, weight f32', activation: true, weight: false, products: false },
];

/** Forward with an activation, and both gradients, of an (M,K) by (K,N) layer. */
function cases(M: number, N: number, K: number, activation: number, storage: Storage, timed: boolean): KernelCase[] {
  const x = normal([M, K], storage.activation);
  const dy = normal([M, N], storage.activation);
  const weight = normal([K, N], storage.weight, 1 / Math.sqrt(K));
  const bias = normal([N], false, 0.5);
  const dweight = normal([K, N]);
  const dbias = normal([N]);
  const narrow = storage.activation || storage.products;
  const common = {
    label: `${storage.name}${['', ' tanh', ' erf'][activation]} M=${M} N=${N} K=${K}`,
    tolerance: storage.activation ? BF16_TOLERANCE : F32_TOLERANCE,
    operations: 2 * M * N * K,
  };
  const xs = operand(x, narrow);
  const dys = operand(dy, narrow);
  const ws = operand(weight, narrow);
  const linear = (): Float64Array[] => {
    const pre = product(
      M,
      N,
      K,
      (i, k) => xs[i * K + k]!,
      (k, j) => ws[k * N + j]!,
    ).map((v, i) => v + bias.values[i % N]!);
    return activation === NONE ? [pre] : [pre.map((v) => gelu(v, activation)), pre];
  };
  const gradInput = (): Float64Array[] => [
    product(
      M,
      K,
      N,
      (i, j) => dys[i * N + j]!,
      (j, k) => ws[k * N + j]!,
    ),
  ];
  const gradWeight = (): Float64Array[] => [
    product(
      K,
      N,
      M,
      (k, m) => xs[m * K + k]!,
      (m, j) => dys[m * N + j]!,
    ).map((v, i) => v + dweight.values[i]!),
    product(
      1,
      N,
      M,
      () => 1,
      (m, j) => dy.values[m * N + j]!,
    ).map((v, j) => v + dbias.values[j]!),
  ];
  return [
    {
      ...common,
      kernel: 'GptLinear',
      inputs: [x, weight, bias],
      outputs:
        activation === NONE
          ? [[M, N]]
          : [
              [M, N],
              [M, N],
            ],
      attrs: [M, N, K, activation, Number(storage.products)],
      ...(timed ? {} : { expected: linear }),
    },
    {
      ...common,
      kernel: 'GptLinearGradInput',
      inputs: [dy, weight],
      outputs: [[M, K]],
      attrs: [M, N, K, Number(storage.products)],
      ...(timed ? {} : { expected: gradInput }),
    },
    {
      ...common,
      kernel: 'GptLinearGradWeight',
      inputs: [x, dy],
      outputs: [{ update: dweight }, { update: dbias }],
      attrs: [M, N, K, Number(storage.products)],
      ...(timed ? {} : { expected: gradWeight }),
    },
  ];
}

export function linearCases(size: CaseSize): KernelCase[] {
  const small = [F32, BF16];
  if (size === 'large') {
    const M = 8 * 1024;
    const C = 768;
    return small.flatMap((storage) => [
      ...cases(M, 3 * C, C, NONE, storage, true),
      ...cases(M, C, C, NONE, storage, true),
      ...cases(M, 4 * C, C, TANH, storage, true),
      ...cases(M, C, 4 * C, NONE, storage, true),
    ]);
  }
  return [
    ...small.flatMap((storage) => [
      ...cases(1, 8, 16, NONE, storage, false),
      ...cases(7, 5, 3, TANH, storage, false), //   rows that packs do not fit, and less than a block's rows
      ...cases(7, 13, 3, ERF, storage, false),
      ...cases(6, 16, 8, TANH, storage, false), //  packs
      ...cases(6, 16, 8, ERF, storage, false),
      ...cases(101, 40, 4, NONE, storage, false), // chunks of rows in the bias gradient
      ...cases(67, 264, 2, TANH, storage, false), // two tiles of columns
    ]),
    ...MIXED.flatMap((storage) => cases(5, 12, 24, TANH, storage, false)),
  ];
}
