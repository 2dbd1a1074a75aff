// The token shards of a run's text, for the commands that train on it or evaluate on its held-out part.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { availableCores } from '../base/cores.js';
import type { RunConfig } from '../config/schema.js';
import { encodingThreads } from '../data/encode.js';
import { prepareData } from '../data/prepare.js';
import type { PreparedData } from '../data/prepared.js';
import type { CommandContext } from './options.js';
import { cacheFolder } from './user_cache.js';

/** Options of prepareRunData. */
export interface RunDataOptions {
  /** Where the tokenizer is too, should its own file be gone. */
  readonly checkpoint?: string | undefined;
  /** Where the value of a key of the configuration comes from; default: all are stated. */
  readonly origin?: (key: string) => string;
}

/** Tokenizes the text that the configuration names, or finds the shards in the cache. Throws ConfigError, DataError. */
export function prepareRunData(
  { data, tokenizer }: RunConfig,
  { env }: CommandContext,
  { checkpoint, origin }: RunDataOptions = {},
): Promise<PreparedData> {
  const found = tokenizer.path === undefined ? undefined : fromPackage(tokenizer.path)[0]!;
  const isGone = found !== undefined && !existsSync(found) && checkpoint !== undefined;
  return prepareData({
    data: { ...data, path: data.path === undefined ? undefined : fromPackage(data.path) },
    tokenizer: { ...tokenizer, path: isGone ? checkpoint : found },
    tokenizerIsDefault: origin?.('tokenizer.type') === 'default',
    cacheDir: path.join(cacheFolder(env), 'tokens'),
    threads: encodingThreads(Number(env['GPT_THREADS']) || availableCores()),
  });
}

/** Tokens of the vocabulary before any text is read; null: it is made of the text's characters. Throws DataError. */
export async function vocabularyOf({ model, tokenizer }: RunConfig): Promise<number | null> {
  if (model.vocab_size !== undefined) return model.vocab_size;
  const { type, path: file } = tokenizer;
  if (type !== 'file' && file === undefined)
    return { 'gpt2-bpe': 50257, 'gpt1-bpe': 40478, byte: 257, char: null }[type];
  const { loadTokenizer } = await import('../tokenizer/load.js');
  return (await loadTokenizer(fromPackage(file!)[0]!)).vocabSize;
}

/** Files that gpt brings (data/stories/, ...) are looked for in the package where the working folder has no such file. */
export function fromPackage(paths: string | readonly string[]): string[] {
  const root = path.join(import.meta.dirname, '../..');
  return [paths].flat().map((p) => {
    const inPackage = path.join(root, p);
    return p.startsWith('data/') && !existsSync(p) && existsSync(inPackage) ? inPackage : p;
  });
}
