// `gpt doctor`: what this machine has, what gpt makes of it, and how to get what is missing.

import { freemem, platform, release, totalmem } from 'node:os';
import { HOW_TO_GET_ONEDNN, nativeIsBuilt } from '../backends/build_folder.js';
import { availableCores } from '../base/cores.js';
import { GptError } from '../base/errors.js';
import { bytes } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { cpuName, measureMatmul, openBackend, type Precision, WEBGPU_FOR_AUTO } from './backend.js';
import type { CommandContext, DoctorOptions, Run } from './options.js';

/** One backend: usable or not, and what to say about it. */
interface Finding {
  readonly backend: string;
  readonly ok: boolean;
  readonly what: string;
  readonly fix?: string;
}

export const run: Run<DoctorOptions> = async (options, context) => {
  const native = await nativeFinding(context);
  const cuda = await cudaFinding(context);
  const webgpu = await webgpuFinding();
  const findings: Finding[] = [
    cuda,
    native,
    ...(await tensorflowFinding()),
    webgpu,
    { backend: 'wasm', ok: true, what: 'portable, one thread' },
    { backend: 'cpu', ok: true, what: 'portable, plain JavaScript' },
  ];
  const machine = {
    gpt: context.version,
    node: process.version,
    os: `${platform()} ${release()} ${process.arch}`,
    cpu: cpuName(),
    cores: availableCores(),
    memory: `${bytes(totalmem())}, ${bytes(freemem())} free`,
  };
  const auto = cuda.ok ? 'cuda' : native.ok ? 'native' : webgpu.ok ? 'webgpu' : 'wasm';
  if (options.json) {
    context.out(`${jsonText({ ...machine, auto, backends: findings })}\n`);
    return 0;
  }
  for (const [name, value] of Object.entries(machine)) context.out(`${name.padEnd(12)}${value}\n`);
  context.out('\n');
  for (const { backend, ok, what, fix } of findings) {
    context.out(`${ok ? '+' : '-'} ${backend.padEnd(12)}${what}\n`);
    if (fix !== undefined) context.out(`${' '.repeat(14)}fix: ${fix}\n`);
  }
  context.out(`\n--backend auto takes ${auto}\n`);
  return 0;
};

async function cudaFinding(context: CommandContext): Promise<Finding> {
  try {
    const { cuda } = await openBackend({ backend: 'cuda', threads: undefined }, context.env);
    const { name, devices, computeCapability, memory, driver, image, cublaslt, cublasltVersion } = cuda!.device;
    const version = (v: number) => `${Math.floor(v / 1000)}.${Math.floor((v % 1000) / 10)}`;
    const what = [
      `${name}${devices > 1 ? ` (the first of ${devices}: --device N)` : ''}`,
      `compute capability ${(computeCapability / 10).toFixed(1)}`,
      `${bytes(memory)}, ${bytes(cuda!.freeMemory())} free`,
      `driver for CUDA ${version(driver)}`,
      `cuBLASLt ${cublasltVersion} (${cublaslt})`,
      `kernels from ${image}`,
    ];
    return { backend: 'cuda', ok: true, what: what.join(', ') };
  } catch (error) {
    if (!(error instanceof GptError)) throw error;
    return { backend: 'cuda', ok: false, what: error.message, fix: error.fix };
  }
}

async function nativeFinding(context: CommandContext): Promise<Finding> {
  try {
    const { reason, threads, native } = await openBackend({ backend: 'native', threads: undefined }, context.env);
    const { instructions, library } = native!.bf16();
    const rate = (precision: Precision) => `${Math.round(measureMatmul(precision))} GFLOP/s`;
    const how = `bfloat16 (${[instructions, library].filter(Boolean).join(', ') || 'no instructions for it'})`;
    const bf16 = library === '' ? `no fast products in ${how}` : `${rate('bf16')} in ${how}`;
    const what = `${native!.isa} kernels, ${threads} threads, ${rate('fp32')} in float32, ${bf16}`;
    const isMissing = instructions !== '' && library === '';
    const fix = `for them: ${HOW_TO_GET_ONEDNN}`;
    return { backend: 'native', ok: reason !== '', what, ...(isMissing ? { fix } : {}) };
  } catch (error) {
    if (!(error instanceof GptError)) throw error;
    const what = nativeIsBuilt() ? error.message : 'not built';
    return { backend: 'native', ok: false, what, fix: error.fix };
  }
}

/** What `auto` would find: packages of the working folder are named, not loaded; a software adapter does not count. */
async function webgpuFinding(): Promise<Finding> {
  const { findWebgpu, openWebgpu } = await import('../base/tf_webgpu.js');
  try {
    const { name, maxBufferSize, maxBindingSize } = await openWebgpu(WEBGPU_FOR_AUTO);
    const what = `${name}, buffers of ${bytes(maxBufferSize)}, ${bytes(maxBindingSize)} of one seen by a kernel`;
    return { backend: 'webgpu', ok: true, what };
  } catch (error) {
    if (!(error instanceof GptError)) throw error;
    const { message: what, fix } = error;
    if (findWebgpu([]) !== undefined || findWebgpu([process.cwd()]) === undefined) {
      return { backend: 'webgpu', ok: false, what, fix };
    }
    return {
      backend: 'webgpu',
      ok: false,
      what: `${what} beside gpt, but in this folder: --backend webgpu takes them`,
    };
  }
}

async function tensorflowFinding(): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const pkg of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      import.meta.resolve(pkg);
      found.push({ backend: 'tensorflow', ok: true, what: `${pkg} is installed` });
    } catch {
      // optional
    }
  }
  if (found.length > 0) return found;
  const what = 'neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed (optional)';
  return [{ backend: 'tensorflow', ok: false, what }];
}
