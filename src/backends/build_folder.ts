// Where the addons are: what was built here, build/, or else what the npm package has for this platform,
// prebuilds/<platform>-<arch>/. Imports nothing of ours, so that a command can ask before it loads TensorFlow.js.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const platform = `${process.platform}-${process.arch}`;

/** build/NAME, or the package's folder where that has the addon and build/NAME has not. */
function folderOf(name: 'native' | 'cuda'): string {
  const [built, packed] = [path.join(root, 'build', name), path.join(root, 'prebuilds', platform, name)];
  const has = (folder: string) => existsSync(path.join(folder, `${name}.node`));
  return !has(built) && has(packed) ? packed : built;
}

/** The folder of the native addon and its kernel libraries. */
export const BUILD_FOLDER = folderOf('native');

/** The native addon. */
export const ADDON = path.join(BUILD_FOLDER, 'native.node');

/** Whether there is a native backend. */
export const nativeIsBuilt = (): boolean => existsSync(ADDON);

/** Whether its addon loads, too: that of a package may be made for a newer C library than this system's. */
export function nativeLoads(): boolean {
  try {
    createRequire(import.meta.url)(ADDON);
    return true;
  } catch {
    return false;
  }
}

/** The CUDA addon and the kernels' images. */
export const CUDA_FOLDER = folderOf('cuda');

/** The CUDA addon. */
export const CUDA_ADDON = path.join(CUDA_FOLDER, 'cuda.node');

const isSource = existsSync(path.join(root, 'src/backends/build.mjs'));

/** What to say where an addon is missing. */
export const missingAddon = (backend: string): string =>
  isSource ? `the ${backend} backend is not built` : `this package has no ${backend} backend for ${platform}`;

/** How to get the addons. */
export const HOW_TO_BUILD = isSource
  ? 'install a C++ compiler and cmake (Debian: apt-get install g++ cmake), then: npm run build:native'
  : 'use gpt from its source (docs/install.md)';

/** How to get what multiplies bfloat16 matrices. */
export const HOW_TO_GET_ONEDNN = isSource
  ? 'apt-get install libdnnl-dev && npm run build:native'
  : 'apt-get install libdnnl2 (oneDNN 2)';
