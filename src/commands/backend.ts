// `--backend`: which TF.js backend a command runs on, and why.
//
//   auto        native if it was built, else wasm, else cpu; says which and why
//   native      our kernels on all cores of the CPU
//   tensorflow  @tensorflow/tfjs-node-gpu or tfjs-node, where the user has installed one
//   wasm, cpu   TensorFlow.js's portable backends: correct, and slow
//   cuda, webgpu   not in this version: exit 3
//
// An explicit choice never falls back to another one: it works, or exits with 3.

import { availableParallelism, cpus } from 'node:os';
import { type NativeBackend, registerNative } from '../backends/native_backend.js';
import { ConfigError, DeviceError } from '../base/errors.js';
import { silenced } from '../base/silence.js';
import { tf } from '../base/tf.js';
import { registerCoreKernels } from '../ops/core/register.js';
import { linear } from '../ops/linear/linear.js';
import { Parameter } from '../ops/parameter.js';
import type { BackendName, CommandContext } from './options.js';

/** The active backend. */
export interface OpenedBackend {
  readonly name: 'native' | 'tensorflow' | 'wasm' | 'cpu';
  /** Why this one, in words. */
  readonly reason: string;
  /** The processor it runs on. */
  readonly device: string;
  readonly threads: number;
  /** Only with `native`. */
  readonly native: NativeBackend | undefined;
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
  if (device !== undefined && backend !== 'cuda' && backend !== 'webgpu') {
    throw new DeviceError(`--device ${device} picks a GPU, and this version computes on the CPU`, 'leave --device out');
  }
  switch (backend) {
    case 'auto':
      try {
        return await openNative(wanted, env, 'chosen by --backend auto');
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        return openPortable('wasm', `${error.message}; to train some 50 times faster, ${error.fix}`);
      }
    case 'native':
      return openNative(wanted, env, 'chosen by --backend native');
    case 'wasm':
    case 'cpu':
      return openPortable(backend, `chosen by --backend ${backend}`);
    case 'tensorflow':
      return openTensorFlow();
    case 'cuda':
    case 'webgpu':
      throw new DeviceError(
        `backend ${backend} is not in this version of gpt`,
        'use --backend native, or --backend auto to let gpt choose',
      );
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

async function openNative(
  threads: number | undefined,
  env: CommandContext['env'],
  why: string,
): Promise<OpenedBackend> {
  const native = registerNative({ threads, isa: env['GPT_ISA'] });
  registerCoreKernels(native);
  await tf.setBackend('native');
  const reason = `${why}; ${native.isa} kernels`;
  return { name: 'native', reason, device: cpuName(), threads: native.threads, native };
}

async function openPortable(name: 'wasm' | 'cpu', reason: string): Promise<OpenedBackend> {
  if (name === 'wasm') await (await import('../base/tf_wasm.js')).openWasm();
  await silenced(async () => {
    await tf.setBackend(name);
    tf.scalar(0).dispose(); // the cpu backend's first upload prints a banner that recommends tfjs-node
  });
  if (tf.getBackend() !== name) throw new DeviceError(`backend ${name} does not start`, 'use --backend cpu');
  return { name, reason, device: cpuName(), threads: 1, native: undefined };
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
      native: undefined,
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

/** Of the matrix products of linear layers and loss. */
export type Precision = 'fp32' | 'bf16';

/**
 * The precision that is meant: `auto` is bf16 where its products are faster here, by half at least, so that no chance
 * decides. Throws DeviceError for bf16 on a backend without it.
 */
export function choosePrecision(wanted: Precision | 'auto', { name, native }: OpenedBackend): Precision {
  if (wanted === 'bf16' && native === undefined) {
    throw new DeviceError(`precision bf16 is not for backend ${name}`, 'use --backend native, or --precision fp32');
  }
  if (wanted !== 'auto') return wanted;
  if (!native?.bf16().library) return 'fp32';
  return measureMatmul('bf16') > 1.5 * measureMatmul() ? 'bf16' : 'fp32';
}

/**
 * Measured rate of the active backend's matrix product in GFLOP/s: the best of products that grow to 1024^3, as many as
 * fit into 100 ms, three of the largest at least. The denominator of the share of peak.
 */
export function measureMatmul(precision: Precision = 'fp32'): number {
  const end = performance.now() + 100;
  let best = 0;
  let trials = 0; // of the largest size: a busy neighbour spoils single ones
  for (let n = 128; performance.now() < end || trials < 3; n = Math.min(2 * n, 1024)) {
    if (n === 1024) trials++;
    best = Math.max(best, tf.tidy(precision === 'fp32' ? () => floatProduct(n) : () => bf16Product(n)));
  }
  return best;
}

function floatProduct(n: number): number {
  const a = tf.fill([n, n], 0.5) as tf.Tensor2D;
  const started = performance.now();
  tf.matMul(a, a);
  return (2 * n ** 3) / (performance.now() - started) / 1e6;
}

/** (n,n) by (n,4n), so that rounding the left side takes little. */
function bf16Product(n: number): number {
  const x = tf.fill([n, n], 0.5);
  const weight = new Parameter('weight', tf.fill([n, 4 * n], 0.5), true);
  const bias = tf.zeros([4 * n]);
  linear(x, weight.value, bias); // makes the bfloat16 copy
  const started = performance.now();
  linear(x, weight.value, bias);
  const ms = performance.now() - started;
  weight.dispose();
  return (2 * 4 * n ** 3) / ms / 1e6;
}
