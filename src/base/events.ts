// Everything that happens in a run, as data. The terminal, run.jsonl, TensorBoard files and the report read these events
// and nothing else, so what is on the screen, in the log and in the report cannot disagree. Observers cannot change a run.
//
// Each event is a schema, and its type is inferred from it: what compiles is what readRun() accepts. Most modules need
// the types alone (`import type`), which cost nothing at run time. docs/run-log.md is generated from the descriptions.
//
// To add to an event: an optional key. Readers skip keys and events that they do not know, so that needs no new format
// number; RUN_LOG_FORMAT rises only when an older reader would misread a log.

import { z } from 'zod';

/** Plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Of the log as a whole, in every start event. */
export const RUN_LOG_FORMAT = 1;

const text = z.string();
const whole = z.int().min(0);
/** A number that is not finite is a string in JSON (json.ts). */
const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const json: z.ZodType<Json> = z.json();

const step = whole.describe('optimizer updates made');
const tokens = whole.describe('tokens trained on so far');
const time = text.describe('ISO 8601');

const Baseline = z.object({
  name: text.describe('majority, mean score or chance'),
  metrics: z.record(text, number),
});

const Task = z.object({
  form: text.describe('classification, entailment, similarity or multiple-choice'),
  objective: z
    .enum(['classes', 'regression', 'choice'])
    .describe('what the head says: a class, a score, or which answer is right'),
  readout: z.enum(['pair', 'cosine']).nullable().describe('of similarity'),
  metric: text.describe('the headline: it decides which validation is the best'),
  labels: z.array(text).describe('names of the classes 0, 1, ...; none for scores and answers'),
  format: text.describe('of the data'),
  lm_coef: number.describe('weight of the auxiliary language-modelling loss'),
  splits: z
    .array(
      z.object({
        name: z.enum(['train', 'val', 'test']),
        files: z.array(text),
        examples: whole,
        sequences: whole.describe('an example of similarity has 2, of multiple choice one per answer'),
        tokens: whole.describe('of all sequences, without padding'),
        classes: z.record(text, whole).describe('label: its examples'),
        length: z
          .object({ mean: number, median: number, p95: number.describe('95 % are not longer'), max: number })
          .describe('tokens of a sequence'),
        truncated: whole.describe('examples that did not fit the context and were cut'),
        skipped: whole.describe('rows that could not be read'),
      }),
    )
    .describe('the labelled examples'),
  baseline: Baseline.describe('what needs no training: its metrics on the validation examples'),
});

export const StartEvent = z
  .object({
    type: z.literal('start'),
    format: z.literal(RUN_LOG_FORMAT).default(RUN_LOG_FORMAT).describe('of this log; where it is missing: 1'),
    time,
    version: text.describe('of gpt'),
    command: text.describe('as typed'),
    name: text.describe('of the run'),
    dir: text.describe('folder of the run: checkpoints/NAME'),
    resumed_from: whole.nullable().describe('step of the checkpoint that this part goes on from; null: a new run'),
    config: json.describe('resolved configuration, docs/config.md'),
    origins: z.record(text, text).describe('configuration key: file:line, flag or "default"'),
    backend: text.describe('native, wasm, ...'),
    backend_reason: text.describe('why this one'),
    precision: text.describe('fp32, tf32 or bf16: of the matrix products'),
    threads: number,
    device: text.describe('model of the CPU or GPU'),
    peak_gflops: number
      .nullable()
      .describe('measured rate of matrix products in this precision, the denominator of mfu; null: not measured'),
    environment: z.record(text, text).describe('node, os, cpu, tfjs: names and versions'),
    params: number,
    flops_per_token: number.describe('forward and backward, causal attention counted once'),
    memory_estimate_bytes: number,
    tokenizer: z.object({ type: text, vocab_size: number }),
    data: z.object({
      files: number,
      bytes: number,
      documents: number,
      train_tokens: number,
      val_tokens: number,
      train_bytes: number.nullable().describe('null: token shards, whose text is not known'),
      val_bytes: number.nullable().describe('the same'),
      split: text.optional().describe('what is held out, in words'),
      val_words: whole.optional().describe('what blanks separate in the held-out text; not of long texts'),
      list: z
        .array(
          z.object({
            file: text,
            bytes: whole,
            sha256: text.optional().describe('of the content; not of large files'),
          }),
        )
        .optional()
        .describe('the files, at most 100'),
      common: z
        .array(z.object({ token: text, count: whole }))
        .optional()
        .describe('the most frequent tokens of the training part, the first 2 million of its tokens counted'),
      fingerprint: text.optional().describe('hash of the tokens; a resume needs the same'),
      mix: z
        .array(
          z.object({
            path: text,
            weight: number.describe('share of the sequences; all sum to 1'),
            tokens: number,
            epochs: number.describe('passes over it in the whole run'),
          }),
        )
        .optional()
        .describe('corpora of data.weights'),
    }),
    max_steps: whole,
    total_tokens: number.optional().describe('tokens of the whole run'),
    batch_tokens: number.describe('tokens per update, after the ramp'),
    micro_batch: number.describe('sequences per forward pass'),
    grad_accumulation: number.describe('forward passes per update'),
    n_ctx: number.describe('tokens per sequence'),
    baselines: z
      .object({
        uniform: number
          .nullable()
          .describe('ln V; of a task ln K, the task loss of K equally likely classes or answers; null: of a score'),
        unigram: number.nullable().describe('knows how often each token occurs; null: not computed'),
        five_gram: number.nullable().describe('counts the four tokens before; null: not computed'),
      })
      .describe('held-out losses to compare with, nats per token; of a task, per example'),
    task: Task.optional().describe('of a fine-tuning run; there is none when it continues pretraining'),
  })
  .describe('First event of a run, and of each part after a resume: everything that identifies it.');

export const StepEvent = z
  .object({
    type: z.literal('step'),
    step,
    tokens,
    epoch: number.describe('passes over the training tokens, fractional'),
    loss: number.describe('nats per token, mean over the batch; of a task: task_loss + lm_coef * lm_loss'),
    lr: number.describe('learning rate'),
    grad_norm: number.describe('global norm before clipping'),
    step_ms: number,
    tokens_per_s: number,
    mfu: number
      .nullable()
      .describe('share of peak_gflops, attention by its visible keys alone; null: peak not measured'),
    memory_bytes: number.describe('resident size of the process; on a GPU what is reserved of its memory'),
    tensors: number.describe('alive in TensorFlow.js'),
    eta_s: number.describe('seconds to the end'),
    batch_tokens: number.optional().describe('tokens of this update, where the batch grows'),
    loss_z: number
      .nullable()
      .optional()
      .describe('standard deviations of the loss from the recent ones; null: too few yet'),
    grad_norm_z: number.nullable().optional().describe('the same of the gradient norm'),
    task_loss: number.optional().describe('nats per example; of scores: mean squared error'),
    lm_loss: number.optional().describe('auxiliary language-modelling loss, nats per token'),
    data_ms: number.optional().describe('of step_ms: making the batch, in which nothing else is done'),
    padding: number.optional().describe('share of the computed tokens that are padding'),
  })
  .describe('One optimizer update.');

export const ValEvent = z
  .object({
    type: z.literal('val'),
    step,
    tokens,
    loss: number.describe('nats per token'),
    perplexity: number.describe('per token: exp(loss)'),
    bits_per_byte: number.nullable().describe('loss / ln 2 * tokens / bytes of the text; null: bytes not known'),
    best: z.boolean().describe('lowest loss so far'),
    seconds: number,
    scored: whole.optional().describe('held-out tokens read; after the last step a second pass reads more'),
  })
  .describe('A pass over held-out text.');

const Metric = z.object({
  value: number.describe('in the unit; shares (accuracy, F1) from 0 to 1'),
  stderr: number.optional().describe('standard error of the value'),
  unit: text.optional().describe('written after the value, e.g. "nats"; none for shares'),
  n: whole.optional().describe('number of examples'),
});

export const EvalEvent = z
  .object({
    type: z.literal('eval'),
    name: text.describe('of the task or data set; several evals of one step differ in it'),
    step,
    metrics: z.record(text, Metric).describe('accuracy, f1, perplexity, ... of the whole'),
    classes: z.record(text, z.record(text, Metric)).optional().describe('class or subtask: its own metrics'),
    settings: z
      .record(text, text)
      .optional()
      .describe('how it was measured, e.g. split: dev, shots: 5; which: final is the last one of a fine-tuning run'),
    seconds: number.optional(),
    epoch: number.optional().describe('passes over the training examples'),
    loss: number.optional().describe('task loss'),
    best: z.boolean().optional().describe('best headline metric so far'),
    baseline: Baseline.optional().describe('what needs no training, on the same examples'),
    confusion: z
      .object({
        labels: z.array(text),
        counts: z.array(z.array(whole)).describe('a row per class of the examples, a column per predicted class'),
      })
      .optional()
      .describe('classes: how often which is taken for which'),
    scatter: z
      .array(z.tuple([number.describe('gold'), number.describe('predicted')]))
      .optional()
      .describe('scores: right and predicted'),
    errors: z
      .array(
        z.object({
          place: text.describe('file:line'),
          text: text.describe('a line per text of the example'),
          gold: text,
          predicted: text,
          confidence: number.describe('probability of the predicted class; of a score: how far it is off'),
        }),
      )
      .optional()
      .describe('wrong predictions, the most confident first'),
  })
  .describe('A task or a labelled data set, measured.');

export const SampleEvent = z
  .object({
    type: z.literal('sample'),
    step,
    prompt: text,
    text: text.describe('without the prompt'),
    temperature: number,
    top_k: number,
    seed: number,
    overlap: z
      .object({ chars: number, text })
      .optional()
      .describe('longest stretch of the sample that stands verbatim in the training text'),
  })
  .describe('Generated text.');

export const CheckpointEvent = z
  .object({
    type: z.literal('checkpoint'),
    step,
    dir: text,
    bytes: number,
    seconds: number.describe('until it was on the disk'),
    best: z.boolean(),
    blocked_seconds: number.optional().describe('of these, how long the training waited'),
  })
  .describe('A checkpoint reached the disk.');

export const WarningEvent = z
  .object({
    type: z.literal('warning'),
    what: text,
    fix: text.describe('what to do about it'),
    step: whole.optional().describe('where it belongs to one'),
  })
  .describe('Something that the user should know and that does not stop the run.');

export const EndEvent = z
  .object({
    type: z.literal('end'),
    time,
    reason: z.enum(['done', 'interrupted', 'diverged', 'failed']),
    step,
    tokens,
    seconds: number.describe('training time of this part, without start-up'),
    train_loss: number.nullable().describe('mean of the last steps'),
    val_loss: number.nullable().describe('of the last validation'),
    best_val_loss: number.nullable(),
    best_step: whole.nullable(),
    bits_per_byte: number.nullable(),
    tokens_per_s: number.describe('mean'),
    peak_memory_bytes: number,
    best_metric: z
      .object({ name: text, value: number })
      .optional()
      .describe('of a task: the headline metric at best_step'),
    message: text.optional().describe('why it ended: for diverged and failed, and before the last step'),
  })
  .describe('Last event of a part. A run that was killed has none.');

export const RunEvent = z.discriminatedUnion('type', [
  StartEvent,
  StepEvent,
  ValEvent,
  EvalEvent,
  SampleEvent,
  CheckpointEvent,
  WarningEvent,
  EndEvent,
]);

export type Task = Readonly<z.infer<typeof Task>>;
export type Baseline = Readonly<z.infer<typeof Baseline>>;
export type StartEvent = Readonly<z.infer<typeof StartEvent>>;
export type StepEvent = Readonly<z.infer<typeof StepEvent>>;
export type ValEvent = Readonly<z.infer<typeof ValEvent>>;
export type EvalEvent = Readonly<z.infer<typeof EvalEvent>>;
export type Metric = Readonly<z.infer<typeof Metric>>;
export type SampleEvent = Readonly<z.infer<typeof SampleEvent>>;
export type CheckpointEvent = Readonly<z.infer<typeof CheckpointEvent>>;
export type WarningEvent = Readonly<z.infer<typeof WarningEvent>>;
export type EndEvent = Readonly<z.infer<typeof EndEvent>>;

/** Everything that happens in a run. */
export type RunEvent =
  | StartEvent
  | StepEvent
  | ValEvent
  | EvalEvent
  | SampleEvent
  | CheckpointEvent
  | WarningEvent
  | EndEvent;

/** Sees the run and cannot change it. */
export interface Reporter {
  on(event: RunEvent): void;
  close(): Promise<void>;
}
