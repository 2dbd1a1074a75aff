// Bytes on each of N GPUs that train one model together, under data parallelism and the three stages of ZeRO
// (Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", section 5).
//
// P parameters; w, g, k bytes each for weight, gradient, optimizer state:
//
//   data parallel   (w + g + k) P              each GPU holds everything
//   ZeRO 1          (w + g) P + k P / N        the optimizer's state is split
//   ZeRO 2          w P + (g + k) P / N        gradients too
//   ZeRO 3          (w + g + k) P / N          weights too: each layer is gathered when its turn comes
//
// Here w = 4, g = 4, k = 8 in float32 (two moments of Adam); with bfloat16 products w = 2, g = 4, k = 12: the GPU computes
// with the rounded copy, and the float32 weights belong to the optimizer. The paper's example has 2, 2, 12.
// Each GPU's own micro-batch takes activations and working memory as in memory.ts; ZeRO 3 also the largest layer, gathered,
// with its gradient. Nothing is counted for the driver and the library of collectives.
//
// gpt trains on one device; this is for planning.

import { countParameters, parametersByPart } from './arithmetic.js';
import { trainingMemory } from './memory.js';
import type { ResolvedModel } from './model_shape.js';

/** 0: plain data parallelism. */
export type ZeroStage = 0 | 1 | 2 | 3;

export const ZERO_STAGES: readonly ZeroStage[] = [0, 1, 2, 3];

/** Bytes of what training keeps: of one parameter, or of a GPU's share of all. */
export interface TrainingState {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
}

/** Bytes per parameter, in gpt's precisions. */
export const stateBytes = (bf16: boolean): TrainingState =>
  bf16 ? { weights: 2, gradients: 4, optimizer: 12 } : { weights: 4, gradients: 4, optimizer: 8 };

/** A GPU's share of the state of `parameters` numbers. */
export function shareOfState(parameters: number, each: TrainingState, stage: ZeroStage, gpus: number): TrainingState {
  const share = Math.ceil(parameters / gpus);
  return {
    weights: each.weights * (stage >= 3 ? share : parameters),
    gradients: each.gradients * (stage >= 2 ? share : parameters),
    optimizer: each.optimizer * (stage >= 1 ? share : parameters),
  };
}

/** What a GPU computes. */
export interface RankSettings {
  /** Sequences per forward pass on each GPU. */
  readonly microBatch: number;
  readonly recompute: boolean;
  readonly bf16: boolean;
}

/** Bytes on one GPU. */
export interface RankMemory extends TrainingState {
  readonly activations: number;
  readonly working: number;
  readonly total: number;
}

/** Bytes on each of `gpus`: the formulas at the head of this file. */
export function rankMemory(model: ResolvedModel, settings: RankSettings, stage: ZeroStage, gpus: number): RankMemory {
  const each = stateBytes(settings.bf16);
  const state = shareOfState(countParameters(model), each, stage, gpus);
  const { activations, working: own, process } = trainingMemory(model, { ...settings, gpu: true });
  const { token_embedding, attention, mlp, norms } = parametersByPart(model);
  const layer = Math.max(token_embedding, (attention + mlp + norms) / model.n_layer);
  const gathered = stage === 3 && gpus > 1 ? layer * (each.weights + each.gradients) : 0;
  const working = own + process + gathered;
  const total = state.weights + state.gradients + state.optimizer + activations + working;
  return { ...state, activations, working, total };
}

/** The smallest number of GPUs of `available` bytes on which it fits; undefined: on no number. */
export function smallestGpus(
  model: ResolvedModel,
  settings: RankSettings,
  stage: ZeroStage,
  available: number,
): number | undefined {
  const fits = (gpus: number) => rankMemory(model, settings, stage, gpus).total <= available;
  if (fits(1)) return 1;
  let most = 2;
  while (!fits(most)) {
    most *= 2;
    if (most > 2 * countParameters(model)) return undefined; // nothing is left to be split
  }
  let least = most / 2; // too few
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (fits(middle)) most = middle;
    else least = middle;
  }
  return most;
}
