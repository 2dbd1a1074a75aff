// The tokens that a text begins with.

import { ConfigError } from '../base/errors.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** Ids of a prompt; an empty one is end-of-text. Throws ConfigError beyond n_ctx, DataError for unknown characters. */
export function promptIds(tokenizer: Tokenizer, prompt: string, n_ctx: number): number[] {
  const ids = prompt === '' ? [tokenizer.eot] : [...tokenizer.encode(prompt)];
  if (ids.length <= n_ctx) return ids;
  throw new ConfigError(
    `the prompt has ${ids.length} tokens, but the model's context (n_ctx) holds ${n_ctx}`,
    'shorten the prompt',
  );
}
