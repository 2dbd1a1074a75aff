// Calls of every core kernel at sizes where blocks, pieces, vectors and tails all occur: odd, and larger than a block.

import { tf } from '../../../src/base/tf.js';
import { integers, normal, tensorOf, type Values } from '../parity.js';

/** One call of a TF.js op on the active backend. */
export interface CoreCase {
  /** The core kernel that it must reach. */
  readonly kernel: string;
  readonly label: string;
  run(): tf.Tensor;
  /** Largest difference from tfjs-backend-cpu, as parity.ts's difference(). */
  readonly tolerance: number;
}

const cases: CoreCase[] = [];

/** `op` gets one tensor per input; the inputs are the same numbers for every call. */
function add(
  kernel: string,
  label: string,
  inputs: Values[],
  op: (...x: never[]) => tf.Tensor,
  tolerance = 1e-6,
): void {
  const run = () => tf.tidy(() => op(...(inputs.map(tensorOf) as never[])));
  cases.push({ kernel, label, run, tolerance });
}

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** Name, function and inputs' transformation of every unary core kernel; also for special values. */
export const UNARY: readonly (readonly [string, Unary])[] = [
  ['Abs', tf.abs],
  ['Erf', tf.erf],
  ['Exp', tf.exp],
  ['Log', tf.log],
  ['Neg', tf.neg],
  ['Reciprocal', tf.reciprocal],
  ['Relu', tf.relu],
  ['Rsqrt', tf.rsqrt],
  ['Sigmoid', tf.sigmoid],
  ['Sqrt', tf.sqrt],
  ['Square', tf.square],
  ['Tanh', tf.tanh],
];
const POSITIVE = ['Log', 'Reciprocal', 'Rsqrt', 'Sqrt'];
for (const [name, op] of UNARY) {
  for (const shape of [[141_003], [7, 17]]) {
    const x = normal(shape, 3);
    if (POSITIVE.includes(name))
      x.data.forEach((v, i) => {
        x.data[i] = Math.abs(v) + 0.01;
      });
    add(name, `[${shape}]`, [x], op);
  }
}

/** Every binary core kernel. */
export const BINARY: readonly (readonly [string, Binary])[] = [
  ['Add', tf.add],
  ['Sub', tf.sub],
  ['Multiply', tf.mul],
  ['RealDiv', (a, b) => tf.div(a, b)],
  ['Maximum', tf.maximum],
  ['Minimum', tf.minimum],
  ['SquaredDifference', tf.squaredDifference],
  ['Equal', tf.equal],
  ['NotEqual', tf.notEqual],
  ['Greater', tf.greater],
  ['GreaterEqual', tf.greaterEqual],
  ['Less', tf.less],
  ['LessEqual', tf.lessEqual],
];
for (const [name, op] of BINARY) {
  add(name, 'one shape', [normal([401, 403]), normal([401, 403], 1, 4)], op);
  add(name, 'row', [normal([5, 151, 203]), normal([203], 1, 4)], op);
  add(name, 'scalar, long rows', [normal([]), normal([5, 33_001], 1, 4)], op);
}
add('Add', 'column', [normal([1277, 131]), normal([1277, 1])], tf.add);
add('Sub', 'each broadcasts the other', [normal([17, 1, 31, 1]), normal([1, 29, 1, 37])], tf.sub);
add('Multiply', 'long rows of a, long rows of b', [normal([3, 1]), normal([1, 60_001])], tf.mul);
add('Multiply', 'middle axis', [normal([91, 103, 17]), normal([91, 1, 17])], tf.mul);
add('Add', 'rank 6', [normal([8, 9, 1, 15, 7, 11]), normal([1, 9, 4, 1, 7, 1])], tf.add);
add('AddN', 'three', [normal([140_001]), normal([140_001]), normal([140_001])], (...x: never[]) => tf.addN(x));
add('Equal', 'integers', [normal([150_000]), normal([150_000])], (a: tf.Tensor, b: tf.Tensor) =>
  tf.equal(tf.round(a), tf.round(b)),
);

const REDUCTIONS: readonly (readonly [string, (x: tf.Tensor, axis?: number[], keep?: boolean) => tf.Tensor])[] = [
  ['Sum', tf.sum],
  ['Mean', tf.mean],
  ['Prod', (x, axis, keep) => tf.prod(tf.add(1, tf.mul(x, 1e-3)), axis, keep)],
  ['Max', tf.max],
  ['Min', tf.min],
];
for (const [name, op] of REDUCTIONS) {
  const tolerance = name === 'Prod' ? 3e-5 : 1e-6; // every factor rounds: up to 100,000 of them
  add(name, 'all', [normal([5, 43, 719])], (x: tf.Tensor) => op(x), tolerance);
  add(name, 'last axis', [normal([501, 307])], (x: tf.Tensor) => op(x, [1]), tolerance);
  add(name, 'long rows', [normal([5, 33_333])], (x: tf.Tensor) => op(x, [-1], true), tolerance);
  add(name, 'rows of a few', [normal([30_011, 5])], (x: tf.Tensor) => op(x, [1]), tolerance);
  add(name, 'first axis', [normal([1531, 97])], (x: tf.Tensor) => op(x, [0]), tolerance);
  add(name, 'few wide rows', [normal([5, 30_011])], (x: tf.Tensor) => op(x, [0]), tolerance);
  add(name, 'middle axis', [normal([9, 519, 31])], (x: tf.Tensor) => op(x, [1]), tolerance);
  add(name, 'axes 0, 2 of 4', [normal([23, 17, 19, 23])], (x: tf.Tensor) => op(x, [0, 2], true), tolerance);
  add(name, 'axes 1, 3 of 4', [normal([53, 1, 119, 23])], (x: tf.Tensor) => op(x, [1, 3]), tolerance);
}

for (const shape of [
  [801, 203],
  [4, 50_257],
  [50_001, 3],
]) {
  add('Softmax', `[${shape}]`, [normal(shape, 4)], (x: tf.Tensor) => tf.softmax(x));
}
add('Exp', 'in logSoftmax', [normal([301, 503], 4)], (x: tf.Tensor) => tf.logSoftmax(x));

type Matmul = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
for (const [transposeA, transposeB] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const) {
  const product: Matmul = (a, b) => tf.matMul(a, b, transposeA, transposeB);
  const pair = (batchA: number[], batchB: number[], M: number, N: number, K: number) => [
    normal([...batchA, ...(transposeA ? [K, M] : [M, K])]),
    normal([...batchB, ...(transposeB ? [N, K] : [K, N])]),
  ];
  const label = `${transposeA ? 'aT' : 'a'} ${transposeB ? 'bT' : 'b'}`;
  add('BatchMatMul', `${label}, one`, pair([], [], 203, 167, 301), product, 3e-6);
  for (const rows of [1, 2, 3, 4])
    add('BatchMatMul', `${label}, ${rows} rows`, pair([], [], rows, 1001, 130), product, 3e-6);
  add('BatchMatMul', `${label}, a row in each of many`, pair([9], [9], 1, 401, 203), product, 3e-6);
  add('BatchMatMul', `${label}, few`, pair([3], [3], 129, 65, 70), product, 3e-6);
  add('BatchMatMul', `${label}, many`, pair([3, 7], [3, 7], 37, 41, 43), product, 3e-6);
  add('BatchMatMul', `${label}, many small`, pair([31, 13], [31, 13], 5, 3, 7), product, 3e-6);
  add('BatchMatMul', `${label}, b without batches`, pair([5, 3], [], 21, 33, 29), product, 3e-6);
  add('BatchMatMul', `${label}, a without batches`, pair([1], [9], 31, 23, 35), product, 3e-6);
  const fused = (
    activation: 'linear' | 'relu' | 'elu',
  ): ((a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.Tensor) => {
    return (a, b, bias) => tf.fused.matMul({ a, b, bias, transposeA, transposeB, activation });
  };
  for (const activation of ['linear', 'relu', 'elu'] as const) {
    const inputs = [...pair([], [], 131, 57, 61), normal([57])];
    add('_FusedMatMul', `${label}, ${activation}`, inputs, fused(activation) as never, 3e-6);
  }
}
// b's batches repeat within a's: TF.js's cpu kernel is right only where the repeated axes come first
add(
  'BatchMatMul',
  'b repeats over an outer batch axis',
  [normal([5, 3, 11, 13]), normal([3, 13, 17])],
  tf.matMul,
  3e-6,
);

for (const [shape, perm] of [
  [
    [401, 403],
    [1, 0],
  ],
  [
    [9, 165, 7, 16],
    [0, 2, 1, 3],
  ],
  [
    [75, 33, 69],
    [0, 2, 1],
  ],
  [
    [57, 49, 53],
    [2, 1, 0],
  ],
  [
    [57, 49, 53],
    [1, 2, 0],
  ],
  [
    [6, 5, 6, 9, 10, 11],
    [5, 3, 1, 4, 2, 0],
  ],
  [
    [1, 1500, 1, 101],
    [3, 0, 2, 1],
  ],
] as const) {
  add('Transpose', `[${shape}] by [${perm}]`, [normal(shape)], (x: tf.Tensor) => tf.transpose(x, [...perm]), 0);
}

const gather =
  (axis: number, batchDims = 0) =>
  (x: tf.Tensor, i: tf.Tensor1D) =>
    tf.gather(x, i, axis, batchDims);
add('GatherV2', 'rows', [normal([501, 67]), integers([87, 31], 0, 501)], gather(0), 0);
add('GatherV2', 'numbers', [normal([501]), integers([140_001], 0, 501)], gather(0), 0);
add('GatherV2', 'middle axis', [normal([7, 101, 31]), integers([713], 0, 101)], gather(1), 0);
add('GatherV2', 'within batches', [normal([5, 4, 101, 13]), integers([5, 577], 0, 101)], gather(2, 1), 0);
const segmentSum = (segments: number) => (x: tf.Tensor, ids: tf.Tensor1D) => tf.unsortedSegmentSum(x, ids, segments);
add('UnsortedSegmentSum', 'rows', [normal([2501, 67]), integers([2501], 0, 43)], segmentSum(43));
add('UnsortedSegmentSum', 'ids outside', [normal([901, 3, 7]), integers([901], -2, 9)], segmentSum(5));
add('UnsortedSegmentSum', 'numbers', [normal([5003]), integers([5003], 0, 301)], segmentSum(301));

add(
  'Select',
  'elements',
  [normal([140_003]), normal([140_003]), normal([140_003])],
  (c: tf.Tensor, t: tf.Tensor, e: tf.Tensor) => tf.where(tf.greater(c, 0), t, e),
  0,
);
add('Fill', '[307,501]', [], () => tf.fill([307, 501], 0.1), 0);
add('Cast', 'int32', [integers([140_001], -(2 ** 24), 2 ** 24)], (x: tf.Tensor) => tf.cast(x, 'float32'), 0);
add('Cast', 'bool', [normal([140_001])], (x: tf.Tensor) => tf.cast(tf.greater(x, 0.3), 'float32'), 0);

export const CORE_CASES: readonly CoreCase[] = cases;
