// Text generation with a key-value cache: a prompt is read once, then every token costs one position.
//
// A batch of prompts of one length is decoded together; prompts of different lengths one group after the other. When the
// context is full, the window slides: the last half of it is read again, as positions 0 .. n_ctx/2 - 1.

import { tf } from '../base/tf.js';
import type { Gpt } from '../model/gpt.js';
import { KvCache } from '../model/kv_cache.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { promptIds } from './prompt.js';
import { type SamplingOptions, sampleToken } from './sample.js';

/** What to generate. */
export interface GenerateRequest extends SamplingOptions {
  /** Texts to continue; an empty one starts from end-of-text. Or their ids, at least one. */
  readonly prompts: readonly (string | readonly number[])[];
  /** Continuations per prompt. */
  readonly n: number;
  /** Most tokens per continuation. */
  readonly tokens: number;
  /** A continuation ends before the first of these. */
  readonly stop: readonly string[];
  /** Called with each piece of text of the continuation `index` (prompt * n + sample) as soon as it is certain. */
  readonly onText?: (index: number, text: string) => void;
  /** Ends all continuations before their next token. */
  readonly signal?: AbortSignal;
}

/** One continuation. */
export interface Generated {
  /** What it goes on from. */
  readonly prompt: string;
  /** What was written, without the prompt. */
  readonly text: string;
  /** Tokens drawn, end-of-text included. */
  readonly tokens: number;
  /** Why it ended. */
  readonly finish: 'length' | 'end-of-text' | 'stop' | 'interrupted';
}

/** All continuations, prompt by prompt. Throws ConfigError when a prompt has more tokens than n_ctx. */
export async function generate(model: Gpt, tokenizer: Tokenizer, request: GenerateRequest): Promise<Generated[]> {
  const { n_ctx } = model.config;
  const sequences = request.prompts.flatMap((given, p) => {
    const [prompt, ids] =
      typeof given === 'string' ? [given, promptIds(tokenizer, given, n_ctx)] : [tokenizer.decode(given), given];
    return Array.from(
      { length: request.n },
      (_, i) => new Sequence(p * request.n + i, i, prompt, ids, tokenizer, request),
    );
  });
  const lengths = [...new Set(sequences.map((s) => s.ids.length))];
  for (const length of lengths) {
    await decode(
      model,
      sequences.filter((s) => s.ids.length === length),
      request,
      tokenizer.vocabSize,
    );
  }
  return sequences.map((s) => s.result());
}

/** vocabulary: ids from here on have no text (a fine-tuned model's special tokens), and are not drawn. */
async function decode(
  model: Gpt,
  group: readonly Sequence[],
  request: GenerateRequest,
  vocabulary: number,
): Promise<void> {
  const { n_layer, n_ctx } = model.config;
  let cache = new KvCache(n_layer, n_ctx);
  try {
    let fresh = group[0]!.ids.length; // tokens that the cache has not seen
    for (let drawn = 0; drawn < request.tokens && group.some((s) => !s.done); drawn++) {
      if (request.signal) {
        await new Promise(setImmediate); // lets the signal in
        if (request.signal.aborted) break;
      }
      if (cache.length + fresh > n_ctx) {
        cache.dispose();
        cache = new KvCache(n_layer, n_ctx);
        fresh = Math.max(1, Math.floor(n_ctx / 2));
      }
      const ids = Int32Array.from(group.flatMap((s) => s.ids.slice(-fresh)));
      const logits = tf.tidy(() => {
        const hidden = model.hidden(tf.tensor2d(ids, [group.length, fresh], 'int32'), { cache }); // (B,fresh,C)
        return model.logits(tf.slice(hidden, [0, fresh - 1, 0], [-1, 1, -1])); //                    (B,1,V)
      });
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      const V = values.length / group.length;
      for (const [b, sequence] of group.entries()) {
        const logits = values.subarray(b * V, b * V + vocabulary);
        sequence.push(sampleToken(logits, request, sequence.sample, drawn));
      }
      fresh = 1;
    }
    for (const sequence of group) sequence.end(request.signal?.aborted ? 'interrupted' : 'length');
  } finally {
    cache.dispose();
  }
}

/** One growing continuation: its tokens, its text, and how much of that may be shown. */
class Sequence {
  readonly index: number;
  readonly sample: number;
  readonly ids: number[];
  done = false;
  readonly #prompt: string;
  readonly #eot: number;
  readonly #request: GenerateRequest;
  readonly #decoder: { push(id: number): string; end(): string };
  #text = '';
  #shown = 0;
  #tokens = 0;
  #finish: Generated['finish'] = 'length';

  /** index: place in the results; sample: number among those of the same prompt. */
  constructor(
    index: number,
    sample: number,
    prompt: string,
    ids: readonly number[],
    tokenizer: Tokenizer,
    request: GenerateRequest,
  ) {
    this.index = index;
    this.sample = sample;
    this.ids = [...ids];
    this.#prompt = prompt;
    this.#eot = tokenizer.eot;
    this.#request = request;
    this.#decoder = tokenizer.streamDecoder(ids.at(-1));
  }

  push(id: number): void {
    this.ids.push(id);
    if (this.done) return; // others of the group go on
    this.#tokens++;
    if (id === this.#eot) this.#stop('end-of-text', this.#text + this.#decoder.end());
    else this.#extend(this.#decoder.push(id));
  }

  /** The token budget is used up, or nobody wants more. */
  end(finish: 'length' | 'interrupted'): void {
    if (this.done) return;
    this.#extend(this.#decoder.end());
    if (!this.done) this.#stop(finish, this.#text);
  }

  result(): Generated {
    return { prompt: this.#prompt, text: this.#text, tokens: this.#tokens, finish: this.#finish };
  }

  #extend(piece: string): void {
    this.#text += piece;
    const { stop } = this.#request;
    const at = Math.min(...stop.map((s) => this.#text.indexOf(s)).filter((i) => i >= 0), Number.POSITIVE_INFINITY);
    if (at !== Number.POSITIVE_INFINITY) {
      this.#stop('stop', this.#text.slice(0, at));
      return;
    }
    // text that may be the beginning of a stop string is held back
    const held = Math.max(0, ...stop.map((s) => overlap(this.#text, s)));
    this.#show(this.#text.length - held);
  }

  #stop(finish: Generated['finish'], text: string): void {
    this.#text = text;
    this.#finish = finish;
    this.done = true;
    this.#show(text.length);
  }

  #show(until: number): void {
    if (until <= this.#shown) return;
    this.#request.onText?.(this.index, this.#text.slice(this.#shown, until));
    this.#shown = until;
  }
}

/** Length of the longest proper beginning of `stop` that ends `text`. */
function overlap(text: string, stop: string): number {
  for (let n = Math.min(stop.length - 1, text.length); n > 0; n--) if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}
