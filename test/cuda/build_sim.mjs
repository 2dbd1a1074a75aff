// Builds the machine that replaces a GPU in tests: a libcuda.so.1 with all kernels, a libcublasLt.so.13 and a
// libnvrtc.so.13 (sim/*.cc).
//
//   node test/cuda/build_sim.mjs [FOLDER]         into build/cuda-sim, or the folder given
//
// Every *.cuda.cu and src/backends/cuda/*.cu is compiled by g++ to an object of its own, in parallel, where one of the
// files that it was made of has changed. A build with mutants, files whose text is replaced, compiles in a folder of its
// own what is made of them, and links it with the other objects.
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDER = 'build/cuda-sim';
const SIM = 'test/cuda/sim';
const FLAGS = ['-std=c++17', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-psabi'];
// Kernels view memory as other types, as GPUs' compilers let them. Variables without a value get a conspicuous one, and a
// misaligned address or an index outside of its array ends the process: shim.cc. -mfma: products and sums are contracted,
// as GPUs' compilers do, so that what relies on the rounding of a product shows.
export const KERNEL_FLAGS = [
  '-mfma',
  '-Wno-unknown-pragmas',
  '-Wno-sign-compare', // threadIdx and its like are unsigned
  '-fno-strict-aliasing',
  '-ftrivial-auto-var-init=pattern',
  '-fsanitize=alignment,bounds',
  '-fno-sanitize-recover=all',
];
const execute = promisify(execFile);
const modified = (file) => statSync(path.join(root, file)).mtimeMs;
const objectOf = (folder, source) => `${folder}/objects/${source.replaceAll('/', '.')}.o`;

/** Why the simulated machine cannot be built or run here, or undefined. */
export async function whyNoSim() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the simulated GPU needs Linux on x86-64';
  if (!/^flags.*\bfma\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))) return 'the CPU has no fused multiply-add';
  const version = await execute('g++', ['-dumpversion']).catch(() => undefined);
  if (version === undefined) return 'g++ is not installed';
  return Number.parseInt(version.stdout, 10) < 12 ? `g++ is ${version.stdout.trim()}, 12 is needed` : undefined;
}

/** All kernel sources, from the root. */
export function kernelSources() {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true }).map((name) => `src/${name}`);
  return sources.filter((name) => /\.cuda\.cu$|^src\/backends\/cuda\/[^/]+\.cu$/.test(name)).sort();
}

/** What an object was made of, without the headers of the system; undefined: it was never made. */
function dependencies(object) {
  const file = path.join(root, `${object}.d`);
  if (!existsSync(file)) return undefined;
  const [, list] = readFileSync(file, 'utf8').split(/^\S+:/);
  return list
    .split(/[\s\\]+/)
    .filter(Boolean)
    .map((name) => path.normalize(name))
    .filter((name) => !path.isAbsolute(name));
}

function isFresh(object) {
  const files = dependencies(object);
  if (files === undefined || !existsSync(path.join(root, object))) return false;
  const made = modified(object);
  return [...files, 'test/cuda/build_sim.mjs'].every(
    (name) => existsSync(path.join(root, name)) && modified(name) < made,
  );
}

// g++ writes to a name of this process, as others may build the same.
async function gxx(args, output) {
  const written = `${output}.${process.pid}`;
  const options = { cwd: root, maxBuffer: 1 << 26 };
  const { stderr } = await execute('g++', [...args, '-o', written], options).catch((error) => {
    throw new Error(`g++ fails:\n${error.stderr}`);
  });
  renameSync(path.join(root, written), path.join(root, output));
  return stderr;
}

async function compile(source, object, optimize) {
  const kernel = source.endsWith('.cu');
  const flags = kernel ? [optimize, ...KERNEL_FLAGS, '-I', SIM, '-x', 'c++'] : ['-O3'];
  const listed = `${object}.d.${process.pid}`;
  const warnings = await gxx([...FLAGS, ...flags, '-MMD', '-MF', listed, '-c', source], object);
  renameSync(path.join(root, listed), path.join(root, `${object}.d`));
  return warnings;
}

// Runs jobs, as many at a time as there are cores; returns what they say.
async function inParallel(jobs) {
  const said = [];
  let next = 0;
  const work = async () => {
    while (next < jobs.length) said.push(await jobs[next++]());
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return said.join('');
}

const link = (objects, library) =>
  gxx(['-shared', `-Wl,-soname,${path.basename(library)}`, ...objects, '-lpthread', '-ldl'], library);

const librariesIn = (folder) => ({
  libcuda: `${folder}/libcuda.so.1`,
  libcublasLt: `${folder}/libcublasLt.so.13`,
  libnvrtc: `${folder}/libnvrtc.so.13`,
});

/** The libraries, and what the compiler warns of. */
export async function buildSim({ folder = FOLDER } = {}) {
  mkdirSync(path.join(root, folder, 'objects'), { recursive: true });
  const kernels = kernelSources();
  const libraries = {
    libcuda: [`${SIM}/shim.cc`, `${SIM}/driver.cc`, ...kernels],
    libcublasLt: [`${SIM}/cublaslt.cc`],
    libnvrtc: [`${SIM}/nvrtc.cc`],
  };
  const stale = Object.values(libraries)
    .flat()
    .filter((source) => !isFresh(objectOf(folder, source)));
  const warnings = await inParallel(stale.map((source) => () => compile(source, objectOf(folder, source), '-O2')));
  const built = librariesIn(folder);
  for (const [name, sources] of Object.entries(libraries)) {
    const objects = sources.map((source) => objectOf(folder, source));
    const list = `${built[name]}.list`; // a source that is gone makes a library stale, too
    const same =
      existsSync(path.join(root, list)) && readFileSync(path.join(root, list), 'utf8') === objects.join('\n');
    const library = path.join(root, built[name]);
    if (same && existsSync(library) && objects.every((object) => modified(object) < modified(built[name]))) continue;
    await link(objects, built[name]);
    writeFileSync(path.join(root, list), objects.join('\n'));
  }
  return { ...built, compiled: stale.length, warnings };
}

/** The libcuda of sources of which some have another text, in a folder of its own. The rest must have been built. */
export async function buildMutant({ folder, mutants, base = FOLDER }) {
  mkdirSync(path.join(root, folder, 'objects'), { recursive: true });
  const jobs = [];
  const objects = [`${SIM}/shim.cc`, `${SIM}/driver.cc`, ...kernelSources()].map((source) => {
    const files = dependencies(objectOf(base, source)) ?? [];
    if (!files.some((file) => file in mutants)) return objectOf(base, source);
    for (const file of files) {
      const copy = path.join(root, folder, file);
      mkdirSync(path.dirname(copy), { recursive: true });
      if (file in mutants) writeFileSync(copy, mutants[file]);
      else copyFileSync(path.join(root, file), copy);
    }
    const object = objectOf(folder, source);
    jobs.push(() => compile(`${folder}/${source}`, object, '-Og')); // compiling takes longer than its run
    return object;
  });
  if (jobs.length === 0) throw new Error(`no kernel is made of ${Object.keys(mutants).join(', ')}`);
  await inParallel(jobs);
  const libcuda = `${folder}/libcuda.so.1`;
  await link(objects, libcuda);
  return { ...librariesIn(base), libcuda };
}

/** The environment in which the addon loads these libraries, and gives every tensor an allocation of its own. */
export function simEnvironment({ libcuda, libcublasLt, libnvrtc }) {
  return {
    GPT_LIBCUDA: path.join(root, libcuda),
    GPT_LIBCUBLASLT: path.join(root, libcublasLt),
    GPT_LIBNVRTC: path.join(root, libnvrtc),
    GPT_CUDA_POOL: 'none',
    CUDA_VISIBLE_DEVICES: '0',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const why = await whyNoSim();
  if (why !== undefined) {
    console.log(`gpt: the simulated GPU was not built: ${why}`);
    process.exit(0);
  }
  const started = performance.now();
  const { libcuda, compiled, warnings } = await buildSim({ folder: process.argv[2] ?? FOLDER }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  process.stderr.write(warnings);
  console.log(`${libcuda}: ${compiled} files compiled, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
