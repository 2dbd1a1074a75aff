// `gpt bench`: speed and memory of the training loop's own step, on random tokens. One JSON line on stdout.
//
//   tokens_per_s   batch * n_ctx / median step time (data, forward, backward, clip, AdamW, loss read)
//   model_gflops   6 (N - n_ctx C) + 12 L C T floating-point operations a token, the convention of nanoGPT and PaLM
//   mfu_full       model_gflops / the measured rate of the backend's matrix product in that precision
//   mfu            the same with attention counted causally: 6 N + 6 L T C a token; the headline
//                  (null on webgpu, whose kernels run on after they are called, so that no product can be timed)
//   --profile adds where the time goes (profile.ts); --limits measures what the machine can do (limits.ts)
//   peak_mem_gib   largest resident size of the process, on a GPU of the device's memory in use; predicted_mem_gib: what
//                  config/memory.ts says beforehand
//   host_ms        on a GPU: until a step is on its way, JavaScript and launches
//   fallbacks, conversions, buffers, used    on a GPU: kernels that ran on the host, inputs that were stored otherwise than
//                  a kernel takes them, device buffers and their bytes after the first timed step and after the last

import { loadavg } from 'node:os';
import { MemoryError } from '../base/errors.js';
import { bytes } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { Random, Stream } from '../base/rng.js';
import { countParameters, flopsPerToken } from '../config/arithmetic.js';
import { loadConfig } from '../config/load.js';
import { trainingMemory } from '../config/memory.js';
import { resolveModel } from '../config/model_shape.js';
import { Gpt } from '../model/gpt.js';
import { initialValues } from '../model/init.js';
import { runsAhead } from '../ops/define.js';
import { languageLosses } from '../train/language_model.js';
import { Optimizer } from '../train/optimizer.js';
import { type PendingStep, type StepResult, startStep } from '../train/step.js';
import { choosePrecision, measureMatmul, openBackend } from './backend.js';
import { machineLimits, measureLimits } from './limits.js';
import type { BenchOptions, Run } from './options.js';
import { availableMemory } from './plan.js';
import { Profile, profileText } from './profile.js';

export const run: Run<BenchOptions> = async (options, context) => {
  if (options.limits) {
    const found = await measureLimits(await openBackend(options, context.env), context.env);
    context.out(`${jsonText(found)}\n`);
    return 0;
  }
  const { run: config } = loadConfig({ file: options.model, flags: benchFlags(options.nCtx) });
  const shape = resolveModel(config.model, config.model.vocab_size ?? 257);
  const backend = await openBackend(options, context.env);
  const [load] = loadavg();
  if (load! > 0.5 && !options.quiet) {
    context.err(`warning: the load average is ${load!.toFixed(2)}: other programs share these cores\n`);
  }
  const { cuda } = backend;
  const precision = choosePrecision(options.precision, backend);
  const memory = {
    microBatch: options.batch,
    recompute: options.recompute,
    portable: backend.fused === undefined,
    bf16: precision === 'bf16',
    gpu: cuda !== undefined,
  };
  const predicted = trainingMemory(shape, memory).total;
  const available = cuda?.freeMemory() ?? availableMemory(context);
  if (predicted > available) {
    throw new MemoryError(
      `a step of this model takes about ${bytes(predicted)} of memory, and ${bytes(available)} are available`,
      'give a smaller --batch, --n-ctx or --model, or --recompute',
    );
  }
  const profile = new Profile();
  const peak = backend.name === 'webgpu' ? null : measureMatmul(precision, cuda);
  const model = new Gpt(shape, initialValues(shape, 1), precision === 'bf16');
  const optimizer = new Optimizer(model.parameters(), config.train);
  const B = options.batch;
  const T = shape.n_ctx;
  const random = new Random(1, Stream.test);
  const ids = () => Int32Array.from({ length: B * T }, () => random.below(shape.vocab_size));
  const batch = { B, T, x: ids(), y: ids() };

  const seconds: number[] = [];
  const hostSeconds: number[] = []; // until a step is on its way to the GPU: JavaScript and launches
  let before: PendingStep | undefined; // as in the training loop: its numbers are read while the next step runs
  let numbers: StepResult | undefined;
  let counted: object | undefined;
  let clock = performance.now();
  for (let step = 0; step < options.warmup + options.steps; step++) {
    const timed = step >= options.warmup;
    if (options.profile && step === options.warmup) backend.fused?.startProfile();
    const started = performance.now();
    const pass = { seed: 1, micro: step, recompute: options.recompute };
    const pending = await startStep({ optimizer, losses: languageLosses(model, [() => batch], pass), lr: 3e-4 });
    if (timed) hostSeconds.push((performance.now() - started) / 1000);
    numbers = await (runsAhead() ? before?.() : pending());
    before = pending;
    const now = performance.now();
    if (timed) seconds.push((now - clock) / 1000);
    clock = now;
    const [first, last] = [step === options.warmup, step === options.warmup + options.steps - 1];
    if (cuda !== undefined && (first || last)) {
      numbers = await pending(); // what is on its way to the host has a buffer, too
      before = undefined;
      if (first) cuda.startCounting();
      if (last) counted = cuda.counted();
    }
  }
  backend.fused?.stopProfile(profile.record); // measuring the limits calls kernels too
  const mean_ms = (1000 * seconds.reduce((a, b) => a + b, 0)) / seconds.length;
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const step_s = median(seconds);
  const tokens_per_s = (B * T) / step_s;
  const rate = (causal: boolean) => (tokens_per_s * flopsPerToken(shape, T, { causal, backward: true })) / 1e9;
  const round = (x: number, digits: number) => Number(x.toFixed(digits));
  const share = (causal: boolean) => (peak === null ? null : round(rate(causal) / peak, 3));
  const result = {
    model: options.model,
    backend: backend.name,
    precision,
    threads: backend.threads,
    batch: B,
    n_ctx: T,
    params: countParameters(shape),
    step_s: round(step_s, 5),
    ...(runsAhead() ? { host_ms: round(1000 * median(hostSeconds), 2) } : {}),
    loss: round(numbers!.loss, 4),
    tokens_per_s: round(tokens_per_s, 1),
    model_gflops: round(rate(false), 1),
    mfu: share(true),
    mfu_full: share(false),
    recompute: options.recompute,
    ...counted,
    peak_mem_gib: round((cuda?.deviceMemory().peak ?? process.resourceUsage().maxRSS * 1024) / 2 ** 30, 3),
    predicted_mem_gib: round(predicted / 2 ** 30, 3),
  };
  if (options.profile) {
    const limits = await machineLimits(backend, context.env); // after the peak of memory was read
    const rows = profile.rows(options.steps, mean_ms, limits, precision);
    if (options.json) Object.assign(result, { limits, profile: rows });
    else context.out(`${profileText(rows, limits, precision)}\n`);
  }
  context.out(`${jsonText(result)}\n`);
  return 0;
};

/** Another context than the preset's, with a batch that it divides: the bench makes its own batches. */
function benchFlags(nCtx: number | undefined): string[] {
  const flags = ['--train.max_steps', '1'];
  if (nCtx === undefined) return flags;
  return [...flags, '--model.n_ctx', `${nCtx}`, '--train.batch_tokens', `${nCtx}`, '--train.micro_batch', '1'];
}
