// Texts that go on from contexts: what generate_until asks for.
//
// The context keeps its last n_ctx - max_gen_toks tokens, so that all of the answer fits behind it. Where a model's n_ctx
// is max_gen_toks or less, which lm-evaluation-harness refuses, the context keeps what fits before one token, and the
// answer has the rest. Answers end before the first of the texts in `until`, and at end-of-text.

import { generate } from '../../generate/engine.js';
import type { Gpt } from '../../model/gpt.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { GeneratedAnswer, GenerateRequest } from '../request.js';

const CACHED = 1 << 27; // numbers in the key-value caches of a batch: 512 MB
const SEED = 1234; //      of temperatures above 0

/** A context as the model reads it, and how much may follow. */
interface Prompt {
  readonly ids: readonly number[];
  readonly tokens: number;
  readonly truncated: number;
}

/** Prompts of one length and one way to go on are decoded together, longest first. Ends early when `signal` says so. */
export async function continueTexts(
  model: Gpt,
  tokenizer: Tokenizer,
  requests: readonly GenerateRequest[],
  onAnswer: (index: number, answer: GeneratedAnswer) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { n_ctx, n_layer, n_embd } = model.config;
  const prompts = requests.map((request) => promptOf(tokenizer, request, n_ctx));
  const groups = new Map<string, number[]>();
  for (const [i, { until, temperature }] of requests.entries()) {
    const { ids, tokens } = prompts[i]!;
    const key = JSON.stringify([ids.length, tokens, temperature, until]);
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  const batch = Math.max(1, Math.min(64, Math.floor(CACHED / (2 * n_layer * n_ctx * n_embd))));
  const longest = [...groups.values()].sort((a, b) => prompts[b[0]!]!.ids.length - prompts[a[0]!]!.ids.length);
  for (const group of longest) {
    for (let first = 0; first < group.length; first += batch) {
      const some = group.slice(first, first + batch);
      const { until, temperature } = requests[some[0]!]!;
      const texts = await generate(model, tokenizer, {
        prompts: some.map((i) => prompts[i]!.ids),
        n: 1,
        tokens: prompts[some[0]!]!.tokens,
        stop: until.filter((text) => text !== ''),
        temperature,
        topK: 0,
        topP: 1,
        seed: SEED,
        ...(signal && { signal }),
      });
      signal?.throwIfAborted();
      for (const [k, i] of some.entries()) onAnswer(i, { text: texts[k]!.text, truncated: prompts[i]!.truncated });
    }
  }
}

/** What fits of a request. */
export function promptOf(tokenizer: Tokenizer, { context, max_gen_toks }: GenerateRequest, n_ctx: number): Prompt {
  const encoded = tokenizer.encode(context);
  const all = encoded.length === 0 ? [tokenizer.eot] : [...encoded];
  const ids = all.slice(-(max_gen_toks < n_ctx ? n_ctx - max_gen_toks : n_ctx - 1));
  const tokens = Math.min(max_gen_toks, n_ctx - ids.length);
  return { ids, tokens: Math.max(1, tokens), truncated: all.length - ids.length };
}
