// (being written)
import type { NativeBackend } from '../../backends/native_backend.js';

export function registerCoreKernels(_backend: NativeBackend): void {}
