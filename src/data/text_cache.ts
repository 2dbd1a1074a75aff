// Text that a run names, tokenized once.
//
// The shards (token_file.ts) are in a folder of the cache that is named by a hash of everything the result depends on: files,
// text_key, split, tokenizer. Every document is followed by end-of-text. Files of up to 16 MiB enter the hash by their
// content, larger ones by size and time of modification. (How such a folder is made: cache_folder.ts.)
// `gpt data prepare` (corpus/prepare.ts) makes the same of a corpus that is kept, in parts and with a manifest.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { DataError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { jsonFileText } from '../base/json.js';
import { createTokenizer, loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { fillCacheFolder } from './cache_folder.js';
import { encodeAll, type Piece } from './encode.js';
import { type DataStats, noCorpus, type PreparedData, type PrepareOptions, Stats, sizes } from './prepared.js';
import { readText, type TextChunk } from './read.js';
import { ShardWriter } from './shard_writer.js';
import { everything, type Side, Split } from './split.js';
import { openTokenFile, type TokenSource } from './token_file.js';

const HASHED_BYTES = 16 << 20;
const FORMAT = 1; // raise it when the same inputs give other shards

const Manifest = z.object({ tokenizer: z.string(), stats: Stats });

/** Tokens of text, out of the cache where they are. Throws DataError for text that cannot be used. */
export async function prepareText(
  files: readonly string[],
  valFiles: readonly string[],
  heldOut: string | undefined,
  options: PrepareOptions,
): Promise<PreparedData> {
  const { data, tokenizer: config } = options;
  const fixed = config.type === 'char' ? undefined : await createTokenizer(config, noCorpus);
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
  return { ...opened, mix: null, stats, dir, cached: cached !== undefined };
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
