// Cases of GptAttention, GptAttentionGrad and GptAttentionCached (src/ops/attention).

import { type Dropout, maskAttrs, maskFactors } from '../ops/dropout/dropout.js';
import { BF16_TOLERANCE, type CaseSize, type CaseTensor, type KernelCase, normal, tensor } from './kernel_case.js';

const F32_TOLERANCE = 3e-6;
const DROPOUT: Dropout = { p: 0.25, seed: 2 ** 40 + 7, step: 3, site: 5 };

/** Sizes of a case. window: keys that a query sees, itself included. */
interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly D: number;
  readonly window: number;
  readonly dropout?: Dropout | undefined;
}

/** W: the window. */
const labelOf = ({ B, T, H, D, window, dropout }: Sizes, bf16: boolean): string =>
  `${bf16 ? 'bf16' : 'f32'} B=${B} T=${T} H=${H} D=${D} W=${window}${dropout ? ' dropout' : ''}`;

/** Weights of a query on the keys that it sees, before dropout, and the logarithm of their sum of exponentials. */
function softmax(scores: Float64Array): { weights: Float64Array; lse: number } {
  const top = scores.reduce((a, b) => Math.max(a, b));
  const lse = top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
  return { weights: scores.map((score) => Math.exp(score - lse)), lse };
}

/** x[i] z[j] + x[i + 1] z[j + 1] + ..., n products */
function dot(n: number, x: Float64Array, i: number, z: Float64Array, j: number): number {
  let sum = 0;
  for (let d = 0; d < n; d++) sum += x[i + d]! * z[j + d]!;
  return sum;
}

/** x[i], x[i + 1], ... += factor times z[j], z[j + 1], ..., n of them */
function add(n: number, x: Float64Array, i: number, factor: number, z: Float64Array, j: number): void {
  for (let d = 0; d < n; d++) x[i + d]! += factor * z[j + d]!;
}

/** y, lse, dqkv */
function reference(inputs: readonly CaseTensor[], { B, T, H, D, window, dropout }: Sizes): Float64Array[] {
  const [qkv, dy] = inputs.map(({ values }) => Float64Array.from(values)) as [Float64Array, Float64Array];
  const C = H * D;
  const factors = dropout && maskFactors(B * H * T * T, dropout);
  const y = new Float64Array(B * T * C);
  const lses = new Float64Array(B * H * T);
  const dqkv = new Float64Array(B * T * 3 * C);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      // where q, k, v (third 0, 1, 2) and y of a position begin
      const at = (t: number, third: number): number => ((b * T + t) * 3 + third) * C + h * D;
      const yAt = (t: number): number => (b * T + t) * C + h * D;
      for (let i = 0; i < T; i++) {
        const first = Math.max(0, i - window + 1);
        const scores = new Float64Array(i + 1 - first);
        for (let j = first; j <= i; j++) scores[j - first] = dot(D, qkv, at(i, 0), qkv, at(j, 1)) / Math.sqrt(D);
        const { weights, lse } = softmax(scores);
        lses[(b * H + h) * T + i] = lse;
        const kept = (j: number): number => (factors ? factors[((b * H + h) * T + i) * T + j]! : 1);
        for (let j = first; j <= i; j++) add(D, y, yAt(i), weights[j - first]! * kept(j), qkv, at(j, 2));
        const sum = dot(D, y, yAt(i), dy, yAt(i));
        for (let j = first; j <= i; j++) {
          const dWeight = dot(D, dy, yAt(i), qkv, at(j, 2)) * kept(j);
          const dScore = (weights[j - first]! * (dWeight - sum)) / Math.sqrt(D);
          add(D, dqkv, at(i, 0), dScore, qkv, at(j, 1));
          add(D, dqkv, at(j, 1), dScore, qkv, at(i, 0));
          add(D, dqkv, at(j, 2), weights[j - first]! * kept(j), dy, yAt(i));
        }
      }
    }
  }
  return [y, lses, dqkv];
}

/** [positions in the cache before it, tokens] of pieces that one call reads. */
type Pieces = readonly (readonly [past: number, length: number])[];

const pieces = (...all: readonly [past: number, length: number][]): Pieces => all;

/** y, and the cache afterwards. */
function cachedReference(inputs: readonly CaseTensor[], sizes: Sizes, pieces: Pieces, P: number): Float64Array[] {
  const { B, T, H, D, window } = sizes;
  const [qkv, cache] = inputs.map(({ values }) => Float64Array.from(values)) as [Float64Array, Float64Array];
  const C = H * D;
  const y = new Float64Array(B * T * C);
  const positions = pieces.flatMap(([past, length]) => Array.from({ length }, (_, i) => past + i));
  for (let b = 0; b < B; b++) {
    const at = (half: number, position: number): number => ((half * B + b) * P + position) * C;
    for (const [t, position] of positions.entries()) {
      const row = (b * T + t) * 3 * C;
      cache.set(qkv.subarray(row + C, row + 2 * C), at(0, position));
      cache.set(qkv.subarray(row + 2 * C, row + 3 * C), at(1, position));
      for (let h = 0; h < H; h++) {
        const first = Math.max(0, position - window + 1);
        const scores = new Float64Array(position + 1 - first);
        for (let k = 0; k < scores.length; k++)
          scores[k] = dot(D, qkv, row + h * D, cache, at(0, first + k) + h * D) / Math.sqrt(D);
        const { weights } = softmax(scores);
        for (let k = 0; k < scores.length; k++)
          add(D, y, (b * T + t) * C + h * D, weights[k]!, cache, at(1, first + k) + h * D);
      }
    }
  }
  return [y, cache];
}

const shared = new Map<string, CaseTensor>();

/** Some numbers for cases that are only timed: one tensor for all of a shape, as these are large. */
function numbers(shape: readonly number[], bf16: boolean): CaseTensor {
  const key = `${shape} ${bf16}`;
  let found = shared.get(key);
  if (found === undefined) {
    const few = normal([4096], bf16).values;
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) values[i] = few[i % few.length]!;
    found = { shape, values, bf16 };
    shared.set(key, found);
  }
  return found;
}

/** Both kernels. */
function trainingCases(sizes: Sizes, bf16: boolean, timed: boolean): KernelCase[] {
  const { B, T, H, D, window, dropout } = sizes;
  const C = H * D;
  const qkv = timed ? numbers([B, T, 3 * C], bf16) : normal([B, T, 3 * C], bf16);
  const dy = timed ? numbers([B, T, C], bf16) : normal([B, T, C], bf16);
  let results: Float64Array[] | undefined;
  const expected = (): Float64Array[] => {
    results ??= reference([qkv, dy], sizes);
    return results;
  };
  const [y, lse] = timed
    ? [dy, numbers([B, H, T], false)]
    : [
        tensor([B, T, C], Float32Array.from(expected()[0]!), bf16),
        tensor([B, H, T], Float32Array.from(expected()[1]!)),
      ];
  const common = {
    label: labelOf(sizes, bf16),
    attrs: [B, T, H, D, window, ...(dropout ? [1, ...maskAttrs(dropout)] : [0, 0, 1, 0, 0, 0, 0])],
    tolerance: bf16 ? BF16_TOLERANCE : F32_TOLERANCE,
  };
  let pairs = 0;
  for (let i = 0; i < T; i++) pairs += Math.min(i + 1, window);
  const product = 2 * B * H * D * pairs;
  return [
    {
      ...common,
      kernel: 'GptAttention',
      inputs: [qkv],
      outputs: [
        [B, T, C],
        [B, H, T],
      ],
      ...(timed ? {} : { expected: () => expected().slice(0, 2) }),
      operations: 2 * product,
    },
    {
      ...common,
      kernel: 'GptAttentionGrad',
      inputs: [qkv, y, lse, dy],
      outputs: [[B, T, 3 * C]],
      ...(timed ? {} : { expected: () => expected().slice(2) }),
      operations: 5 * product,
    },
  ];
}

/** T new positions after `past`, or in pieces, of P that the cache holds. */
function cachedCase(sizes: Sizes, past: number | Pieces, P: number, bf16: boolean, timed: boolean): KernelCase {
  const { B, T, H, D } = sizes;
  const C = H * D;
  const pieces: Pieces = typeof past === 'number' ? [[past, T]] : past;
  const qkv = timed ? numbers([B, T, 3 * C], bf16) : normal([B, T, 3 * C], bf16);
  const cache = timed ? numbers([2, B, P, C], bf16) : normal([2, B, P, C], bf16);
  return {
    kernel: 'GptAttentionCached',
    label: `${labelOf(sizes, bf16)} past=${pieces.map(([p]) => p).join('+')}/${P}`,
    inputs: [qkv],
    outputs: [[B, T, C], { update: cache }],
    attrs: [B, T, H, D, sizes.window, P, ...pieces.flat()],
    tolerance: bf16 ? BF16_TOLERANCE : F32_TOLERANCE,
    bytes: 2 * B * pieces.reduce((sum, [p, length]) => sum + p + length, 0) * C * (bf16 ? 2 : 4),
    ...(timed ? {} : { expected: () => cachedReference([qkv, cache], sizes, pieces, P) }),
  };
}

export function attentionCases(size: CaseSize): KernelCase[] {
  if (size === 'large') {
    const gpt2: Sizes = { B: 8, T: 1024, H: 12, D: 64, window: 1024 };
    return [
      ...trainingCases(gpt2, true, true),
      ...trainingCases({ ...gpt2, window: 256 }, true, true),
      ...trainingCases({ ...gpt2, dropout: { ...DROPOUT, p: 0.1 } }, true, true),
      ...trainingCases({ ...gpt2, H: 8, D: 80 }, true, true),
      ...trainingCases({ ...gpt2, H: 8, D: 96 }, true, true),
      ...trainingCases({ ...gpt2, H: 6, D: 128 }, true, true),
      ...trainingCases(gpt2, false, true),
      cachedCase({ ...gpt2, T: 1 }, 1023, 1024, true, true),
      cachedCase({ ...gpt2, B: 1, T: 1 }, 1023, 1024, true, true),
      cachedCase(gpt2, 0, 1024, true, true),
    ];
  }
  // Rows come in tiles of 16 to 128 and of 64; masks of dropout are read by fours where T is a multiple of 4
  const all: Sizes[] = [
    { B: 1, T: 1, H: 2, D: 64, window: 1 },
    { B: 1, T: 100, H: 2, D: 64, window: 100 },
    { B: 2, T: 200, H: 1, D: 64, window: 70, dropout: DROPOUT },
    { B: 1, T: 33, H: 2, D: 80, window: 33 },
    { B: 2, T: 33, H: 3, D: 8, window: 33 },
    { B: 1, T: 100, H: 1, D: 8, window: 7, dropout: DROPOUT },
    { B: 1, T: 200, H: 1, D: 20, window: 70 },
    { B: 1, T: 70, H: 2, D: 17, window: 70, dropout: DROPOUT },
    { B: 1, T: 65, H: 1, D: 200, window: 65 },
  ];
  const tensorCores: Sizes[] = [
    { B: 1, T: 130, H: 1, D: 64, window: 130, dropout: DROPOUT },
    { B: 1, T: 200, H: 1, D: 64, window: 2 },
    { B: 1, T: 200, H: 1, D: 80, window: 70, dropout: DROPOUT },
    { B: 1, T: 200, H: 1, D: 96, window: 200 },
    { B: 1, T: 100, H: 1, D: 96, window: 7, dropout: DROPOUT },
    { B: 1, T: 64, H: 1, D: 128, window: 1 },
    { B: 1, T: 200, H: 1, D: 128, window: 100, dropout: DROPOUT },
  ];
  const cached: [Sizes, past: number | Pieces, P: number][] = [
    [{ B: 2, T: 1, H: 3, D: 64, window: 40 }, 0, 40],
    [{ B: 1, T: 1, H: 2, D: 80, window: 160 }, 150, 160],
    [{ B: 2, T: 3, H: 2, D: 20, window: 7 }, 5, 9],
    [{ B: 1, T: 1, H: 1, D: 17, window: 33 }, 600, 601],
    [{ B: 1, T: 2, H: 1, D: 200, window: 80 }, 70, 80],
    [{ B: 1, T: 1, H: 3, D: 8, window: 2000 }, 1100, 2000],
    [{ B: 2, T: 33, H: 2, D: 64, window: 20 }, 0, 40], // a prompt
    [{ B: 1, T: 42, H: 2, D: 64, window: 30 }, pieces([0, 17], [10, 3], [10, 2], [0, 20]), 40],
    [{ B: 1, T: 40, H: 3, D: 17, window: 40 }, pieces([0, 3], [0, 20], [5, 17]), 30],
  ];
  return [false, true].flatMap((bf16) => [
    ...[...all, ...(bf16 ? tensorCores : [])].flatMap((sizes) => trainingCases(sizes, bf16, false)),
    ...cached.map(([sizes, past, P]) => cachedCase(sizes, past, P, bf16, false)),
  ]);
}
