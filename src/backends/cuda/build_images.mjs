// Builds the images of the GPU kernels into build/cuda.
//
//   node src/backends/cuda/build_images.mjs [--check] [--table]
//
//   kernels.cu            all kernels as one text that includes nothing: NVRTC compiles it where the others do not fit
//   kernels.ptx           for every GPU since Ampere (compute_80), in PTX 8.0, which every driver for CUDA 12 takes
//   kernels.sm_80.cubin   machine code for Ampere and Ada, and for Hopper: what ptxas makes of that PTX
//   kernels.sm_90.cubin
//
// Without nvcc (PATH, CUDA_HOME, /usr/local/cuda) only the first one is written. What has not changed is not built again.
// --check also assembles the PTX for Blackwell, and is an error where a kernel spills registers or nvcc is missing.
// --table checks, and writes each kernel's registers and shared memory into docs/benchmarks/cuda-kernels.md.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const OUT = path.join(root, 'build/cuda');
const TABLE = 'docs/benchmarks/cuda-kernels.md';
const SHIPPED = [80, 90];
const ASSEMBLED = [100, 120];
const execute = promisify(execFile);

/** All kernels and the headers that they include, each once, as one text. */
export function translationUnit() {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true })
    .map((name) => `src/${name}`)
    .filter((name) => /\.cuda\.cu$|^src\/backends\/cuda\/[^/]+\.cu$/.test(name))
    .sort();
  const included = new Set();
  const inline = (file) => {
    const out = [`#line 1 "${file}"`];
    for (const [i, line] of readFileSync(path.join(root, file), 'utf8').split('\n').entries()) {
      const [, header] = /^\s*#\s*include\s+["<](.*)[">]/.exec(line) ?? [];
      if (/^#pragma once/.test(line)) out.push('');
      else if (header === undefined) out.push(line);
      else if (header === 'shim.h') out.push('#error "neither nvcc nor NVRTC compiles this"');
      else {
        const target = path.posix.join(path.posix.dirname(file), header);
        if (!existsSync(path.join(root, target))) throw new Error(`${file}:${i + 1}: kernels cannot include ${header}`);
        if (included.has(target)) out.push('');
        else out.push(...inline(included.add(target) && target), `#line ${i + 2} "${file}"`);
      }
    }
    return out;
  };
  return ['// Made by src/backends/cuda/build_images.mjs.', ...sources.flatMap(inline)].join('\n');
}

/** The folder of nvcc and ptxas, '' where they are in PATH. */
async function findToolkit() {
  const folders = ['', process.env.CUDA_HOME && `${process.env.CUDA_HOME}/bin/`, '/usr/local/cuda/bin/'];
  for (const folder of folders) {
    const works = (tool) => execute(`${folder}${tool}`, ['--version']).catch(() => undefined);
    if (folder !== undefined && (await works('nvcc')) && (await works('ptxas'))) return folder;
  }
  return undefined;
}

// C++ as NVRTC knows it has nothing of the standard library, which nvcc includes by itself.
const NOT_IN_NVRTC =
  'std assert printf memcpy memset INFINITY NAN FLT_MAX FLT_EPSILON INT_MAX UINT_MAX M_PI size_t ' +
  'int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t uintptr_t';

/** Registers, spilled bytes and shared memory by kernel, of what ptxas -v has said. */
function resources(said) {
  const kernels = new Map();
  for (const part of said.split(/Compiling entry function '/).slice(1)) {
    const number = (pattern) => Number(pattern.exec(part)?.[1] ?? 0);
    kernels.set(/^[^']+/.exec(part)[0], {
      registers: number(/Used (\d+) registers/),
      spilled: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
      stack: number(/(\d+) bytes stack frame/),
      shared: number(/(\d+) bytes smem/),
    });
  }
  return kernels;
}

/** Warps that a multiprocessor holds, of the 64 that it can. */
function warpsResident({ registers }, threads) {
  const perBlock = Math.ceil(threads / 32);
  const perWarp = Math.ceil(registers / 8) * 8 * 32;
  return perBlock * Math.min(32, Math.floor(64 / perBlock), Math.floor(65536 / (perWarp * perBlock)));
}

/** Compiles into OUT; returns what each architecture needs, by kernel. */
async function compile(toolkit, architectures) {
  const work = mkdtempSync(path.join(tmpdir(), 'gpt-images-'));
  try {
    const source = path.join(work, 'kernels.cu');
    const poison = NOT_IN_NVRTC.split(' ').map((word) => `#pragma GCC poison ${word}\n`);
    writeFileSync(source, poison.join('') + readFileSync(path.join(OUT, 'kernels.cu'), 'utf8'));
    const ptx = path.join(OUT, 'kernels.ptx');
    await execute(`${toolkit}nvcc`, ['-ptx', '-arch=compute_80', '-std=c++17', source, '-o', ptx], {
      maxBuffer: 1 << 26,
    });
    writeFileSync(ptx, readFileSync(ptx, 'utf8').replace(/^\.version .*$/m, '.version 8.0'));
    return await Promise.all(
      architectures.map(async (architecture) => {
        const cubin = path.join(SHIPPED.includes(architecture) ? OUT : work, `kernels.sm_${architecture}.cubin`);
        const args = ['-v', `-arch=sm_${architecture}`, ptx, '-o', cubin];
        const { stdout, stderr } = await execute(`${toolkit}ptxas`, args, { maxBuffer: 1 << 26 });
        return resources(stdout + stderr);
      }),
    );
  } finally {
    rmSync(work, { recursive: true });
  }
}

function table(needs, version) {
  const ptx = readFileSync(path.join(OUT, 'kernels.ptx'), 'utf8');
  const threads = new Map([...ptx.matchAll(/\.entry (\w+)\([^{]*?\.maxntid (\d+)/g)].map(([, name, n]) => [name, +n]));
  const [ampere, hopper] = needs;
  const rows = [...ampere.keys()].sort().map((name) => {
    const [a, h] = [ampere.get(name), hopper.get(name)];
    const block = threads.get(name);
    return `| ${name} | ${block} | ${a.registers} | ${h.registers} | ${warpsResident(h, block)} | ${Math.max(a.spilled, h.spilled)} |`;
  });
  return `# GPU kernels: what they need

Written by \`node src/backends/cuda/build_images.mjs --table\`; ${version}. ${rows.length} kernels.

Threads: the most a block may have. Warps: how many a multiprocessor (sm_90) holds at once by registers and threads, of 64.
Spilled: bytes of registers that went to memory, both architectures; a build with \`--check\` fails unless it is 0. Shared
memory is asked for by the launchers: what it holds depends on the call.

| kernel | threads | registers sm_80 | registers sm_90 | warps | spilled |
| --- | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
`;
}

async function main() {
  const { values: options } = parseArgs({
    options: { check: { type: 'boolean', default: false }, table: { type: 'boolean', default: false } },
  });
  const strict = options.check || options.table;
  const started = performance.now();
  const unit = translationUnit();
  const text = path.join(OUT, 'kernels.cu');
  const images = ['kernels.ptx', ...SHIPPED.map((architecture) => `kernels.sm_${architecture}.cubin`)];
  const made = images.map((name) => path.join(OUT, name));
  const same = existsSync(text) && readFileSync(text, 'utf8') === unit;
  if (same && !strict && made.every((file) => existsSync(file))) return;
  mkdirSync(OUT, { recursive: true });
  for (const name of readdirSync(OUT)) if (/^kernels\./.test(name)) rmSync(path.join(OUT, name)); // also NVRTC's
  writeFileSync(text, unit);

  const toolkit = await findToolkit();
  if (toolkit === undefined) {
    console.log('gpt: no nvcc: the GPU kernels will be compiled by NVRTC where they first run');
    process.exitCode = strict ? 1 : 0;
    return;
  }
  let needs;
  try {
    needs = await compile(toolkit, strict ? [...SHIPPED, ...ASSEMBLED] : SHIPPED);
  } catch (error) {
    for (const file of made) rmSync(file, { force: true });
    console.error(
      `gpt: nvcc does not compile the GPU kernels; NVRTC may, where they first run:\n${error.stderr ?? error}`,
    );
    process.exitCode = strict || process.env.GPT_REQUIRE_NATIVE ? 1 : 0;
    return;
  }
  for (const [i, architecture] of SHIPPED.entries()) {
    for (const [name, { spilled, stack }] of needs[i]) {
      if (spilled + stack === 0) continue;
      console.error(`gpt: ${name} spills on sm_${architecture}: ${spilled} bytes, a stack of ${stack}`);
      if (strict) process.exitCode = 1;
    }
  }
  if (options.table) {
    const { stdout } = await execute(`${toolkit}nvcc`, ['--version']);
    const version = `nvcc ${/V([\d.]+)/.exec(stdout)[1]}`;
    writeFileSync(path.join(root, TABLE), table(needs, version));
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `gpt: ${needs[0].size} GPU kernels compiled for ${['PTX', ...SHIPPED.map((a) => `sm_${a}`)].join(', ')} in ${seconds} s`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
