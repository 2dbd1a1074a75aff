// `--backend`: which TF.js backend a command runs on, and why.
//
//   auto        cuda where there is a GPU, else native if it was built, else webgpu where its packages are beside gpt and a
//               GPU answers, else wasm; says which and why
//   cuda        our kernels on an NVIDIA GPU
//   native      our kernels on all cores of the CPU
//   tensorflow  @tensorflow/tfjs-node-gpu or tfjs-node, where the user has installed one
//   webgpu      TensorFlow.js's kernels on a GPU of any maker, where the user has installed two packages: docs/webgpu.md
//   wasm, cpu   TensorFlow.js's portable backends: correct, and slow
//
// An explicit choice never falls back to another one: it works, or exits with 3.

import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { type CudaBackend, registerCuda } from '../backends/cuda_backend.js';
import { type KernelBackend, kernelBackend } from '../backends/kernel_backend.js';
import { type NativeBackend, registerNative } from '../backends/native_backend.js';
import { ConfigError, DeviceError } from '../base/errors.js';
import { silenced } from '../base/silence.js';
import { tf } from '../base/tf.js';
import type { WebgpuChoice } from '../base/tf_webgpu.js';
import { registerCoreKernels } from '../ops/core/register.js';
import { linear } from '../ops/linear/linear.js';
import { Parameter } from '../ops/parameter.js';
import type { BackendName, CommandContext } from './options.js';
import { cacheFolder } from './user_cache.js';

/** The active backend. */
export interface OpenedBackend {
  readonly name: 'cuda' | 'native' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Why this one, in words. */
  readonly reason: string;
  /** The processor it runs on. */
  readonly device: string;
  readonly threads: number;
  /** The one of ours with fused kernels; undefined: TensorFlow.js's own backends. */
  readonly fused: (KernelBackend & (NativeBackend | CudaBackend)) | undefined;
  readonly native: NativeBackend | undefined;
  readonly cuda: CudaBackend | undefined;
}

/** Tokens of one forward pass on texts, padding included, where nothing says how many. */
export const microTokens = ({ cuda }: OpenedBackend): number => (cuda === undefined ? 4096 : 65_536);

/** openBackend() for texts of many lengths, whose batches have many shapes. Throws as that does. */
export async function openForTexts(choice: Choice, env: CommandContext['env']): Promise<OpenedBackend> {
  const backend = await openBackend(choice, env);
  if (backend.native !== undefined) backend.native.pool.exact = false;
  return backend;
}

interface Choice {
  readonly backend: BackendName;
  readonly threads: number | undefined;
  readonly device?: number | undefined;
}

const MOST_THREADS = 1024; // beyond some ten thousand the operating system refuses, in the middle of the addon

/** Opens the backend and makes it TF.js's active one. Throws DeviceError (exit 3), ConfigError for a number of threads. */
export async function openBackend(
  { backend, threads, device }: Choice,
  env: CommandContext['env'],
): Promise<OpenedBackend> {
  const wanted = threadsOf(threads, env);
  if (device !== undefined && backend !== 'cuda' && backend !== 'auto') {
    const why = backend === 'webgpu' ? 'the driver picks that of webgpu' : `${backend} computes on the CPU`;
    throw new DeviceError(`--device ${device} picks a GPU of cuda, and ${why}`, 'leave --device out');
  }
  switch (backend) {
    case 'auto': {
      let why = 'chosen by --backend auto';
      try {
        return await openCuda(device, env, why);
      } catch (error) {
        if (!(error instanceof DeviceError) || device !== undefined) throw error;
        if (!/^no GPU|^the CUDA backend is not built|^this package has no CUDA/.test(error.message))
          why += `; no GPU: ${error.message}`;
      }
      try {
        return await openNative(wanted, env, why);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        const noNative = error;
        try {
          return await openWebgpuBackend(WEBGPU_FOR_AUTO, `${why}; ${noNative.message}`);
        } catch (error) {
          if (!(error instanceof DeviceError)) throw error;
          return openPortable('wasm', `${noNative.message}; to train some 50 times faster, ${noNative.fix}`);
        }
      }
    }
    case 'cuda':
      return openCuda(device, env, 'chosen by --backend cuda');
    case 'native':
      return openNative(wanted, env, 'chosen by --backend native');
    case 'wasm':
    case 'cpu':
      return openPortable(backend, `chosen by --backend ${backend}`);
    case 'tensorflow':
      return openTensorFlow();
    case 'webgpu':
      return openWebgpuBackend({ folders: [process.cwd()], software: true }, 'chosen by --backend webgpu');
    default:
      throw new DeviceError(`unknown backend ${backend satisfies never}`, 'see gpt --help');
  }
}

function threadsOf(given: number | undefined, env: CommandContext['env']): number | undefined {
  const variable = env['GPT_THREADS'];
  if (given === undefined && !variable) return undefined;
  const threads = given ?? Number(variable);
  if (Number.isInteger(threads) && threads > 0 && threads <= MOST_THREADS) return threads;
  const what = given === undefined ? `GPT_THREADS is ${JSON.stringify(variable)}` : `--threads is ${given}`;
  throw new ConfigError(
    what,
    `give a number of CPU threads from 1 to ${MOST_THREADS}; by default it is that of the cores`,
  );
}

async function openCuda(device: number | undefined, env: CommandContext['env'], why: string): Promise<OpenedBackend> {
  const folder = cacheFolder(env);
  const cuda = registerCuda({ device, env, algorithms: path.join(folder, 'cublaslt.txt') });
  try {
    mkdirSync(folder, { recursive: true });
  } catch {
    // a home that cannot be written: nothing is kept
  }
  registerCoreKernels(cuda, 'cuda');
  await tf.setBackend('cuda');
  const { name, image } = cuda.device;
  return { name: 'cuda', reason: `${why}; ${image}`, device: name, threads: 1, fused: cuda, native: undefined, cuda };
}

async function openNative(
  threads: number | undefined,
  env: CommandContext['env'],
  why: string,
): Promise<OpenedBackend> {
  const native = registerNative({ threads, isa: env['GPT_ISA'] });
  registerCoreKernels(native, 'native');
  await tf.setBackend('native');
  const reason = `${why}; ${native.isa} kernels`;
  const { threads: used } = native;
  return { name: 'native', reason, device: cpuName(), threads: used, fused: native, native, cuda: undefined };
}

const PORTABLE = { fused: undefined, native: undefined, cuda: undefined };

async function openPortable(name: 'wasm' | 'cpu', reason: string): Promise<OpenedBackend> {
  if (name === 'wasm') await (await import('../base/tf_wasm.js')).openWasm();
  await silenced(async () => {
    await tf.setBackend(name);
    tf.scalar(0).dispose(); // the cpu backend's first upload prints a banner that recommends tfjs-node
  });
  if (tf.getBackend() !== name) throw new DeviceError(`backend ${name} does not start`, 'use --backend cpu');
  return { name, reason, device: cpuName(), threads: 1, ...PORTABLE };
}

/** What nobody named is not loaded from the folder that gpt happens to stand in, and a program is no GPU. */
export const WEBGPU_FOR_AUTO = { folders: [], software: false };

async function openWebgpuBackend(where: WebgpuChoice, why: string): Promise<OpenedBackend> {
  const { openWebgpu } = await import('../base/tf_webgpu.js');
  const { name, isSoftware } = await openWebgpu(where);
  await tf.setBackend('webgpu');
  const reason = isSoftware ? `${why}; a program plays the GPU: for tests, not for work` : why;
  return { name: 'webgpu', reason, device: name, threads: 1, ...PORTABLE };
}

async function openTensorFlow(): Promise<OpenedBackend> {
  for (const pkg of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      await import(pkg);
    } catch {
      continue;
    }
    await tf.setBackend('tensorflow');
    return {
      name: 'tensorflow',
      reason: `chosen by --backend tensorflow; ${pkg}`,
      device: cpuName(),
      threads: availableParallelism(),
      ...PORTABLE,
    };
  }
  throw new DeviceError(
    'neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed',
    'npm install @tensorflow/tfjs-node (or tfjs-node-gpu, with CUDA 11.2 and cuDNN 8.1), or use --backend native',
  );
}

/** Name of the processor. */
export function cpuName(): string {
  return (cpus()[0]?.model ?? process.arch).replace(/\s+/g, ' ').trim();
}

/** Of the matrix products of linear layers and loss. On a GPU bf16 activations are stored so too. */
export type Precision = 'fp32' | 'tf32' | 'bf16';

/**
 * The precision that is meant, which the backend then uses. `auto` is bf16 on a GPU, and on a CPU where its products are
 * faster, by half at least, so that no chance decides. Throws DeviceError for one that the backend does not have.
 */
export function choosePrecision(wanted: Precision | 'auto', { name, native, cuda }: OpenedBackend): Precision {
  if (cuda !== undefined) {
    cuda.setTf32(wanted === 'tf32');
    return wanted === 'auto' ? 'bf16' : wanted;
  }
  if (wanted === 'tf32') {
    throw new DeviceError(`precision tf32 is not for backend ${name}`, 'it is a mode of GPUs: use --precision fp32');
  }
  if (wanted === 'bf16' && native === undefined) {
    throw new DeviceError(`precision bf16 is not for backend ${name}`, 'use --backend native, or --precision fp32');
  }
  if (wanted !== 'auto') return wanted;
  if (!native?.bf16().library) return 'fp32';
  return measureMatmul('bf16') > 1.5 * measureMatmul() ? 'bf16' : 'fp32';
}

/**
 * Measured rate of the active backend's matrix product in GFLOP/s: the best of products that grow to 1024^3 (on a GPU
 * 8192^3) as long as they take no time, as many as fit into 100 ms, three of the largest at least. The denominator of the
 * share of peak.
 */
export function measureMatmul(precision: Precision = 'fp32', cuda?: CudaBackend): number {
  const product = precision === 'bf16' ? bf16Product : floatProduct;
  const end = performance.now() + 100;
  let best = 0;
  let largest = cuda === undefined ? 1024 : 8192;
  let trials = 0; // of the largest size: a busy neighbour spoils single ones
  for (let n = 128; performance.now() < end || trials < 3; n = Math.min(2 * n, largest)) {
    const measured = () => tf.tidy(() => product(n, () => cuda?.synchronize()));
    if (cuda !== undefined) measured(); // chooses and loads cuBLASLt's kernel for this size
    const [operations, ms] = measured();
    best = Math.max(best, operations / ms / 1e6);
    if (ms > 10) largest = n;
    if (n === largest) trials++;
  }
  cuda?.trim(); // gigabytes, which no step needs in these pieces
  return best;
}

/** Numbers that differ: the power that a GPU draws, and so its clock, depends on them. */
const operand = (rows: number, columns: number): tf.Tensor2D =>
  tf.mul(tf.randomUniform([rows, 1], -1, 1), tf.randomUniform([1, columns], -1, 1)) as tf.Tensor2D;

/** settled: waits until what was asked for is over. */
function floatProduct(n: number, settled: () => void): [operations: number, ms: number] {
  const a = operand(n, n);
  settled();
  const started = performance.now();
  tf.matMul(a, a);
  settled();
  return [2 * n ** 3, performance.now() - started];
}

/** (n,n) by (n,4n), so that rounding the left side, where it is not stored rounded, takes little. */
function bf16Product(n: number, settled: () => void): [operations: number, ms: number] {
  const x = operand(n, n);
  const backend = kernelBackend()!;
  if (backend.storesBf16) backend.narrow(x);
  const weight = new Parameter('weight', operand(n, 4 * n), true);
  const bias = tf.zeros([4 * n]);
  linear(x, weight.value, bias); // makes the bfloat16 copy
  settled();
  const started = performance.now();
  linear(x, weight.value, bias);
  settled();
  const ms = performance.now() - started;
  weight.dispose();
  return [2 * 4 * n ** 3, ms];
}
