// Trains a toy model (2 layers, width 16, T = 8, with dropout) for a number of steps and says what is left: run as a
// process of its own by the tests of buffers and signals, by test/sanitizers.mjs, and by hand.
//
//   node test/train/toy_run.mjs [--steps 1000] [--poison [--copy-views]] [--isa avx2] [--threads N] [--signals]
//   npm run test:leaks                                                          10,000 steps
//
// Prints one line of JSON: hash of all parameters and moments; tensors, data entries, bytes of the pool in use and
// reserved after a tenth of the steps and at the end; growth of the resident set and page faults over the last nine
// tenths. --signals: counts SIGPROF, says "ready" and "done" on stderr before the first and after the last step, and ends
// when no more come: without a handler they kill.
// It runs what `npm run build` made in dist/.
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { registerNative } from '../../dist/backends/native_backend.js';
import { tf } from '../../dist/base/tf.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { ModelConfig, TrainConfig } from '../../dist/config/schema.js';
import { Gpt } from '../../dist/model/gpt.js';
import { initialValues } from '../../dist/model/init.js';
import { registerCoreKernels } from '../../dist/ops/core/register.js';
import { languageLosses } from '../../dist/train/language_model.js';
import { Optimizer } from '../../dist/train/optimizer.js';
import { trainStep } from '../../dist/train/step.js';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000' },
    poison: { type: 'boolean', default: false },
    'copy-views': { type: 'boolean', default: false },
    isa: { type: 'string' },
    threads: { type: 'string', default: '1' }, // more than one waits for the others, in so small a model
    signals: { type: 'boolean', default: false },
  },
});
const steps = Number(options.steps);
let signals = 0;
if (options.signals) process.on('SIGPROF', () => signals++);

const backend = registerNative({
  isa: options.isa,
  threads: Number(options.threads),
  folder: process.env.GPT_BUILD_FOLDER,
});
backend.pool.poison = options.poison;
backend.copyViews = options['copy-views'];
registerCoreKernels(backend, 'native');
await tf.setBackend('native');

const [B, T, V] = [4, 8, 31];
const dropout = { attn_pdrop: 0.1, resid_pdrop: 0.1, embd_pdrop: 0.1 };
const shape = resolveModel(ModelConfig.parse({ n_ctx: T, n_layer: 2, n_head: 2, n_embd: 16, ...dropout }), V);
const model = new Gpt(shape, initialValues(shape, 1));
const optimizer = new Optimizer(model.parameters(), TrainConfig.parse({}));
const batch = (step, micro) => {
  const ids = (shift) => Int32Array.from({ length: B * T }, (_, i) => (step * 7 + micro * 3 + shift + i * i) % V);
  return { B, T, x: ids(0), y: ids(1) };
};

const state = () => {
  const { numTensors: tensors, numDataBuffers: entries } = tf.memory();
  const { reserved, idle } = backend.pool.stats();
  return { tensors, entries, pool_in_use: reserved - idle, pool_reserved: reserved };
};
const system = () => ({
  rss: process.memoryUsage.rss(),
  faults: process.resourceUsage().minorPageFault,
  ms: performance.now(),
});

if (options.signals) console.error('ready');
let warm;
let before;
let loss = 0;
for (let step = 0; step < steps; step++) {
  if (step === Math.floor(steps / 10)) [warm, before] = [state(), system()];
  const batches = [0, 1].map((micro) => () => batch(step, micro));
  ({ loss } = await trainStep({
    optimizer,
    losses: languageLosses(model, batches, { seed: 1, micro: 2 * step }),
    lr: 1e-3,
  }));
}
const [end, after] = [state(), system()];
if (options.signals) {
  console.error('done');
  for (let seen = -1; seen !== signals; ) {
    seen = signals;
    await setTimeout(300);
  }
}

const hash = createHash('sha256');
const tensors = [
  ...model.parameters().map(({ value }) => value),
  ...[...optimizer.state()].map(({ tensor }) => tensor),
];
for (const tensor of tensors) hash.update(Buffer.from(tensor.dataSync().buffer));
const counted = steps - Math.floor(steps / 10);
console.log(
  JSON.stringify({
    steps,
    isa: backend.isa,
    hash: hash.digest('hex').slice(0, 16),
    loss,
    warm,
    end,
    rss_growth: after.rss - before.rss,
    faults_per_step: (after.faults - before.faults) / counted,
    ms_per_step: (after.ms - before.ms) / counted,
    signals,
  }),
);
