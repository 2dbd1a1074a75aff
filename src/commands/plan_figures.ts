// A run in numbers, before anything is allocated: what `gpt plan --json` prints, and plan_text.ts puts into words.
// Bytes, tokens, operations, hours. Arithmetic alone (src/config), no TensorFlow.js.

import { MemoryError } from '../base/errors.js';
import { checkpointBytes, checkpointsAtATime } from '../checkpoint/space.js';
import { countParameters, flopsPerToken, parametersByPart } from '../config/arithmetic.js';
import { type FamilyMember, familyOf, paperBudget } from '../config/family.js';
import { deviceHours, HARDWARE } from '../config/hardware.js';
import {
  largestFitting,
  type Machine,
  memorySettings,
  requireMemory,
  type TrainingMemory,
  trainingMemory,
} from '../config/memory.js';
import type { ResolvedModel } from '../config/model_shape.js';
import type { RunConfig } from '../config/schema.js';
import { type RankSettings, rankMemory, smallestGpus, ZERO_STAGES, type ZeroStage } from '../config/zero.js';
import type { Schedule } from '../train/schedule.js';
import type { Limits } from './kept_limits.js';
import type { PlanView } from './options.js';

/** A run that is planned on this machine. */
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
  /** Of this machine, where they were measured. */
  readonly limits: Limits | undefined;
}

/** Throws MemoryError when the run does not fit. */
export function requirePlannedMemory(
  { shape, settings, microBatch, machine, available }: RunPlan,
  resumed = false,
): void {
  const needed = { microBatch, ...memorySettings(settings.train, machine) };
  requireMemory(shape, settings.train, needed, available, resumed);
}

export const MFU = 0.4;

export type PlanFigures = ReturnType<typeof planFigures>;

/** Everything that is known about a run beforehand. */
export function planFigures(plan: RunPlan, name: string, view: PlanView = {}) {
  const { shape, settings, microBatch, machine, memory, schedule, available } = plan;
  const { train } = settings;
  const params = countParameters(shape);
  const family = familyOf(shape.arch);
  const perToken = (causal: boolean) => flopsPerToken(shape, shape.n_ctx, { causal, backward: true });
  const flops = perToken(true);
  const tokens = schedule?.tokensBefore(schedule.steps) ?? null;
  const paper = paperBudget(shape, family);
  const local = shape.attention_layers.filter((kind) => kind === 'local').length;
  const other = trainingMemory(shape, {
    microBatch,
    ...memorySettings(train, machine),
    recompute: !train.recompute,
  });
  const { mfu = MFU, gpus = 1, price } = view;
  return {
    name,
    arch: shape.arch,
    n_layer: shape.n_layer,
    n_embd: shape.n_embd,
    n_head: shape.n_head,
    n_ctx: shape.n_ctx,
    vocab_size: shape.vocab_size,
    local_layers: local,
    window_size: local > 0 ? shape.window_size : null,
    params,
    params_by_part: parametersByPart(shape),
    micro_batch: microBatch,
    batch_tokens: train.batch_tokens,
    ramp:
      train.batch_ramp_tokens === undefined
        ? null
        : { first_tokens: microBatch * shape.n_ctx * (schedule?.micros(0) ?? 1), tokens: train.batch_ramp_tokens },
    recompute: train.recompute,
    bf16: memorySettings(train, machine).bf16 ?? false,
    memory_bytes: memory,
    /** With the other setting of train.recompute; null on a portable backend, where it changes nothing. */
    memory_other_recompute_bytes: machine.portable ? null : other,
    device: machine.gpu ? 'gpu' : 'cpu',
    available_bytes: available,
    fits: memory.total <= available,
    fits_here: fitsHere(plan, family),
    checkpoint_bytes: checkpointBytes(params, ''),
    checkpoints: checkpointsAtATime(train.keep, schedule?.steps ?? Number.POSITIVE_INFINITY),
    flops_per_token: flops,
    flops_per_token_full: perToken(false),
    steps: schedule?.steps ?? null,
    tokens,
    operations: tokens === null ? null : tokens * flops,
    paper,
    at_gflops:
      view.gflops === undefined
        ? null
        : {
            gflops: view.gflops,
            tokens_per_day: (view.gflops * 1e9 * 86400) / flops,
            seconds: tokens === null ? null : (tokens * flops) / (view.gflops * 1e9),
          },
    mfu,
    gpus,
    price: price ?? null,
    hardware: devicesOf(plan, view).map(({ key, name, tflops }) => {
      const cost = (budget: number | null) => {
        if (budget === null) return null;
        const hours = deviceHours(budget * flops, tflops, mfu);
        return { gpu_hours: hours, seconds: (hours / gpus) * 3600, cost: price === undefined ? null : hours * price };
      };
      const tokens_per_day = (gpus * 86400 * mfu * tflops * 1e12) / flops;
      return { key, name, peak_tflops: tflops, tokens_per_day, run: cost(tokens), paper: cost(paper?.tokens ?? null) };
    }),
    ranks: ranksOf(plan, view),
  };
}

/** What this machine has room for, and what to turn where the run does not fit. */
function fitsHere(plan: RunPlan, family: readonly FamilyMember[]) {
  const { shape, settings, machine, available } = plan;
  const same = memorySettings(settings.train, machine);
  const sequences = settings.train.batch_tokens / shape.n_ctx;
  const largest = (recompute: boolean) =>
    largestFitting(shape, sequences, sequences, { ...same, recompute }, available) ?? null;
  const sizes = family
    .map(({ name, model }) => ({
      name,
      params: countParameters(model),
      memory_bytes: trainingMemory(model, { ...same, microBatch: 1, recompute: true }).total,
    }))
    .sort((a, b) => a.params - b.params);
  let fix = '';
  try {
    requirePlannedMemory(plan);
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    fix = error.fix;
  }
  return {
    largest_micro_batch: largest(false),
    largest_micro_batch_recompute: largest(true),
    /** Of the papers' sizes, with micro-batch 1 and recompute. */
    largest_preset: sizes.findLast((size) => size.memory_bytes <= available) ?? null,
    fix,
  };
}

/** The devices that are asked for: one by name, or all and this machine. */
function devicesOf({ settings, limits }: RunPlan, { hardware }: PlanView) {
  if (hardware !== undefined) return HARDWARE.filter(({ key }) => key === hardware);
  if (limits === undefined) return HARDWARE;
  const fast = settings.train.precision === 'fp32' ? null : limits.matmul_bf16_gflops;
  return [...HARDWARE, { key: 'here', name: 'this machine', tflops: (fast ?? limits.matmul_gflops) / 1000 }];
}

/** Bytes on each of several GPUs, by stage of ZeRO; null: nobody asks. */
function ranksOf({ shape, settings }: RunPlan, view: PlanView) {
  const { gpus = 1, hardware } = view;
  if (view.gpus === undefined && view.gpuMemory === undefined) return null;
  const memory = view.gpuMemory ?? HARDWARE.find(({ key }) => key === hardware)?.memory ?? null;
  const { train } = settings;
  const rank: RankSettings = {
    microBatch: typeof train.micro_batch === 'number' ? train.micro_batch : 1,
    recompute: train.recompute,
    bf16: memorySettings(train, { gpu: true }).bf16 ?? false,
  };
  const sequences = train.batch_tokens / shape.n_ctx;
  const stages = ZERO_STAGES.map((stage) => {
    const bytes = rankMemory(shape, rank, stage, gpus);
    const fits = memory === null ? null : bytes.total <= memory;
    const smallest_gpus = memory === null ? null : (smallestGpus(shape, rank, stage, memory) ?? null);
    return { stage, ...bytes, fits, smallest_gpus };
  });
  const first = stages.find(({ fits }) => fits)?.stage ?? null;
  return {
    gpus,
    gpu_memory_bytes: memory,
    micro_batch: rank.microBatch,
    recompute: rank.recompute,
    bf16: rank.bf16,
    sequences,
    stages,
    first_stage_that_fits: first,
    largest_micro_batch:
      memory === null || first === null ? null : largestOnRank(shape, rank, first, { gpus, memory, sequences }),
    advice: memory === null || first !== null ? '' : adviceForRanks(shape, rank, gpus, memory),
  };
}

interface Ranks {
  readonly gpus: number;
  readonly memory: number;
  readonly sequences: number; // of the batch
}

/** The largest micro-batch of a GPU that its memory and its part of the batch allow; that of `rank` does. */
function largestOnRank(
  shape: ResolvedModel,
  rank: RankSettings,
  stage: ZeroStage,
  { gpus, memory, sequences }: Ranks,
): number {
  let fits = rank.microBatch;
  let tooLarge = Math.max(fits, Math.floor(sequences / gpus)) + 1;
  while (tooLarge - fits > 1) {
    const microBatch = Math.floor((fits + tooLarge) / 2);
    if (rankMemory(shape, { ...rank, microBatch }, stage, gpus).total <= memory) fits = microBatch;
    else tooLarge = microBatch;
  }
  return fits;
}

/** The least change with which a stage fits into `memory` bytes of each GPU. */
function adviceForRanks(shape: ResolvedModel, rank: RankSettings, gpus: number, memory: number): string {
  const smaller = { flag: '--train.micro_batch 1', change: { microBatch: 1 }, isChange: rank.microBatch > 1 };
  const again = { flag: '--train.recompute true', change: { recompute: true }, isChange: !rank.recompute };
  const both = [again, smaller].filter(({ isChange }) => isChange);
  const withAll = (changes: typeof both) =>
    Object.assign({}, rank, ...changes.map(({ change }) => change)) as RankSettings;
  const text = (changes: typeof both) =>
    changes.length === 0 ? '' : `with ${changes.map(({ flag }) => flag).join(' ')} `;
  for (const changes of [[smaller], [again], both]) {
    const settings = withAll(changes);
    const stage = ZERO_STAGES.find((s) => rankMemory(shape, settings, s, gpus).total <= memory);
    if (stage !== undefined) return `${text(changes)}${stageName(stage)} fits`;
  }
  const needed = smallestGpus(shape, withAll(both), 3, memory);
  if (needed !== undefined) return `${text(both)}ZeRO 3 fits on ${needed} GPUs or more`;
  return 'no number of these GPUs is enough: shorten --model.n_ctx, or split the layers themselves (tensor parallelism)';
}

export const stageName = (stage: number): string => (stage === 0 ? 'plain data parallelism' : `ZeRO ${stage}`);
