// A fine-tuned model with one head over one sequence, as transformers' ...ForSequenceClassification has it.
//
//   gpt1        OpenAIGPTForSequenceClassification
//   gpt2, gpt3  GPT2ForSequenceClassification
//
//   transformer.*  as in hf.ts, with the rows of the task's tokens in wte
//   score.weight   (K,C), our head's weight (C,K) transposed; C = n_embd, K classes (one output for a score)
//
// transformers computes logits = norm(x) score^T at the last token that is not pad_token_id (the extract token, in the
// texts that hf_task_files.ts makes). It has no bias there, and ours has one: logits = (z g + l) W + b, with z the normalised
// x, g and l the weight and bias of the last layer norm. Its bias takes ours over,
//
//   l' = l + W (W^T W)^-1 b        the smallest change with l' W = l W + b
//
// so that the logits are the same; the language model is not, which is why this is an export and no checkpoint.
// Compared with transformers' source (modeling_gpt2.py, modeling_openai.py, modeling_layers.py); it was not run.

import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { jsonFileText } from '../base/json.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import { type HfModel, toHfConfig } from './hf.js';
import { type HfFolderOptions, type NamedTensor, writeModelFolder } from './hf_folder.js';

type JsonObject = { readonly [key: string]: Json };

/** What decides whether a task is one head over one sequence. */
export interface TaskShape {
  readonly form: 'classification' | 'entailment' | 'similarity' | 'multiple-choice';
  readonly readout: 'pair' | 'cosine' | null;
}

/** Why transformers has no class for this task, for a message; null where it has one. */
export function notASequenceClassifier({ form, readout }: TaskShape): string | null {
  if (form === 'multiple-choice') {
    return 'multiple choice scores each answer in a sequence of its own, and ...ForSequenceClassification reads one';
  }
  if (form !== 'similarity') return null;
  return readout === 'cosine'
    ? 'the cosine compares two sequences and has no head, and ...ForSequenceClassification is a head over one sequence'
    : 'similarity adds the representations of both orders of a pair, and ...ForSequenceClassification reads one sequence';
}

/** The head: logits = x W + b, with weight (C,K) by rows and bias (K). */
export interface Head {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

// ---- config.json

/**
 * config.json of a classifier, from that of its language model (toHfConfig). labels: the names of the classes by number;
 * null for a task with a score, which has one output. padId: of a token that no sequence ends with.
 */
export function toSequenceClassifierConfig(
  hfConfig: JsonObject,
  { labels, padId }: { labels: readonly string[] | null; padId: number },
): JsonObject {
  const names = labels ?? ['score'];
  return {
    ...hfConfig,
    architectures: [
      hfConfig['model_type'] === 'openai-gpt' ? 'OpenAIGPTForSequenceClassification' : 'GPT2ForSequenceClassification',
    ],
    id2label: Object.fromEntries(names.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(names.map((name, id) => [name, id])),
    problem_type: labels ? 'single_label_classification' : 'regression',
    pad_token_id: padId,
  };
}

// ---- parameters

export const SCORE = 'score.weight';

/** The layer norm that a representation comes from: ln_f, or the last block's second one in a GPT-1. */
export const lastNormBias = (model: ResolvedModel): string =>
  model.arch === 'gpt1' ? `transformer.h.${model.n_layer - 1}.ln_2.bias` : 'transformer.ln_f.bias';

// Of a pivot against the largest one: below it, the columns of W cannot tell the classes apart in float32.
const SINGULAR = 1e-10;

/**
 * l + W (W^T W)^-1 b in float64, rounded at the end: the bias of the last layer norm that makes up for the head's. Without
 * a bias nothing changes. Throws DataError where W has no such inverse: more classes than n_embd, or columns that depend
 * on each other.
 */
export function foldHeadBias(normBias: Float32Array, { weight, bias }: Head): Float32Array<ArrayBuffer> {
  const C = normBias.length;
  const K = bias.length;
  if (bias.every((value) => value === 0)) return Float32Array.from(normBias);
  const gram = Array.from({ length: K }, (_, j) =>
    Array.from({ length: K }, (_, k) => {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += weight[c * K + j]! * weight[c * K + k]!;
      return sum;
    }),
  );
  const y = solve(gram, [...bias]);
  if (!y) {
    throw new DataError(
      `the head's bias cannot be folded into a layer norm: its weight (${C}, ${K}) has dependent columns`,
      'transformers has no bias there: use the checkpoint with gpt predict, or train for longer',
    );
  }
  return Float32Array.from(normBias, (value, c) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += weight[c * K + k]! * y[k]!;
    return value + sum;
  });
}

/** Gaussian elimination with pivots: x with a x = b (a and b are used up); null where a is singular. */
function solve(a: number[][], b: number[]): number[] | null {
  const n = b.length;
  const scale = Math.max(...a.flat().map(Math.abs));
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let row = i + 1; row < n; row++) if (Math.abs(a[row]![i]!) > Math.abs(a[pivot]![i]!)) pivot = row;
    if (!(Math.abs(a[pivot]![i]!) > SINGULAR * scale)) return null;
    [a[i], a[pivot]] = [a[pivot]!, a[i]!];
    [b[i], b[pivot]] = [b[pivot]!, b[i]!];
    for (let row = i + 1; row < n; row++) {
      const factor = a[row]![i]! / a[i]![i]!;
      for (let k = i; k < n; k++) a[row]![k]! -= factor * a[i]![k]!;
      b[row]! -= factor * b[i]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i]! -= a[i]![k]! * b[k]!;
    b[i]! /= a[i]![i]!;
  }
  return b;
}

/** The state dict of the classifier, in transformers' order. */
export function sequenceClassifierTensors(
  model: ResolvedModel,
  tensors: HfModel['tensors'],
  head: Head,
): NamedTensor[] {
  const C = model.n_embd;
  const K = head.bias.length;
  const folded = lastNormBias(model);
  const score = () => Float32Array.from({ length: K * C }, (_, i) => head.weight[(i % C) * K + Math.floor(i / C)]!);
  return [
    ...[...parameterShapes(model)].map(([name, shape]) => {
      const read = tensors.get(name)!;
      return { name, shape, read: name === folded ? () => foldHeadBias(read(), head) : read };
    }),
    { name: SCORE, shape: [K, C], read: score },
  ];
}

/**
 * Writes config.json, model.safetensors (or shards) and the tokenizer's files, whole or not at all. `model` has the rows of
 * the task's tokens in its vocabulary. Throws DataError as writeHfFolder and foldHeadBias do.
 */
export async function writeClassifierFolder(
  dir: string,
  { model, eot, tensors }: Pick<HfModel, 'model' | 'eot' | 'tensors'>,
  head: Head,
  labels: { readonly labels: readonly string[] | null; readonly padId: number },
  { dtype, tokenizerFiles, maxShardBytes }: HfFolderOptions,
): Promise<void> {
  const config = toSequenceClassifierConfig(toHfConfig(model, eot, dtype), labels);
  const files = new Map([['config.json', jsonFileText(config)], ...tokenizerFiles]);
  await writeModelFolder(dir, files, sequenceClassifierTensors(model, tensors, head), { dtype, maxShardBytes });
}
