// Where the time of a training step goes, by kernel: `gpt bench --profile`.
//
// Kernels that are matrix products at heart are rated in GFLOP/s, by the operations that they have to do (attention by
// the visible keys alone), against the machine's matrix product; the others in GB/s, by the bytes of their tensors,
// against its copy. What is left of the step is JavaScript, TF.js's tape, and stock kernels.

import type { KernelCall } from '../backends/kernel_backend.js';
import { integer } from '../base/format.js';
import type { Precision } from './backend.js';
import type { Limits } from './kept_limits.js';

const product = ([M, N, K]: readonly number[]): number => 2 * M! * N! * K!;

function visiblePairs([B, T, H, , window]: readonly number[]): number {
  const w = Math.min(window!, T!);
  return B! * H! * (w * T! - (w * (w - 1)) / 2); // the sum over queries of min(i + 1, w)
}

/** Floating-point operations of a call; kernels that are not here are bound by memory. Attributes: the .cc of each. */
const OPERATIONS: Readonly<Record<string, (attrs: readonly number[]) => number>> = {
  GptLinear: product,
  GptLinearGradInput: product,
  GptMlpGradHidden: product,
  GptLinearGradWeight: product,
  GptHeadLoss: ([N, C, V, gradient]) => (gradient ? 3 : 1) * product([N!, C!, V!]),
  GptAttention: (attrs) => 2 * 2 * attrs[3]! * visiblePairs(attrs),
  GptAttentionGrad: (attrs) => 5 * 2 * attrs[3]! * visiblePairs(attrs),
};

/** A kernel's part of the step. */
export interface ProfileRow {
  readonly name: string;
  readonly calls: number; //          a step
  readonly ms: number; //             a step
  readonly share: number; //          of the step
  readonly gflops: number | null; //  null: bound by memory
  readonly gb_s: number;
  readonly limit: number | null; //   share of the machine's; null: nothing to compare with
}

/** Sums up kernel calls. Pass `record` to the backend's stopProfile(). */
export class Profile {
  readonly #sums = new Map<string, { calls: number; ms: number; operations: number; bytes: number }>();

  readonly record = ({ name, ms, bytes, attrs }: KernelCall): void => {
    let sum = this.#sums.get(name);
    if (sum === undefined) {
      sum = { calls: 0, ms: 0, operations: 0, bytes: 0 };
      this.#sums.set(name, sum);
    }
    sum.calls++;
    sum.ms += ms;
    sum.bytes += bytes;
    sum.operations += OPERATIONS[name]?.(attrs) ?? 0;
  };

  /** The largest first; the last row is what no kernel took. steps: that were recorded; ms: of one of them, on average. */
  rows(steps: number, ms: number, limits: Limits, precision: Precision): ProfileRow[] {
    const peak = matmulLimit(limits, precision);
    const rows = [...this.#sums].map(([name, sum]): ProfileRow => {
      const gflops = sum.operations > 0 ? sum.operations / sum.ms / 1e6 : null;
      const gb_s = sum.bytes / sum.ms / 1e6;
      const limit = gflops === null ? gb_s / limits.copy_gb_s : gflops / peak;
      const [calls, own] = [sum.calls / steps, sum.ms / steps];
      return { name, calls, ms: own, share: own / ms, gflops, gb_s, limit };
    });
    const rest = ms - rows.reduce((sum, row) => sum + row.ms, 0);
    const last = { name: 'JavaScript', calls: 0, ms: rest, share: rest / ms, gflops: null, gb_s: 0, limit: null };
    return [...rows.sort((a, b) => b.ms - a.ms), last];
  }
}

/** Rate of the matrix product; emulated bfloat16 is held against float32. */
const matmulLimit = ({ matmul_gflops, matmul_bf16_gflops }: Limits, precision: Precision): number =>
  precision === 'bf16' ? (matmul_bf16_gflops ?? matmul_gflops) : matmul_gflops;

/** The rows as a table for a terminal. */
export function profileText(rows: readonly ProfileRow[], limits: Limits, precision: Precision): string {
  const lines = rows.map(({ name, calls, ms, share, gflops, gb_s, limit }) => {
    const rate = limit === null ? '' : gflops === null ? `${gb_s.toFixed(1)} GB/s` : `${integer(gflops)} GFLOP/s`;
    return [
      name.padEnd(20),
      (calls === 0 ? '' : String(Math.round(calls))).padStart(6),
      ms.toFixed(ms < 10 ? 2 : 1).padStart(10),
      `${(100 * share).toFixed(1)} %`.padStart(9),
      rate.padStart(14),
      (limit === null ? '' : `${(100 * limit).toFixed(0)} %`).padStart(9),
    ].join('');
  });
  const head = ['kernel'.padEnd(20), 'calls'.padStart(6), 'ms a step'.padStart(10), 'share'.padStart(9)];
  const title = [...head, 'rate'.padStart(14), 'of limit'.padStart(9)].join('');
  const limit = `limits: ${integer(matmulLimit(limits, precision))} GFLOP/s (matrix product, ${precision}), ${limits.copy_gb_s} GB/s (copy)`;
  return `${[title, ...lines, limit].join('\n')}\n`;
}
