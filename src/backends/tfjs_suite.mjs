// Runs tfjs-core's own test suite (dist/tests.js of the npm package, about 4,200 specs) on backend `native` or `cuda`, with
// every core kernel of src/ops/core forced on however small the tensors are.
//
//   node src/backends/tfjs_suite.mjs [--threads N] [--isa avx512|avx2|baseline] [--poison [--copy-views]]
//                                    [--backend native|cuda] [--grep REGEX]
//
//   --backend cuda on a GPU, or on the simulated one (test/cuda; the environment says which, as for gpt itself)
//   --poison       all tensors live in the pool, whose buffers hold NaN when taken and when freed: reading a result
//                  before it is written, or after it is released, fails a spec
//   --copy-views   slices and complex parts have memory of their own, which is poisoned when they are freed
//   --grep         only specs whose name matches; then a kernel may go without a call
//
// Prints passed, failed and pending specs and the calls of each core kernel. Exits 1 when a spec fails, when fewer
// specs ran than the package holds, or when a core kernel was never called. Needs `npm run build`.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { registerCuda } from '../../dist/backends/cuda_backend.js';
import { registerNative } from '../../dist/backends/native_backend.js';
import { tf } from '../../dist/base/tf.js';
import { coreSettings } from '../../dist/ops/core/core_kernel.js';
import { coreKernelNames, registerCoreKernels } from '../../dist/ops/core/register.js';

const FEWEST_SPECS = 4200; // of tfjs-core 4.22.0: 4,225 run. Fewer means that the bundler dropped some

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string' },
    isa: { type: 'string' },
    poison: { type: 'boolean', default: false },
    'copy-views': { type: 'boolean', default: false },
    backend: { type: 'string', default: 'native' },
    grep: { type: 'string' },
  },
});

const name = options.backend;
const backend = name === 'cuda' ? openCuda() : openNative();
registerCoreKernels(backend, name);
coreSettings.minSize = 0;
await tf.setBackend(name);

function openNative() {
  const native = registerNative({
    threads: options.threads === undefined ? undefined : Number(options.threads),
    isa: options.isa,
    folder: process.env.GPT_BUILD_FOLDER,
  });
  native.pool.poison = options.poison;
  native.copyViews = options['copy-views'];
  return native;
}

function openCuda() {
  return registerCuda({ env: { ...process.env, ...(options.poison ? { GPT_CUDA_POISON: '1' } : {}) } });
}

// ---- the suite, bundled: Node cannot import its extensionless ES modules

const require = createRequire(import.meta.url);
const core = path.dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
const folder = mkdtempSync(path.join(import.meta.dirname, '../../build/tfjs-suite-')); // where it finds node_modules
const bundle = path.join(folder, 'suite.cjs');
const importing = (file) => JSON.stringify(path.join(core, 'dist', file));
await build({
  stdin: {
    contents: `
      import ${importing('public/chained_ops/register_all_chained_ops.js')};
      import ${importing('register_all_gradients.js')};
      export { setTestEnvs } from ${importing('jasmine_util.js')};
      export const declareSpecs = () => require(${importing('tests.js')});`,
    resolveDir: core,
  },
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  mainFields: ['module', 'main'],
  ignoreAnnotations: true, // package.json's sideEffects leaves the spec files out
  external: ['worker_threads', 'jasmine-core/*'],
  logLevel: 'error',
});

// ---- the run

const Jasmine = require('jasmine');
const runner = new Jasmine();
runner.loadConfig({ spec_files: [], random: false });
runner.exitOnCompletion = false;
runner.clearReporters();

const { log, warn } = console;
console.log = console.warn = () => {}; // the specs provoke warnings and print
const suite = require(bundle);
rmSync(folder, { recursive: true });
suite.setTestEnvs([{ name, backendName: name, flags: {}, isDataSync: true }]);
suite.declareSpecs();

const grep = new RegExp(options.grep ?? '');
const impossible = [
  'computation in worker', // needs a web worker with its own copy of TensorFlow.js
  ...(name === 'cuda' ? ['throws when index is out of bound'] : []), // a GPU cannot throw: the result is NaN
];
runner.env.configure({
  specFilter: (spec) => grep.test(spec.getFullName()) && !impossible.some((text) => spec.getFullName().includes(text)),
});
const counts = { passed: 0, failed: 0, pending: 0, excluded: 0 };
const failures = [];
const note = (name, { failedExpectations = [] }) => {
  for (const { message } of failedExpectations.slice(0, 1)) failures.push(`${name}\n    ${message.split('\n')[0]}`);
};
runner.addReporter({
  specDone(result) {
    counts[result.status]++;
    note(result.fullName, result);
  },
  suiteDone: (result) => note(`(suite) ${result.fullName}`, result),
  jasmineDone: (result) => note('(all)', result),
});
const started = performance.now();
backend.calls.clear();
await runner.execute();
Object.assign(console, { log, warn });

// ---- the verdict

const calls = coreKernelNames().map((name) => [name, backend.calls.get(name) ?? 0]);
if (counts.passed + counts.failed === 0) failures.push('no spec ran');
if (options.grep === undefined) {
  for (const [name, n] of calls) if (n === 0) failures.push(`core kernel ${name} was never called`);
  if (counts.passed + counts.failed < FEWEST_SPECS) failures.push(`fewer than ${FEWEST_SPECS} specs ran`);
}
for (const failure of failures.slice(0, 50)) console.log(`FAIL ${failure}`);
if (failures.length > 50) console.log(`FAIL ... ${failures.length} in all`);
console.log('calls of the core kernels:');
for (let i = 0; i < calls.length; i += 6) {
  console.log(
    `  ${calls
      .slice(i, i + 6)
      .map(([name, n]) => `${name} ${n}`.padEnd(20))
      .join(' ')}`,
  );
}
const how = [
  ...(name === 'cuda' ? [backend.device.name] : [backend.isa, `${backend.threads} threads`]),
  ...(options.poison ? ['poisoned'] : []),
  ...(options['copy-views'] ? ['copied views'] : []),
].join(', ');
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `tfjs-core ${tf.version_core} on ${name} (${how}): ${counts.passed} passed, ${counts.failed} failed, ${counts.pending} pending, ${seconds} s`,
);
process.exit(failures.length === 0 ? 0 : 1);
