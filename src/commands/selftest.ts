// `gpt selftest`: every kernel of the CUDA backend against float64, on this very GPU, with the error and the time of each.
//
// The cases are those of src/selftest. `--only NAME` takes the kernels whose name contains NAME; `--large` adds the sizes of
// real models, which are only timed.

import type { CudaBackend } from '../backends/cuda_backend.js';
import { type KernelBackend, toTensors } from '../backends/kernel_backend.js';
import { ConfigError, DeviceError } from '../base/errors.js';
import { jsonText } from '../base/json.js';
import { tf } from '../base/tf.js';
import { allCases } from '../selftest/cases.js';
import type { CaseTensor, KernelCase } from '../selftest/kernel_case.js';
import { openBackend } from './backend.js';
import type { Run, SelftestOptions } from './options.js';

/** What a case gave. */
interface CaseResult {
  readonly kernel: string;
  readonly label: string;
  /** Largest |got - want| / (1 + max |want|); null: only timed. */
  readonly error: number | null;
  readonly tolerance: number;
  readonly ms: number;
  readonly gb_s: number | null;
  readonly tflops: number | null;
  readonly ok: boolean;
}

export const run: Run<SelftestOptions> = async (options, context) => {
  const { cuda } = await openBackend({ ...options, backend: 'cuda' }, context.env);
  if (cuda === undefined) throw new DeviceError('internal: no CUDA backend', 'report this');
  const sizes = options.large ? (['small', 'large'] as const) : (['small'] as const);
  const cases = sizes.flatMap((size) => allCases(size)).filter(({ kernel }) => kernel.includes(options.only ?? ''));
  if (cases.length === 0)
    throw new ConfigError(`no kernel's name contains ${options.only}`, 'leave --only out to see them all');
  const results: CaseResult[] = [];
  for (const c of cases) {
    const result = await runCase(cuda, c);
    results.push(result);
    if (!options.json && (!result.ok || !options.quiet)) context.out(line(result));
  }
  const untested = cuda.kernels().filter(({ name }) => !cases.some(({ kernel }) => kernel === name));
  const failed = results.filter(({ ok }) => !ok);
  if (options.json) {
    context.out(`${jsonText({ device: cuda.device, results, untested: untested.map(({ name }) => name) })}\n`);
  } else {
    if (options.only === undefined && untested.length > 0) {
      context.out(`without a case: ${untested.map(({ name }) => name).join(', ')}\n`);
    }
    context.out(`${cuda.device.name}: ${results.length - failed.length} of ${results.length} cases are right\n`);
  }
  return failed.length === 0 ? 0 : 1;
};

/** Runs a case once for its numbers; where it is only timed, until the time is known. */
async function runCase(backend: CudaBackend, c: KernelCase): Promise<CaseResult> {
  const inputs = c.inputs.map((t) => upload(backend, t));
  const updated: tf.Tensor[] = [];
  const outputs = c.outputs.map((output) => {
    if (!('update' in output)) return output;
    updated.push(upload(backend, output.update));
    return { update: updated.at(-1)! };
  });
  backend.synchronize();
  let fresh: tf.Tensor[] = [];
  const times: number[] = [];
  for (let round = 0; round < (c.expected === undefined ? 10 : 1); round++) {
    tf.dispose(fresh);
    backend.startProfile();
    fresh = toTensors(backend.call(c.kernel, inputs, outputs, c.attrs));
    backend.stopProfile(({ ms }) => times.push(ms));
  }
  const ms = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const all = outputs.map((output) => ('update' in output ? output.update : fresh.shift()!));
  let error: number | null = null;
  if (c.expected !== undefined) {
    error = 0;
    for (const [i, want] of c.expected().entries()) {
      if (want !== undefined) error = Math.max(error, difference(await all[i]!.data(), want));
    }
  }
  tf.dispose([...inputs, ...all]);
  const rate = (amount: number | undefined, unit: number) =>
    amount === undefined ? null : Number((amount / ms / unit).toPrecision(4));
  return {
    kernel: c.kernel,
    label: c.label,
    error,
    tolerance: c.tolerance,
    ms,
    gb_s: rate(c.bytes, 1e6),
    tflops: rate(c.operations, 1e9),
    ok: error === null || error <= c.tolerance,
  };
}

function upload(backend: KernelBackend, { shape, values, bf16 }: CaseTensor): tf.Tensor {
  const dtype = values instanceof Int32Array ? 'int32' : values instanceof Uint8Array ? 'bool' : 'float32';
  const t = tf.tensor(values.slice(), [...shape], dtype);
  if (bf16) backend.narrow(t);
  return t;
}

/** Largest |got - want| / (1 + max |want|); infinite where a number is not like its counterpart. */
function difference(got: ArrayLike<number>, want: Float64Array): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue; // NaN and infinities too
    const d = Math.abs(got[i]! - want[i]!);
    error = Math.max(error, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  for (const w of want) if (Number.isFinite(w)) largest = Math.max(largest, Math.abs(w));
  return error / (1 + largest);
}

function line({ kernel, label, error, tolerance, ms, gb_s, tflops, ok }: CaseResult): string {
  const rate = tflops !== null ? `${tflops.toPrecision(3)} TFLOP/s` : gb_s !== null ? `${Math.round(gb_s)} GB/s` : '';
  const found = error === null ? '' : `${error.toExponential(1)} <= ${tolerance}`;
  return `${ok ? ' ' : '!'} ${kernel.padEnd(26)}${label.padEnd(44)}${found.padEnd(20)}${ms.toFixed(3).padStart(9)} ms  ${rate}\n`;
}
