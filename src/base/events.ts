// Everything that happens in a run, as data. The terminal, run.jsonl and the report read these events and nothing
// else, so what is on the screen, in the log and in the report cannot disagree. Observers cannot change a run.

/** Plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** First event of a run (and of each resumed part): everything that identifies it. */
export interface StartEvent {
  readonly type: 'start';
  readonly time: string; //          ISO 8601
  readonly version: string; //       of gpt
  readonly command: string; //       as typed
  readonly name: string; //          of the run
  readonly dir: string; //           checkpoints/NAME
  readonly resumed_from: number | null; // step
  readonly config: Json; //          resolved RunConfig
  readonly origins: Readonly<Record<string, string>>; // config key -> file:line, flag or "default"
  readonly backend: string; //       native, wasm, ...
  readonly backend_reason: string; // why this one
  readonly precision: string; //     fp32
  readonly threads: number;
  readonly device: string; //        CPU or GPU model
  readonly peak_gflops: number | null; // measured fp32 matmul rate of this machine; the denominator of mfu
  readonly environment: Readonly<Record<string, string>>; // node, os, libraries, git commit
  readonly params: number;
  readonly flops_per_token: number; // forward and backward, causal attention counted once
  readonly memory_estimate_bytes: number;
  readonly tokenizer: { readonly type: string; readonly vocab_size: number };
  readonly data: {
    readonly files: number;
    readonly bytes: number;
    readonly documents: number;
    readonly train_tokens: number;
    readonly val_tokens: number;
    readonly train_bytes: number | null; // null for token shards
    readonly val_bytes: number | null;
  };
  readonly max_steps: number;
  readonly batch_tokens: number;
  readonly micro_batch: number;
  readonly grad_accumulation: number;
  readonly n_ctx: number;
  /** Reference losses in nats per token, for the report: ln V, unigram entropy, 5-gram model; null where unknown. */
  readonly baselines: {
    readonly uniform: number;
    readonly unigram: number | null;
    readonly five_gram: number | null;
  };
}

/** One optimizer update. */
export interface StepEvent {
  readonly type: 'step';
  readonly step: number; //       1-based: updates made
  readonly tokens: number; //     trained on so far
  readonly epoch: number; //      fractional
  readonly loss: number; //       nats per token, mean over the global batch
  readonly lr: number;
  readonly grad_norm: number; //  before clipping
  readonly step_ms: number;
  readonly tokens_per_s: number;
  readonly mfu: number | null; // share of peak_gflops, causal convention (6N + 6LTC)
  readonly memory_bytes: number; // resident size of the process
  readonly tensors: number; //     alive, from the TF.js engine
  readonly eta_s: number;
}

/** A pass over held-out data. */
export interface ValEvent {
  readonly type: 'val';
  readonly step: number;
  readonly tokens: number;
  readonly loss: number; // nats per token
  readonly perplexity: number; // per token: exp(loss)
  readonly bits_per_byte: number | null; // null where the size of the text is not known (token shards)
  readonly best: boolean;
  readonly seconds: number;
}

/** Generated text. */
export interface SampleEvent {
  readonly type: 'sample';
  readonly step: number;
  readonly prompt: string;
  readonly text: string; // without the prompt
  readonly temperature: number;
  readonly top_k: number;
  readonly seed: number;
  /** Longest stretch of the sample that stands verbatim in the training text, in characters and as text. */
  readonly overlap?: { readonly chars: number; readonly text: string };
}

/** A checkpoint reached the disk. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly dir: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly best: boolean;
}

/** Something that the user should know and that does not stop the run. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly what: string;
  readonly fix: string;
}

/** Last event of a run. */
export interface EndEvent {
  readonly type: 'end';
  readonly time: string;
  readonly reason: 'done' | 'interrupted' | 'diverged' | 'failed';
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number; //           training time of this part, without start-up
  readonly train_loss: number | null; // mean of the last steps
  readonly val_loss: number | null; //   of the last validation
  readonly best_val_loss: number | null;
  readonly best_step: number | null;
  readonly bits_per_byte: number | null;
  readonly tokens_per_s: number; //      mean
  readonly peak_memory_bytes: number;
  readonly message?: string; // for diverged and failed
}

/** Everything that happens in a run. */
export type RunEvent = StartEvent | StepEvent | ValEvent | SampleEvent | CheckpointEvent | WarningEvent | EndEvent;

/** Sees the run and cannot change it. */
export interface Reporter {
  on(event: RunEvent): void;
  close(): Promise<void>;
}
