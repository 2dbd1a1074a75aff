// The losses of a short training run on a GPU, beside those of a CPU.
//
//   node scripts/gpu-curve.mjs --write                        the CPU's, in fp32, into test/cuda/curve.json
//   node scripts/gpu-curve.mjs [--backend cuda] [--precision fp32|bf16] [--steps 300]
//
// The run is test/cuda/curve.yaml. One JSON line says how far the two are apart, and exit code 1 that it is too far: a
// loss of the first 10 steps by more than 1e-4 of it (bf16: 1e-2), or the mean of the last 50 by more than 1e-2. Both
// start with the same bits and see the same tokens, so that at first only rounding differs; training then amplifies it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const STORED = path.join(root, 'test/cuda/curve.json');
const FIRST = 10;
const LAST = 50;

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    backend: { type: 'string' },
    precision: { type: 'string', default: 'fp32' },
    steps: { type: 'string', default: '300' },
  },
});
const { write, precision } = options;
const backend = options.backend ?? (write ? 'native' : 'cuda');
const steps = Number(options.steps);

/** Trains, and returns the events of the run's log. */
function train() {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-curve-'));
  const flags = ['--backend', backend, '--train.precision', precision, '--train.max_steps', `${steps}`];
  const rest = ['--sample.tokens', '0', '--out', path.join(folder, 'run')];
  const config = path.join(root, 'test/cuda/curve.yaml');
  const args = [path.join(root, 'bin/gpt.js'), 'pretrain', config, ...flags, ...rest];
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log = status === 0 ? readFileSync(path.join(folder, 'run/run.jsonl'), 'utf8') : '';
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) {
    console.error(`gpt pretrain ended with ${status}:\n${stderr}`);
    process.exit(1);
  }
  return log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const events = train();
const start = events.find(({ type }) => type === 'start');
const stepEvents = events.filter(({ type }) => type === 'step');
const losses = stepEvents.map(({ loss }) => loss);
const ms = stepEvents.map(({ step_ms }) => step_ms).sort((a, b) => a - b)[Math.floor(steps / 2)];

if (write) {
  const { time, device, threads, backend_reason, environment, config, params } = start;
  const made = { time, backend, backend_reason, precision, device, threads, environment, params, config };
  writeFileSync(STORED, `${JSON.stringify({ ...made, losses }, null, 1)}\n`);
  console.log(`${STORED}: ${losses.length} losses, ${losses[0]} to ${losses.at(-1)}`);
} else {
  const stored = JSON.parse(readFileSync(STORED, 'utf8'));
  const want = stored.losses.slice(0, losses.length);
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const apart = (a, b) => Math.abs(a - b) / b;
  const first = Math.max(...losses.slice(0, FIRST).map((loss, i) => apart(loss, want[i])));
  const later = Math.min(LAST, losses.length - FIRST); // none where only the first steps were run
  const last = later > 0 ? apart(mean(losses.slice(-later)), mean(want.slice(-later))) : null;
  const tolerance = { first: precision === 'fp32' ? 1e-4 : 1e-2, last: 1e-2 };
  const ok = losses.length === steps && first <= tolerance.first && (last ?? 0) <= tolerance.last;
  const found = { backend, precision, device: start.device, steps, ok, first, last, tolerance, step_ms: ms, losses };
  console.log(JSON.stringify(found));
  process.exitCode = ok ? 0 : 1;
}
