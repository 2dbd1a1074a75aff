// Bytes that training takes, from shape and batch alone: known before anything is allocated. Float32 unless stated.
//
// N parameters, L layers, C width, F MLP width, H heads, V vocabulary, R = micro_batch * n_ctx rows (tokens of one pass).
//
//   weights, gradients   4 N each        optimizer   8 N (Adam's two moments)
//   activations          what the backward pass needs, per row and layer 8 C + 2 F + H floats: residual sum and layer norm
//                        of both branches 4 C, qkv 3 C, attention C + H (log-sum-exp), MLP before and after GELU 2 F.
//                        With train.recompute only what enters a block, 2 C (GPT-1: C), and one block's whole
//   working              what the pass holds beside that: one block's gradients F + 4 C per row, without recompute embedding
//                        and final norm 3 C per row, and one chunk of logits, at most 256 MiB
//   bfloat16 products    2 N beside the weights, and as working memory the rounded operands of the largest product, twice
//                        2 R F bytes; its chunk of logits is one of them
//   on a GPU             with bfloat16 products activations are stored so too, 2 bytes each, and nothing is rounded for a
//                        product; the chunk of logits is at most 512 MiB; 32 MiB for cuBLASLt; the process is elsewhere
//   process              Node.js, TensorFlow.js, kernels, text: measured, 0.18 GiB (0.13 in gpt bench, 0.2 in gpt pretrain)
//
// On TensorFlow.js's portable backends the composites run, whose every intermediate result lives until the backward pass:
// per row and layer 105 C + 26 F + 12 H n_ctx floats, and 12 V per row; recompute changes nothing. Fitted to wasm (six
// shapes, all within 10 %); cpu takes half as much again.
//
// docs/benchmarks/memory.md compares this with measured peaks.

import { MemoryError } from '../base/errors.js';
import { bytes } from '../base/format.js';
import { countParameters } from './arithmetic.js';
import type { ResolvedModel } from './model_shape.js';
import type { TrainConfig } from './schema.js';

const FLOAT = 4;
const HALF = 2;
const LOGIT_CHUNK = 256 * 2 ** 20;
const GPU_LOGIT_CHUNK = 512 * 2 ** 20;
const GPU_WORKSPACE = 32 * 2 ** 20;
const PROCESS = 0.18 * 2 ** 30;

/** The settings that memory depends on, beside the model. */
export interface MemorySettings {
  /** Sequences per forward pass. */
  readonly microBatch: number;
  readonly recompute: boolean;
  /** On a backend without fused kernels. */
  readonly portable?: boolean;
  /** Matrix products of bfloat16. */
  readonly bf16?: boolean;
  /** Of a GPU, not of the host. */
  readonly gpu?: boolean;
}

/** Bytes by purpose. */
export interface TrainingMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly activations: number;
  readonly working: number;
  readonly process: number;
  readonly total: number;
}

/** Bytes of the trainer, by purpose: the formulas at the head of this file. */
export function trainingMemory(
  model: ResolvedModel,
  { microBatch, recompute, portable = false, bf16 = false, gpu = false }: MemorySettings,
): TrainingMemory {
  const { vocab_size: V, n_embd: C, n_inner: F, n_layer: L, n_head: H, n_ctx, arch } = model;
  const rows = microBatch * n_ctx;
  const N = countParameters(model);
  const streams = arch === 'gpt1' ? 1 : 2;
  const block = 8 * C + 2 * F + H;
  const stored = gpu && bf16 ? HALF : FLOAT;
  const chunkRows = Math.min(rows, Math.max(1, Math.floor((gpu ? GPU_LOGIT_CHUNK : LOGIT_CHUNK) / (stored * V))));
  const activations =
    stored *
    rows *
    (portable ? L * (105 * C + 26 * F + 12 * H * n_ctx) : recompute ? L * streams * C + block : L * block);
  const rounded = bf16 && !gpu ? HALF * (rows * F + Math.max(rows * F, chunkRows * V)) : 0;
  const working =
    stored * (portable ? 12 * rows * V : rows * (F + 4 * C + (recompute ? 0 : 3 * C)) + chunkRows * V) + rounded;
  const weights = (bf16 ? FLOAT + HALF : FLOAT) * N;
  const [gradients, optimizer] = [FLOAT * N, 2 * FLOAT * N];
  const process = gpu ? GPU_WORKSPACE : PROCESS;
  const total = weights + gradients + optimizer + activations + working + process;
  return { weights, gradients, optimizer, activations, working, process, total };
}

/** What a run computes on, as far as memory depends on it. */
export type Machine = Pick<MemorySettings, 'portable' | 'gpu'>;

const GPU_ROWS = 65_536; // tokens of one pass that keep a large GPU busy

/**
 * Sequences per forward pass: train.micro_batch; for auto the largest divisor of the batch that fits into `available`
 * bytes, by default the largest that fits of at most 12, on a GPU of at most 65,536 tokens; 1 where none fits.
 */
export function chooseMicroBatch(
  model: ResolvedModel,
  train: TrainConfig,
  available: number,
  machine: Machine = {},
): number {
  const { micro_batch, batch_tokens } = train;
  if (typeof micro_batch === 'number') return micro_batch;
  const enough = machine.gpu ? Math.max(1, Math.floor(GPU_ROWS / model.n_ctx)) : 12;
  const most = micro_batch === 'auto' ? batch_tokens / model.n_ctx : enough;
  return largestFitting(model, batch_tokens / model.n_ctx, most, memorySettings(train, machine), available) ?? 1;
}

/** What a run's memory depends on, beside model and micro-batch. precision auto may become bf16. */
export function memorySettings(
  { recompute, precision }: TrainConfig,
  machine: Machine,
): Omit<MemorySettings, 'microBatch'> {
  return { recompute, ...machine, bf16: (precision === 'bf16' || precision === 'auto') && !machine.portable };
}

/** Throws MemoryError when a run does not fit into `available` bytes: it names the keys and values with which it does. */
export function requireMemory(
  model: ResolvedModel,
  train: TrainConfig,
  settings: MemorySettings,
  available: number,
  resumed = false,
): void {
  const { total, ...parts } = trainingMemory(model, settings);
  if (total <= available) return;
  const largest = Object.entries(parts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 2)
    .map(([name, size]) => `${name} ${bytes(size)}`);
  throw new MemoryError(
    `training this model takes about ${bytes(total)} of memory (${largest.join(', ')}, ...), and ${bytes(available)} are available`,
    whatFits(model, train, settings, available, resumed),
  );
}

/** The least change with which it fits. A resumed run keeps its context, and in a batch ramp its micro-batch. */
function whatFits(
  model: ResolvedModel,
  train: TrainConfig,
  settings: MemorySettings,
  available: number,
  resumed: boolean,
): string {
  const { microBatch, ...rest } = settings;
  const { recompute, portable = false } = rest;
  const canRecompute = !recompute && !portable;
  const sequences = train.batch_tokens / model.n_ctx;
  const fits = (change: MemorySettings) => trainingMemory(model, change).total <= available;
  if (resumed && train.batch_ramp_tokens !== undefined) {
    if (canRecompute && fits({ ...settings, recompute: true }))
      return '--train.recompute true fits, and is a quarter slower';
    return 'close other programs, or resume on a machine with more memory';
  }
  const smaller = largestFitting(model, sequences, microBatch - 1, rest, available);
  if (smaller !== undefined) return `--train.micro_batch ${smaller} fits`;
  if (canRecompute) {
    const again = largestFitting(model, sequences, microBatch, { ...rest, recompute: true }, available);
    if (again !== undefined) return `--train.recompute true --train.micro_batch ${again} fits, and is a quarter slower`;
  }
  if (resumed) return 'close other programs, or resume on a machine with more memory';
  for (let n_ctx = model.n_ctx / 2; n_ctx >= 64 && Number.isInteger(n_ctx); n_ctx /= 2) {
    const { total } = trainingMemory({ ...model, n_ctx }, { ...rest, microBatch: 1, recompute: true });
    if (total > available) continue;
    return `--model.n_ctx ${n_ctx}${portable ? '' : ' --train.recompute true'} --train.micro_batch 1 fits`;
  }
  return 'choose a smaller model (fewer layers, a smaller n_embd or vocabulary), or a machine with more memory';
}

/** The largest micro-batch up to `most` that divides the batch of `sequences` and fits; undefined: not even one does. */
export function largestFitting(
  model: ResolvedModel,
  sequences: number,
  most: number,
  settings: Omit<MemorySettings, 'microBatch'>,
  available: number,
): number | undefined {
  const { activations: each } = trainingMemory(model, { microBatch: 1, ...settings }); // they grow with the batch
  const first = Math.min(most, sequences, Math.floor(available / each));
  for (let microBatch = first; microBatch >= 1; microBatch--) {
    if (sequences % microBatch !== 0) continue;
    if (trainingMemory(model, { microBatch, ...settings }).total <= available) return microBatch;
  }
  return undefined;
}
