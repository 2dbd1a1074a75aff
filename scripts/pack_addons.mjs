// Puts compiled addons into prebuilds/<platform>-<arch>/, where the npm package has them. `npm pack` runs it.
//
//   node scripts/pack_addons.mjs [linux-arm64 ...]     npm run check:arm64
//
//   prebuilds/linux-x64/native/   native.node  kernels-avx512.so  kernels-avx2.so  kernels-baseline.so  libgomp.so.1
//   prebuilds/linux-x64/cuda/     cuda.node  kernels.cu  kernels.ptx  kernels.sm_80.cubin  kernels.sm_90.cubin
//
// Without names: this machine's, which `npm run build` has made, and on Linux those of other processors that a cross
// compiler is there for; with names: those, and a missing compiler is an error. Symbols are stripped. GCC's OpenMP library
// comes along, since a machine without a compiler may have none. Says which versions of the system's
// libraries each needs: they are those of the machine that builds, so a release is built on an old one.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const HERE = `${process.platform}-${process.arch}`;
const CROSS = { 'linux-arm64': { prefix: 'aarch64-linux-gnu-', processor: 'aarch64' } };
const ABOUT_LIBGOMP = `libgomp.so.1 is the OpenMP library of GCC, unchanged: GPL-3.0 with the GCC Runtime Library Exception 3.1
(https://www.gnu.org/licenses/gcc-exception-3.1.html). Source: https://gcc.gnu.org, version`;

const works = (program) => !spawnSync(program, ['--version']).error;

function fail(why) {
  console.error(`pack-addons: ${why}`);
  process.exit(1);
}

/** Builds for another processor; returns the folder that has native/ and cuda/. */
function crossBuild(target) {
  const { prefix, processor } = CROSS[target] ?? fail(`${target}: this machine can make ${targets().join(', ')}`);
  if (!works(`${prefix}g++`)) fail(`${target} needs ${prefix}g++ (Debian: apt-get install g++-aarch64-linux-gnu)`);
  const folder = path.join(root, 'build', target);
  const cmake = [
    `-DCMAKE_CXX_COMPILER=${prefix}g++`,
    '-DCMAKE_SYSTEM_NAME=Linux',
    `-DCMAKE_SYSTEM_PROCESSOR=${processor}`,
  ];
  const built = spawnSync(process.execPath, ['src/backends/build.mjs', path.join(folder, 'native')], {
    cwd: root,
    env: { ...process.env, GPT_REQUIRE_NATIVE: '1', GPT_CMAKE_ARGS: cmake.join(' ') },
    stdio: 'inherit',
  });
  if (built.status !== 0) process.exit(1);
  return folder;
}

function targets() {
  const crossed = Object.keys(CROSS).filter((target) => target !== HERE && works(`${CROSS[target].prefix}g++`));
  return [HERE, ...(process.platform === 'linux' ? crossed : [])];
}

function pack(target) {
  const from = target === HERE ? path.join(root, 'build') : crossBuild(target);
  const prefix = target === HERE ? '' : CROSS[target].prefix;
  if (!existsSync(path.join(from, 'native/native.node'))) fail('the native backend is not built: npm run build');
  const out = path.join(root, 'prebuilds', target);
  rmSync(out, { recursive: true, force: true });
  const files = ['native', 'cuda'].flatMap((name) =>
    (existsSync(path.join(from, name)) ? readdirSync(path.join(from, name)) : [])
      .filter((file) => /\.(node|so|ptx|cubin|cu)$/.test(file))
      .map((file) => path.join(name, file)),
  );
  for (const file of files) {
    const to = path.join(out, file);
    mkdirSync(path.dirname(to), { recursive: true });
    copyFileSync(path.join(from, file), to);
    if (/\.(node|so)$/.test(file)) spawnSync(`${prefix}strip`, [process.platform === 'darwin' ? '-x' : '-s', to]);
  }
  const libgomp = target.startsWith('linux') ? addLibgomp(`${prefix}g++`, path.join(out, 'native')) : [];
  const bytes = [...files, ...libgomp].reduce((sum, file) => sum + statSync(path.join(out, file)).size, 0);
  const size = `${files.length + libgomp.length} files, ${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`pack-addons: ${target}: ${size}`);
  for (const name of ['native', 'cuda']) {
    const addons = [...files, ...libgomp].filter((file) => file.startsWith(name) && /\.(node|so|so\.1)$/.test(file));
    console.log(`pack-addons:   ${name} needs ${needs(addons.map((file) => path.join(out, file)))}`);
  }
}

/** Where the compiler has a shared one beside it. */
function addLibgomp(compiler, folder) {
  if (!works(compiler)) return [];
  const ask = (...args) => execFileSync(compiler, args, { encoding: 'utf8' }).trim();
  const library = ask('-print-file-name=libgomp.so.1');
  if (!path.isAbsolute(library)) return [];
  copyFileSync(library, path.join(folder, 'libgomp.so.1'));
  writeFileSync(path.join(folder, 'libgomp.txt'), `${ABOUT_LIBGOMP} ${ask('-dumpfullversion')}\n`);
  return ['native/libgomp.so.1', 'native/libgomp.txt'];
}

/** The newest version of each of the system's libraries that the files name: "GLIBC 2.34, GLIBCXX 3.4.21". */
function needs(files) {
  const said = spawnSync('objdump', ['-T', ...files], { encoding: 'utf8', maxBuffer: 1 << 26 }).stdout ?? '';
  const newest = new Map();
  for (const [, library, version] of said.matchAll(/\*UND\*.*\((GLIBC|GLIBCXX|CXXABI|GCC)_([\d.]+)\)/g)) {
    const parts = (v) =>
      v.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0) * 1000 ** (3 - v.split('.').length);
    if (parts(version) > parts(newest.get(library) ?? '0')) newest.set(library, version);
  }
  return [...newest].map(([library, version]) => `${library} ${version}`).join(', ') || 'what objdump would tell';
}

const named = process.argv.slice(2);
for (const target of named.length > 0 ? named : targets()) pack(target);
