// A made-up run of 300 steps: what reporters and reports are tested with.

import type { EndEvent, EvalEvent, RunEvent, StartEvent } from '../../src/base/events.js';

const VOCAB = 257;

export const start: StartEvent = {
  type: 'start',
  format: 1,
  time: '2026-01-02T03:04:05.000Z',
  version: '0.1.0',
  command: 'gpt pretrain quickstart --train.max_steps 300',
  name: 'quickstart',
  dir: 'checkpoints/quickstart',
  resumed_from: null,
  config: {
    model: {
      arch: 'gpt2',
      vocab_size: VOCAB,
      n_ctx: 128,
      n_layer: 4,
      n_head: 4,
      n_embd: 128,
      attention_layers: ['global'],
    },
    tokenizer: { type: 'byte' },
    data: { path: 'data/stories', val_fraction: 0.1 },
    train: { batch_tokens: 1536, max_steps: 300, learning_rate: 0.001, betas: [0.9, 0.99], log_every: 50 },
    sample: { prompt: 'Once upon', tokens: 200 },
  },
  origins: { 'model.n_layer': 'configs/quickstart.yaml:9', 'train.max_steps': '--train.max_steps' },
  backend: 'native',
  backend_reason: 'C++ kernels with AVX2 and oneDNN 2.6.3',
  precision: 'fp32',
  threads: 2,
  device: 'Intel Xeon 2.80 GHz, 2 cores',
  peak_gflops: 146.3,
  environment: { node: 'v20.20.2', os: 'linux x64', commit: '0123abc' },
  params: 842_496,
  flops_per_token: 5.4e6,
  memory_estimate_bytes: 310 * 2 ** 20,
  tokenizer: { type: 'byte', vocab_size: VOCAB },
  data: {
    files: 1,
    bytes: 1_200_000,
    documents: 2800,
    train_tokens: 1_082_520,
    val_tokens: 120_280,
    train_bytes: 1_080_000,
    val_bytes: 120_000,
    split: 'the last 10.0% of the text is held out (from character 1,080,000 of 1,200,000)',
    fingerprint: 'c0ffee',
  },
  max_steps: 300,
  batch_tokens: 1536,
  micro_batch: 12,
  grad_accumulation: 1,
  n_ctx: 128,
  baselines: { uniform: Math.log(VOCAB), unigram: 2.94, five_gram: 1.31 },
};

export const end: EndEvent = {
  type: 'end',
  time: '2026-01-02T03:06:05.000Z',
  reason: 'done',
  step: 300,
  tokens: 300 * 1536,
  seconds: 119.4,
  train_loss: 1.0321,
  val_loss: 1.0987,
  best_val_loss: 1.0987,
  best_step: 300,
  bits_per_byte: 1.588,
  tokens_per_s: 38_400,
  peak_memory_bytes: 402 * 2 ** 20,
};

/** Not part of fakeRun(). */
export const evaluation: EvalEvent = {
  type: 'eval',
  name: 'sst2',
  step: 300,
  metrics: { accuracy: { value: 0.9128, stderr: 0.0096, n: 872 }, f1: { value: 0.9071 } },
  classes: {
    positive: { precision: { value: 0.92, n: 444 }, recall: { value: 0.91, n: 444 } },
    negative: { precision: { value: 0.905, n: 428 }, recall: { value: 0.915, n: 428 } },
  },
  settings: { split: 'dev', shots: '0' },
  seconds: 12.5,
};

/** The events of the run in order. The same every time. */
export function fakeRun(): RunEvent[] {
  const events: RunEvent[] = [start];
  events.push({ type: 'warning', what: 'only 2 cores are free', fix: 'stop other programs, or wait longer' });
  for (let step = 1; step <= 300; step++) {
    const smooth = 1 + 4.55 * Math.exp(-step / 45);
    const loss = smooth + 0.06 * Math.sin(step * 12.9898) * Math.sin(step * 78.233);
    const tokens_per_s = 38_400 + 900 * Math.sin(step);
    const step_ms = (1536 / tokens_per_s) * 1000;
    events.push({
      type: 'step',
      step,
      tokens: step * 1536,
      epoch: (step * 1536) / 1_082_520,
      loss,
      lr: step <= 20 ? (0.001 * step) / 20 : 0.0001 + 0.00045 * (1 + Math.cos((Math.PI * (step - 20)) / 280)),
      grad_norm: 0.4 + 3 * Math.exp(-step / 20) + 0.1 * Math.abs(Math.sin(step * 7.7)),
      step_ms,
      tokens_per_s,
      mfu: 0.71 + 0.01 * Math.sin(step),
      memory_bytes: (380 + Math.min(step, 20)) * 2 ** 20,
      tensors: 148,
      eta_s: ((300 - step) * step_ms) / 1000,
    });
    if (step % 100 === 0) {
      const val = smooth + 0.04;
      events.push({
        type: 'val',
        step,
        tokens: step * 1536,
        loss: val,
        perplexity: Math.exp(val),
        bits_per_byte: (val / Math.LN2) * (120_280 / 120_000),
        best: true,
        seconds: 1.2,
      });
      events.push({
        type: 'checkpoint',
        step,
        dir: `checkpoints/quickstart/step-${String(step).padStart(6, '0')}`,
        bytes: 10.2 * 2 ** 20,
        seconds: 0.21,
        blocked_seconds: 0.02,
        best: true,
      });
    }
    if (step === 100 || step === 300) {
      events.push({
        type: 'sample',
        step,
        prompt: 'Once upon',
        text:
          step === 100
            ? ' a the was dey and <script>alert("x")</script> lin the boat & he saw teh fish.\nThe end.'
            : ' a time there was a small fox called Mira. She lived beside the river and liked to count the boats. One morning the river was quiet, and no boat came. "Where have they gone?" asked Mira.\nHer friend the heron knew the answer.',
        temperature: 0.8,
        top_k: 50,
        seed: 1337,
        overlap: { chars: 33, text: 'there was a small fox called Mira' },
      });
    }
  }
  events.push(end);
  return events;
}
