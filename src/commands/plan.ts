// `gpt plan` and `gpt pretrain --dry-run`: what a run is made of and what it takes, before anything is allocated.
// Arithmetic alone (src/config), no TensorFlow.js.

import { totalmem } from 'node:os';
import { ConfigError, MemoryError } from '../base/errors.js';
import { bytes, count, duration, integer, quoted } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { checkpointBytes, checkpointsAtATime } from '../checkpoint/space.js';
import { countParameters, flopsPerToken } from '../config/arithmetic.js';
import {
  chooseMicroBatch,
  type Machine,
  memorySettings,
  requireMemory,
  type TrainingMemory,
  trainingMemory,
} from '../config/memory.js';
import { type ResolvedModel, resolveModel } from '../config/model_shape.js';
import type { RunConfig } from '../config/schema.js';
import { Schedule } from '../train/schedule.js';
import type { CommandContext, PlanOptions, Run } from './options.js';

/** A run in numbers. */
export interface RunPlan {
  readonly shape: ResolvedModel;
  readonly settings: RunConfig;
  readonly microBatch: number;
  readonly machine: Machine;
  readonly memory: TrainingMemory;
  /** null: the configuration counts epochs of a text that is not known. */
  readonly schedule: Schedule | null;
  /** Bytes that the run may take. */
  readonly available: number;
}

/**
 * Memory that this process may take, in bytes: what is free or can be freed, within the limits of its cgroup.
 * GPT_MEMORY (bytes) states another limit. Throws ConfigError when that is no number.
 */
export function availableMemory({ env }: Pick<CommandContext, 'env'>): number {
  const stated = env['GPT_MEMORY'];
  if (!stated) return Math.min(totalmem(), process.availableMemory() + process.memoryUsage.rss());
  if (Number(stated) > 0) return Number(stated);
  throw new ConfigError(`GPT_MEMORY is ${quoted(stated)}`, 'give a number of bytes, or leave it out');
}

/** Plans a run on a vocabulary of so many tokens. trainTokens: of one epoch; null: not known. */
export function planRun(
  settings: RunConfig,
  vocabSize: number,
  trainTokens: number | null,
  context: Pick<CommandContext, 'env'>,
  { portable = false, gpuMemory }: { portable?: boolean; gpuMemory?: number | undefined } = {},
): RunPlan {
  const shape = resolveModel(settings.model, vocabSize);
  const available = gpuMemory ?? availableMemory(context);
  const machine = { portable, gpu: gpuMemory !== undefined };
  const microBatch = chooseMicroBatch(shape, settings.train, available, machine);
  const inEpochs = settings.train.max_steps === undefined && settings.train.max_tokens === undefined;
  const schedule =
    inEpochs && trainTokens === null
      ? null
      : new Schedule(settings.train, microBatch * shape.n_ctx, trainTokens ?? Number.NaN);
  const memory = trainingMemory(shape, { microBatch, ...memorySettings(settings.train, machine) });
  return { shape, settings, microBatch, machine, memory, schedule, available };
}

export const run: Run<PlanOptions> = async (options, context) => {
  const { loadConfig } = await import('../config/load.js');
  const { vocabularyOf } = await import('./run_data.js');
  const config = loadConfig({ file: options.config, flags: options.flags });
  const vocabulary = await vocabularyOf(config.run);
  const plan = planRun(config.run, vocabulary ?? 100, options.tokens ?? null, context);
  if (options.json) {
    context.out(`${jsonText(planJson(plan, config.name))}\n`);
    return 0;
  }
  context.out(planText(plan, config.name, options.gflops));
  if (vocabulary === null) context.out('\nThe characters of the text make the vocabulary: 100 are assumed here.\n');
  if (plan.schedule === null) {
    const instead = '--train.max_steps or --train.max_tokens';
    context.out(`\nHow long it trains depends on the text: give --tokens N (of one epoch), or ${instead}.\n`);
  }
  return 0;
};

/** Throws MemoryError when the run does not fit. */
export function requirePlannedMemory(
  { shape, settings, microBatch, machine, available }: RunPlan,
  resumed = false,
): void {
  const needed = { microBatch, ...memorySettings(settings.train, machine) };
  requireMemory(shape, settings.train, needed, available, resumed);
}

/** The advice for a run that does not fit. */
function whatFits(plan: RunPlan): string {
  try {
    requirePlannedMemory(plan);
  } catch (error) {
    if (error instanceof MemoryError) return error.fix;
    throw error;
  }
  return '';
}

const RATES = [100, 1000, 100_000]; // GFLOP/s: a laptop's CPU, a server's, a GPU

/** The plan for a reader. gflops: rate that the machine delivers, for the time; undefined: a few round ones. */
export function planText(plan: RunPlan, name: string, gflops?: number): string {
  const { shape, settings, microBatch, machine, memory, schedule, available } = plan;
  const { n_embd: C, n_layer: L, n_ctx, vocab_size: V, arch } = shape;
  const { train } = settings;
  const N = countParameters(shape);
  const finalNorm = arch === 'gpt1' ? 0 : 2 * C;
  const blocks = N - V * C - n_ctx * C - finalNorm;
  const same = memorySettings(train, machine);
  const other = trainingMemory(shape, { microBatch, ...same, recompute: !train.recompute });
  const local = shape.attention_layers.filter((kind) => kind === 'local').length;
  const lines: [label: string, text: string][] = [
    ['model', `${name}: ${arch}, ${L} layers, ${C} wide, ${shape.n_head} heads, context ${integer(n_ctx)}`],
    ['', local === 0 ? 'dense attention' : `${local} of ${L} layers see only the last ${shape.window_size} tokens`],
    ['parameters', `${integer(N)}`],
    ['', `token embedding ${integer(V * C)} (${integer(V)} tokens), position embedding ${integer(n_ctx * C)}`],
    ['', `blocks ${integer(blocks)} (${L} x ${integer(blocks / L)}), final norm ${integer(finalNorm)}`],
    [
      'memory',
      `${bytes(memory.total)} of ${bytes(available)} available${memory.total > available ? ': does not fit' : ''}`,
    ],
    ...(memory.total > available ? [['', whatFits(plan)] as [string, string]] : []),
    [
      '',
      `weights ${bytes(memory.weights)}, gradients ${bytes(memory.gradients)}, optimizer ${bytes(memory.optimizer)}`,
    ],
    [
      '',
      `activations ${bytes(memory.activations)}, working memory ${bytes(memory.working)}, process ${bytes(memory.process)}`,
    ],
    ...(machine.portable
      ? []
      : [['', `with train.recompute ${!train.recompute}: ${bytes(other.total)}`] as [string, string]]),
    [
      'disk',
      `${bytes(checkpointBytes(N, ''))} a checkpoint, up to ${checkpointsAtATime(train.keep, schedule?.steps ?? Number.POSITIVE_INFINITY)} at a time`,
    ],
    [
      'batch',
      `${integer(train.batch_tokens)} tokens = ${train.batch_tokens / (microBatch * n_ctx)} x micro-batch ${microBatch} x ${integer(n_ctx)}`,
    ],
  ];
  if (train.batch_ramp_tokens !== undefined) {
    const first = microBatch * n_ctx * (schedule?.micros(0) ?? 1);
    lines.push(['', `growing from ${integer(first)} over the first ${count(train.batch_ramp_tokens)} tokens`]);
  }
  const flops = flopsPerToken(shape, n_ctx, { causal: true, backward: true });
  const full = flopsPerToken(shape, n_ctx, { causal: false, backward: true });
  lines.push(['compute', `${count(flops)} operations a token, visible keys alone; ${count(full)} with all T x T`]);
  if (schedule !== null) {
    const tokens = schedule.tokensBefore(schedule.steps);
    lines.push([
      'run',
      `${integer(schedule.steps)} steps, ${count(tokens)} tokens, ${(tokens * flops).toExponential(2)} operations`,
    ]);
    for (const [i, rate] of (gflops === undefined ? RATES : [gflops]).entries()) {
      lines.push([i === 0 ? 'time' : '', `${duration((tokens * flops) / (rate * 1e9))} at ${integer(rate)} GFLOP/s`]);
    }
  }
  return lines.map(([label, text]) => `${label.padEnd(12)}${text}\n`).join('');
}

/** The plan for programs: numbers in bytes, tokens, operations. */
export function planJson({ shape, microBatch, memory, schedule, available }: RunPlan, name: string) {
  return {
    name,
    params: countParameters(shape),
    micro_batch: microBatch,
    memory_bytes: memory,
    available_bytes: available,
    checkpoint_bytes: checkpointBytes(countParameters(shape), ''),
    flops_per_token: flopsPerToken(shape, shape.n_ctx, { causal: true, backward: true }),
    steps: schedule?.steps ?? null,
    tokens: schedule?.tokensBefore(schedule.steps) ?? null,
  };
}
