// Where the CUDA libraries may be: the driver's own, cuBLASLt, and NVRTC. Only the names; the addon tries to load them in order.
//
//   an environment variable, then the loader's search path, then a toolkit (CUDA_HOME, /usr/local/cuda, /opt/cuda), then
//   packages of pip and conda. Version 13 before 12.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** Files to try, in order. */
export interface CudaLibraries {
  readonly driver: string;
  readonly cublaslt: readonly string[];
  readonly nvrtc: readonly string[];
}

/** Candidates by this environment. */
export function cudaLibraries(env: Env): CudaLibraries {
  const folders = libraryFolders(env);
  const candidates = (variable: string, stem: string): string[] => {
    const given = env[variable];
    if (given) return [given]; // a wrong path is an error, and nothing else is taken in its place
    const names = [`${stem}.so.13`, `${stem}.so.12`];
    return [...names, ...folders.flatMap((folder) => names.map((name) => path.join(folder, name))).filter(existsSync)];
  };
  return {
    driver: env['GPT_LIBCUDA'] || 'libcuda.so.1',
    cublaslt: candidates('GPT_LIBCUBLASLT', 'libcublasLt'),
    nvrtc: candidates('GPT_LIBNVRTC', 'libnvrtc'),
  };
}

function libraryFolders(env: Env): string[] {
  const toolkits = [env['CUDA_HOME'], env['CUDA_PATH'], '/usr/local/cuda', '/opt/cuda'];
  const conda = env['CONDA_PREFIX'];
  const pythons = [env['VIRTUAL_ENV'], conda, '/usr', '/usr/local', env['HOME'] && path.join(env['HOME'], '.local')];
  return [
    ...toolkits.filter((folder) => folder !== undefined && folder !== '').map((folder) => path.join(folder!, 'lib64')),
    ...pythons.flatMap((prefix) => (prefix ? pipFolders(prefix) : [])),
    ...(conda ? [path.join(conda, 'lib')] : []),
  ];
}

/** PREFIX/lib/python3.N/{site,dist}-packages/nvidia/PACKAGE/lib: where NVIDIA's wheels put their libraries. */
function pipFolders(prefix: string): string[] {
  const lib = path.join(prefix, 'lib');
  return children(lib)
    .filter((name) => name.startsWith('python3'))
    .flatMap((python) => ['site-packages', 'dist-packages'].map((kind) => path.join(lib, python, kind, 'nvidia')))
    .flatMap((nvidia) => children(nvidia).map((name) => path.join(nvidia, name, 'lib')));
}

function children(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // not there
  }
}
