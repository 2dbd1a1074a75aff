// Cases of GptLayerNorm, GptResidualLayerNorm and their gradients (src/ops/layernorm).

import { BF16_TOLERANCE, type CaseSize, type CaseTensor, type KernelCase, normal, tensor } from './kernel_case.js';

const EPS = 1e-5;
const F32_TOLERANCE = 5e-6;

function moments(x: ArrayLike<number>, n: number, C: number): { mean: number; rstd: number } {
  let mean = 0;
  for (let c = 0; c < C; c++) mean += x[n * C + c]! / C;
  let variance = 0;
  for (let c = 0; c < C; c++) variance += (x[n * C + c]! - mean) ** 2 / C;
  return { mean, rstd: 1 / Math.sqrt(variance + EPS) };
}

function forward(x: ArrayLike<number>, weight: CaseTensor, bias: CaseTensor): Float64Array {
  const C = weight.values.length;
  const y = new Float64Array(x.length);
  for (let n = 0; n < x.length / C; n++) {
    const { mean, rstd } = moments(x, n, C);
    for (let c = 0; c < C; c++) y[n * C + c] = (x[n * C + c]! - mean) * rstd * weight.values[c]! + bias.values[c]!;
  }
  return y;
}

/** dx = rstd (dyw - mean(dyw) - xhat mean(dyw xhat)) + dsum, and dweight and dbias added to what was there. */
function backward(
  x: CaseTensor,
  weight: CaseTensor,
  dy: CaseTensor,
  dsum: CaseTensor | undefined,
  dweight: CaseTensor,
  dbias: CaseTensor,
): Float64Array[] {
  const C = weight.values.length;
  const dx = new Float64Array(x.values.length);
  const dw = Float64Array.from(dweight.values);
  const db = Float64Array.from(dbias.values);
  for (let n = 0; n < dx.length / C; n++) {
    const { mean, rstd } = moments(x.values, n, C);
    const xhat = (c: number): number => (x.values[n * C + c]! - mean) * rstd;
    const dyw = (c: number): number => dy.values[n * C + c]! * weight.values[c]!;
    let meanDyw = 0;
    let meanDywXhat = 0;
    for (let c = 0; c < C; c++) {
      meanDyw += dyw(c) / C;
      meanDywXhat += (dyw(c) * xhat(c)) / C;
      dw[c]! += dy.values[n * C + c]! * xhat(c);
      db[c]! += dy.values[n * C + c]!;
    }
    for (let c = 0; c < C; c++) {
      const d = rstd * (dyw(c) - meanDyw - xhat(c) * meanDywXhat);
      dx[n * C + c] = d + (dsum ? dsum.values[n * C + c]! : 0);
    }
  }
  return [dx, dw, db];
}

/** All four kernels on N rows of width C. */
function cases(N: number, C: number, bf16: boolean, timed: boolean): KernelCase[] {
  const label = `${bf16 ? 'bf16' : 'f32'} N=${N} C=${C}`;
  const tolerance = bf16 ? BF16_TOLERANCE : F32_TOLERANCE;
  const attrs = [N, C, EPS];
  // a mean that is large beside the deviations shows a variance that is not computed from differences
  const x = normal([N, C], bf16, 1, 8);
  const branch = normal([N, C], bf16);
  const dy = normal([N, C], bf16);
  const weight = normal([C], false, 0.2, 1);
  const bias = normal([C], false, 0.5);
  const dweight = normal([C]);
  const dbias = normal([C]);
  const sum = tensor(
    [N, C],
    Float32Array.from(x.values, (v, i) => v + branch.values[i]!),
    bf16,
  );
  const all = N * C * (bf16 ? 2 : 4); // bytes of a matrix
  const common = { label, tolerance, attrs };
  const gradients = [[N, C], { update: dweight }, { update: dbias }];
  return [
    {
      ...common,
      kernel: 'GptLayerNorm',
      inputs: [x, weight, bias],
      outputs: [[N, C]],
      ...(timed ? {} : { expected: () => [forward(x.values, weight, bias)] }),
      bytes: 2 * all,
    },
    {
      ...common,
      kernel: 'GptLayerNormGrad',
      inputs: [x, weight, dy],
      outputs: gradients,
      ...(timed ? {} : { expected: () => backward(x, weight, dy, undefined, dweight, dbias) }),
      bytes: 3 * all,
    },
    {
      ...common,
      kernel: 'GptResidualLayerNorm',
      inputs: [x, branch, weight, bias],
      outputs: [
        [N, C],
        [N, C],
      ],
      ...(timed ? {} : { expected: () => [Float64Array.from(sum.values), forward(sum.values, weight, bias)] }),
      bytes: 4 * all,
    },
    {
      ...common,
      kernel: 'GptResidualLayerNormGrad',
      inputs: [sum, weight, branch, dy],
      outputs: gradients,
      ...(timed ? {} : { expected: () => backward(sum, weight, dy, branch, dweight, dbias) }),
      bytes: 4 * all,
    },
  ];
}

export function layernormCases(size: CaseSize): KernelCase[] {
  if (size === 'large')
    return [768, 1600].flatMap((C) => [true, false].flatMap((bf16) => cases(8 * 1024, C, bf16, true)));
  return [false, true].flatMap((bf16) => [
    ...cases(1, 8, bf16, false), //    one pack
    ...cases(67, 24, bf16, false), //  more rows than the blocks have teams
    ...cases(5, 776, bf16, false), //  the last packs of a warp, backward a team of two
    ...cases(3, 1032, bf16, false), // a team of two warps, in float32 backward of three
    ...cases(3, 2088, bf16, false), // three, backward of up to five
    ...cases(2, 7, bf16, false), //    by elements
    ...cases(29, 9, bf16, false), //   more rows than blocks
    ...cases(3, 301, bf16, false),
    ...(bf16 ? cases(2, 12288, bf16, false) : []),
  ]);
}
