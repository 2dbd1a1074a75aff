// The TF.js backend `native`: TensorFlow.js on all cores of a CPU.
//
// It inherits every kernel of tfjs-backend-cpu and replaces the hot ones by kernels of the addon (src/ops/core); the fused
// ops of the model (src/ops/*) add theirs. Any TF.js program can use it: `registerNative()`, then
// `tf.setBackend('native')`. Results live in recycled, aligned buffers; three precautions make that safe:
//   - a stock kernel may return a view of its input (Slice, Complex): a buffer is recycled after the last of its tensors;
//   - dataSync() returns a copy;
//   - a logical float32 tensor may be stored in another typed array (cpu's Cast): physical() converts it first.

import { createRequire } from 'node:module';
import path from 'node:path';
import { toBfloat16, toFloat32 } from '../base/array.js';
import { availableCores } from '../base/cores.js';
import { DeviceError, MemoryError } from '../base/errors.js';
import { bytes as formatBytes } from '../base/format.js';
import { MathBackendCPU, tf } from '../base/tf.js';
import { BufferPool } from './buffer_pool.js';
import { ADDON, BUILD_FOLDER, HOW_TO_BUILD, missingAddon } from './build_folder.js';
import type { KernelBackend, KernelCall, KernelOutput } from './kernel_backend.js';

/** The whole surface of native.node (native/addon.cc). */
interface Addon {
  load(path: string): void;
  kernels(): { name: string; doc: string; bf16: boolean }[];
  run(index: number, inputs: unknown[], outputs: unknown[], attrs: readonly number[]): void;
  alloc(bytes: number): ArrayBuffer;
  setThreads(n: number): void;
  bf16(): { instructions: string; library: string };
  cpu(): string;
}

type Values = Float32Array | Int32Array | Uint8Array | Uint16Array; // Uint16Array: bfloat16
type ValuesType = typeof Float32Array | typeof Int32Array | typeof Uint8Array | typeof Uint16Array;

/** How numbers of a dtype are stored. */
const STORED = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** An entry of the inherited data table, with what the pool needs. */
interface TensorData {
  values: Values;
  dtype: tf.DataType;
  refCount: number;
  complexTensorInfos?: { real: tf.TensorInfo; imag: tf.TensorInfo };
  pooled?: ArrayBuffer;
}

/** Instruction sets that kernel libraries are built for, from best to least. */
export const INSTRUCTION_SETS = ['avx512', 'avx2', 'baseline'] as const;

export class NativeBackend extends MathBackendCPU implements KernelBackend {
  readonly storesBf16 = false;
  readonly isAsync = false;
  readonly pool: BufferPool;
  /** Instruction set of the kernels in use. */
  readonly isa: string;
  readonly threads: number;
  readonly #addon: Addon;
  readonly #index = new Map<string, number>();
  readonly #takesBf16 = new Set<string>();
  #freed: ArrayBuffer[] | undefined; // while a stock kernel runs
  /** Give views memory of their own, so that a freed slice is poisoned though what it was cut from lives. For tests. */
  copyViews = false;
  /** Calls per kernel since the last reset, for tests. */
  readonly calls = new Map<string, number>();
  #profile: KernelCall[] | undefined;

  constructor(addon: Addon, isa: string, threads: number) {
    super();
    (this as unknown as { firstUse: boolean }).firstUse = false; // no banner about tfjs-node
    this.#addon = addon;
    this.isa = isa;
    this.threads = threads;
    this.pool = new BufferPool((bytes) => addon.alloc(bytes));
    addon.kernels().forEach(({ name, bf16 }, i) => {
      this.#index.set(name, i);
      if (bf16) this.#takesBf16.add(name);
    });
  }

  hasKernel(name: string): boolean {
    return this.#index.has(name);
  }

  /** Name and one line of documentation of every kernel. */
  kernels(): { name: string; doc: string }[] {
    return this.#addon.kernels();
  }

  /**
   * What multiplies bfloat16 matrices: `instructions` that the CPU has ("amx", "avx512_bf16", ''), and the `library` that
   * uses them ("oneDNN 2.6.3", ''). Without one of them the products are emulated, slower than those of float32.
   */
  bf16(): { instructions: string; library: string } {
    return this.#addon.bf16();
  }

  /** Threads of the kernels from now on; `threads` stays what the backend was opened with. For tests. */
  setThreads(n: number): void {
    this.#addon.setThreads(n);
  }

  call(
    name: string,
    inputs: readonly tf.TensorInfo[],
    outputs: readonly KernelOutput[],
    attrs: readonly number[],
  ): tf.TensorInfo[] {
    const index = this.#index.get(name);
    if (index === undefined) throw new Error(`internal: no native kernel ${name}`);
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const fresh: tf.TensorInfo[] = [];
    const out = outputs.map((output) => {
      if ('update' in output) {
        const values = this.physical(output.update, this.#takesBf16.has(name));
        if (values === this.#entry(output.update.dataId).values) return values;
        throw new Error(`internal: ${name} cannot update integers that another tensor shares`);
      }
      const info = this.allocate(output as readonly number[], 'float32');
      fresh.push(info);
      return this.physical(info);
    });
    const started = this.#profile === undefined ? 0 : performance.now();
    try {
      const values = inputs.map((t) => this.physical(t, this.#takesBf16.has(name)));
      this.#addon.run(index, values, out, attrs);
      if (this.#profile !== undefined) {
        const ms = performance.now() - started;
        const bytes = [...values, ...out].reduce((sum, array) => sum + array.byteLength, 0);
        this.#profile.push({ name, ms, bytes, attrs });
      }
    } catch (error) {
      for (const { dataId } of fresh) this.disposeData(dataId); // the kernel refused: nothing is left behind
      throw error;
    }
    return fresh;
  }

  startProfile(): void {
    this.#profile = [];
  }

  stopProfile(record: (call: KernelCall) => void): void {
    for (const call of this.#profile ?? []) record(call);
    this.#profile = undefined;
  }

  /** A new tensor with undefined content, from the pool where that pays. */
  allocate(shape: readonly number[], dtype: 'float32' | 'int32' | 'bool'): tf.TensorInfo {
    const size = shape.reduce((n, d) => n * d, 1);
    const Type = STORED[dtype];
    try {
      return this.makeTensorInfo([...shape], dtype, this.#memory(Type, size) as never);
    } catch (error) {
      throw new MemoryError(
        `out of memory: cannot allocate ${formatBytes(size * Type.BYTES_PER_ELEMENT)} for a tensor of shape [${shape}] (${error})`,
        'use a smaller --train.micro_batch, --model.n_ctx or model',
      );
    }
  }

  /**
   * The typed array behind a tensor: Float32Array for float32 (with `bf16` also Uint16Array, where narrow() was called),
   * Int32Array for int32, Uint8Array for bool. A copy where another tensor shows the same data as another dtype: cpu's Cast of integers to
   * float32 shares them.
   */
  physical(info: tf.TensorInfo, bf16 = false): Values {
    const entry = this.#entry(info.dataId);
    if (entry.values instanceof Uint16Array) return bf16 ? entry.values : expanded(entry.values);
    const Type = STORED[info.dtype as keyof typeof STORED] as (typeof STORED)['int32'] | undefined;
    if (Type === undefined || entry.values instanceof Type) return entry.values;
    const values = Type.from(entry.values);
    if (entry.dtype === info.dtype) entry.values = values;
    return values;
  }

  /**
   * Stores a float32 tensor as bfloat16 from now on, rounded to nearest: half the memory to read. It stays a float32 tensor
   * of TF.js; kernels that cannot read it so get a copy. For weights that are not trained any more.
   */
  narrow({ dataId }: tf.TensorInfo): void {
    const entry = this.#entry(dataId);
    const halves = toBfloat16(entry.values as Float32Array);
    const stored = this.#memory(Uint16Array, halves.length);
    stored.set(halves);
    this.#replace(entry, stored);
  }

  /** Exchanges the memory of an entry. */
  #replace(entry: TensorData, values: Values): void {
    if (entry.pooled !== undefined) this.pool.release(entry.pooled);
    delete entry.pooled;
    entry.values = values;
    this.#ownMemory(entry);
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    const stored = this.#entry(dataId).values;
    if (stored instanceof Uint16Array) return expanded(stored);
    const values = super.readSync(dataId);
    return this.#entry(dataId).pooled === undefined ? values : (values as Float32Array).slice();
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    const pooled = this.data.has(dataId) ? this.#entry(dataId).pooled : undefined;
    const released = super.disposeData(dataId, force);
    if (released && pooled !== undefined) {
      if (this.#freed === undefined) this.pool.release(pooled);
      else this.#freed.push(pooled);
    }
    return released;
  }

  prefersHost(_inputs: readonly tf.TensorInfo[], elements: number, minSize: number): boolean {
    return elements < minSize;
  }

  /**
   * A kernel of tfjs-backend-cpu on this backend. Some read an intermediate result after they have freed it (FFT), which
   * JavaScript's own memory forgives: here memory is freed when the kernel returns.
   */
  stock(kernelFunc: tf.KernelFunc): tf.KernelFunc {
    return (args) => {
      if (this.#freed !== undefined) return kernelFunc(args);
      for (const input of Object.values(args.inputs) as (tf.TensorInfo | undefined)[]) {
        const entry = input && this.data.has(input.dataId) ? this.#entry(input.dataId) : undefined; // optional, or strings
        if (entry?.values instanceof Uint16Array) this.#replace(entry, expanded(entry.values)); // it reads no bfloat16
      }
      const freed: ArrayBuffer[] = [];
      this.#freed = freed;
      try {
        return kernelFunc(args);
      } finally {
        this.#freed = undefined;
        for (const buffer of freed) this.pool.release(buffer);
      }
    };
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }

  // Every kernel, stock or ours, makes its results by write(), and TF.js its uploads.
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = super.write(this.#isolated(values), shape, dtype);
    this.#own(dataId);
    return dataId;
  }

  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    super.move(dataId, this.#isolated(values), shape, dtype, refCount);
    this.#own(dataId);
  }

  /** The entry is one more owner of its memory, where that is the pool's. */
  #own(dataId: tf.DataId): void {
    this.#ownMemory(this.#entry(dataId));
  }

  #ownMemory(entry: TensorData): void {
    const buffer = entry.values?.buffer as ArrayBuffer | undefined; // complex tensors have none, strings are a list
    if (buffer === undefined || this.pool.owners(buffer) === undefined) return;
    this.pool.share(buffer);
    entry.pooled = buffer;
  }

  /** With poison: a copy in memory of the pool, which may be overwritten when it is freed. Else the same values. */
  #isolated(values: tf.BackendValues): tf.BackendValues {
    if (!this.pool.poison || !ArrayBuffer.isView(values)) return values;
    const owners = this.pool.owners(values.buffer);
    if (owners === 0 || (owners !== undefined && !this.copyViews)) return values;
    const copy = this.#memory(values.constructor as ValuesType, values.length);
    copy.set(values);
    return copy as tf.BackendValues;
  }

  /** A typed array with undefined content. With poison it ends where its buffer does: a sanitizer sees what goes beyond. */
  #memory(Type: ValuesType, size: number): Values {
    const bytes = size * Type.BYTES_PER_ELEMENT;
    const buffer = this.pool.take(bytes);
    if (buffer === undefined) return new Type(size);
    return new Type(buffer, this.pool.poison ? buffer.byteLength - bytes : 0, size);
  }

  #entry(dataId: tf.DataId): TensorData {
    return this.data.get(dataId as object) as unknown as TensorData;
  }
}

/** float32 of bfloat16. */
function expanded(halves: Uint16Array): Float32Array {
  return toFloat32({ dtype: 'BF16', shape: [halves.length], bytes: new Uint8Array(Uint16Array.from(halves).buffer) });
}

/** How to open the backend. */
export interface NativeOptions {
  /** Threads of the kernels; default: availableCores(). */
  readonly threads?: number | undefined;
  /** Use no better instruction set than this one (tests, comparisons). */
  readonly isa?: string | undefined;
  /** Where the addon and its kernel libraries are; default: build/native (sanitizer builds). */
  readonly folder?: string | undefined;
}

let registered: NativeBackend | undefined;

/**
 * Loads the addon and registers backend `native` with TF.js, once per process.
 * Throws DeviceError when the addon is not there or does not load.
 */
export function registerNative(options: NativeOptions = {}): NativeBackend {
  if (registered !== undefined) return registered;
  const folder = options.folder ?? BUILD_FOLDER;
  const addon = loadAddon(path.join(folder, path.basename(ADDON)));
  const detected = INSTRUCTION_SETS.indexOf(addon.cpu() as (typeof INSTRUCTION_SETS)[number]);
  const wanted = options.isa === undefined ? 0 : INSTRUCTION_SETS.indexOf(options.isa as 'avx2');
  if (wanted < 0) {
    throw new DeviceError(`unknown instruction set "${options.isa}"`, `use one of ${INSTRUCTION_SETS.join(', ')}`);
  }
  const isa = INSTRUCTION_SETS[Math.max(detected, wanted)]!;
  try {
    addon.load(path.join(folder, `kernels-${isa}.so`));
  } catch (error) {
    throw doesNotLoad(error);
  }
  const threads = options.threads ?? availableCores();
  addon.setThreads(threads);
  const backend = new NativeBackend(addon, isa, threads);
  tf.registerBackend('native', () => backend, 3);
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    tf.registerKernel({ ...kernel, backendName: 'native', kernelFunc: backend.stock(kernel.kernelFunc) });
  }
  registered = backend;
  return backend;
}

function loadAddon(file: string): Addon {
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw doesNotLoad(error);
    throw new DeviceError(missingAddon('native'), HOW_TO_BUILD);
  }
}

const doesNotLoad = (error: unknown): DeviceError =>
  new DeviceError(`the native backend does not load: ${(error as Error).message}`, HOW_TO_BUILD);
