// A finished corpus for training, and whether it is what its manifest says.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../base/errors.js';
import { integer } from '../../base/format.js';
import { loadTokenizer } from '../../tokenizer/load.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { sha256Of } from '../sha256.js';
import { concatSources, openTokenFile, type TokenSource } from '../token_file.js';
import { type Manifest, readManifest, type Shard, sideOf, unitOfShard } from './manifest.js';

/** Both sides, opened. */
export interface OpenedShards {
  readonly train: TokenSource;
  readonly val: TokenSource;
  close(): void;
}

/** An opened corpus. */
export interface Corpus extends OpenedShards {
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
}

/** Opens a finished corpus. Sizes and counts of all shards are compared with the manifest, hashes are not. Throws DataError. */
export async function openCorpus(dir: string): Promise<Corpus> {
  const manifest = readManifest(dir);
  const tokenizer = await loadTokenizer(dir);
  const { fingerprint, vocab_size, type } = manifest.tokenizer;
  if (tokenizer.fingerprint !== fingerprint) {
    throw disagree(
      dir,
      `tokenizer.json is another tokenizer (${tokenizer.type} of ${integer(tokenizer.vocabSize)} tokens, ${tokenizer.fingerprint.slice(0, 12)}) than the shards were made with (${type} of ${integer(vocab_size)} tokens, ${fingerprint.slice(0, 12)})`,
    );
  }
  return { manifest, tokenizer, ...openShards(dir, manifest, tokenizer) };
}

/** Opens the shards that a manifest lists. Throws DataError where one is not what it says, or is not listed. */
export function openShards(dir: string, { shards }: Manifest, { vocabSize }: Tokenizer): OpenedShards {
  const opened: TokenSource[] = [];
  const close = (): void => {
    for (const source of opened) source.close();
  };
  const side = (name: 'train' | 'val'): TokenSource =>
    concatSources(
      sideOf(shards, name).map((shard) => {
        const source = openShard(dir, shard, vocabSize);
        opened.push(source);
        return source;
      }),
    );
  try {
    const listed = new Set(shards.map(({ file }) => file));
    const extra = readdirSync(dir).find((name) => unitOfShard(name) !== undefined && !listed.has(name));
    if (extra !== undefined) throw disagree(dir, `${extra} is there, and is not listed`);
    return { train: side('train'), val: side('val'), close };
  } catch (error) {
    close();
    throw error;
  }
}

function openShard(dir: string, { file, tokens, bytes, text_bytes }: Shard, vocabSize: number): TokenSource {
  const path = join(dir, file);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw disagree(dir, `${file} is listed, and is not there`);
  if (size !== bytes) throw disagree(dir, `${file} has ${integer(size)} bytes, and is listed with ${integer(bytes)}`);
  const source = openTokenFile(path, vocabSize, text_bytes);
  if (source.length === tokens) return source;
  source.close();
  throw disagree(dir, `${file} has ${integer(source.length)} tokens, and is listed with ${integer(tokens)}`);
}

const disagree = (dir: string, what: string): DataError =>
  new DataError(
    `${join(dir, 'manifest.json')} disagrees with the files beside it: ${what}`,
    'copy the folder again as a whole, or make it anew with gpt data prepare',
  );

/** Reads a corpus as a whole: every hash, every id. Throws DataError for the first shard that is not as it was written. */
export async function checkCorpus(dir: string, onShard?: (done: number, all: number) => void): Promise<Manifest> {
  const corpus = await openCorpus(dir);
  corpus.close();
  const { manifest, tokenizer } = corpus;
  for (const [i, shard] of manifest.shards.entries()) {
    const path = join(dir, shard.file);
    const sha256 = await sha256Of(path);
    if (sha256 !== shard.sha256) throw disagree(dir, `${shard.file} has the sha256 ${sha256}, not ${shard.sha256}`);
    const source = openTokenFile(path, tokenizer.vocabSize);
    try {
      for (let at = 0; at < source.length; at += 1 << 20) source.read(at, Math.min(1 << 20, source.length - at));
    } finally {
      source.close();
    }
    onShard?.(i + 1, manifest.shards.length);
  }
  return manifest;
}
