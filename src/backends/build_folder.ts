// Where the native addon is built. Imports nothing, so that a command can ask before it loads TensorFlow.js.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** build/native of this package. */
export const BUILD_FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build/native');

/** The addon itself. */
export const ADDON = path.join(BUILD_FOLDER, 'native.node');

/** Whether the native backend was built. */
export const nativeIsBuilt = (): boolean => existsSync(ADDON);
