// Cases of TF.js's own kernels (src/ops/core).
//
// References walk through the whole shapes, index by index: nothing of broadcast.ts or of the kernels' merged dimensions.

import { elements } from '../base/array.js';
import { broadcast } from '../ops/core/broadcast.js';
import { erf } from './erf.js';
import {
  BF16_TOLERANCE,
  type CaseSize,
  type CaseTensor,
  integers,
  type KernelCase,
  normal,
  tensor,
} from './kernel_case.js';

const TOLERANCE = 2e-6;

type Shape = readonly number[];

/** More packs than all threads of a grid take at once, where the GPU is as small as the simulated one; and a tail. */
const SWEEP = 50_155;

const SPECIAL = Float32Array.of(Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, 2);

const zeros = (shape: Shape): CaseTensor => ({ shape, values: new Float32Array(elements(shape)) });

const bytes = (...shapes: Shape[]): number => 4 * shapes.reduce((sum, shape) => sum + elements(shape), 0);

/** The place of an element in each axis. */
function unravel(index: number, shape: Shape): number[] {
  const at = shape.slice();
  for (let axis = shape.length - 1, rest = index; axis >= 0; axis--) {
    at[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return at;
}

const ravel = (at: Shape, shape: Shape): number => at.reduce((index, i, axis) => index * shape[axis]! + i, 0);

function largeCase(
  kernel: string,
  label: string,
  inputs: CaseTensor[],
  output: Shape,
  attrs: number[],
  operations?: number,
): KernelCase {
  const moved = bytes(...inputs.map(({ shape }) => shape), output);
  const rate = operations === undefined ? { bytes: moved } : { operations };
  return { kernel, label, inputs, outputs: [output], attrs, tolerance: 0, ...rate };
}

// ---- unary

const UNARY: readonly (readonly [string, (x: number) => number, domain?: 'positive'])[] = [
  ['Abs', Math.abs],
  ['Erf', erf],
  ['Exp', Math.exp],
  ['Log', Math.log, 'positive'],
  ['Neg', (x) => -x],
  ['Reciprocal', (x) => 1 / x, 'positive'],
  ['Relu', (x) => (x < 0 ? 0 : x)],
  ['Rsqrt', (x) => 1 / Math.sqrt(x), 'positive'],
  ['Sigmoid', (x) => 1 / (1 + Math.exp(-x))],
  ['Sqrt', Math.sqrt, 'positive'],
  ['Square', (x) => x * x],
  ['Tanh', Math.tanh],
];

function unaryCases(): KernelCase[] {
  return UNARY.flatMap(([kernel, f, domain]) => {
    const one = (label: string, x: CaseTensor): KernelCase => ({
      kernel,
      label,
      inputs: [x],
      outputs: [x.shape],
      attrs: [x.values.length],
      expected: () => [Float64Array.from(x.values, f)],
      tolerance: TOLERANCE,
    });
    const any = (n: number) => normal([n], false, 2);
    const positive = (n: number) =>
      tensor(
        [n],
        (any(n).values as Float32Array).map((x) => Math.abs(x) + 0.05),
      );
    const numbers = domain === 'positive' ? positive : any;
    const cases = [
      ...[1027, 3].map((n) => one(`n=${n}`, numbers(n))),
      one('special values', tensor([SPECIAL.length], SPECIAL)),
    ];
    if (kernel === 'Neg') cases.push(one(`n=${SWEEP}`, numbers(SWEEP)));
    return cases;
  });
}

// ---- binary

const BINARY: readonly (readonly [string, (a: number, b: number) => number | boolean])[] = [
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Multiply', (a, b) => a * b],
  ['RealDiv', (a, b) => a / b],
  ['Maximum', Math.max],
  ['Minimum', Math.min],
  ['SquaredDifference', (a, b) => (a - b) ** 2],
  ['Equal', (a, b) => a === b],
  ['NotEqual', (a, b) => a !== b],
  ['Greater', (a, b) => a > b],
  ['GreaterEqual', (a, b) => a >= b],
  ['Less', (a, b) => a < b],
  ['LessEqual', (a, b) => a <= b],
];
const STORED_AS_READ = ['Add', 'Multiply'];

/** Shapes of a and b that reach every way of walking through them. */
const PAIRS: readonly (readonly [string, Shape, Shape])[] = [
  ['a scalar', [], [130]],
  ['b scalar', [131], []],
  ['rows of packs', [5, 6, 24], [24]],
  ['rows of no packs', [21], [5, 6, 21]],
  ['column', [9, 40], [9, 1]],
  ['each broadcasts the other', [3, 1, 5, 1], [1, 4, 1, 16]],
  ['eight dimensions', [2, 1, 2, 1, 3, 1, 2, 1], [1, 2, 1, 2, 1, 2, 1, 8]],
  ['eight dimensions, no packs', [2, 1, 2, 1, 3, 1, 2, 7], [1, 2, 1, 2, 1, 2, 1, 7]],
];

function binaryCase([kernel, f]: (typeof BINARY)[number], label: string, a: CaseTensor, b: CaseTensor): KernelCase {
  const { shape, dims } = broadcast(a.shape, b.shape);
  const at = (x: CaseTensor, index: number): number => {
    const place = unravel(index, shape).slice(shape.length - x.shape.length);
    return x.values[
      ravel(
        place.map((i, axis) => i % x.shape[axis]!),
        x.shape,
      )
    ]!;
  };
  return {
    kernel,
    label: `${a.bf16 ? 'bf16 ' : ''}${label}`,
    inputs: [a, b],
    outputs: [shape],
    attrs: [elements(shape), dims.length, ...dims.flat()],
    expected: () => [Float64Array.from({ length: elements(shape) }, (_, i) => Number(f(at(a, i), at(b, i))))],
    tolerance: a.bf16 ? BF16_TOLERANCE : TOLERANCE,
  };
}

function binaryCases(): KernelCase[] {
  const n = SPECIAL.length;
  return BINARY.flatMap((entry) => {
    const [kernel] = entry;
    const storages = STORED_AS_READ.includes(kernel) ? [false, true] : [false];
    const cases = storages.flatMap((bf16) => {
      // few different values: some are equal
      const a = tensor(
        [7, 149],
        Float32Array.from({ length: 1043 }, (_, i) => (i % 7) - 3.5),
        bf16,
      );
      const b = tensor(
        [7, 149],
        Float32Array.from({ length: 1043 }, (_, i) => (i % 5) - 1.5),
        bf16,
      );
      return [
        binaryCase(entry, 'one shape', a, b),
        ...PAIRS.map(([label, of, to]) => binaryCase(entry, label, normal(of, bf16), normal(to, bf16, 1, 3))),
      ];
    });
    cases.push(binaryCase(entry, 'special values', tensor([n, 1], SPECIAL), tensor([n], SPECIAL)));
    if (kernel === 'Sub') {
      cases.push(binaryCase(entry, 'large', normal([SWEEP]), normal([SWEEP])));
      cases.push(binaryCase(entry, 'large, no packs', normal([613, 21]), normal([21])));
    }
    return cases;
  });
}

function addNCases(): KernelCase[] {
  const one = (count: number, n: number, bf16: boolean): KernelCase => {
    const inputs = Array.from({ length: count }, () => normal([n], bf16));
    return {
      kernel: 'AddN',
      label: `${bf16 ? 'bf16 ' : ''}${count} of ${n}`,
      inputs,
      outputs: [[n]],
      attrs: [n],
      expected: () => [Float64Array.from({ length: n }, (_, i) => inputs.reduce((sum, x) => sum + x.values[i]!, 0))],
      tolerance: bf16 ? BF16_TOLERANCE : TOLERANCE,
    };
  };
  return [one(1, 13, false), one(3, 1031, false), one(17, 257, false), one(3, 1031, true), one(8, 29, true)];
}

// ---- reductions

const REDUCTIONS: readonly (readonly [string, (a: number, x: number) => number])[] = [
  ['Sum', (a, x) => a + x],
  ['Mean', (a, x) => a + x],
  ['Prod', (a, x) => a * x],
  ['Max', Math.max],
  ['Min', Math.min],
];

/** (outer, length, inner): threads, warps, pieces. */
const REDUCED: readonly (readonly [number, number, number])[] = [
  [3, 5, 7],
  [2, 64, 3],
  [5, 9, 1],
  [3, 33, 1],
  [19, 129, 1],
  [2, 1000, 1],
  [2, 1025, 1],
  [2, 20_001, 1],
  [3, 70, 5],
  [2, 600, 33],
  [1, 2100, 3],
];

/** More outputs than all threads of a grid take at once. */
const SWEEPING: typeof REDUCED = [
  [12_500, 3, 1],
  [403, 129, 1],
];

function reductionCase(
  [kernel, f]: (typeof REDUCTIONS)[number],
  [outer, length, inner]: readonly [number, number, number],
  nanAt?: number,
): KernelCase {
  const shape = [outer, length, inner];
  const x = kernel === 'Prod' ? normal(shape, false, 0.01, 1) : normal(shape);
  if (nanAt !== undefined) x.values[nanAt] = Number.NaN;
  const count = kernel === 'Mean' ? 2 * length : 1; // as if another axis of 2 had been summed before
  return {
    kernel,
    label: `[${shape}]${nanAt === undefined ? '' : `, NaN at ${nanAt}`}`,
    inputs: [x],
    outputs: [[outer, inner]],
    attrs: [...shape, count],
    expected: () => {
      const y = new Float64Array(outer * inner);
      for (let o = 0; o < outer; o++) {
        for (let j = 0; j < inner; j++) {
          const column = Array.from({ length }, (_, r) => x.values[(o * length + r) * inner + j]!);
          y[o * inner + j] = column.reduce((a, v) => f(a, v)) / count;
        }
      }
      return [y];
    },
    tolerance: kernel === 'Prod' ? 3e-5 : TOLERANCE, // every factor rounds
  };
}

function reductionCases(): KernelCase[] {
  return REDUCTIONS.flatMap((reduction) => [
    ...REDUCED.map((shape) => reductionCase(reduction, shape)),
    ...(reduction[0] === 'Sum' ? SWEEPING : []).map((shape) => reductionCase(reduction, shape)),
    reductionCase(reduction, [2, 9, 1], 4),
    reductionCase(reduction, [1, 8, 1], 0),
    reductionCase(reduction, [1, 20_000, 1], 19_999),
    reductionCase(reduction, [1, 300, 2], 7),
  ]);
}

// ---- softmax

function softmaxCase(label: string, x: CaseTensor): KernelCase {
  const [N, C] = x.shape as [number, number];
  return {
    kernel: 'Softmax',
    label,
    inputs: [x],
    outputs: [[N, C]],
    attrs: [N, C],
    expected: () => {
      const y = new Float64Array(N * C);
      for (let n = 0; n < N; n++) {
        const row = Float64Array.from(x.values.subarray(n * C, (n + 1) * C));
        const largest = row.reduce((a, v) => Math.max(a, v));
        const terms = Float64Array.from(row, (v) => Math.exp(v - largest));
        const sum = terms.reduce((a, v) => a + v);
        y.set(
          terms.map((v) => v / sum),
          n * C,
        );
      }
      return [y];
    },
    tolerance: TOLERANCE,
  };
}

/** Rows with infinities, and with a NaN, each at another place. */
function softmaxSpecial(C: number): CaseTensor {
  const x = normal([6, C]);
  x.values.fill(-Infinity, 0, C);
  x.values[C + 5] = Infinity;
  x.values[3 * C - 1] = Number.NaN;
  x.values.fill(-Infinity, 3 * C, 3 * C + 40); // the first of every lane: a mask
  x.values.fill(-Infinity, 4 * C, 5 * C - 1);
  return x;
}

function softmaxCases(): KernelCase[] {
  const shapes: [number, number][] = [
    [5, 7],
    [390, 33],
    [3, 1024],
    [2, 1025],
    [2, 8500],
    [1, 1],
  ];
  return [
    ...shapes.map((shape) => softmaxCase(`[${shape}]`, normal(shape, false, 4))),
    softmaxCase('special values, short', softmaxSpecial(70)),
    softmaxCase('special values, long', softmaxSpecial(1100)),
  ];
}

// ---- transpose

function transposeCase(shape: Shape, perm: Shape): KernelCase {
  const x = normal(shape);
  const y = perm.map((axis) => shape[axis]!);
  const size = elements(shape);
  return {
    kernel: 'Transpose',
    label: `[${shape}] by [${perm}]`,
    inputs: [x],
    outputs: [y],
    attrs: [size, perm.length, ...perm.flatMap((axis) => [shape[axis]!, elements(shape.slice(axis + 1))])],
    expected: () => [
      Float64Array.from({ length: size }, (_, i) => {
        const to = unravel(i, y);
        const from = shape.map((_, axis) => to[perm.indexOf(axis)]!);
        return x.values[ravel(from, shape)]!;
      }),
    ],
    tolerance: 0,
  };
}

function transposeCases(): KernelCase[] {
  return [
    transposeCase([35, 67], [1, 0]),
    transposeCase([64, 32], [1, 0]),
    transposeCase([8, 9], [1, 0]),
    transposeCase([4, 35, 37], [0, 2, 1]),
    transposeCase([4, 35, 37], [2, 0, 1]),
    transposeCase([33, 3, 9, 2], [3, 2, 1, 0]),
    transposeCase([3, 33, 2, 40], [0, 2, 1, 3]),
    transposeCase([3, 5, 2, 7], [2, 1, 0, 3]),
    transposeCase([67, 5], [1, 0]),
    transposeCase([5, 67], [1, 0]),
    transposeCase([2, 3, 2, 3, 2, 3, 2, 3], [7, 5, 3, 1, 6, 4, 2, 0]),
    transposeCase([2, 9, 2, 3, 2, 3, 2, 10], [7, 5, 3, 4, 6, 0, 2, 1]),
    transposeCase([2500, 5], [1, 0]),
    transposeCase([3, 1025, 16], [1, 0, 2]),
  ];
}

// ---- gather

function gatherCase(
  [batch, outer, dim, slice, I]: readonly [number, number, number, number, number],
  outside = false,
): KernelCase {
  const x = normal([batch, outer, dim, slice]);
  const indices = outside ? integers([batch, I], -2, dim + 2) : integers([batch, I], 0, dim);
  return {
    kernel: 'GatherV2',
    label: `[${x.shape}], ${I}${outside ? ', some outside' : ''}`,
    inputs: [x, indices],
    outputs: [[batch, outer, I, slice]],
    attrs: [batch, outer, dim, slice, I],
    expected: () => {
      const shape = [batch, outer, I, slice];
      const y = Float64Array.from({ length: elements(shape) }, (_, at) => {
        const [b, o, i, s] = unravel(at, shape) as [number, number, number, number];
        const index = indices.values[b * I + i]!;
        return index >= 0 && index < dim ? x.values[ravel([b, o, index, s], x.shape)]! : Number.NaN;
      });
      return [y];
    },
    tolerance: 0,
  };
}

function segmentCase(N: number, segments: number, slice: number, from = 0, to = segments): KernelCase {
  const x = normal([N, slice]);
  const ids = integers([N], from, to);
  return {
    kernel: 'UnsortedSegmentSum',
    label: `[${N},${slice}] into ${segments}, ids ${from} to ${to}`,
    inputs: [x, ids],
    outputs: [[segments, slice]],
    attrs: [N, segments, slice],
    expected: () => {
      const y = new Float64Array(segments * slice);
      ids.values.forEach((id: number, n: number) => {
        if (id < 0 || id >= segments) return;
        for (let j = 0; j < slice; j++) y[id * slice + j]! += x.values[n * slice + j]!;
      });
      return [y];
    },
    tolerance: TOLERANCE,
  };
}

function gatherCases(): KernelCase[] {
  return [
    gatherCase([1, 1, 51, 12, 77]),
    gatherCase([1, 1, 51, 7, 77]),
    gatherCase([1, 1, 501, 1, 12_500]),
    gatherCase([1, 7, 11, 5, 13]),
    gatherCase([3, 4, 21, 8, 19]),
    gatherCase([2, 3, 9, 4, 50], true),
    gatherCase([2, 3, 9, 3, 50], true),
    segmentCase(5003, 301, 1),
    segmentCase(2501, 43, 37),
    segmentCase(901, 5, 21, -2, 9),
    segmentCase(17_001, 250, 1),
    segmentCase(3001, 3, 2),
    segmentCase(300, 1, 4),
    segmentCase(700, 255, 3),
    segmentCase(700, 256, 3, 250, 258),
    segmentCase(90, 70_000, 2),
    segmentCase(1, 1, 1),
  ];
}

// ---- select, cast, fill

function smallCases(): KernelCase[] {
  const n = 1031;
  const flags = (n: number, modulo: number): CaseTensor => ({
    shape: [n],
    values: Uint8Array.from({ length: n }, (_, i) => i % modulo),
  });
  const select = (n: number): KernelCase => {
    const condition = flags(n, 3);
    const [t, e] = [normal([n]), normal([n])];
    const expected = Float64Array.from({ length: n }, (_, i) => (condition.values[i] === 1 ? t : e).values[i]!);
    const inputs = [condition, t, e];
    return {
      kernel: 'Select',
      label: `n=${n}`,
      inputs,
      outputs: [[n]],
      attrs: [n],
      expected: () => [expected],
      tolerance: 0,
    };
  };
  const cast = (label: string, x: CaseTensor): KernelCase => ({
    kernel: 'Cast',
    label,
    inputs: [x],
    outputs: [x.shape],
    attrs: [x.values.length],
    expected: () => [Float64Array.from(x.values)],
    tolerance: 0,
  });
  const fill = (n: number, value: number): KernelCase => ({
    kernel: 'Fill',
    label: `n=${n}`,
    inputs: [],
    outputs: [[n]],
    attrs: [n, value],
    expected: () => [new Float64Array(n).fill(Math.fround(value))],
    tolerance: 0,
  });
  return [
    select(n),
    select(SWEEP),
    cast('int32', integers([n], -(2 ** 24), 2 ** 24)),
    cast('int32, large', integers([SWEEP], -9, 9)),
    cast('bool', flags(n, 2)),
    fill(n, 0.1),
    fill(SWEEP, -3),
  ];
}

// ---- matrix products

interface Operands {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Batch dimensions of a and b. */
  readonly a?: Shape;
  readonly b?: Shape;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Stored as bfloat16. */
  readonly bf16A?: boolean;
  readonly bf16B?: boolean;
  readonly bias?: boolean;
}

function matmulCase(o: Operands): KernelCase {
  const { M, N, K, a: batchA = [], b: batchB = [], transposeA = false, transposeB = false } = o;
  const a = normal([...batchA, ...(transposeA ? [K, M] : [M, K])], o.bf16A);
  const b = normal([...batchB, ...(transposeB ? [N, K] : [K, N])], o.bf16B);
  const bias = normal([N]);
  const { shape: batch, dims } = broadcast(batchA, batchB);
  const shape = [...batch, M, N];
  const steps = dims.flatMap(([size, stepA, stepB]) => [size, stepA * M * K, stepB * K * N]);
  const labels = [
    `[${a.shape}]${transposeA ? 'T' : ''}${o.bf16A ? ' bf16' : ''}`,
    `[${b.shape}]${transposeB ? 'T' : ''}${o.bf16B ? ' bf16' : ''}`,
  ];
  return {
    kernel: o.bias ? '_FusedMatMul' : 'BatchMatMul',
    label: labels.join(' by '),
    inputs: o.bias ? [a, b, bias] : [a, b],
    outputs: [shape],
    attrs: [M, N, K, Number(transposeA), Number(transposeB), dims.length, ...steps],
    expected: () => {
      const y = Float64Array.from({ length: elements(shape) }, (_, index) => {
        const at = unravel(index, shape);
        const [m, n] = at.slice(-2) as [number, number];
        const matrix = (own: Shape) => {
          const outer = at.slice(at.length - 2 - own.length, -2);
          return ravel(
            outer.map((i, axis) => i % own[axis]!),
            own,
          );
        };
        const [ma, mb] = [matrix(batchA) * M * K, matrix(batchB) * K * N];
        let sum = o.bias ? bias.values[n]! : 0;
        for (let k = 0; k < K; k++) {
          const x = a.values[ma + (transposeA ? k * M + m : m * K + k)]!;
          sum += x * b.values[mb + (transposeB ? n * K + k : k * N + n)]!;
        }
        return sum;
      });
      return [y];
    },
    tolerance: TOLERANCE,
  };
}

function matmulCases(): KernelCase[] {
  const one = { M: 13, N: 9, K: 21 };
  const transposed = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB })),
  );
  return [
    ...transposed.flatMap((t) => [
      matmulCase({ ...one, ...t }),
      matmulCase({ ...one, ...t, a: [3], b: [3] }),
      matmulCase({ ...one, ...t, bias: true }),
    ]),
    matmulCase({ ...one, a: [2, 5], b: [1, 5] }),
    matmulCase({ ...one, a: [3, 1, 2], b: [1, 4, 1] }),
    matmulCase({ ...one, a: [2, 1, 3], b: [2, 5, 1], transposeB: true }),
    matmulCase({ ...one, a: [5, 1], b: [1, 2], bias: true }),
    matmulCase({ ...one, a: [4], b: [] }),
    matmulCase({ ...one, a: [], b: [4] }),
    matmulCase({ M: 1, N: 33, K: 8, a: [2], b: [2] }),
    matmulCase({ ...one, bf16A: true, bf16B: true, a: [2], b: [2] }),
    matmulCase({ ...one, bf16B: true, a: [3, 1], b: [1, 2] }),
    matmulCase({ ...one, bf16A: true, bias: true }),
    matmulCase({ ...one, K: 0 }),
    matmulCase({ ...one, K: 0, a: [3], b: [1], bias: true }),
  ];
}

// ---- sizes of real models

function largeCases(): KernelCase[] {
  const [BT, C, V] = [8192, 768, 50_257];
  const wide: Shape = [BT, 4 * C];
  const n = elements(wide);
  const one = [n, 1, n, 1, 1];
  const rows = [BT, 4 * C];
  const ids = integers([BT], 0, V);
  const flags: CaseTensor = { shape: [n], values: new Uint8Array(n) };
  const x = zeros(wide);
  const square = zeros([2048, 2048]);
  return [
    ...UNARY.map(([kernel]) => largeCase(kernel, `n=${n}`, [x], wide, [n])),
    ...BINARY.map(([kernel]) => largeCase(kernel, `n=${n}`, [x, x], wide, one)),
    largeCase('Add', 'a row', [x, zeros([4 * C])], wide, [n, 2, BT, 4 * C, 0, 4 * C, 1, 1]),
    largeCase('Add', 'a column', [x, zeros([BT, 1])], wide, [n, 2, BT, 4 * C, 1, 4 * C, 1, 0]),
    largeCase('Add', 'a row, no packs', [x, zeros([3])], wide, [n, 2, n / 3, 3, 0, 3, 1, 1]),
    largeCase('AddN', 'three', [x, x, x], wide, [n]),
    ...REDUCTIONS.flatMap(([kernel]) => [
      largeCase(kernel, 'all', [x], [1], [1, n, 1, n]),
      largeCase(kernel, 'rows', [x], [BT], [...rows, 1, 4 * C]),
      largeCase(kernel, 'rows of C', [x], [4 * BT], [4 * BT, C, 1, C]),
      largeCase(kernel, 'columns', [x], [4 * C], [1, ...rows, BT]),
      largeCase(kernel, 'rows of 4', [x], [n / 4], [n / 4, 4, 1, 4]),
    ]),
    largeCase('Softmax', 'attention', [zeros([96, 1024, 256])], [96, 1024, 256], [96 * 1024, 256]),
    largeCase('Softmax', 'vocabulary', [zeros([512, V])], [512, V], [512, V]),
    largeCase('Transpose', 'matrix', [x], [4 * C, BT], [n, 2, 4 * C, 1, BT, 4 * C]),
    largeCase('Transpose', 'heads', [x], [8, 48, 1024, 64], [n, 4, 8, n / 8, 48, 64, 1024, 4 * C, 64, 1]),
    largeCase('GatherV2', 'embedding', [zeros([V, C]), ids], [BT, C], [1, 1, V, C, BT]),
    largeCase('UnsortedSegmentSum', 'embedding', [zeros([BT, C]), ids], [V, C], [BT, V, C]),
    largeCase('UnsortedSegmentSum', 'few', [x, integers([BT], 0, 16)], [16, 4 * C], [BT, 16, 4 * C]),
    largeCase('Select', `n=${n}`, [flags, x, x], wide, [n]),
    largeCase('Cast', `n=${n}`, [{ shape: [n], values: new Int32Array(n) }], wide, [n]),
    largeCase('Fill', `n=${n}`, [], wide, [n, 1]),
    largeCase(
      'BatchMatMul',
      '2048',
      [square, square],
      [2048, 2048],
      [2048, 2048, 2048, 0, 0, 1, 1, 0, 0],
      2 * 2048 ** 3,
    ),
  ];
}

/** Every kernel of src/ops/core. */
export function coreCases(size: CaseSize): KernelCase[] {
  if (size === 'large') return largeCases();
  return [
    ...unaryCases(),
    ...binaryCases(),
    ...addNCases(),
    ...reductionCases(),
    ...softmaxCases(),
    ...transposeCases(),
    ...gatherCases(),
    ...smallCases(),
    ...matmulCases(),
  ];
}
