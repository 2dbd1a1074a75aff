// What this machine can do at most, measured: the denominators of every share that gpt shows.
//
//   matmul   GFLOP/s of the matrix product, the best of many: float32, 1024^3; bfloat16, with its left side rounded, four
//            times as wide; null where no instruction does it
//   copy     GB/s read and written by one kernel (y = -x) on tensors that no cache holds, the best of several
//
// `gpt bench --limits` measures each for 1.5 seconds and keeps them in the cache folder; `gpt bench --profile` uses
// what is kept for this processor and number of threads, and measures where nothing is.

import { DeviceError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { jsonFileText } from '../base/json.js';
import { tf } from '../base/tf.js';
import { measureMatmul, type OpenedBackend } from './backend.js';
import { keptLimits, type Limits, limitsFile } from './kept_limits.js';
import type { CommandContext } from './options.js';
import { cacheFolder } from './user_cache.js';

const SECONDS = 1.5; // for each limit
const COPIED = 64 << 20; // floats: no cache holds so many

/** Measures now, and keeps the result. Throws DataError when the cache folder cannot be written, DeviceError for webgpu. */
export async function measureLimits(backend: OpenedBackend, env: CommandContext['env']): Promise<Limits> {
  if (backend.name === 'webgpu') {
    throw new DeviceError('the limits of backend webgpu cannot be measured', 'leave --limits and --profile out');
  }
  const best = (measure: () => number): number => {
    let found = 0;
    for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) found = Math.max(found, measure());
    return found;
  };
  const rounded = (rate: number): number => Math.round(10 * rate) / 10;
  let x = tf.fill([COPIED / 64], 0.5);
  const { cuda } = backend;
  const copy = (): number => {
    cuda?.synchronize();
    const started = performance.now();
    tf.neg(x).dispose();
    cuda?.synchronize();
    return (2 * 4 * x.size) / (performance.now() - started) / 1e6;
  };
  copy(); // the first one loads the kernel
  const slow = copy() < 0.1; // GB/s: it would take minutes, on a machine that is simulated
  if (!slow) {
    x.dispose();
    x = tf.fill([COPIED], 0.5);
  }
  const limits = {
    device: backend.device,
    threads: backend.threads,
    backend: backendText(backend),
    matmul_gflops: rounded(best(() => measureMatmul('fp32', cuda))),
    matmul_bf16_gflops:
      cuda !== undefined || backend.native?.bf16().library ? rounded(best(() => measureMatmul('bf16', cuda))) : null,
    copy_gb_s: Math.round(100 * best(copy)) / 100,
  };
  x.dispose();
  makeFolder(cacheFolder(env));
  await writeFileAtomic(limitsFile(env), jsonFileText(limits));
  return limits;
}

/** The limits of this processor, threads and backend: those that were kept, else measured now. */
export async function machineLimits(backend: OpenedBackend, env: CommandContext['env']): Promise<Limits> {
  const kept = keptLimits(env);
  const { device, threads } = backend;
  const isHere = kept?.device === device && kept.threads === threads && kept.backend === backendText(backend);
  if (kept !== undefined && isHere) return kept;
  return measureLimits(backend, env);
}

const backendText = ({ name, native, cuda }: OpenedBackend): string =>
  cuda !== undefined
    ? `cuda, ${cuda.device.image}, cuBLASLt ${cuda.device.cublasltVersion}`
    : native === undefined
      ? name
      : `${name}, ${native.isa}, bf16 by ${native.bf16().library || 'emulation'}`;
