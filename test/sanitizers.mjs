// Runs the tests of the kernels on an addon that is compiled with sanitizers, whatever they find being a failure.
//
//   node test/sanitizers.mjs [--isa avx512,avx2,baseline] [--short]        npm run test:sanitizers
//
// The addon and its kernel libraries are built with AddressSanitizer and UndefinedBehaviorSanitizer (no recovery) into
// build/native-asan. Node itself is not instrumented: the runtime is preloaded, leaks are not looked for. In such a
// build scratch memory holds NaN, ends where the request does, and with poison so do the tensors (native/scratch.h,
// native_backend.ts).
//
// For each instruction set: the tests of src/ops, src/backends, src/model and src/train, tfjs-core's specs and 20 steps
// of a toy model, both with poison. Then all kernels on 1 to 16 threads. --short: the ops' tests alone. Prints what ran and every finding; exits 1 if there
// is one. Needs g++ and `npm run build`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { isa: { type: 'string', default: 'avx512,avx2,baseline' }, short: { type: 'boolean', default: false } },
});
const root = path.join(import.meta.dirname, '..');
const build = path.join(root, 'build/native-asan');
const say = (line) => console.log(`sanitizers: ${line}`);

const built = spawnSync(process.execPath, ['src/backends/build.mjs', build], {
  cwd: root,
  env: {
    ...process.env,
    GPT_REQUIRE_NATIVE: '1',
    GPT_CMAKE_ARGS: '-DGPT_SANITIZE=address,undefined,float-cast-overflow -DCMAKE_BUILD_TYPE=RelWithDebInfo',
  },
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);

const logs = mkdtempSync(path.join(tmpdir(), 'gpt-sanitizers-'));
const runtime = execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
const logPath = `log_path=${path.join(logs, 'finding')}`;
const environment = {
  ...process.env,
  LD_PRELOAD: runtime,
  // an allocation that is too large must fail as it does without the sanitizer: a test asks for 64 TiB
  ASAN_OPTIONS: `detect_leaks=0:allocator_may_return_null=1:${logPath}`,
  UBSAN_OPTIONS: `print_stacktrace=1:${logPath}`,
  GPT_BUILD_FOLDER: build,
  GOMP_SPINCOUNT: '0', // threads that wait leave the cores to the others: these builds are slow enough
};

const vitest = (...folders) => [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  'test/vitest.config.ts',
  ...folders,
];
const ops = ['test/ops', 'test/backends/buffer_pool.test.ts', 'test/backends/native_backend.test.ts'];
const machines = 'test/ops/machines.test.ts'; // every fused kernel on each instruction set, by 1 to 16 threads
const suite = ['src/backends/tfjs_suite.mjs', '--poison'];
const runs = [
  ...options.isa.split(',').flatMap((isa) => [
    [isa, 'tests of the ops and the backend', vitest(...ops, '--exclude', machines)],
    ...(options.short
      ? []
      : [
          [isa, "tfjs-core's specs", [...suite, '--isa', isa]],
          [isa, 'a toy run', ['test/train/toy_run.mjs', '--steps', '20', '--threads', '2', '--poison', '--isa', isa]],
          [isa, 'tests of the model and the training step', vitest('test/model', 'test/train/step.test.ts')],
        ]),
  ]),
  ...(options.short ? [] : [['all', 'results by instruction set and number of threads', vitest(machines)]]),
];

let failed = 0;
for (const [isa, name, args] of runs) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...environment, ...(isa === 'all' ? {} : { GPT_ISA: isa }) },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const passed = /(\d+) passed, (\d+) failed/.exec(stdout);
  const counts = passed === null ? '' : `: ${passed[0]}`;
  say(`${isa}, ${name}${counts}, exit ${status}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
  if (status === 0) continue;
  failed++;
  console.log(`${stdout}\n${stderr}`.slice(-4000));
}
// a warning is that of the allocation above
const findings = readdirSync(logs)
  .map((file) => readFileSync(path.join(logs, file), 'utf8'))
  .filter((text) => /ERROR|runtime error/.test(text));
for (const text of findings) console.log(text.slice(0, 4000));
rmSync(logs, { recursive: true });
say(`${findings.length} findings, ${failed} failed runs`);
process.exit(findings.length + failed === 0 ? 0 : 1);
