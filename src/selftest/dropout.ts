// Cases of the dropout kernel: bit for bit the mask that maskFactors() of ops/dropout/dropout.ts gives.

import { type Dropout, maskAttrs, maskFactors } from '../ops/dropout/dropout.js';
import { type CaseSize, type KernelCase, normal, tensor } from './kernel_case.js';

function dropoutCase(n: number, attrs: Dropout, bf16: boolean): KernelCase {
  const x = normal([n], bf16);
  return {
    kernel: 'GptDropout',
    label: `n=${n} p=${attrs.p} ${bf16 ? 'bf16' : 'f32'}`,
    inputs: [x],
    outputs: [[n]],
    attrs: [n, ...maskAttrs(attrs)],
    tolerance: 0,
    expected() {
      const y = maskFactors(n, attrs).map((factor, e) => factor * x.values[e]!); // rounded to float32, as in the kernel
      return [Float64Array.from(tensor([n], y, bf16).values)];
    },
  };
}

function timed(n: number, bf16: boolean): KernelCase {
  return {
    kernel: 'GptDropout',
    label: `n=${n} ${bf16 ? 'bf16' : 'f32'}`,
    inputs: [{ shape: [n], values: new Float32Array(n), bf16 }],
    outputs: [[n]],
    attrs: [n, ...maskAttrs({ p: 0.1, seed: 1, step: 2, site: 3 })],
    tolerance: 0,
    bytes: 2 * n * (bf16 ? 2 : 4),
  };
}

export function dropoutCases(size: CaseSize): KernelCase[] {
  const types = [false, true];
  if (size === 'large') return types.map((bf16) => timed(8 * 1024 * 768, bf16));
  const settings: [number, Dropout][] = [
    [2 * 2048 + 5, { p: 0.1, seed: 2 ** 40 + 3, step: 7, site: 2 }], // several blocks, a tail of 5
    [1027, { p: 0.5, seed: 5, step: 2 ** 32 - 1, site: 0 }],
    [3, { p: 0.9, seed: 6, step: 0, site: 11 }],
    [64, { p: 0, seed: 1, step: 1, site: 1 }],
  ];
  return types.flatMap((bf16) => settings.map(([n, attrs]) => dropoutCase(n, attrs, bf16)));
}
