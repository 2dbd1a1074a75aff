// Learning rate by step.
//
//   warm-up   lr * (s + 1) / W                                    for s < W updates made
//   cosine    lr * (r + (1 - r) * (1 + cos(pi x)) / 2)            x = (s - W) / (D - W), at most 1;  r = min_lr_ratio
//   linear    lr * (r + (1 - r) * (1 - x))
//   constant  lr
//
// W and D may be given in tokens (GPT-3, appendix B: D is then counted from the end of the warm-up); D defaults to the end.

import type { TrainConfig } from '../config/schema.js';

/** Learning rate of the update that follows `step` updates. */
export function learningRate(config: TrainConfig, step: number, maxSteps: number): number {
  const { learning_rate, lr_schedule, min_lr_ratio, batch_tokens } = config;
  const warmup = config.warmup_steps ?? (config.warmup_tokens ?? 0) / batch_tokens;
  if (step < warmup) return (learning_rate * (step + 1)) / Math.max(1, Math.ceil(warmup));
  if (lr_schedule === 'constant') return learning_rate;
  const end =
    config.lr_decay_steps ??
    (config.lr_decay_tokens === undefined ? maxSteps : warmup + config.lr_decay_tokens / batch_tokens);
  const x = end > warmup ? Math.min(1, (step - warmup) / (end - warmup)) : 1;
  const shape = lr_schedule === 'cosine' ? (1 + Math.cos(Math.PI * x)) / 2 : 1 - x;
  return learning_rate * (min_lr_ratio + (1 - min_lr_ratio) * shape);
}

/** Number of updates of a whole run: max_steps, or what max_tokens or max_epochs come to. */
export function totalSteps(config: TrainConfig, trainTokens: number): number {
  if (config.max_steps !== undefined) return config.max_steps;
  const tokens = config.max_tokens ?? (config.max_epochs ?? 1) * trainTokens;
  return Math.max(1, Math.ceil(tokens / config.batch_tokens));
}
