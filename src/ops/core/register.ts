// Replaces the hot kernels that the backends `native` and `cuda` inherit from tfjs-backend-cpu by those of their addons.
//
// Each family is a folder: <family>.ts says which calls the addons take, <family>.cpu.cc holds the loops,
// <family>.cuda.cu what the GPU runs. tf.softmax, tf.matMul and so on then use all of it, in any TF.js program. tfjs-core's own tests run on them:
// npm run test:tfjs-core. Larger shapes: test/ops/core.

import { tf } from '../../base/tf.js';
import { binaryKernels } from './binary/binary.js';
import { castKernels } from './cast/cast.js';
import type { CoreBackend, CoreKernel } from './core_kernel.js';
import { fillKernels } from './fill/fill.js';
import { gatherKernels } from './gather/gather.js';
import { matmulKernels } from './matmul/matmul.js';
import { reduceKernels } from './reduce/reduce.js';
import { selectKernels } from './select/select.js';
import { softmaxKernels } from './softmax/softmax.js';
import { transposeKernels } from './transpose/transpose.js';
import { unaryKernels } from './unary/unary.js';

const CORE_KERNELS: readonly CoreKernel[] = [
  ...unaryKernels,
  ...binaryKernels,
  ...reduceKernels,
  ...softmaxKernels,
  ...matmulKernels,
  ...transposeKernels,
  ...gatherKernels,
  ...selectKernels,
  ...fillKernels,
  ...castKernels,
];

/** Names of the TF.js kernels that the addons replace. */
export const coreKernelNames = (): string[] => CORE_KERNELS.map(({ name }) => name);

/** Makes the core kernels those of a backend of TF.js, by its name there. Calling it again changes nothing. */
export function registerCoreKernels(backend: CoreBackend, backendName: string): void {
  for (const { name, run } of CORE_KERNELS) {
    if (!backend.hasKernel(name)) throw new Error(`internal: the addon has no kernel ${name}`);
    const stock = tf.getKernel(name, 'cpu');
    if (stock === undefined) throw new Error(`internal: tfjs-backend-cpu has no kernel ${name}`);
    const fallback = backend.stock(stock.kernelFunc, name);
    tf.unregisterKernel(name, backendName);
    tf.registerKernel({
      ...stock,
      backendName,
      kernelFunc: (args) => run(backend, args.inputs, args.attrs) ?? fallback(args),
    });
  }
}
