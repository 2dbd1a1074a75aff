// From data.path to two token sources, for training and for validation, and the numbers that describe them.
//
// Text is tokenized once, into shards (token_file.ts) in a folder of the cache that is named by a hash of everything the
// result depends on: files, text_key, split, tokenizer. Every document is followed by end-of-text. The manifest is
// written last; a folder without one is made again. Files of up to 16 MiB enter the hash by their content, larger ones by
// size and time of modification.
// split.ts decides what is held out; of .bin shards it is the last val_fraction of the tokens.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError, DataError } from '../base/errors.js';
import { diskError, makeFolder, removeLeftovers, writeFileAtomic } from '../base/files.js';
import { integer, percent } from '../base/format.js';
import { jsonFileText } from '../base/json.js';
import type { DataConfig, TokenizerConfig } from '../config/schema.js';
import { createTokenizer, loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { findFiles } from './files.js';
import { readText, type TextChunk } from './read.js';
import { chooseSplit, countCharacters, everything, type Route, type Side } from './split.js';
import { concatSources, openTokenFile, sliceSource, TokenFileWriter, type TokenSource } from './token_file.js';

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
  const files = findFiles(data.path);
  const valFiles = data.val_path === undefined ? [] : findFiles(data.val_path);
  const shards = [...files, ...valFiles].filter((file) => file.endsWith('.bin'));
  if (shards.length === 0) return prepareText(files, valFiles, options);
  if (shards.length < files.length + valFiles.length) {
    throw new DataError(`${shards[0]} holds tokens, other files hold text`, 'give one kind or the other');
  }
  return prepareShards(files, valFiles, options);
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
  const split = held ? ownText(valFiles) : `the last ${percent(data.val_fraction)} of the tokens are held out`;
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

const ownText = (valFiles: readonly string[]): string =>
  `held out: ${valFiles.length === 1 ? valFiles[0] : `${valFiles.length} files`} (data.val_path)`;

const sizes = (files: readonly string[]): { files: number; bytes: number } => ({
  files: files.length,
  bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
});

// ---- text as input

async function prepareText(
  files: readonly string[],
  valFiles: readonly string[],
  options: PrepareOptions,
): Promise<PreparedData> {
  const { data, tokenizer: config } = options;
  const fixed = config.type === 'char' ? undefined : await createTokenizer(config, noText);
  const inputs = {
    format: FORMAT,
    files: files.map(identity),
    val_files: valFiles.map(identity),
    text_key: data.text_key,
    val_fraction: valFiles.length > 0 ? null : data.val_fraction,
    tokenizer: fixed?.fingerprint ?? 'char',
  };
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
  const dir = join(options.cacheDir, key);
  const cached = readManifest(dir);
  if (!cached) {
    emptyOfLeftovers(dir);
    await tokenize(dir, files, valFiles, fixed, options);
  }
  const manifest = cached ?? readManifest(dir);
  const tokenizer = fixed ?? (await loadTokenizer(dir));
  if (!manifest || manifest.tokenizer !== tokenizer.fingerprint) {
    throw new DataError(`${dir}: the cached tokens are damaged`, 'delete this folder and start again');
  }
  const { stats } = manifest;
  const train = openTokenFile(join(dir, 'train.bin'), tokenizer.vocabSize, stats.train_bytes);
  const val = openTokenFile(join(dir, 'val.bin'), tokenizer.vocabSize, stats.val_bytes);
  return { tokenizer, train, val, stats, dir, cached: cached !== undefined };
}

/** What a file contributes to the name of the cache. */
function identity(file: string): (string | number)[] {
  const { size, mtimeMs } = statSync(file);
  if (size > HASHED_BYTES) return [resolve(file), size, mtimeMs];
  return [resolve(file), size, createHash('sha256').update(readFileSync(file)).digest('hex')];
}

/** undefined when there is none, or none that this version wrote. */
function readManifest(dir: string): z.infer<typeof Manifest> | undefined {
  try {
    return Manifest.parse(JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

async function tokenize(
  dir: string,
  files: readonly string[],
  valFiles: readonly string[],
  fixed: Tokenizer | undefined,
  { data, onProgress }: PrepareOptions,
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
  let documents = 0;
  let characters = 0;
  for await (const { text, docEnd } of read(files)) {
    if (docEnd) documents++;
    characters += countCharacters(text);
  }
  const { split, route } =
    valFiles.length > 0
      ? { split: ownText(valFiles), route: everything('train') }
      : chooseSplit(documents, characters, data.val_fraction);

  const sides = {
    train: new Writer(join(dir, 'train.bin'), tokenizer),
    val: new Writer(join(dir, 'val.bin'), tokenizer),
  };
  try {
    for await (const chunk of read(files)) write(chunk, route, sides);
    for await (const chunk of read(valFiles)) {
      if (chunk.docEnd) documents++;
      write(chunk, everything('val'), sides);
    }
    const stats: DataStats = {
      ...sizes([...files, ...valFiles]),
      documents,
      train_tokens: sides.train.tokens,
      val_tokens: sides.val.tokens,
      train_bytes: sides.train.bytes,
      val_bytes: sides.val.bytes,
      split,
      fingerprint: createHash('sha256').update(`${sides.train.finish()} ${sides.val.finish()}`).digest('hex'),
    };
    await writeFileAtomic(join(dir, 'tokenizer.json'), tokenizer.toJson());
    const manifest = { tokenizer: tokenizer.fingerprint, stats };
    await writeFileAtomic(join(dir, 'manifest.json'), jsonFileText(manifest));
  } finally {
    sides.train.abort();
    sides.val.abort();
  }
}

function write(chunk: TextChunk, route: Route, sides: Record<Side, Writer>): void {
  let last: Side = 'train';
  try {
    for (const { side, text } of route(chunk)) {
      sides[side].text(text);
      last = side;
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${chunk.file}: ${error.message}`, error.fix);
  }
  if (chunk.docEnd) sides[last].endOfText();
}

/** One side's shard, with its counts and hash. */
class Writer {
  bytes = 0;
  readonly #file: TokenFileWriter;
  readonly #tokenizer: Tokenizer;
  readonly #hash = createHash('sha256');

  constructor(path: string, tokenizer: Tokenizer) {
    this.#file = new TokenFileWriter(path, tokenizer.vocabSize);
    this.#tokenizer = tokenizer;
  }

  get tokens(): number {
    return this.#file.count;
  }

  text(text: string): void {
    this.bytes += Buffer.byteLength(text);
    this.#hash.update(this.#file.append(this.#tokenizer.encode(text)));
  }

  endOfText(): void {
    this.#hash.update(this.#file.append([this.#tokenizer.eot]));
  }

  /** sha256 of the tokens. */
  finish(): string {
    this.#file.finish();
    return this.#hash.digest('hex');
  }

  abort(): void {
    this.#file.abort();
  }
}

function emptyOfLeftovers(dir: string): void {
  makeFolder(dir);
  try {
    removeLeftovers(dir, () => true);
  } catch (error) {
    throw diskError('write', dir, error);
  }
}
