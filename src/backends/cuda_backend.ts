// The TF.js backend `cuda`: TensorFlow.js on an NVIDIA GPU, over the addon cuda.node and the GPU's driver.
//
// A tensor's numbers are on the host, on the device, or on both. They go to the device when a kernel of ours first reads
// them, and come back when someone asks: small results of small inputs never leave the host. Kernels that we do not have are
// those of tfjs-backend-cpu, on the host: counted in `fallbacks`, and warned about where they copy much.
//
// A float32 tensor may be stored as bfloat16. The kernels say what they take (cuda/kernel.h); what they make follows from
// what they read, so a model computes in bfloat16 because its weights' copies are stored so, and nothing has to be told.
//
// Nothing here waits for the GPU but readSync(). A buffer is reused as soon as its tensor is disposed: everything runs on one
// stream, in order.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { toBfloat16, toFloat32 } from '../base/array.js';
import { DeviceError, MemoryError } from '../base/errors.js';
import { MathBackendCPU, tf } from '../base/tf.js';
import { CUDA_ADDON, CUDA_FOLDER, HOW_TO_BUILD, missingAddon } from './build_folder.js';
import { cudaLibraries } from './cuda_libraries.js';
import type { KernelBackend, KernelCall, KernelOutput } from './kernel_backend.js';

/** What the addon says of the GPU that it opened. */
export interface CudaDevice {
  readonly name: string;
  /** Devices that the driver shows. */
  readonly devices: number;
  /** 90 for Hopper. */
  readonly computeCapability: number;
  readonly multiprocessors: number;
  readonly memory: number;
  /** 13000 for CUDA 13.0. */
  readonly driver: number;
  /** The file of kernels in use. */
  readonly image: string;
  readonly cublaslt: string;
  readonly cublasltVersion: number;
}

/** The whole surface of cuda.node (cuda/addon.cc). */
interface Addon {
  open(options: {
    driver: string;
    cublaslt: readonly string[];
    nvrtc: readonly string[];
    device: number;
    folder: string;
    algorithms: string;
    cached: boolean;
    poison: boolean;
    wait: boolean;
  }): CudaDevice;
  kernels(): { name: string; doc: string; in: string; out: string }[];
  run(index: number, call: Float64Array): void;
  allocate(bytes: number): number;
  release(address: number): void;
  upload(address: number, values: NodeJS.TypedArray): void;
  zero(address: number, bytes: number): void;
  readSync(address: number, buffer: ArrayBuffer): void;
  read(address: number, buffer: ArrayBuffer): Promise<void>;
  synchronize(): void;
  memory(): CudaMemory;
  freeMemory(): number;
  trim(): void;
  profile(on: boolean): [number, number][];
  setTf32(allowed: boolean): void;
}

/** Bytes of device memory: of tensors now and at most, and what was taken from the driver. */
export interface CudaMemory {
  readonly used: number;
  readonly peak: number;
  readonly reserved: number;
  /** Buffers. */
  readonly live: number;
}

/** Physical types, by their numbers in call.h. */
const TYPES = { f32: 0, i32: 1, u8: 2, bf16: 3 } as const;
type Type = keyof typeof TYPES;
const BYTES: Readonly<Record<Type, number>> = { f32: 4, i32: 4, u8: 1, bf16: 2 };
const LOGICAL: Readonly<Record<Type, tf.DataType>> = { f32: 'float32', bf16: 'float32', i32: 'int32', u8: 'bool' };

type Values = Float32Array | Int32Array | Uint8Array;

interface Buffer {
  readonly address: number;
  readonly size: number;
  readonly type: Type;
}

/** An entry of the inherited data table. Neither values nor buffer: allocated, and not written yet. */
interface TensorData {
  values?: Values | undefined;
  buffer?: Buffer | undefined;
  dtype: tf.DataType;
  refCount: number;
  complexTensorInfos?: { real: tf.TensorInfo; imag: tf.TensorInfo };
}

/** The letters of a kernel's tensors: cuda/kernel.h. */
class Letters {
  readonly #letters: readonly string[];

  constructor(text: string) {
    this.#letters = [...text.replace('*', '')];
  }

  at(i: number): string {
    return this.#letters[Math.min(i, this.#letters.length - 1)]!; // '*' repeats the last one
  }

  indexOf(letter: string): number {
    return this.#letters.indexOf(letter);
  }
}

interface Kernel {
  readonly index: number;
  readonly in: Letters;
  readonly out: Letters;
  /** The input whose type is that of all activations: the first of them, or the first weight; -1: there are none. */
  readonly typedBy: number;
}

/** Kernels of tfjs-backend-cpu that look at shapes alone. */
const NO_DATA = new Set(['Identity', 'Reshape', 'ExpandDims']);

/** Elements up to which a tensor keeps its numbers on the host too when they go to the device. */
const KEPT = 1024;

/** Bytes from which a copy to the host for a stock kernel is worth a warning. */
const WARNED = 1 << 20;

export class CudaBackend extends MathBackendCPU implements KernelBackend {
  readonly storesBf16 = true;
  readonly isAsync = true;
  readonly device: CudaDevice;
  readonly #addon: Addon;
  readonly #kernels = new Map<string, Kernel>();
  #packed = new Float64Array(64);
  #profile: Omit<KernelCall, 'ms'>[] | undefined;
  /** Calls per kernel, for tests. */
  readonly calls = new Map<string, number>();
  /** Calls of stock kernels that copied tensors to the host, by kernel. A training step makes none. */
  readonly fallbacks = new Map<string, number>();
  /** Inputs that had to be stored otherwise for a kernel. A training step needs none. */
  conversions = 0;

  constructor(addon: Addon, device: CudaDevice) {
    super();
    (this as unknown as { firstUse: boolean }).firstUse = false; // no banner about tfjs-node
    this.#addon = addon;
    this.device = device;
    addon.kernels().forEach((entry, index) => {
      const letters = new Letters(entry.in);
      const typedBy = letters.indexOf('a') >= 0 ? letters.indexOf('a') : letters.indexOf('w');
      this.#kernels.set(entry.name, { index, in: letters, out: new Letters(entry.out), typedBy });
    });
  }

  // ---- kernels

  hasKernel(name: string): boolean {
    return this.#kernels.has(name);
  }

  /** Name and one line of documentation of every kernel. */
  kernels(): { name: string; doc: string }[] {
    return this.#addon.kernels();
  }

  call(
    name: string,
    inputs: readonly tf.TensorInfo[],
    outputs: readonly KernelOutput[],
    attrs: readonly number[],
  ): tf.TensorInfo[] {
    const kernel = this.#kernels.get(name);
    if (kernel === undefined) throw new Error(`internal: no CUDA kernel ${name}`);
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const fresh: tf.TensorInfo[] = [];
    const converted: Buffer[] = []; // only for this call
    try {
      const typedBy = inputs[kernel.typedBy];
      const activation = typedBy !== undefined && this.#entry(typedBy.dataId).buffer?.type === 'bf16' ? 'bf16' : 'f32';
      const read = inputs.map((info, i) => {
        const buffer = this.#onDevice(info);
        const type = typeOf(kernel.in.at(i), activation, buffer.type);
        if (type === buffer.type) return buffer;
        this.conversions++;
        converted.push(this.#converted(buffer, type));
        return converted.at(-1)!;
      });
      const written = outputs.map((output, i) => {
        const code = kernel.out.at(i);
        if ('update' in output) return this.#toUpdate(output.update, code, activation);
        const type = typeOf(code, activation, 'f32');
        const info = this.#make(output as readonly number[], LOGICAL[type]);
        fresh.push(info);
        this.#entry(info.dataId).buffer = this.#allocate(size(info.shape), type);
        return this.#entry(info.dataId).buffer!;
      });
      this.#addon.run(kernel.index, this.#pack(read, written, attrs));
      if (this.#profile !== undefined) {
        const bytes = [...read, ...written].reduce((sum, b) => sum + b.size * BYTES[b.type], 0);
        this.#profile.push({ name, bytes, attrs });
      }
    } catch (error) {
      for (const { dataId } of fresh) this.disposeData(dataId); // nothing is left behind
      throw translated(error);
    } finally {
      for (const { address } of converted) this.#addon.release(address);
    }
    return fresh;
  }

  #pack(read: readonly Buffer[], written: readonly Buffer[], attrs: readonly number[]): Float64Array {
    const length = 3 + 3 * (read.length + written.length) + attrs.length;
    if (this.#packed.length < length) this.#packed = new Float64Array(2 * length);
    const packed = this.#packed;
    packed[0] = read.length;
    packed[1] = written.length;
    packed[2] = attrs.length;
    let at = 3;
    for (const list of [read, written]) {
      for (const { address, size, type } of list) {
        packed[at++] = address;
        packed[at++] = size;
        packed[at++] = TYPES[type];
      }
    }
    for (const x of attrs) packed[at++] = x;
    return packed;
  }

  /** Where a kernel updates a tensor in place: what the host has of it is old from then on. */
  #toUpdate(info: tf.TensorInfo, code: string, activation: Type): Buffer {
    const entry = this.#entry(info.dataId);
    if (entry.buffer === undefined && entry.values === undefined) {
      entry.buffer = this.#allocate(size(info.shape), typeOf(code, activation, 'f32'));
      return entry.buffer;
    }
    let buffer = this.#onDevice(info);
    const type = typeOf(code, activation, buffer.type);
    if (type !== buffer.type) {
      this.conversions++;
      const other = this.#converted(buffer, type);
      this.#addon.release(buffer.address);
      buffer = entry.buffer = other;
    }
    entry.values = undefined;
    return buffer;
  }

  #converted(buffer: Buffer, type: Type): Buffer {
    const other = this.#allocate(buffer.size, type);
    this.#addon.run(this.#kernels.get('GptConvert')!.index, this.#pack([buffer], [other], []));
    return other;
  }

  allocate(shape: readonly number[], dtype: 'float32' | 'int32' | 'bool'): tf.TensorInfo {
    return this.#make(shape, dtype);
  }

  narrow({ dataId, shape }: tf.TensorInfo): void {
    const entry = this.#entry(dataId);
    const old = entry.buffer;
    if (old?.type === 'bf16') return;
    if (old !== undefined) {
      entry.buffer = this.#converted(old, 'bf16');
      this.#addon.release(old.address);
    } else {
      const buffer = this.#allocate(size(shape), 'bf16');
      this.#addon.upload(buffer.address, toBfloat16(entry.values as Float32Array));
      entry.buffer = buffer;
    }
    entry.values = undefined;
  }

  prefersHost(inputs: readonly tf.TensorInfo[], elements: number, minSize: number): boolean {
    return elements < minSize && inputs.every(({ dataId }) => this.#entry(dataId).values !== undefined);
  }

  /**
   * A kernel of tfjs-backend-cpu on this backend: on the host, to which tensors are copied where they are not there.
   */
  stock(kernelFunc: tf.KernelFunc, name: string): tf.KernelFunc {
    if (NO_DATA.has(name)) return kernelFunc;
    return (args) => {
      let copied = 0;
      for (const input of Object.values(args.inputs) as (tf.TensorInfo | undefined)[]) {
        if (input !== undefined && this.data.has(input.dataId)) copied += this.#toHost(input.dataId);
      }
      if (copied > 0) {
        if (copied >= WARNED && !this.fallbacks.has(name)) {
          process.emitWarning(`TensorFlow.js kernel ${name} has no CUDA version: it runs on the host`, 'CudaFallback');
        }
        this.fallbacks.set(name, (this.fallbacks.get(name) ?? 0) + 1);
      }
      return kernelFunc(args);
    };
  }

  /** Float32 products may run on the tensor cores, which round their operands to 10 bits: about 3 decimal digits. */
  setTf32(allowed: boolean): void {
    this.#addon.setTf32(allowed);
  }

  // ---- data

  override readSync(dataId: tf.DataId): tf.BackendValues {
    if (this.#entry(dataId).complexTensorInfos === undefined) this.#toHost(dataId);
    const values = super.readSync(dataId);
    return this.#entry(dataId).buffer === undefined ? values : (values as Float32Array).slice(); // ours stay as they are
  }

  override async read(dataId: tf.DataId): Promise<tf.BackendValues> {
    const { values, buffer, complexTensorInfos } = this.#entry(dataId);
    if (values !== undefined || buffer === undefined || complexTensorInfos !== undefined) return this.readSync(dataId);
    const bytes = new ArrayBuffer(buffer.size * BYTES[buffer.type]);
    try {
      await this.#addon.read(buffer.address, bytes);
    } catch (error) {
      throw translated(error);
    }
    return decoded(bytes, buffer.type);
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    const buffer = this.data.has(dataId) ? this.#entry(dataId).buffer : undefined;
    const released = super.disposeData(dataId, force);
    if (released && buffer !== undefined) this.#addon.release(buffer.address);
    return released;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }

  /** Of the device. */
  deviceMemory(): CudaMemory {
    return this.#addon.memory();
  }

  /** Bytes that the driver has left, for all processes. */
  freeMemory(): number {
    return this.#addon.freeMemory();
  }

  /** Gives memory that no tensor has back to the driver, and forgets the most that was in use: after a measurement. */
  trim(): void {
    this.#addon.trim();
  }

  /** Waits until the GPU has done everything. Throws DeviceError when something failed there. */
  synchronize(): void {
    try {
      this.#addon.synchronize();
    } catch (error) {
      throw translated(error);
    }
  }

  // ---- measuring

  #first: CudaMemory | undefined;

  /** Forgets what counted() gives. */
  startCounting(): void {
    this.fallbacks.clear();
    this.conversions = 0;
    this.#first = this.deviceMemory();
  }

  /** Since startCounting(): stock kernels that copied to the host, conversions, and device buffers then and now. */
  counted(): { fallbacks: object; conversions: number; buffers: number[]; used: number[] } {
    const [then, now] = [this.#first!, this.deviceMemory()];
    const { fallbacks, conversions } = this;
    return {
      fallbacks: Object.fromEntries(fallbacks),
      conversions,
      buffers: [then.live, now.live],
      used: [then.used, now.used],
    };
  }

  startProfile(): void {
    this.#profile = [];
    this.#addon.profile(true);
  }

  stopProfile(record: (call: KernelCall) => void): void {
    const calls = this.#profile ?? [];
    this.#profile = undefined;
    const indices = new Set(calls.map(({ name }) => this.#kernels.get(name)!.index));
    const times = this.#addon.profile(false).filter(([index]) => indices.has(index));
    for (const [i, [, ms]] of times.entries()) record({ ...calls[i]!, ms });
  }

  // ---- between host and device

  #make(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, { dtype, refCount: 1 } as never);
    return { dataId, shape: [...shape], dtype };
  }

  #allocate(elements: number, type: Type): Buffer {
    return { address: this.#addon.allocate(elements * BYTES[type]), size: elements, type };
  }

  /** The buffer of a tensor, filled from the host where it has none. */
  #onDevice({ dataId, dtype }: tf.TensorInfo): Buffer {
    const entry = this.#entry(dataId);
    if (entry.buffer !== undefined) return entry.buffer;
    if (entry.values === undefined) throw new Error('internal: a tensor is read before it was written');
    const [type, values] = physical(entry.values, dtype);
    const buffer = this.#allocate(values.length, type);
    entry.buffer = buffer;
    if (values.length > 0) this.#addon.upload(buffer.address, values);
    if (values.length > KEPT) entry.values = undefined;
    return buffer;
  }

  /** Makes the values available to kernels on the host. Returns the bytes that were copied for it. */
  #toHost(dataId: tf.DataId): number {
    const entry = this.#entry(dataId);
    if (entry.complexTensorInfos !== undefined) {
      const { real, imag } = entry.complexTensorInfos;
      return this.#toHost(real.dataId) + this.#toHost(imag.dataId);
    }
    if (entry.values !== undefined || entry.buffer === undefined) return 0;
    const { address, size, type } = entry.buffer;
    const bytes = new ArrayBuffer(size * BYTES[type]);
    try {
      this.#addon.readSync(address, bytes);
    } catch (error) {
      throw translated(error);
    }
    entry.values = decoded(bytes, type);
    return bytes.byteLength;
  }

  #entry(dataId: tf.DataId): TensorData {
    return this.data.get(dataId as object) as unknown as TensorData;
  }
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** The physical type that a letter of cuda/kernel.h asks for, of a tensor that is stored as `stored`. */
function typeOf(code: string, activation: Type, stored: Type): Type {
  switch (code) {
    case 'f':
      return 'f32';
    case 'i':
      return 'i32';
    case 'u':
      return 'u8';
    case 'a':
      return activation;
    default:
      return stored; // weights as they are
  }
}

/** Numbers as they are uploaded: tfjs-backend-cpu's Cast leaves integers behind a float32 tensor. */
function physical(values: Values, dtype: tf.DataType): [Type, Values] {
  if (dtype === 'int32') return ['i32', values instanceof Int32Array ? values : Int32Array.from(values)];
  if (dtype === 'bool') return ['u8', values instanceof Uint8Array ? values : Uint8Array.from(values)];
  return ['f32', values instanceof Float32Array ? values : Float32Array.from(values)];
}

function decoded(bytes: ArrayBuffer, type: Type): Values {
  if (type === 'i32') return new Int32Array(bytes);
  if (type === 'u8') return new Uint8Array(bytes);
  if (type === 'f32') return new Float32Array(bytes);
  return toFloat32({ dtype: 'BF16', shape: [bytes.byteLength / 2], bytes: new Uint8Array(bytes) });
}

/** The addon's errors about the machine as ours. */
function translated(error: unknown): unknown {
  const { message, fix, memory } = error as { message: string; fix?: string; memory?: boolean };
  if (fix === undefined || error instanceof DeviceError || error instanceof MemoryError) return error;
  return memory ? new MemoryError(message, fix) : new DeviceError(message, fix);
}

// ---- opening

/** How to open the backend. */
export interface CudaOptions {
  /** Which GPU, counted from 0; default 0. */
  readonly device?: number | undefined;
  /**
   * Settings: GPT_LIBCUDA, GPT_LIBCUBLASLT, GPT_LIBNVRTC, paths; GPT_CUDA_IMAGES, the folder of the compiled kernels;
   * GPT_CUDA_SYNC=1, wait for every call, so that errors name it; GPT_CUDA_POOL=none, every tensor from the driver;
   * GPT_CUDA_POISON=1, NaN in memory that is new or given back.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** File in which the measured choices of cuBLASLt's algorithms are kept; '' for none. */
  readonly algorithms?: string | undefined;
}

let registered: CudaBackend | undefined;

/**
 * Opens the GPU and registers backend `cuda` with TF.js, once per process.
 * Throws DeviceError: no driver, no GPU, no cuBLASLt, no kernels for this GPU, no addon.
 */
export function registerCuda({ device = 0, env, algorithms = '' }: CudaOptions): CudaBackend {
  if (registered !== undefined) return registered;
  if (!existsSync(CUDA_ADDON)) {
    throw new DeviceError(missingAddon('CUDA'), `on Linux, ${HOW_TO_BUILD}`);
  }
  const { driver, cublaslt, nvrtc } = cudaLibraries(env);
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(CUDA_ADDON) as Addon;
  } catch (error) {
    throw new DeviceError(`the CUDA backend does not load: ${(error as Error).message}`, HOW_TO_BUILD);
  }
  let backend: CudaBackend;
  try {
    const opened = addon.open({
      driver,
      cublaslt,
      nvrtc,
      device,
      folder: env['GPT_CUDA_IMAGES'] || CUDA_FOLDER,
      algorithms,
      cached: env['GPT_CUDA_POOL'] !== 'none',
      poison: env['GPT_CUDA_POISON'] === '1',
      wait: env['GPT_CUDA_SYNC'] === '1',
    });
    backend = new CudaBackend(addon, opened);
  } catch (error) {
    throw translated(error);
  }
  tf.registerBackend('cuda', () => backend, 4);
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    const kernelFunc = backend.stock(kernel.kernelFunc, kernel.kernelName);
    tf.registerKernel({ ...kernel, backendName: 'cuda', kernelFunc });
  }
  registered = backend;
  return backend;
}
