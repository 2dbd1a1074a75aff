// What each update of a run trains on, and at which learning rate: functions of the number of updates made, from the
// configuration alone, so that a resumed run goes on in the same schedule.
//
//   batch      b(t) = b0 + (b1 - b0) * min(1, t / R)         tokens, t trained on before; b1 = batch_tokens,
//              in whole micro-batches, at least one          b0 = batch_start_tokens, below b1;
//                                                            R = batch_ramp_tokens (GPT-3, appendix B)
//   warm-up    lr * (s + 1) / W, or in tokens lr * t' / W    t' trained on after this update
//   cosine     lr * (r + (1 - r) * (1 + cos(pi x)) / 2)      x = (t - t_W) / (t_D - t_W), at most 1;  r = min_lr_ratio
//   linear     lr * (r + (1 - r) * (1 - x))
//   constant   lr
//
// The warm-up ends after W updates or tokens, the decay after D of them; D in tokens counts from the end of the warm-up
// (the paper does not say from where), and defaults to the end of the run.

import type { TrainConfig } from '../config/schema.js';

/** The keys of the configuration that a schedule is made of. */
export type ScheduleConfig = Pick<
  TrainConfig,
  | 'batch_tokens'
  | 'batch_start_tokens'
  | 'batch_ramp_tokens'
  | 'max_steps'
  | 'max_tokens'
  | 'max_epochs'
  | 'learning_rate'
  | 'lr_schedule'
  | 'min_lr_ratio'
  | 'warmup_steps'
  | 'warmup_tokens'
  | 'lr_decay_steps'
  | 'lr_decay_tokens'
>;

/** Batch sizes and learning rates of a run. */
export class Schedule {
  /** Updates of the whole run. */
  readonly steps: number;
  readonly #config: ScheduleConfig;
  readonly #microTokens: number;
  /** Micro-batches before each update of the ramp, and after the last one. Without a ramp: [0]. */
  readonly #ramp: readonly number[];
  readonly #warmup: number; // first update after it
  readonly #decay: readonly [from: number, to: number]; // tokens

  /** microTokens: tokens per micro-batch, a divisor of batch_tokens. trainTokens: of one epoch. */
  constructor(config: ScheduleConfig, microTokens: number, trainTokens: number) {
    this.#config = config;
    this.#microTokens = microTokens;
    this.#ramp = rampOf(config, microTokens);
    const { max_steps, max_tokens, max_epochs = 1, warmup_steps, warmup_tokens = 0, lr_decay_steps } = config;
    this.steps = max_steps ?? Math.max(1, this.#stepAt(max_tokens ?? max_epochs * trainTokens));
    this.#warmup = warmup_steps ?? this.#stepAt(warmup_tokens);
    const from = warmup_steps === undefined ? warmup_tokens : this.tokensBefore(warmup_steps);
    const inTokens = config.lr_decay_tokens === undefined ? undefined : from + config.lr_decay_tokens;
    this.#decay = [from, inTokens ?? this.tokensBefore(lr_decay_steps ?? this.steps)];
  }

  /** Micro-batches of the run before update `step` (from 0). */
  microsBefore(step: number): number {
    const last = this.#ramp.length - 1;
    if (step <= last) return this.#ramp[step]!;
    return this.#ramp[last]! + ((step - last) * this.#config.batch_tokens) / this.#microTokens;
  }

  /** Micro-batches of update `step`. */
  micros(step: number): number {
    return this.microsBefore(step + 1) - this.microsBefore(step);
  }

  /** Tokens of the run before update `step`. */
  tokensBefore(step: number): number {
    return this.microsBefore(step) * this.#microTokens;
  }

  /** Learning rate of update `step`. */
  learningRate(step: number): number {
    const { learning_rate, lr_schedule, min_lr_ratio, warmup_steps, warmup_tokens } = this.#config;
    if (step < this.#warmup) {
      const share =
        warmup_steps === undefined ? this.tokensBefore(step + 1) / warmup_tokens! : (step + 1) / warmup_steps;
      return learning_rate * Math.min(1, share);
    }
    if (lr_schedule === 'constant') return learning_rate;
    const [from, to] = this.#decay;
    const x = to > from ? Math.min(1, Math.max(0, this.tokensBefore(step) - from) / (to - from)) : 1;
    const shape = lr_schedule === 'cosine' ? (1 + Math.cos(Math.PI * x)) / 2 : 1 - x;
    return learning_rate * (min_lr_ratio + (1 - min_lr_ratio) * shape);
  }

  /** The first update before which at least so many tokens were trained on. */
  #stepAt(tokens: number): number {
    const micros = tokens / this.#microTokens;
    const inRamp = this.#ramp.findIndex((before) => before >= micros);
    if (inRamp >= 0) return inRamp;
    const last = this.#ramp.length - 1;
    return last + Math.ceil((micros - this.#ramp[last]!) / (this.#config.batch_tokens / this.#microTokens));
  }
}

/** Micro-batches before each update of the ramp. It has at most some millions: config/checks.ts. */
function rampOf({ batch_tokens, batch_start_tokens, batch_ramp_tokens = 0 }: ScheduleConfig, micro: number): number[] {
  const before = [0];
  if (batch_start_tokens >= batch_tokens) return before;
  for (;;) {
    const done = before.at(-1)!;
    const t = done * micro;
    if (t >= batch_ramp_tokens) return before;
    const batch = batch_start_tokens + ((batch_tokens - batch_start_tokens) * t) / batch_ramp_tokens;
    before.push(done + Math.max(1, Math.round(batch / micro)));
  }
}
