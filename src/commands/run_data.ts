// The token shards of a run's text, for the commands that train on it or evaluate on its held-out part.

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RunConfig } from '../config/schema.js';
import { type PreparedData, prepareData } from '../data/prepare.js';
import type { CommandContext } from './options.js';
import { cacheFolder } from './user_cache.js';

/**
 * Tokenizes the text that the configuration names, or finds the shards in the cache. `checkpoint`: where the tokenizer is
 * too, should its own file be gone. Throws ConfigError, DataError.
 */
export function prepareRunData(
  { data, tokenizer }: RunConfig,
  { env }: CommandContext,
  checkpoint?: string,
): Promise<PreparedData> {
  const found = tokenizer.path === undefined ? undefined : fromPackage(tokenizer.path)[0]!;
  const isGone = found !== undefined && !existsSync(found) && checkpoint !== undefined;
  return prepareData({
    data: { ...data, path: data.path === undefined ? undefined : fromPackage(data.path) },
    tokenizer: { ...tokenizer, path: isGone ? checkpoint : found },
    cacheDir: path.join(cacheFolder(env), 'tokens'),
  });
}

/** Tokens of the vocabulary before any text is read; null: it is made of the text's characters. Throws DataError. */
export async function vocabularyOf({ model, tokenizer }: RunConfig): Promise<number | null> {
  if (model.vocab_size !== undefined) return model.vocab_size;
  if (tokenizer.type !== 'file') return { 'gpt2-bpe': 50257, 'gpt1-bpe': 40478, byte: 257, char: null }[tokenizer.type];
  const { loadTokenizer } = await import('../tokenizer/load.js');
  return (await loadTokenizer(fromPackage(tokenizer.path!)[0]!)).vocabSize;
}

/** Files of presets (data/stories/) are looked for in the package where the working folder has no such file. */
export function fromPackage(paths: string | readonly string[]): string[] {
  const root = path.join(import.meta.dirname, '../..');
  return [paths].flat().map((p) => {
    const inPackage = path.join(root, p);
    return p.startsWith('data/') && !existsSync(p) && existsSync(inPackage) ? inPackage : p;
  });
}
