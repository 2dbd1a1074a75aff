// What a run trains on, once its data is prepared: two token sources, and the numbers that describe them.

import { statSync } from 'node:fs';
import { z } from 'zod';
import type { DataConfig, TokenizerConfig } from '../config/schema.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { TokenSource } from './token_file.js';

/** Of DataStats. */
export const Stats = z.object({
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

/** Progress through the input: bytes read of all passes together. */
export type PrepareProgress = (done: { readonly bytes: number; readonly totalBytes: number }) => void;

/** Input of prepareData. */
export interface PrepareOptions {
  readonly data: DataConfig;
  readonly tokenizer: TokenizerConfig;
  /** Nobody has chosen it: a prepared corpus is read with its own. */
  readonly tokenizerIsDefault?: boolean;
  /** Shards are kept in a folder under this one. */
  readonly cacheDir: string;
  /** For encoding. */
  readonly threads: number;
  readonly onProgress?: PrepareProgress;
}

/** A corpus of a mixture. */
export interface MixedCorpus {
  readonly path: string;
  /** Its share of the sequences; all sum to 1. */
  readonly weight: number;
  readonly source: TokenSource;
}

/** Result of prepareData. Close both sources when done. */
export interface PreparedData {
  readonly tokenizer: Tokenizer;
  readonly train: TokenSource;
  readonly val: TokenSource;
  /** The corpora of data.weights, which train has one after the other; null: there is one text. */
  readonly mix: readonly MixedCorpus[] | null;
  readonly stats: DataStats;
  /** Folder of the shards in the cache; null for .bin input and prepared corpora, which are used where they are. */
  readonly dir: string | null;
  /** The shards were there already. */
  readonly cached: boolean;
}

/** Number and size on the disk of files. */
export const sizes = (files: readonly string[]): { files: number; bytes: number } => ({
  files: files.length,
  bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
});

/** The text of a tokenizer that is not made of it. */
export const noCorpus = (): AsyncIterable<string> => {
  throw new Error('internal: this tokenizer reads no corpus');
};
