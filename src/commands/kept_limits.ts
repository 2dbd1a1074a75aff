// The limits of this machine as `gpt bench --limits` measured and kept them: readable without TensorFlow.js.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { CommandContext } from './options.js';
import { cacheFolder } from './user_cache.js';

const Limits = z.object({
  device: z.string(),
  threads: z.number(),
  backend: z.string(), // with its matrix library
  matmul_gflops: z.number(),
  matmul_bf16_gflops: z.number().nullable(),
  copy_gb_s: z.number(),
});

/** What a machine can do at most. */
export type Limits = z.infer<typeof Limits>;

export const limitsFile = (env: CommandContext['env']): string => path.join(cacheFolder(env), 'limits.json');

/** What was measured last; undefined: nothing, or by another version of gpt. */
export function keptLimits(env: CommandContext['env']): Limits | undefined {
  try {
    return Limits.parse(JSON.parse(readFileSync(limitsFile(env), 'utf8')));
  } catch {
    return undefined;
  }
}
