// `npm run test:fuzz`: damaged files for every reader of foreign input. Every file must be read, or be refused with an
// error that says what is wrong in which file and what to do; no crash, no hang, no memory that a file only asks for.
//
//   node test/fuzz/fuzz.mjs [--files 100000] [--seed 1] [--target NAME] [--jobs 2] [--seconds S] [--json FILE]
//   node test/fuzz/fuzz.mjs --target NAME --seed S --case N      one case again: its file and what happens
//
//   --files    cases of each target, the hand-written ones first        --jobs     processes at a time
//   --target   may be repeated                                          --seconds  stop each target after so long
//   --json     results as a file                                        --patience seconds until a case counts as hung
//
// A case is a function of (target, seed, number). worker.ts runs them in a process of its own with a small heap; when
// that crashes, or does not get on, the case is reported and a new process goes on behind it. The files of
// failed cases are saved in build/fuzz/failed/. Exits 1 when a case failed. What is fuzzed: targets.ts.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const START_MS = 60_000; // for a worker to begin, on a busy machine
const HEAP_MIB = 512;
const MOST_RESTARTS = 20; // of one target: after so many crashes the reader is to be repaired first
const SAVED = 2; // files of one kind of failure

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, '../../build/fuzz');
const worker = path.join(out, 'worker.mjs');

const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    seconds: { type: 'string', default: 'Infinity' },
    patience: { type: 'string', default: '10' },
    case: { type: 'string' },
    json: { type: 'string' },
  },
});
const seed = Number(options.seed);
const hangMs = 1000 * Number(options.patience);

await build({
  entryPoints: [path.join(here, 'worker.ts'), path.join(here, 'targets.ts')],
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
const { TARGETS } = await import(path.join(out, 'targets.mjs'));
const all = TARGETS.map(({ name }) => name);
const unknown = options.target?.find((name) => ![...all, 'self-test'].includes(name));
if (unknown !== undefined) {
  console.error(`no target ${unknown}: there are ${all.join(', ')}`);
  process.exit(2);
}
const names = options.target ?? all;
// A file system in memory where there is one: 10^5 files are written for each target.
const scratch = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gpt-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

if (options.case !== undefined) {
  const folder = path.join(out, 'case');
  rmSync(folder, { recursive: true, force: true });
  const { output } = await start({ target: names[0], seed, case: Number(options.case), folder }, () => {});
  console.log(output);
} else {
  const results = [];
  const queue = [...names];
  const lane = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) results.push(await fuzz(name));
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, lane));
  results.sort((a, b) => names.indexOf(a.target) - names.indexOf(b.target));
  print(results);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  process.exitCode = results.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

/** Starts a worker; resolves when it has ended. started: gets the process. */
function start(argument, started) {
  const flags = [`--max-old-space-size=${HEAP_MIB}`, '--enable-source-maps', worker, JSON.stringify(argument)];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-4000);
    });
  }
  started(child);
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

/** All cases of a target. */
async function fuzz(name) {
  const began = Date.now();
  const folder = path.join(scratch, name.replace(/\W/g, '_'));
  mkdirSync(folder);
  const record = path.join(folder, 'record');
  const failuresFile = path.join(folder, 'failures');
  writeFileSync(record, new Uint8Array(9 * 8));
  writeFileSync(failuresFile, '');
  const fields = () => new Float64Array(new Uint8Array(readFileSync(record)).buffer);
  const to = Number(options.files);
  const failures = [];
  let from = 0;
  for (let restarts = 0; from < to && restarts <= MOST_RESTARTS; restarts++) {
    const argument = { target: name, seed, from, to, folder: path.join(folder, 'run'), record, failures: failuresFile };
    rmSync(argument.folder, { recursive: true, force: true });
    let stopped = '';
    let timer;
    const { code, output } = await start(argument, (child) => {
      let last = -1;
      let owner = 0;
      let since = Date.now();
      timer = setInterval(() => {
        const [next, , , , , , , , pid] = fields();
        const limit = pid === child.pid ? hangMs : hangMs + START_MS;
        if (next !== last || pid !== owner) [last, owner, since] = [next, pid, Date.now()];
        else if (Date.now() - since > limit) stopped = 'hang';
        if (Date.now() - began > 1000 * Number(options.seconds)) stopped = 'end of time';
        if (stopped) child.kill('SIGKILL');
      }, 500);
    });
    clearInterval(timer);
    const index = fields()[0];
    if (stopped === 'end of time' || code === 0) break;
    if (index === 0 && output.includes('is not read')) throw new Error(output); // a seed: the target is wrong
    failures.push({ index, kind: stopped || 'crash', what: stopped ? `no result after ${hangMs} ms` : output });
    from = index + 1;
  }
  for (const line of readFileSync(failuresFile, 'utf8').split('\n')) if (line) failures.push(JSON.parse(line));
  const [next, read, refused, , slowestMs, slowest, heap, request] = fields();
  await save(name, failures);
  return {
    target: name,
    seed,
    files: failures.length > MOST_RESTARTS ? next : read + refused + failures.length,
    read,
    refused,
    crashed: failures.filter(({ kind }) => kind === 'crash').length,
    hung: failures.filter(({ kind }) => kind === 'hang').length,
    failures,
    slowest_ms: slowestMs,
    slowest,
    heap_bytes: heap,
    request_bytes: request,
    seconds: (Date.now() - began) / 1000,
  };
}

/** Saves the files of the first failures of each kind. */
async function save(name, failures) {
  const seen = new Map();
  for (const failure of failures) {
    const like = `${failure.kind} ${failure.what.slice(0, 60).replace(/\d+/g, '')}`;
    seen.set(like, (seen.get(like) ?? 0) + 1);
    if (seen.get(like) > SAVED) continue;
    const folder = path.join(out, 'failed', `${name}-${seed}-${failure.index}`.replace(/[^\w.-]/g, '_'));
    rmSync(folder, { recursive: true, force: true });
    const timer = { child: undefined };
    const ended = start({ target: name, seed, case: failure.index, folder }, (child) => {
      timer.child = child;
    });
    const kill = setTimeout(() => timer.child.kill('SIGKILL'), hangMs);
    await ended;
    clearTimeout(kill);
    failure.saved = folder;
  }
}

function print(results) {
  const table = [
    ['target', 'files', 'read', 'refused', 'wrong', 'crashed', 'hung', 'slowest', 'largest request', 'heap', 'seconds'],
    ...results.map((r) => [
      r.target,
      r.files,
      r.read,
      r.refused,
      r.failures.length - r.crashed - r.hung,
      r.crashed,
      r.hung,
      `${Math.round(r.slowest_ms)} ms`,
      `${Math.round(r.request_bytes / 1024)} KiB`,
      `${Math.round(r.heap_bytes / 2 ** 20)} MiB`,
      r.seconds.toFixed(1),
    ]),
  ];
  for (const row of table) console.log(`| ${row.join(' | ')} |`);
  for (const { target, failures } of results) {
    for (const { index, kind, what, saved } of failures.filter((f) => f.saved)) {
      console.log(`\n${target}: case ${index}: ${kind}: ${what.slice(0, 300)}`);
      console.log(`  again: node test/fuzz/fuzz.mjs --target '${target}' --seed ${seed} --case ${index}   (${saved})`);
    }
  }
  const failed = results.reduce((sum, r) => sum + r.failures.length, 0);
  console.log(`\nseed ${seed}: ${results.reduce((sum, r) => sum + r.files, 0)} files, ${failed} failures`);
}
