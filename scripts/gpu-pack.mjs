// Packs what scripts/gpu-check.sh needs on a machine with a GPU, but without Node and without a network, into .gpu/.
//
//   node scripts/gpu-pack.mjs [--out .gpu] [--torch FILE] [--llmc DIR] [--cudnn-frontend DIR] [--fast]
//
//   node.xz        the binary of this Node, stripped; made again only for another Node
//   gpt.tar.xz     gpt as it is built here (dist, build, the modules that it reaches, configs, stories), the fixtures and
//                  the loss curve that it is held against, and the sources of the addon and the kernels
//   peers.tar.xz   the PyTorch script of --torch, the sources of llm.c's GPU trainer in --llmc, and cudnn-frontend's headers,
//                  without which llm.c's attention is its slow one; none of them belongs to this repository
//   gpu-*          the scripts that run there
//   pack.json      which commit, which Node, and the sizes
//
// The folder may be copied anywhere: `sh .gpu/gpu-check.sh`. --fast compresses less and takes
// old kernels, for tests.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { translationUnit } from '../src/backends/cuda/build_images.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const LIMIT = 64 * 2 ** 20;
const SCRIPTS = ['gpu-check.sh', 'gpu-llmc.sh', 'gpu-libraries.py', 'gpu-table.py'];
// What gpt reads beside its code, and what the stages need.
const PARTS = [
  'bin',
  'dist',
  'configs',
  'data/stories',
  'package.json',
  'build/tfjs_gradients.mjs',
  'src/backends',
  'src/ops',
  'test/cuda/curve.yaml',
  'test/cuda/curve.json',
  'test/cuda/tiny.yaml',
  'test/fixtures',
  'scripts/gpu-curve.mjs',
];
const HEADERS = ['node_modules/node-api-headers/include', 'node_modules/node-addon-api'];

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, '.gpu') },
    torch: { type: 'string' },
    llmc: { type: 'string' },
    'cudnn-frontend': { type: 'string' },
    fast: { type: 'boolean', default: false },
  },
});
const out = path.resolve(options.out);
const scratch = mkdtempSync(path.join(tmpdir(), 'gpt-pack-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function fail(what) {
  console.error(`gpu-pack: ${what}`);
  process.exit(1);
}

const sizeOf = (file) => statSync(file).size;
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();

/** FILE.xz in the pack, by xz or by Python's lzma. */
function compress(file, name, level) {
  const target = path.join(out, name);
  const xz = spawnSync('sh', ['-c', `exec xz -T0 -${level} -c "$1" > "$2"`, 'sh', file, target]);
  if (xz.status === 0) return;
  const program = [
    'import lzma, shutil, sys',
    'shutil.copyfileobj(open(sys.argv[1], "rb"), lzma.open(sys.argv[2], "wb", preset=int(sys.argv[3])), 1 << 20)',
  ];
  const python = spawnSync('python3', ['-c', program.join('\n'), file, target, `${level}`], { encoding: 'utf8' });
  if (python.status !== 0) fail(`neither xz nor python3 compresses: ${xz.stderr}${python.stderr}`);
}

function packTree(tree, name, level) {
  const tar = path.join(scratch, `${name}.tar`);
  execFileSync('tar', ['-C', tree, '--owner=0', '--group=0', '--sort=name', '-cf', tar, '.']);
  compress(tar, `${name}.tar.xz`, level);
}

function packNode(before) {
  const made = { version: process.version, bytes: sizeOf(process.execPath), fast: options.fast };
  const kept = existsSync(path.join(out, 'node.xz')) && JSON.stringify(before) === JSON.stringify(made);
  if (kept) return made;
  const binary = path.join(scratch, 'node');
  copyFileSync(process.execPath, binary);
  if (spawnSync('strip', [binary]).status !== 0) console.error('gpu-pack: strip does not work; Node stays 13 % larger');
  const says = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  if (says !== process.version) fail(`the copy of ${process.execPath} does not run`);
  compress(binary, 'node.xz', options.fast ? 0 : 9);
  return made;
}

/** Files of node_modules that gpt can load, by esbuild's resolution, and the package.json of each package. */
async function reachedModules() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['dist/cli/main.js'],
    bundle: true,
    write: false,
    metafile: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: scratch,
    external: ['*.node', '@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'],
    logLevel: 'error',
  });
  const files = new Set(Object.keys(metafile.inputs).filter((file) => file.startsWith('node_modules/')));
  for (const file of [...files]) {
    // every package.json up to node_modules: they say whether a file is a module, and what an import means
    for (let folder = path.dirname(file); folder !== '.'; folder = path.dirname(folder)) {
      const description = path.join(folder, 'package.json');
      if (existsSync(path.join(root, description))) files.add(description);
    }
  }
  return [...files];
}

/** The addons, without the compiler's traces beside them. */
function builtFiles() {
  const files = ['native', 'cuda'].flatMap((name) => {
    const folder = path.join(root, 'build', name);
    return existsSync(folder) ? readdirSync(folder).map((file) => `build/${name}/${file}`) : [];
  });
  return files.filter((file) => /\.(node|so|cubin|ptx|cu)$/.test(file));
}

async function packGpt() {
  if (!existsSync(path.join(root, 'dist/cli/main.js'))) fail('gpt is not built: npm run build');
  const built = builtFiles();
  if (!built.includes('build/cuda/cuda.node')) fail('the CUDA addon is not built: npm run build');
  const kernels = path.join(root, 'build/cuda/kernels.cu');
  const fresh = existsSync(kernels) && readFileSync(kernels, 'utf8') === translationUnit();
  if (!fresh && !options.fast) fail('the images of the kernels are not those of the sources: npm run build:native');
  const tree = path.join(scratch, 'gpt');
  for (const part of [...PARTS, ...HEADERS, ...built, ...(await reachedModules())]) {
    if (!existsSync(path.join(root, part))) fail(`${part} is missing`);
    cpSync(path.join(root, part), path.join(tree, part), { recursive: true });
  }
  packTree(tree, 'gpt', options.fast ? 0 : 6);
  return built.filter((file) => file.startsWith('build/cuda/'));
}

/** llm.c's trainer and its headers, and those of cudnn-frontend. Returns the names of what was packed. */
function packPeers() {
  const tree = path.join(scratch, 'peers');
  mkdirSync(tree);
  if (options.torch) cpSync(options.torch, path.join(tree, 'torch_gpt2.py'));
  if (options.llmc) {
    for (const part of ['train_gpt2.cu', 'llmc', 'LICENSE', 'train_gpt2cu']) {
      if (part === 'train_gpt2cu' && !existsSync(path.join(options.llmc, part))) continue; // it may be compiled here
      cpSync(path.join(options.llmc, part), path.join(tree, 'llm.c', part), { recursive: true });
    }
  }
  const frontend = options['cudnn-frontend'];
  if (frontend) cpSync(path.join(frontend, 'include'), path.join(tree, 'cudnn-frontend/include'), { recursive: true });
  const peers = readdirSync(tree);
  if (peers.length > 0) packTree(tree, 'peers', options.fast ? 0 : 6);
  else rmSync(path.join(out, 'peers.tar.xz'), { force: true });
  return peers;
}

const started = performance.now();
mkdirSync(out, { recursive: true });
const description = path.join(out, 'pack.json');
const before = existsSync(description) ? JSON.parse(readFileSync(description, 'utf8')) : {};
rmSync(description, { force: true }); // written last: what it says is there
const node = packNode(before.node);
const cuda = await packGpt();
const peers = packPeers();
for (const script of SCRIPTS) copyFileSync(path.join(root, 'scripts', script), path.join(out, script));
const files = Object.fromEntries(readdirSync(out).map((file) => [file, sizeOf(path.join(out, file))]));
const total = Object.values(files).reduce((a, b) => a + b, 0);
const commit = git('rev-parse', 'HEAD');
const changed = git('status', '--porcelain') !== '';
writeFileSync(
  description,
  `${JSON.stringify({ commit, changed, date: new Date().toISOString(), node, cuda, peers, files }, null, 1)}\n`,
);
if (!cuda.some((file) => /\.(cubin|ptx)$/.test(file))) {
  console.error('gpu-pack: no images of the kernels: NVRTC has to compile them there, as nvcc is not here');
}
for (const [file, bytes] of Object.entries(files)) console.log(`${file.padEnd(20)}${mebibytes(bytes)}`);
console.log(`${out}: ${mebibytes(total)}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
if (total > LIMIT) fail(`more than ${mebibytes(LIMIT)}`);
