// A trained model in a program: scores, text, perplexity.

import { ConfigError } from '../base/errors.js';
import { tf } from '../base/tf.js';
import { openBackend } from '../commands/backend.js';
import { loadModel as load } from '../commands/run_model.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { type Perplexity, perplexity, scoreTokens, windowsOf } from '../eval/perplexity.js';
import { type Generated, generate } from '../generate/engine.js';
import type { Gpt } from '../model/gpt.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type Compute, environment, inTurn } from './context.js';

/** How to load a model. */
export interface LoadOptions extends Compute {
  /** Which checkpoint of a run: the one with the best validation, which is the default, or the last. */
  readonly which?: 'best' | 'latest';
  /** Of the weights; bf16 takes half the memory and is rounded. */
  readonly precision?: 'fp32' | 'bf16';
}

/** How to go on with a text. The defaults are those of `gpt generate`. */
export interface GenerateOptions {
  /** At most so many tokens; default 200. */
  readonly tokens?: number;
  /** 0: always the likeliest token; default 0.8. */
  readonly temperature?: number;
  /** Only the k likeliest tokens, 0: all; default 50. */
  readonly topK?: number;
  /** Only the likeliest tokens that add up to p; default 1, all. */
  readonly topP?: number;
  /** The same seed writes the same text; default 1337. */
  readonly seed?: number;
  /** Ends before the first of these. */
  readonly stop?: readonly string[];
  /** Ends before the next token. */
  readonly signal?: AbortSignal;
}

/** An open model. Its memory is given back by dispose(). */
export interface Model {
  /** Step or model folder that it was read from. */
  readonly dir: string;
  /** Shape: n_layer, n_head, n_embd, n_ctx, vocab_size, ... */
  readonly config: ResolvedModel;
  /** The one that it was trained with. */
  readonly tokenizer: Tokenizer;
  /** Where it computes. */
  readonly backend: string;
  /**
   * Scores of the next token after each of the ids: an array of vocab_size numbers per id, before softmax.
   * Throws ConfigError for no ids, more than n_ctx, or ids that the vocabulary does not have.
   */
  logits(ids: ArrayLike<number>): Promise<Float32Array[]>;
  /**
   * Goes on with a text, piece by piece as it is written; an empty prompt begins one. The generator's return value is
   * the whole, and who leaves the loop ends it. Throws ConfigError for a prompt of more than n_ctx tokens, and for options
   * that `gpt generate` refuses.
   */
  generate(prompt: string, options?: GenerateOptions): AsyncGenerator<string, Generated>;
  /** The same, all at once. */
  complete(prompt: string, options?: GenerateOptions): Promise<Generated>;
  /** Of one document, in windows of n_ctx tokens every `stride`, by default side by side. Throws ConfigError for no text. */
  perplexity(text: string, options?: { readonly stride?: number }): Promise<Perplexity>;
  /** Gives the memory back. Nothing else may be called afterwards. */
  dispose(): void;
}

/**
 * Loads a model that was trained here, or a Hugging Face folder of a GPT-1, GPT-2 or GPT-3 shape.
 * Throws DataError when files are missing or damaged, DeviceError when the backend is not there.
 */
export function loadModel(dir: string, options: LoadOptions = {}): Promise<Model> {
  return inTurn(async () => {
    const { backend = 'auto', threads, device, which = 'best', precision } = options;
    const opened = await openBackend({ backend, threads, device }, environment());
    const { model, head, tokenizer, checkpoint } = await load(dir, which, precision);
    head?.dispose();
    return {
      dir: checkpoint.dir,
      config: model.config,
      tokenizer,
      backend: opened.name,
      logits: (ids) => logitsOf(model, ids),
      generate: (prompt, how) => streamed(model, tokenizer, prompt, how),
      complete: (prompt, how) => completed(model, tokenizer, prompt, how),
      perplexity: (text, how) => perplexityOf(model, tokenizer, text, how?.stride),
      dispose: () => model.dispose(),
    };
  });
}

async function logitsOf(model: Gpt, given: ArrayLike<number>): Promise<Float32Array[]> {
  const { n_ctx, vocab_size: V } = model.config;
  const ids = Int32Array.from(given);
  if (ids.length === 0 || ids.length > n_ctx) {
    throw new ConfigError(`${ids.length} ids, and the model reads from 1 to ${n_ctx}`, 'give the last of them');
  }
  const bad = Array.from(given).find((id) => !Number.isInteger(id) || id < 0 || id >= V);
  if (bad !== undefined)
    throw new ConfigError(`id ${bad} is not one of 0 to ${V - 1}`, 'use the tokenizer of the model');
  const logits = tf.tidy(() => model.logits(model.hidden(tf.tensor2d(ids, [1, ids.length], 'int32')))); // (1,T,V)
  try {
    const values = (await logits.data()) as Float32Array;
    return Array.from(ids, (_, t) => values.slice(t * V, (t + 1) * V));
  } finally {
    logits.dispose();
  }
}

/** As the command line has them. */
const LIMITS = {
  tokens: { low: 1, high: Number.MAX_SAFE_INTEGER, whole: true },
  temperature: { low: 0, high: Number.MAX_VALUE, whole: false },
  topK: { low: 0, high: Number.MAX_SAFE_INTEGER, whole: true },
  topP: { low: 0, high: 1, whole: false },
  seed: { low: 0, high: Number.MAX_SAFE_INTEGER, whole: true },
} as const;

function requireSampling(how: Readonly<Record<keyof typeof LIMITS, number>>): void {
  for (const [key, { low, high, whole }] of Object.entries(LIMITS)) {
    const value = how[key as keyof typeof LIMITS];
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) continue;
    const range = high > 1 ? `from ${low}` : `from ${low} to ${high}`;
    throw new ConfigError(
      `${key} is ${value}`,
      `give ${whole ? 'a whole number' : 'a number'} ${range}, or leave it out`,
    );
  }
}

async function completed(
  model: Gpt,
  tokenizer: Tokenizer,
  prompt: string,
  { tokens = 200, temperature = 0.8, topK = 50, topP = 1, seed = 1337, stop = [], signal }: GenerateOptions = {},
  onText?: (text: string) => void,
): Promise<Generated> {
  const how = { tokens, temperature, topK, topP, seed };
  requireSampling(how);
  const [result] = await generate(model, tokenizer, {
    ...how,
    stop,
    prompts: [prompt],
    n: 1,
    ...(signal === undefined ? {} : { signal }),
    ...(onText === undefined ? {} : { onText: (_: number, text: string) => onText(text) }),
  });
  return result!;
}

async function* streamed(
  model: Gpt,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions = {},
): AsyncGenerator<string, Generated> {
  const left = new AbortController();
  const abort = (): void => left.abort();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener('abort', abort);
  const pieces: string[] = [];
  let wake: () => void = () => {};
  let result: Generated | undefined;
  const work = completed(model, tokenizer, prompt, { ...options, signal: left.signal }, (text) => {
    pieces.push(text);
    wake();
  }).then((all) => {
    result = all;
  });
  const ended = work.then(
    () => wake(),
    () => wake(),
  );
  try {
    for (;;) {
      while (pieces.length > 0) yield pieces.shift()!;
      if (result !== undefined) return result;
      await Promise.race([new Promise<void>((resume) => (wake = resume)), work]); // throws what went wrong
    }
  } finally {
    abort();
    await ended;
    options.signal?.removeEventListener('abort', abort);
  }
}

async function perplexityOf(model: Gpt, tokenizer: Tokenizer, text: string, stride?: number): Promise<Perplexity> {
  const { n_ctx } = model.config;
  const ids = tokenizer.encode(text);
  if (ids.length === 0) throw new ConfigError('there is no text to score', 'give at least one character');
  const step = stride ?? n_ctx;
  if (!Number.isInteger(step) || step < 1 || step > n_ctx) {
    throw new ConfigError(`stride ${step} is not one of 1 to ${n_ctx}`, 'leave it out for windows side by side');
  }
  const windows = windowsOf(ids.length, n_ctx, step);
  const score = await scoreTokens(model, ids, {
    eot: tokenizer.eot,
    windows,
    batch: Math.max(1, Math.floor(4096 / n_ctx)),
  });
  const words = text.split(/\s+/u).filter((word) => word !== '').length;
  return perplexity(score, { words, bytes: Buffer.byteLength(text) });
}
