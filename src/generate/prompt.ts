// The tokens that a text begins with.

import { ConfigError } from '../base/errors.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/**
 * Ids of a prompt; one without tokens (empty; for GPT-1's tokenizer white space too) is end-of-text. Throws ConfigError
 * beyond n_ctx, DataError for unknown characters.
 */
export function promptIds(tokenizer: Tokenizer, prompt: string, n_ctx: number): number[] {
  const encoded = tokenizer.encode(prompt);
  const ids = encoded.length === 0 ? [tokenizer.eot] : [...encoded];
  if (ids.length <= n_ctx) return ids;
  throw new ConfigError(
    `the prompt has ${ids.length} tokens, but the model's context (n_ctx) holds ${n_ctx}`,
    'shorten the prompt',
  );
}
