// Where gpt keeps what it can make again: tokens of texts, measured limits of the machine.

import { homedir } from 'node:os';
import path from 'node:path';
import type { CommandContext } from './options.js';

/** GPT_CACHE, or ~/.cache/gpt. */
export const cacheFolder = (env: CommandContext['env']): string =>
  env['GPT_CACHE'] ?? path.join(homedir(), '.cache', 'gpt');
