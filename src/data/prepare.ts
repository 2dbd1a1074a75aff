// From data.path to two token sources, for training and for validation, and the numbers that describe them.
//
// Text is tokenized once, into shards (token_file.ts) in a folder of the cache that is named by a hash of everything the
// result depends on: files, text_key, split, tokenizer. Every document is followed by end-of-text. Files of up to 16 MiB
// enter the hash by their content, larger ones by size and time of modification. (How such a folder is made: cache_folder.ts.)
// split.ts decides what is held out; of .bin shards it is the last val_fraction of the tokens.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ConfigError, DataError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { integer, percent, plural } from '../base/format.js';
import { jsonFileText } from '../base/json.js';
import type { DataConfig, TokenizerConfig } from '../config/schema.js';
import { createTokenizer, loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { fillCacheFolder } from './cache_folder.js';
import { encodeAll, type Piece } from './encode.js';
import { findFiles } from './files.js';
import { readText, type TextChunk } from './read.js';
import { ShardWriter } from './shard_writer.js';
import { everything, type Side, Split } from './split.js';
import { concatSources, openTokenFile, sliceSource, type TokenSource } from './token_file.js';

const HASHED_BYTES = 16 << 20;
const FORMAT = 1; // raise it when the same inputs give other shards

const Stats = z.object({
  /** Files read. */
  files: z.number(),
  /** Their size on the disk. */
  bytes: z.number(),
  /** Documents; 0 for .bin shards, where it is not known. */
  documents: z.number(),
  train_tokens: z.number(),
  val_tokens: z.number(),
  /** UTF-8 bytes of the text of each side; null for .bin shards, where it is not known. */
  train_bytes: z.number().nullable(),
  val_bytes: z.number().nullable(),
  /** How the held-out part was made, in words. */
  split: z.string(),
  /** sha256 of the tokens of both sides (of .bin shards: of their sizes and ends). */
  fingerprint: z.string(),
});

/** What was prepared, in numbers and one sentence. */
export type DataStats = z.infer<typeof Stats>;

const Manifest = z.object({ tokenizer: z.string(), stats: Stats });

/** Progress through the input: bytes read of all passes together. */
export type PrepareProgress = (done: { readonly bytes: number; readonly totalBytes: number }) => void;

/** Input of prepareData. */
export interface PrepareOptions {
  readonly data: DataConfig;
  readonly tokenizer: TokenizerConfig;
  /** Shards are kept in a folder under this one. */
  readonly cacheDir: string;
  /** For encoding. */
  readonly threads: number;
  readonly onProgress?: PrepareProgress;
}

/** Result of prepareData. Close both sources when done. */
export interface PreparedData {
  readonly tokenizer: Tokenizer;
  readonly train: TokenSource;
  readonly val: TokenSource;
  readonly stats: DataStats;
  /** Folder of the shards; null for .bin input, which is used where it is. */
  readonly dir: string | null;
  /** The shards were there already. */
  readonly cached: boolean;
}

/** Throws ConfigError without data.path, DataError for text or files that cannot be used. */
export async function prepareData(options: PrepareOptions): Promise<PreparedData> {
  const { data } = options;
  if (data.path === undefined) {
    throw new ConfigError('data.path is not set: there is nothing to train on', 'add --data FILE, a folder or a glob');
  }
  const all = findFiles(data.path);
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
export function requireLength(source: TokenSource, n_ctx: number, what: 'training' | 'validation'): void {
  if (source.length > n_ctx) return;
  const shorter = source.length > 1 ? `, or set --model.n_ctx to at most ${source.length - 1}` : '';
  const more = what === 'validation' ? ', or hold out more (--data.val_fraction)' : '';
  throw new DataError(
    `the ${what} text has ${integer(source.length)} tokens, but model.n_ctx ${n_ctx} needs at least ${n_ctx + 1}`,
    `give more text${shorter}${more}`,
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
  const tokenizer = await createTokenizer(config, noText);
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
  return { tokenizer, train, val, stats, dir: null, cached: false };
}

const noText = (): AsyncIterable<string> => {
  throw new Error('internal: this tokenizer reads no corpus');
};

function ownText(valFiles: readonly string[], removed: number): string {
  const name = valFiles.length === 1 ? valFiles[0]! : plural(valFiles.length, 'file');
  const also = removed === 0 ? '' : `; ${plural(removed, 'file')} of data.path among them, not trained on`;
  return `held out: ${name} (data.val_path${also})`;
}

const sizes = (files: readonly string[]): { files: number; bytes: number } => ({
  files: files.length,
  bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
});

// ---- text as input

async function prepareText(
  files: readonly string[],
  valFiles: readonly string[],
  heldOut: string | undefined,
  options: PrepareOptions,
): Promise<PreparedData> {
  const { data, tokenizer: config } = options;
  const fixed = config.type === 'char' ? undefined : await createTokenizer(config, noText);
  const all = [...files, ...valFiles];
  const identities = all.map(identity);
  const inputs = {
    format: FORMAT,
    files: identities.slice(0, files.length),
    val_files: identities.slice(files.length),
    text_key: data.text_key,
    val_fraction: valFiles.length > 0 ? null : data.val_fraction,
    tokenizer: fixed?.fingerprint ?? 'char',
  };
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
  const dir = join(options.cacheDir, key);
  const cached = await openCached(dir, fixed);
  const fill = async (tmp: string): Promise<void> => {
    await tokenize(tmp, files, valFiles, heldOut, fixed, options);
    const changed = all.find((file, i) => !isSame(file, identities[i]!));
    if (changed === undefined) return;
    throw new DataError(`${changed} changed while it was read`, 'start again when nothing writes to it any more');
  };
  const isWhole = async (): Promise<boolean> => {
    const theirs = await openCached(dir, fixed);
    theirs?.train.close();
    theirs?.val.close();
    return theirs !== undefined;
  };
  if (!cached) await fillCacheFolder(dir, fill, isWhole);
  const opened = cached ?? (await openCached(dir, fixed));
  if (!opened) throw new DataError(`${dir}: the tokens cannot be read back`, 'check the disk (dmesg, df -h)');
  // The same files may be named in other ways.
  const stats = heldOut === undefined ? opened.stats : { ...opened.stats, split: heldOut };
  return { ...opened, stats, dir, cached: cached !== undefined };
}

type Opened = Pick<PreparedData, 'tokenizer' | 'train' | 'val' | 'stats'>;

/** What is in the cache; undefined where nothing is, or nothing whole. */
async function openCached(dir: string, fixed: Tokenizer | undefined): Promise<Opened | undefined> {
  const sources: TokenSource[] = [];
  try {
    const { tokenizer: fingerprint, stats } = Manifest.parse(
      JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')),
    );
    const tokenizer = fixed ?? (await loadTokenizer(dir));
    const open = (name: string, tokens: number, bytes: number | null): TokenSource => {
      const source = openTokenFile(join(dir, name), tokenizer.vocabSize, bytes);
      sources.push(source);
      if (source.length !== tokens) throw new Error(`${name} is not the file that the manifest describes`);
      return source;
    };
    const train = open('train.bin', stats.train_tokens, stats.train_bytes);
    const val = open('val.bin', stats.val_tokens, stats.val_bytes);
    if (tokenizer.fingerprint !== fingerprint) throw new Error('the tokenizer is not that of the manifest');
    return { tokenizer, train, val, stats };
  } catch {
    for (const source of sources) source.close();
    return undefined;
  }
}

/** What a file contributes to the name of the cache. */
function identity(file: string): (string | number)[] {
  const { size, mtimeMs } = statSync(file);
  if (size > HASHED_BYTES) return [resolve(file), size, mtimeMs];
  return [resolve(file), size, createHash('sha256').update(readFileSync(file)).digest('hex')];
}

function isSame(file: string, before: (string | number)[]): boolean {
  try {
    return isDeepStrictEqual(identity(file), before);
  } catch {
    return false; // it is gone
  }
}

async function tokenize(
  dir: string,
  files: readonly string[],
  valFiles: readonly string[],
  heldOut: string | undefined,
  fixed: Tokenizer | undefined,
  { data, threads, onProgress }: PrepareOptions,
): Promise<void> {
  const own = sizes(files).bytes;
  const held = sizes(valFiles).bytes;
  const totalBytes = fixed ? 2 * own + held : 3 * own + 2 * held;
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.({ bytes: done, totalBytes });
  };
  const read = (list: readonly string[]): AsyncGenerator<TextChunk> =>
    readText(list, { textKey: data.text_key, onBytes });
  async function* corpus(): AsyncGenerator<string> {
    for await (const chunk of read([...files, ...valFiles])) yield chunk.text;
  }
  const tokenizer = fixed ?? (await createTokenizer({ type: 'char' }, corpus));

  // The first pass counts, because where to cut depends on how much there is.
  const chosen = new Split(data.val_fraction);
  const countedFrom = done;
  for await (const chunk of heldOut === undefined ? read(files) : []) if (chosen.count(chunk)) break;
  const unread = own - (done - countedFrom);
  if (unread > 0) onBytes(unread);
  const { route, words } =
    heldOut === undefined ? chosen.route() : { route: everything('train'), words: () => heldOut };

  let documents = 0;
  async function* pieces(): AsyncGenerator<Piece & { readonly side: Side }> {
    for (const [list, of] of [[files, route] as const, [valFiles, everything('val')] as const]) {
      for await (const chunk of read(list)) {
        if (chunk.docEnd) documents++;
        const parts = [...of(chunk)];
        for (const [i, { side, text }] of parts.entries()) {
          yield { file: chunk.file, text, side, end: chunk.docEnd && i === parts.length - 1 };
        }
      }
    }
  }
  const sides = {
    train: new ShardWriter(() => join(dir, 'train.bin'), tokenizer.vocabSize),
    val: new ShardWriter(() => join(dir, 'val.bin'), tokenizer.vocabSize),
  };
  try {
    for await (const { piece, tokens } of encodeAll(pieces(), tokenizer, { threads })) {
      sides[piece.side].add(tokens, piece);
    }
    for (const side of [sides.train, sides.val]) side.finish({ evenEmpty: true });
    const stats: DataStats = {
      ...sizes([...files, ...valFiles]),
      documents,
      train_tokens: sides.train.tokens,
      val_tokens: sides.val.tokens,
      train_bytes: sides.train.bytes,
      val_bytes: sides.val.bytes,
      split: words(),
      fingerprint: createHash('sha256').update(`${sides.train.digest()} ${sides.val.digest()}`).digest('hex'),
    };
    await writeFileAtomic(join(dir, 'tokenizer.json'), tokenizer.toJson());
    const manifest = { tokenizer: tokenizer.fingerprint, stats };
    await writeFileAtomic(join(dir, 'manifest.json'), jsonFileText(manifest));
  } finally {
    sides.train.abort();
    sides.val.abort();
  }
}
