// Where the addons are built. Imports nothing, so that a command can ask before it loads TensorFlow.js.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build');

/** build/native of this package. */
export const BUILD_FOLDER = path.join(build, 'native');

/** The native addon. */
export const ADDON = path.join(BUILD_FOLDER, 'native.node');

/** Whether the native backend was built. */
export const nativeIsBuilt = (): boolean => existsSync(ADDON);

/** The CUDA addon and the kernels' images. */
export const CUDA_FOLDER = path.join(build, 'cuda');

/** The CUDA addon. */
export const CUDA_ADDON = path.join(CUDA_FOLDER, 'cuda.node');
