// From data.path to two token sources, for training and for validation, and the numbers that describe them.
//
//   text                         tokenized once, into a cache                            text_cache.ts
//   .bin shards                  as they are; the last val_fraction of the tokens is held out
//   a folder of data prepare     as it is, with its own tokenizer and held-out part      corpus/
//   several, with data.weights   each of them by these rules, and mixed                  mixture.ts

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { integer, percent, plural } from '../base/format.js';
import type { TokenizerConfig } from '../config/schema.js';
import { createTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { isCorpus } from './corpus/manifest.js';
import { openCorpus } from './corpus/open.js';
import { findFiles } from './files.js';
import { type DataStats, noCorpus, type PreparedData, type PrepareOptions, sizes } from './prepared.js';
import { prepareText } from './text_cache.js';
import { concatSources, openTokenFile, sliceSource, type TokenSource } from './token_file.js';

/** Throws ConfigError without data.path, DataError for text or files that cannot be used. */
export async function prepareData(options: PrepareOptions): Promise<PreparedData> {
  const { data } = options;
  if (data.path === undefined) {
    throw new ConfigError('data.path is not set: there is nothing to train on', 'add --data FILE, a folder or a glob');
  }
  const paths = [data.path].flat();
  const corpus = paths.find(isCorpus);
  const tokenizer: TokenizerConfig =
    corpus !== undefined && options.tokenizerIsDefault ? { type: 'file', path: corpus } : options.tokenizer;
  const chosen = { ...options, tokenizer };
  if (data.weights !== undefined) return prepareMixture(paths, data.weights, chosen);
  if (corpus === undefined) return prepareFiles(paths, chosen);
  if (paths.length > 1) {
    throw new ConfigError(
      `${corpus} is a prepared corpus, and data.path names ${plural(paths.length - 1, 'more path')}`,
      'train on it alone; or on a mixture: data.weights gives each path its share',
    );
  }
  if (data.val_path !== undefined) {
    throw new ConfigError(`${corpus} has a held-out part of its own`, 'leave data.val_path out');
  }
  return openPrepared(corpus, tokenizer);
}

async function prepareFiles(paths: readonly string[], options: PrepareOptions): Promise<PreparedData> {
  const { data } = options;
  const all = findFiles(paths);
  const valFiles = data.val_path === undefined ? [] : findFiles(data.val_path);
  const held = new Set(valFiles.map((file) => resolve(file)));
  const files = all.filter((file) => !held.has(resolve(file)));
  if (files.length === 0) {
    throw new ConfigError(
      'every file of data.path is held out by data.val_path: there is nothing to train on',
      'leave data.val_path out, which holds out a part of the text, or name other files',
    );
  }
  const removed = all.length - files.length;
  const heldOut = valFiles.length === 0 ? undefined : ownText(valFiles, removed);
  const shards = [...files, ...valFiles].filter((file) => file.endsWith('.bin'));
  if (shards.length === 0) return prepareText(files, valFiles, heldOut, options);
  if (shards.length < files.length + valFiles.length) {
    throw new DataError(`${shards[0]} holds tokens, other files hold text`, 'give one kind or the other');
  }
  return prepareShards(files, valFiles, heldOut, options);
}

/** Throws DataError unless the source holds a window of n_ctx tokens and the token after it. */
export function requireLength(source: TokenSource, n_ctx: number, what: string): void {
  if (source.length > n_ctx) return;
  const shorter = source.length > 1 ? `, or set --model.n_ctx to at most ${source.length - 1}` : '';
  const more = what === 'validation' ? ', or hold out more (--data.val_fraction)' : '';
  throw new DataError(
    `the ${what} text has ${integer(source.length)} tokens, but model.n_ctx ${n_ctx} needs at least ${n_ctx + 1}`,
    `give more text${shorter}${more}`,
  );
}

// ---- a folder of gpt data prepare

async function openPrepared(dir: string, config: TokenizerConfig): Promise<PreparedData> {
  const { manifest, tokenizer, train, val, close } = await openCorpus(dir);
  try {
    await requireTokenizer(dir, tokenizer, config);
  } catch (error) {
    close();
    throw error;
  }
  const { totals, split, fingerprint } = manifest;
  const { files, bytes, documents, train_tokens, val_tokens, train_bytes, val_bytes } = totals;
  const stats: DataStats = {
    ...{ files, bytes, documents, train_tokens, val_tokens, train_bytes, val_bytes },
    split,
    fingerprint,
  };
  return { tokenizer, train, val, mix: null, stats, dir: null, cached: true };
}

async function requireTokenizer(dir: string, made: Tokenizer, config: TokenizerConfig): Promise<void> {
  const named = ({ type, vocabSize, fingerprint }: Tokenizer): string =>
    `${type} of ${integer(vocabSize)} tokens, ${fingerprint.slice(0, 12)}`;
  const own = config.type === 'char' ? undefined : await createTokenizer(config, noCorpus);
  if (own?.fingerprint === made.fingerprint) return;
  const wanted = own === undefined ? 'char, which takes its characters from text' : `${config.type} (${named(own)})`;
  throw new DataError(
    `${dir} was made with another tokenizer (${named(made)}) than tokenizer.type says: ${wanted}`,
    `use that of the data: --tokenizer.type file --tokenizer.path ${dir}; or prepare the text anew with the other one`,
  );
}

// ---- several corpora

async function prepareMixture(
  paths: readonly string[],
  weights: readonly number[],
  options: PrepareOptions,
): Promise<PreparedData> {
  if (options.tokenizer.type === 'char') {
    throw new ConfigError(
      'tokenizer.type char takes its characters from one text, and data.weights makes a mixture of several',
      'choose another tokenizer, such as --tokenizer.type byte',
    );
  }
  const opened: PreparedData[] = [];
  try {
    for (const path of paths) {
      const { weights: _, ...data } = options.data;
      // one tokenizer for all of them: a corpus made with another one is refused
      opened.push(await prepareData({ ...options, tokenizerIsDefault: false, data: { ...data, path } }));
    }
  } catch (error) {
    for (const { train, val } of opened) for (const source of [train, val]) source.close();
    throw error;
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mix = opened.map(({ train }, i) => ({ path: paths[i]!, weight: weights[i]! / total, source: train }));
  const val = proportional(opened.map((data, i) => ({ source: data.val, share: mix[i]!.weight })));
  const sum = (of: (stats: DataStats) => number): number => opened.reduce((n, { stats }) => n + of(stats), 0);
  const known = opened.every(({ stats }) => stats.train_bytes !== null);
  const hash = createHash('sha256');
  for (const [i, { stats }] of opened.entries()) hash.update(`${weights[i]} ${stats.fingerprint}\n`);
  const stats: DataStats = {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    documents: sum(({ documents }) => documents),
    train_tokens: sum(({ train_tokens }) => train_tokens),
    val_tokens: val.length,
    train_bytes: known ? sum(({ train_bytes }) => train_bytes ?? 0) : null,
    val_bytes: val.bytes,
    split: opened.length === 1 ? opened[0]!.stats.split : 'of each corpus a part is held out, as large as its weight',
    fingerprint: opened.length === 1 ? opened[0]!.stats.fingerprint : hash.digest('hex'),
  };
  const { tokenizer, dir } = opened[0]!;
  const train = concatSources(mix.map(({ source }) => source));
  return { tokenizer, train, val, mix, stats, dir, cached: opened.every(({ cached }) => cached) };
}

/** As much from the beginning of each source that lengths are as the shares: the loss on it is that of the mixture. */
function proportional(parts: readonly { readonly source: TokenSource; readonly share: number }[]): TokenSource {
  const length = Math.min(...parts.map(({ source, share }) => source.length / share));
  return concatSources(
    parts.map(({ source, share }) => {
      const own = Math.min(source.length, Math.round(length * share));
      return own === source.length ? source : sliceSource(source, 0, own);
    }),
  );
}

// ---- token shards as input

async function prepareShards(
  files: readonly string[],
  valFiles: readonly string[],
  heldOut: string | undefined,
  { data, tokenizer: config }: PrepareOptions,
): Promise<PreparedData> {
  if (config.type === 'char') {
    throw new ConfigError(
      'tokenizer.type char takes its characters from text, and .bin files hold tokens',
      'name the tokenizer that made them: --tokenizer.type file --tokenizer.path tokenizer.json',
    );
  }
  const tokenizer = await createTokenizer(config, noCorpus);
  const open = (list: readonly string[]): TokenSource =>
    concatSources(list.map((file) => openTokenFile(file, tokenizer.vocabSize)));
  const all = open(files);
  const held = valFiles.length > 0 ? open(valFiles) : undefined;
  const cut = held ? all.length : Math.floor(all.length * (1 - data.val_fraction));
  const train = sliceSource(all, 0, cut);
  const val = held ?? sliceSource(open(files), cut, all.length); // opened twice: either side may be closed first
  try {
    for (const source of [train, val]) source.read(0, Math.min(source.length, 1 << 20)); // a wrong vocabulary shows here
  } catch (error) {
    train.close();
    val.close();
    throw error;
  }
  const split = heldOut ?? `the last ${percent(data.val_fraction)} of the tokens are held out`;
  const hash = createHash('sha256').update(`${cut} ${files.length}\n`);
  for (const source of [train, val]) {
    const end = Math.min(source.length, 1 << 16);
    hash
      .update(`${source.length}\n`)
      .update(source.read(0, end))
      .update(source.read(source.length - end, end));
  }
  const stats: DataStats = {
    ...sizes([...files, ...valFiles]),
    documents: 0,
    train_tokens: train.length,
    val_tokens: val.length,
    train_bytes: null,
    val_bytes: null,
    split,
    fingerprint: hash.digest('hex'),
  };
  return { tokenizer, train, val, mix: null, stats, dir: null, cached: false };
}

function ownText(valFiles: readonly string[], removed: number): string {
  const name = valFiles.length === 1 ? valFiles[0]! : plural(valFiles.length, 'file');
  const also = removed === 0 ? '' : `; ${plural(removed, 'file')} of data.path among them, not trained on`;
  return `held out: ${name} (data.val_path${also})`;
}
