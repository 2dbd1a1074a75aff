// Rules that bind several keys of a configuration. Each returns what is wrong, and at which key.

import type { FinetuneConfig, RunConfig } from './schema.js';

/** Something wrong with the value of a key. */
export interface Problem {
  readonly path: string; // "train.batch_tokens"
  readonly what: string;
  readonly reads: readonly string[]; // the keys that the rule looked at
}

/** Keys of which at most one may be set. A later source that sets one unsets the others of earlier sources. */
export const EXCLUSIVE: readonly (readonly string[])[] = [
  ['train.max_steps', 'train.max_tokens', 'train.max_epochs'],
  ['train.warmup_steps', 'train.warmup_tokens'],
  ['train.lr_decay_steps', 'train.lr_decay_tokens'],
];

/** Updates of the full batch; GPT-3's is below 10,000. */
const LONGEST_RAMP = 1e6;

/** All rules. An empty list: the configuration is consistent. */
export function checkRun(run: RunConfig): Problem[] {
  return [
    ...checkWidth(run),
    ...checkExclusive(run),
    ...checkBatch(run),
    ...checkStop(run),
    ...checkTokenizer(run),
    ...checkWeights(run),
    ...checkAnswers(run),
    ...checkEval(run),
  ];
}

function checkWidth({ model }: RunConfig): Problem[] {
  const { n_embd, n_head } = model;
  if (n_embd % n_head === 0) return [];
  const near = nearestMultiple(n_embd, n_head);
  return [
    {
      path: 'model.n_embd',
      what: `n_embd ${n_embd} is not divisible by n_head ${n_head}; the nearest width that is: ${near}`,
      reads: ['model.n_embd', 'model.n_head'],
    },
  ];
}

function checkExclusive({ train }: RunConfig): Problem[] {
  const values = train as Record<string, unknown>;
  const problems = EXCLUSIVE.flatMap((paths) => {
    const set = paths.filter((p) => values[p.slice('train.'.length)] !== undefined);
    return set.length > 1
      ? [{ path: set[1]!, what: `${set.join(' and ')} exclude each other: give one`, reads: set }]
      : [];
  });
  if (train.max_steps === undefined && train.max_tokens === undefined && train.max_epochs === undefined) {
    const what = 'nothing says how long to train: give train.max_steps, train.max_tokens or train.max_epochs';
    problems.push({ path: 'train.max_steps', what, reads: ['train.max_steps'] });
  }
  return problems;
}

function checkBatch({ model, train }: RunConfig): Problem[] {
  const { batch_tokens, batch_start_tokens, batch_ramp_tokens = 0 } = train;
  if (batch_start_tokens < batch_tokens && batch_ramp_tokens > LONGEST_RAMP * batch_tokens) {
    const reads = ['train.batch_ramp_tokens', 'train.batch_tokens'];
    const what = `a ramp over ${batch_ramp_tokens} tokens is more than ${LONGEST_RAMP} updates of ${batch_tokens}`;
    return [{ path: 'train.batch_ramp_tokens', what, reads }];
  }
  const micro_batch = typeof train.micro_batch === 'number' ? train.micro_batch : 1;
  const pass = model.n_ctx * micro_batch;
  if (batch_tokens % pass === 0) return [];
  const product =
    typeof train.micro_batch !== 'number'
      ? `n_ctx ${model.n_ctx}`
      : `n_ctx ${model.n_ctx} x micro_batch ${micro_batch} = ${pass}`;
  const near = nearestMultiple(batch_tokens, pass);
  const what = `${batch_tokens} is not a multiple of ${product}; the nearest: ${near}`;
  return [{ path: 'train.batch_tokens', what, reads: ['train.batch_tokens', 'model.n_ctx'] }];
}

function checkStop({ train }: RunConfig): Problem[] {
  if (train.early_stop === undefined || train.eval_every > 0) return [];
  const reads = ['train.early_stop', 'train.eval_every'];
  return [
    {
      path: 'train.early_stop',
      what: 'it counts validations, and train.eval_every 0 makes none before the end',
      reads,
    },
  ];
}

function checkTokenizer({ tokenizer }: RunConfig): Problem[] {
  const reads = ['tokenizer.type', 'tokenizer.path'];
  if (tokenizer.type === 'file' && tokenizer.path === undefined) {
    const what = 'file needs tokenizer.path too: a tokenizer.json or a checkpoint folder';
    return [{ path: 'tokenizer.type', what, reads }];
  }
  if (tokenizer.type !== 'file' && tokenizer.type !== 'gpt1-bpe' && tokenizer.path !== undefined) {
    const what = `only read with tokenizer.type file or gpt1-bpe, and the type is ${tokenizer.type}`;
    return [{ path: 'tokenizer.path', what, reads }];
  }
  return [];
}

/** The smallest share that a corpus of a mixture may have. */
export const LEAST_SHARE = 1e-6;

function checkWeights({ data: { path, weights, val_path } }: RunConfig): Problem[] {
  if (weights === undefined) return [];
  const corpora = path === undefined ? 0 : [path].flat().length;
  const reads = ['data.weights', 'data.path'];
  if (corpora !== weights.length) {
    const what = `${weights.length} weights for ${corpora} entries of data.path: give one each`;
    return [{ path: 'data.weights', what, reads }];
  }
  if (Math.min(...weights) < LEAST_SHARE * weights.reduce((a, b) => a + b)) {
    return [{ path: 'data.weights', what: `a share is below ${LEAST_SHARE}: leave that corpus out`, reads }];
  }
  if (val_path === undefined) return [];
  const what = 'not with data.weights: each corpus holds out a part of its own';
  return [{ path: 'data.val_path', what, reads: ['data.weights', 'data.val_path'] }];
}

function checkAnswers({ data }: RunConfig): Problem[] {
  const { loss, answer_start, answer_end } = data;
  const reads = ['data.loss', 'data.answer_start', 'data.answer_end'];
  if (loss === 'answers') {
    const what = 'answers needs data.answer_start too: the text in front of each answer';
    return answer_start === undefined ? [{ path: 'data.loss', what, reads }] : [];
  }
  const set = answer_start !== undefined ? 'data.answer_start' : 'data.answer_end';
  const what = 'only read with data.loss answers, and every token is scored';
  return (answer_start ?? answer_end) ? [{ path: set, what, reads }] : [];
}

function checkEval({ eval: { tasks, every } }: RunConfig): Problem[] {
  if (every === 0 || tasks.length > 0) return [];
  return [
    { path: 'eval.every', what: 'there is nothing to measure: give eval.tasks', reads: ['eval.every', 'eval.tasks'] },
  ];
}

const nearestMultiple = (n: number, of: number): number => Math.max(1, Math.round(n / of)) * of;

/** All rules of a fine-tuning configuration. */
export function checkFinetune({ finetune, data, train, lora }: FinetuneConfig): Problem[] {
  const { task, readout, objective, init, freeze_layers, labels } = finetune;
  const problems: Problem[] = [];
  const refuse = (path: string, what: string, ...reads: string[]) =>
    problems.push({ path, what, reads: [path, ...reads] });
  if (task === undefined) {
    refuse(
      'finetune.task',
      'not given: --task classification, entailment, similarity or multiple-choice (lm: on plain text)',
    );
  }
  if (data.train === undefined) refuse('data.train', 'not given: --data FILE or FOLDER, the labelled examples');
  if (train.max_steps !== undefined && train.max_epochs !== undefined) {
    refuse('train.max_steps', 'train.max_steps and train.max_epochs exclude each other: give one', 'train.max_epochs');
  }
  if (task !== undefined && task !== 'similarity') {
    if (readout === 'cosine') refuse('finetune.readout', `cosine compares two texts: only with task similarity`);
    if (objective === 'regression') refuse('finetune.objective', 'regression is for scores: only with task similarity');
  }
  if (task === 'multiple-choice' && labels !== undefined) {
    refuse('finetune.labels', 'multiple choice has answers of its own in each example, and no classes');
  }
  if (task === 'multiple-choice' && finetune.class_weights !== 'none') {
    refuse('finetune.class_weights', 'multiple choice has no classes');
  }
  if (init === 'random' && (freeze_layers !== 0 || lora.r > 0)) {
    const path = lora.r > 0 ? 'lora.r' : 'finetune.freeze_layers';
    refuse(path, 'weights that start anew must be trained: not with finetune.init random', 'finetune.init');
  }
  if (lora.r > 0 && freeze_layers !== 0) {
    refuse('finetune.freeze_layers', 'LoRA trains its adapters and the head alone: give one of the two', 'lora.r');
  }
  return problems;
}
