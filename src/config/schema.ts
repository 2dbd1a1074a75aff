// Every configuration key, once: its type, range, default and meaning. The YAML files, the command-line flags
// (--train.max_steps 100), `--print-config`, and docs/config.md all come from here.
//
// Model keys are OpenAI's own names (n_ctx, n_embd, ...), training keys the plain words that nanoGPT, Hugging Face
// and litgpt share. Other projects' spellings appear in error messages (load.ts), never in files.

import { z } from 'zod';

const probability = z.number().min(0).lt(1);
const count = z.int().positive();

/** The largest published model has 96. What a damaged file says must not become a table of 10^9 names. */
export const MAX_LAYERS = 1024;

export const ModelConfig = z.strictObject({
  arch: z
    .enum(['gpt1', 'gpt2', 'gpt3'])
    .default('gpt2')
    .describe(
      'gpt1: layer norm after each residual add; gpt2: before each branch, and one at the end; gpt3: gpt2 with banded layers',
    ),
  vocab_size: count.optional().describe('number of token embeddings; default: the size of the tokenizer'),
  n_ctx: count.default(1024).describe('context length in tokens (T)'),
  n_layer: count.max(MAX_LAYERS).default(12).describe('number of decoder blocks (L)'),
  n_head: count.default(12).describe('attention heads per block (H); must divide n_embd'),
  n_embd: count.default(768).describe('width of the residual stream (C)'),
  n_inner: count.optional().describe('width of the MLP; default: 4 * n_embd'),
  activation_function: z
    .enum(['gelu_new', 'gelu'])
    .default('gelu_new')
    .describe('gelu_new: tanh form, what OpenAI trained with; gelu: exact erf form, what nanoGPT uses'),
  resid_pdrop: probability.default(0).describe('dropout on the output of each attention and MLP branch'),
  embd_pdrop: probability.default(0).describe('dropout on the sum of token and position embedding'),
  attn_pdrop: probability.default(0).describe('dropout on the attention weights'),
  layer_norm_epsilon: z.number().positive().default(1e-5).describe('epsilon inside the root of layer norm'),
  initializer_range: z.number().positive().default(0.02).describe('standard deviation of the initial weights'),
  attention_layers: z
    .array(z.enum(['global', 'local']))
    .min(1)
    .optional()
    .describe(
      'dense (global) or banded (local) attention, repeated over the layers; default: [global], for gpt3 [global, local]',
    ),
  window_size: count
    .default(256)
    .describe('number of keys that a local layer sees, itself included (the GPT-3 paper gives none)'),
});

export const TokenizerConfig = z.strictObject({
  type: z
    .enum(['gpt2-bpe', 'gpt1-bpe', 'byte', 'char', 'file'])
    .default('gpt2-bpe')
    .describe(
      'gpt2-bpe: 50,257 tokens; gpt1-bpe: 40,478 from the files at path; byte: 256 bytes and end-of-text; char: the characters of the corpus; file: a tokenizer.json',
    ),
  path: z
    .string()
    .optional()
    .describe(
      "for type file: a Hugging Face tokenizer.json or a checkpoint folder; for gpt1-bpe: a folder with OpenAI's two files, or openai-gpt's tokenizer.json",
    ),
});

export const DataConfig = z.strictObject({
  path: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'files, folders or globs: .txt .md, rows in .jsonl .json .csv .tsv (also .gz, .zst) and .parquet, or token shards .bin; or a folder of gpt data prepare',
    ),
  weights: z
    .array(z.number().positive())
    .min(1)
    .optional()
    .describe(
      'makes data.path a mixture: each of its entries is a corpus of its own, which gives this share of the sequences, whatever its size (GPT-3, table 2.2); they need not sum to 1',
    ),
  text_key: z.string().default('text').describe('key or column of the text in rows'),
  val_fraction: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe('share of each document stream that is held out for validation'),
  val_path: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('held-out text of its own, instead of a share'),
  sequences: z
    .enum(['stream', 'documents'])
    .default('stream')
    .describe(
      'stream: windows of n_ctx tokens cut from all documents in a row; documents: each document starts a window of its own, padded',
    ),
  loss: z
    .enum(['all', 'answers'])
    .default('all')
    .describe('tokens that are scored, in training and validation; answers: those behind data.answer_start'),
  answer_start: z.string().min(1).optional().describe('text in front of each answer, in tokens of its own'),
  answer_end: z
    .string()
    .min(1)
    .optional()
    .describe('text that ends an answer and is its last token or tokens; default: the end of the document'),
});

export const TrainConfig = z.strictObject({
  batch_tokens: count.default(524288).describe('tokens per optimizer update, over all micro-batches'),
  batch_start_tokens: count.default(32768).describe('tokens of the first update where batch_ramp_tokens is set'),
  batch_ramp_tokens: z
    .number()
    .positive()
    .optional()
    .describe('the batch grows linearly from batch_start_tokens over so many tokens (GPT-3); default: no ramp'),
  micro_batch: z
    .union([count, z.literal('auto')])
    .optional()
    .describe(
      'sequences per forward pass; auto: as many as fit into memory; default: the largest divisor of the batch up to 12 (on a GPU up to 65,536 tokens) that fits',
    ),
  recompute: z
    .boolean()
    .default(false)
    .describe(
      'keep only what enters each block and compute it again in the backward pass: less memory, a quarter slower',
    ),
  precision: z
    .enum(['fp32', 'tf32', 'bf16', 'auto'])
    .default('fp32')
    .describe(
      'of the matrix products: bf16 rounds their operands to bfloat16, and on a GPU stores activations so; tf32 (GPU) rounds operands to 10 bits; weights, sums and gradients stay float32; auto: bf16 where it is faster on this machine',
    ),
  max_steps: count
    .optional()
    .describe('stop after this many updates (give exactly one of max_steps, max_tokens, max_epochs)'),
  max_tokens: z.number().positive().optional().describe('stop after this many tokens'),
  max_epochs: z.number().positive().optional().describe('stop after this many passes over the training tokens'),
  max_minutes: z
    .number()
    .positive()
    .optional()
    .describe('save and stop this many minutes after the start of the process; --resume goes on, for as long'),
  early_stop: count.optional().describe('stop after this many validations without a better one; default: never'),
  optimizer: z
    .enum(['adamw', 'openai-adam'])
    .default('adamw')
    .describe('adamw: decoupled decay as in PyTorch; openai-adam: the optimizer of the GPT-1 code'),
  learning_rate: z.number().positive().default(6e-4).describe('peak learning rate'),
  lr_schedule: z.enum(['cosine', 'linear', 'constant']).default('cosine').describe('shape after the warm-up'),
  min_lr_ratio: z.number().min(0).max(1).default(0.1).describe('learning rate at the end of the decay / peak'),
  warmup_steps: z.int().min(0).optional().describe('updates of linear warm-up; default 0'),
  warmup_tokens: z.number().min(0).optional().describe('the same in tokens'),
  lr_decay_steps: count.optional().describe('update at which the decay ends; default: the last one'),
  lr_decay_tokens: z.number().positive().optional().describe('the same in tokens, counted from the end of the warm-up'),
  betas: z.tuple([probability, probability]).default([0.9, 0.95]).describe("Adam's decay rates of the moments"),
  eps: z.number().positive().default(1e-8).describe("Adam's epsilon"),
  weight_decay: z
    .number()
    .min(0)
    .default(0.1)
    .describe('on parameters with two or more dimensions, embeddings included'),
  grad_clip: z.number().min(0).default(1).describe('largest global gradient norm; 0 switches clipping off'),
  seed: z.int().min(0).default(1337).describe('of initialisation, data order, dropout and samples'),
  eval_every: z.int().min(0).default(250).describe('updates between validations; 0: only at the end'),
  eval_tokens: count
    .default(65536)
    .describe(
      'held-out tokens per validation (always the same ones); the one after the last step reads 20 times as many',
    ),
  save_every: z.int().min(0).default(500).describe('updates between checkpoints; 0: only at the end'),
  save_minutes: z.number().min(0).default(15).describe('minutes between checkpoints, whichever comes first; 0: off'),
  keep: count.default(2).describe('number of newest checkpoints kept, beside the best'),
  log_every: count.default(10).describe('updates between lines where the output is no terminal'),
});

export const SampleConfig = z.strictObject({
  prompt: z.string().default('').describe('text that samples start with; empty: end-of-text'),
  tokens: z.int().min(0).default(200).describe('length of a sample; 0: none'),
  every: z.int().min(0).default(0).describe('updates between samples; 0: only at the end'),
  temperature: z.number().min(0).default(0.8).describe('0: always the likeliest token'),
  top_k: z.int().min(0).default(50).describe('keep the k likeliest tokens; 0: all'),
});

const shots = z.union([z.int().min(0), z.literal('few')]);

/** Of `gpt pretrain`: tasks in context, as `gpt eval --tasks` measures them. */
export const EvalConfig = z.strictObject({
  tasks: z
    .array(z.string())
    .default([])
    .describe('tasks, groups or tags that are measured in context while the model trains; gpt tasks list shows them'),
  every: z.int().min(0).default(0).describe('updates between such measurements; 0: only at the end'),
  shots: z.array(shots).min(1).default([0]).describe('demonstrations in a prompt; few: as many as fit, at most 100'),
  limit: count.default(100).describe('documents of each task'),
  tasks_dir: z.string().optional().describe("folder of task files beside the built-in ones, e.g. the harness's"),
  data_root: z.string().optional().describe('folder of the data sets, beside the bundled ones'),
});

export const LoraConfig = z.strictObject({
  r: z.int().min(0).default(0).describe('rank of the adapters (Hu et al. 2021); 0: no LoRA, all weights train'),
  alpha: z.number().positive().default(16).describe('the adapters are scaled by alpha / r'),
  dropout: probability.default(0).describe('dropout on what enters an adapter'),
  target_modules: z
    .array(z.string())
    .min(1)
    .default(['c_attn'])
    .describe("linear layers that get one, by the end of their names as in PEFT: c_attn, c_proj, c_fc, 'attn.c_proj'"),
});

/** Of `gpt pretrain`, and of `gpt finetune --task lm`, which also reads lora. */
export const RunConfig = z.strictObject({
  model: ModelConfig.prefault({}),
  tokenizer: TokenizerConfig.prefault({}),
  data: DataConfig.prefault({}),
  train: TrainConfig.prefault({}),
  sample: SampleConfig.prefault({}),
  eval: EvalConfig.prefault({}),
  lora: LoraConfig.prefault({}),
});

// ---- fine-tuning: defaults are those of GPT-1 (Radford et al. 2018, section 4.1, and OpenAI's code)

const files = z.union([z.string(), z.array(z.string()).min(1)]);
const column = z.string().optional();

export const TaskConfig = z.strictObject({
  task: z
    .enum(['classification', 'entailment', 'similarity', 'multiple-choice'])
    .optional()
    .describe('the form of the task: how its texts become sequences, and what is read from them'),
  readout: z
    .enum(['pair', 'cosine'])
    .default('pair')
    .describe('of similarity: pair adds the representations of both orders; cosine compares those of the two texts'),
  objective: z
    .enum(['auto', 'classes', 'regression'])
    .default('auto')
    .describe(
      'of similarity: classes, or a score; auto: by the format of the data, else a score where labels have fractions',
    ),
  lm_coef: z.number().min(0).default(0.5).describe('weight of the auxiliary language-modelling loss; 0: none'),
  clf_pdrop: probability.default(0.1).describe('dropout on the representation that the head reads'),
  init: z
    .enum(['pretrained', 'random'])
    .default('pretrained')
    .describe("random: only the checkpoint's shape and tokenizer are used, the weights start anew"),
  freeze_layers: z
    .union([z.int().min(0), z.literal('all')])
    .default(0)
    .describe(
      'the embeddings and so many lower blocks keep their weights; all: only the head is trained; 0: none does',
    ),
  class_weights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced: examples of a class count n / (classes * n of the class) times'),
  labels: z.array(z.string()).min(2).optional().describe('names of the classes 0, 1, ...; default: as in the data'),
  metric: z
    .enum(['auto', 'accuracy', 'f1', 'macro_f1', 'matthews', 'pearson', 'spearman'])
    .default('auto')
    .describe(
      "that decides which validation is the best; auto: GLUE's choice for the format, else accuracy or Pearson",
    ),
});

export const TaskDataConfig = z.strictObject({
  train: files.optional().describe('labelled examples: a file, several, or a folder with train and dev files'),
  val: files.optional().describe('held-out examples; default: the dev or validation file of the folder'),
  val_split: z.number().gt(0).lt(1).default(0.1).describe('share of train that is held out where there is no val'),
  test: files.optional().describe('examples that are scored once, at the end, with the best checkpoint'),
  format: z
    .enum(['auto', 'rows', 'sst2', 'cola', 'rte', 'sick', 'stsb', 'mrpc', 'copa', 'cosmosqa'])
    .default('auto')
    .describe('of the files; rows: named columns; auto: by what is in them'),
  on_bad_row: z.enum(['fail', 'skip']).default('fail').describe('skip: bad rows are counted and left out'),
  lower_case: z.boolean().default(false).describe("texts in lower case, as GPT-1's tokenizer makes them"),
  text: column.describe('column of the text (classification)'),
  first: column.describe('column of the premise or first text'),
  second: column.describe('column of the hypothesis or second text'),
  context: column.describe('column of the context (multiple choice)'),
  question: column.describe('column of the question (multiple choice)'),
  answers: z.array(z.string()).min(1).optional().describe('columns of the answers, or the one that lists them'),
  label: column.describe('column of the label, score or right answer'),
});

const own = TrainConfig.shape;

export const TaskTrainConfig = z.strictObject({
  batch_size: count.default(32).describe('examples per update; an epoch leaves out what fills no whole batch'),
  micro_tokens: count
    .optional()
    .describe('tokens of one forward pass, padding included, at most; default: 4,096, on a GPU 65,536'),
  precision: own.precision,
  recompute: own.recompute,
  max_epochs: z.number().positive().optional().describe('passes over the examples; default 3'),
  max_steps: count.optional().describe('stop after this many updates (instead of max_epochs)'),
  max_minutes: own.max_minutes,
  early_stop: own.early_stop,
  optimizer: z.enum(['adamw', 'openai-adam']).default('openai-adam').describe(own.optimizer.description!),
  learning_rate: z.number().positive().default(6.25e-5).describe('peak learning rate'),
  lr_schedule: z
    .enum(['linear', 'cosine', 'constant'])
    .default('linear')
    .describe("down to zero over the whole run, as in OpenAI's code; with a warm-up the first update has rate 0"),
  warmup: probability.default(0.002).describe('share of the updates with linear warm-up'),
  betas: z.tuple([probability, probability]).default([0.9, 0.999]).describe(own.betas.description!),
  eps: own.eps,
  weight_decay: z.number().min(0).default(0.01).describe(own.weight_decay.description!),
  grad_clip: own.grad_clip,
  seed: z.int().min(0).default(1337).describe('of new weights, data order and dropout'),
  eval_every: z.int().min(0).default(0).describe('updates between validations; 0: after each epoch'),
  save_every: z.int().min(0).default(0).describe('updates between checkpoints; 0: of best validations and at the end'),
  save_minutes: own.save_minutes,
  keep: own.keep,
  log_every: own.log_every,
});

/** Of `gpt finetune`, for the four supervised tasks. */
export const FinetuneConfig = z.strictObject({
  finetune: TaskConfig.prefault({}),
  data: TaskDataConfig.prefault({}),
  model: z
    .strictObject({
      resid_pdrop: probability.default(0.1).describe(ModelConfig.shape.resid_pdrop.description!),
      embd_pdrop: probability.default(0.1).describe(ModelConfig.shape.embd_pdrop.description!),
      attn_pdrop: probability.default(0.1).describe(ModelConfig.shape.attn_pdrop.description!),
    })
    .prefault({}),
  train: TaskTrainConfig.prefault({}),
  lora: LoraConfig.prefault({}),
});

export type ModelConfig = z.infer<typeof ModelConfig>;
export type TokenizerConfig = z.infer<typeof TokenizerConfig>;
export type DataConfig = z.infer<typeof DataConfig>;
export type TrainConfig = z.infer<typeof TrainConfig>;
export type SampleConfig = z.infer<typeof SampleConfig>;
export type EvalConfig = z.infer<typeof EvalConfig>;
export type LoraConfig = z.infer<typeof LoraConfig>;
export type RunConfig = z.infer<typeof RunConfig>;
export type FinetuneConfig = z.infer<typeof FinetuneConfig>;
