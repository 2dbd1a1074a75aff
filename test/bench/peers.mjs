// `npm run bench:peers -- --torch FILE --llmc DIR [--rounds 5]`: our training step beside its peers, on this machine.
//
//   --torch FILE   a script that times a PyTorch GPT-2 (--model, --batch, --context, --steps, --bf16), one JSON line each
//   --llmc DIR     a folder with llm.c's CPU trainer, built, and the files that it reads (B = 4, T = 64, GPT-2 124M)
//
// Rounds alternate ours and theirs, so that a slow minute hits both; medians and ratios go to docs/benchmarks/cpu.md and
// cpu.json. Let nothing else run meanwhile. Reference BLAS under PyTorch is refused: it would flatter us twentyfold.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values: options } = parseArgs({
  options: { torch: { type: 'string' }, llmc: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(options.rounds);
const threads = availableParallelism();
const median = (xs) => xs.sort((a, b) => a - b)[Math.floor(xs.length / 2)];

const flags = (readFileSync('/proc/cpuinfo', 'utf8').match(/^flags.*$/m)?.[0] ?? '')
  .split(/\s+/)
  .filter((f) => /^(avx|fma|amx)/.test(f));

const WORK = [
  { name: 'mini, B=12, T=256', model: 'mini', batch: 12, n_ctx: 256, steps: 10, peerSteps: 5 },
  { name: 'GPT-2 124M, B=2, T=512', model: 'gpt2-124m', batch: 2, n_ctx: 512, steps: 4, peerSteps: 2 },
  { name: 'GPT-2 124M, B=4, T=64', model: 'gpt2-124m', batch: 4, n_ctx: 64, steps: 6, peerSteps: 3, llmc: true },
];

const lastJson = (text) => JSON.parse(text.trim().split('\n').at(-1));

function ours({ model, batch, n_ctx, steps }) {
  const args = ['bench', '--model', model, '--batch', batch, '--n-ctx', n_ctx, '--steps', steps, '--quiet'];
  return lastJson(execFileSync('node', [path.join(root, 'bin/gpt.js'), ...args.map(String)], { encoding: 'utf8' }));
}

function torch({ model, batch, n_ctx, peerSteps }, ...precision) {
  const sizes = ['--model', model, '--batch', batch, '--context', n_ctx, '--steps', peerSteps];
  const args = [options.torch, ...sizes, ...precision];
  // Debian's OpenBLAS takes newer Intel CPUs for ones without AVX-512, and is then 4 times slower: tell it
  const avx512 = flags.includes('avx512f') ? { OPENBLAS_CORETYPE: 'SkylakeX' } : {};
  const env = { ...avx512, ...process.env, OMP_NUM_THREADS: String(threads) };
  return lastJson(execFileSync('/usr/bin/python3', args.map(String), { encoding: 'utf8', env }));
}

/** Median step of llm.c's trainer, which runs until it is stopped. */
function llmc() {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads) };
    const child = spawn('stdbuf', ['-oL', './train_gpt2'], { cwd: options.llmc, env });
    const times = [];
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = [...text.matchAll(/step \d+: train loss .*took ([\d.]+) ms/g)].map((m) => Number(m[1]));
      if (found.length < 4) return;
      times.push(...found.slice(1, 4)); // the first step warms up
      child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => {
      if (times.length === 0) return reject(new Error(`llm.c printed no steps:\n${text.slice(-500)}`));
      const step_s = median(times) / 1000;
      resolve({ peer: 'llm.c train_gpt2.c, OpenMP', step_s, tokens_per_s: (4 * 64) / step_s });
    });
  });
}

if (options.torch) {
  const blas = realpathSync('/usr/lib/x86_64-linux-gnu/libblas.so.3');
  console.log(`PyTorch's BLAS: ${blas}`);
  if (/\/blas\/libblas/.test(blas)) {
    console.error('that is the reference BLAS, 20 times slower than a tuned one: apt-get install libopenblas0-pthread');
    process.exit(2);
  }
}
if (loadavg()[0] > 0.5) console.log(`warning: the load average is ${loadavg()[0]}: other programs share these cores`);

const results = [];
for (const work of WORK) {
  const peers = [];
  if (options.torch) {
    peers.push({ run: () => torch(work), rows: [] });
    peers.push({ run: () => torch(work, '--bf16'), rows: [], name: ', bf16' });
  }
  if (options.llmc && work.llmc) peers.push({ run: llmc, rows: [] });
  const own = [];
  for (let round = 0; round < rounds; round++) {
    own.push(ours(work));
    for (const peer of peers) peer.rows.push(await peer.run());
  }
  const speed = (rows) => median(rows.map((r) => r.tokens_per_s));
  const us = speed(own);
  const row = { ...work, ours: own[0], tokens_per_s: us, peers: [] };
  row.ours.mfu = median(own.map((r) => r.mfu));
  row.ours.model_gflops = median(own.map((r) => r.model_gflops));
  row.ours.peak_mem_gib = Math.max(...own.map((r) => r.peak_mem_gib));
  for (const { rows, name = '' } of peers) {
    const theirs = speed(rows);
    row.peers.push({ peer: `${rows[0].peer}${name}`, tokens_per_s: theirs, ratio: us / theirs });
  }
  results.push(row);
  console.log(
    work.name,
    Math.round(us),
    'tokens/s;',
    row.peers.map((p) => `${p.peer} ${p.tokens_per_s.toFixed(1)} = ${p.ratio.toFixed(2)} x`).join(', '),
  );
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const meta = {
  date: new Date().toISOString().slice(0, 10),
  commit,
  cpu: cpus()[0].model,
  threads,
  flags,
  node: process.version,
  rounds,
};
writeFileSync(path.join(root, 'docs/benchmarks/cpu.json'), `${JSON.stringify({ ...meta, results }, null, 1)}\n`);
const lines = [
  '# Training speed on a CPU, beside its peers',
  '',
  `${meta.date}, commit ${commit}, ${meta.cpu}, ${threads} threads, Node ${meta.node}; ours in float32; medians of rounds in turn: ${rounds}.`,
  '',
  'Command: `npm run bench:peers -- --torch torch_gpt2.py --llmc llm.c` (test/bench/peers.mjs says what they are).',
  '',
  '| work | gpt, tokens/s | model GFLOP/s | share of matmul rate (causal) | peak memory | peer, tokens/s | ratio |',
  '|---|---|---|---|---|---|---|',
  ...results.flatMap((r) =>
    (r.peers.length > 0 ? r.peers : [{ peer: '-', tokens_per_s: 0, ratio: 0 }]).map(
      (p) =>
        `| ${r.name} | ${r.tokens_per_s.toFixed(0)} | ${r.ours.model_gflops} | ${(100 * r.ours.mfu).toFixed(0)} % | ${r.ours.peak_mem_gib.toFixed(2)} GiB | ${p.peer}: ${p.tokens_per_s.toFixed(1)} | **${p.ratio.toFixed(2)} x** |`,
    ),
  ),
  '',
];
writeFileSync(path.join(root, 'docs/benchmarks/cpu.md'), lines.join('\n'));
console.log(lines.join('\n'));
