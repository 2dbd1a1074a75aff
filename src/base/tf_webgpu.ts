// TensorFlow.js's WebGPU backend over Dawn: GPUs of AMD, Intel and Apple, without a browser. Imported only when it is used.
//
// Two npm packages, which the user installs (130 MB): `webgpu`, Dawn for Node, which speaks Vulkan on Linux, Metal on macOS
// and Direct3D 12 on Windows, and `@tensorflow/tfjs-backend-webgpu`, the kernels. They are looked for beside gpt, then from
// the folders given. A copy of tfjs-core that comes with them is no second one: all copies share engine and kernels.
//
// What Dawn finds wrong (a buffer beyond a limit, no memory left, a lost device) it tells an event handler, while kernels go
// on with zeros. Here the next read throws it. Synchronous reads do not exist: use data(). See docs/webgpu.md.

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DeviceError, type GptError, MemoryError } from './errors.js';
import { silenced } from './silence.js';
import { tf } from './tf.js';

/** What the user types to get the two packages. */
export const WEBGPU_INSTALL = 'npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0';

const PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const;

/** The GPU that computes, or the program that plays one. */
export interface WebgpuDevice {
  readonly name: string;
  /** A program that runs on the CPU. */
  readonly isSoftware: boolean;
  /** Of one buffer and so of one tensor, in bytes. */
  readonly maxBufferSize: number;
  /** What a kernel reads or writes of one tensor at most, in bytes. */
  readonly maxBindingSize: number;
}

/** What may be opened. */
export interface WebgpuChoice {
  /** Where the packages may be, besides beside gpt. */
  readonly folders: readonly string[];
  /** Whether an adapter that is a program may be taken. */
  readonly software: boolean;
}

interface Info {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

interface Adapter {
  readonly info: Info;
  readonly limits: Readonly<Record<(typeof LIMITS)[number], number>>;
  requestDevice(wanted: { requiredLimits: Readonly<Record<string, number>> }): Promise<Device>;
}

interface Device {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  addEventListener(type: 'uncapturederror', listener: (event: Event & { readonly error: Error }) => void): void;
}

interface Dawn {
  create(options: readonly string[]): { requestAdapter(wanted: object): Promise<Adapter | null> };
  readonly globals: object;
}

interface Kernels {
  readonly WebGPUBackend: new (device: Device, info: Info) => tf.KernelBackend;
}

/** Whether this adapter is a program that runs on the CPU. */
export function isSoftware({ vendor, architecture, device, description, isFallbackAdapter }: Info): boolean {
  const names = [vendor, architecture, device, description].join(' ');
  return isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(names);
}

/** The files of the two packages, from the first folder that has both; undefined: none has. */
export function findWebgpu(folders: readonly string[]): readonly string[] | undefined {
  for (const from of [import.meta.url, ...folders.map((folder) => path.join(folder, 'package.json'))]) {
    const { resolve } = createRequire(from);
    try {
      return PACKAGES.map((name) => resolve(name));
    } catch {
      // not here
    }
  }
  return undefined;
}

let opened: WebgpuDevice | undefined;

/**
 * Makes backend `webgpu` ready; its packages may also be in `folders`. Throws DeviceError where they are missing, where there
 * is no adapter, or only one that computes on the CPU and may not be taken.
 */
export async function openWebgpu({ folders, software }: WebgpuChoice): Promise<WebgpuDevice> {
  if (opened !== undefined) return opened;
  const files = findWebgpu(folders);
  if (files === undefined) throw new DeviceError(`${PACKAGES.join(' and ')} are not installed`, WEBGPU_INSTALL);
  const [dawn, { WebGPUBackend }] = await silenced(async () => {
    try {
      return (await Promise.all(files.map((file) => import(pathToFileURL(file).href)))) as [Dawn, Kernels];
    } catch (error) {
      throw new DeviceError(`WebGPU does not load: ${(error as Error).message}`, WEBGPU_INSTALL);
    }
  });

  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new DeviceError('WebGPU finds no adapter', howToGetAdapter());
  const name = nameOf(adapter.info);
  if (!software && isSoftware(adapter.info)) {
    throw new DeviceError(
      `WebGPU finds only ${name}, which computes on the CPU: --backend webgpu takes it, for tests`,
      howToGetAdapter(),
    );
  }

  Object.assign(globalThis, dawn.globals);
  const { navigator = {} } = globalThis as { navigator?: object };
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredLimits }).catch((error: Error) => {
    throw new DeviceError(`${name} gives no device: ${error.message.split('\n')[0]}`, howToGetAdapter());
  });
  tf.registerBackend('webgpu', () => throwing(new WebGPUBackend(device, adapter.info), device, name));
  replaceAddN();
  opened = {
    name,
    isSoftware: isSoftware(adapter.info),
    maxBufferSize: adapter.limits.maxBufferSize,
    maxBindingSize: adapter.limits.maxStorageBufferBindingSize,
  };
  return opened;
}

/** e.g. "SwiftShader driver 5.0.0 (google swiftshader)". */
function nameOf({ vendor, architecture, device, description }: Info): string {
  const family = [vendor, architecture].filter(Boolean).join(' ');
  const name = device || description;
  return [name || family, name && family && `(${family})`].filter(Boolean).join(' ');
}

const howToGetAdapter = (): string =>
  process.platform === 'linux'
    ? 'install the Vulkan loader and driver: apt-get install libvulkan1 mesa-vulkan-drivers (AMD, Intel), and be in group ' +
      'render; a software driver is named by VK_ICD_FILENAMES=/path/to/vk_swiftshader_icd.json'
    : 'update the graphics driver, or use --backend native';

/** Gives read() of `backend` the device's errors. */
function throwing(backend: tf.KernelBackend, device: Device, name: string): tf.KernelBackend {
  let failure: GptError | undefined;
  const smaller = 'use a smaller train.micro_batch or a smaller model, or --backend native';
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault(); // no print
    const { error } = event;
    const [what] = error.message.split('\n');
    failure ??=
      error.constructor.name === 'GPUOutOfMemoryError'
        ? new MemoryError(`${name} has no memory left: ${what}`, smaller)
        : new DeviceError(`${name}: ${what}`, smaller);
  });
  void device.lost.then(({ message }) => {
    failure ??= new DeviceError(`${name} was lost: ${message.split('\n')[0]}`, 'resume from the last checkpoint');
  });
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    try {
      const values = await read(dataId);
      if (failure === undefined) return values;
    } catch (error) {
      throw failure ?? error;
    }
    throw failure;
  };
  return backend;
}

const GROUP = 7; // a shader reads and writes 8 buffers on every GPU

/** The stock AddN gives every tensor a buffer of one shader, which refuses more than 8: here they are added in groups. */
function replaceAddN(): void {
  const call = { kernelName: 'AddN', backendName: 'webgpu' };
  const { kernelFunc: stock } = tf.getKernel(call.kernelName, call.backendName);
  tf.unregisterKernel(call.kernelName, call.backendName);
  tf.registerKernel({
    ...call,
    kernelFunc: ({ backend, inputs, attrs }) => {
      const tensors = inputs as unknown as readonly tf.TensorInfo[];
      const add = (group: readonly tf.TensorInfo[]) =>
        stock({ backend, inputs: group as unknown as tf.NamedTensorInfoMap, attrs: attrs! }) as tf.TensorInfo;
      let sum = add(tensors.slice(0, GROUP));
      for (let i = GROUP; i < tensors.length; i += GROUP - 1) {
        const before = sum;
        sum = add([before, ...tensors.slice(i, i + GROUP - 1)]);
        (backend as tf.KernelBackend).disposeData(before.dataId);
      }
      return sum;
    },
  });
}
