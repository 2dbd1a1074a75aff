// A prepared corpus: what `gpt data prepare` makes and `gpt pretrain --data FOLDER` reads.
//
//   manifest.json                    everything below, written last: a folder without it is not finished
//   tokenizer.json                   what the tokens were made with
//   train-000000-000.bin ...         token shards (token_file.ts) of unit 0, shard 0; val-...: what is held out
//   part-3-of-8/                     while it is made: a folder for each part
//     part.json, tokenizer.json      the plan: options, input files; the same in all parts
//     000002.json                    the record of a finished unit
//     lock                           the process that works on the part
//
// A unit is what is done or not done: one input file. (Of more than 1,000 files each unit takes several consecutive ones.)
// Nothing in the finished folder depends on the number of parts, on threads, on time or on where it was interrupted,
// except that duplicates are looked for inside each part.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError } from '../../base/errors.js';
import { readText } from '../../base/files.js';
import { quoted, short } from '../../base/format.js';
import { parseJson } from '../../base/json.js';

/** Raise it when the same inputs give other shards, or a reader of today would misread a manifest. */
export const CORPUS_VERSION = 1;

const MOST_UNITS = 1000;
const whole = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const SHARD_NAME = /^(train|val)-(\d{6})-(\d{3,})\.bin$/;

const TokenizerInfo = z.strictObject({ type: z.string(), vocab_size: whole, fingerprint: z.string() });

const Options = z.strictObject({
  text_key: z.string(),
  val_fraction: z.number(),
  shard_tokens: whole,
  dedup: z.enum(['none', 'exact', 'near']),
});

/** part.json */
export const Plan = z.strictObject({
  format: z.literal('gpt-data-part'),
  version: z.literal(CORPUS_VERSION),
  part: whole,
  parts: whole,
  tokenizer: TokenizerInfo,
  options: Options,
  inputs: z.array(z.strictObject({ path: z.string(), bytes: whole })),
});
export type Plan = z.infer<typeof Plan>;

const Input = z.strictObject({
  path: z.string(),
  bytes: whole,
  sha256,
  /** Kept ones. */
  documents: whole,
  /** Documents that were dropped. */
  duplicates: whole,
});

const Shard = z.strictObject({
  file: z.string().regex(SHARD_NAME),
  tokens: whole,
  /** Documents that end in it. */
  documents: whole,
  /** UTF-8 bytes of the texts. */
  text_bytes: whole,
  /** Of the file, as its sha256. */
  bytes: whole,
  sha256,
});
export type Shard = z.infer<typeof Shard>;

/** NNNNNN.json of a finished unit. */
export const Unit = z.strictObject({ unit: whole, inputs: z.array(Input), shards: z.array(Shard) });
export type Unit = z.infer<typeof Unit>;

const Totals = z.strictObject({
  files: whole,
  /** Of the input files. */
  bytes: whole,
  documents: whole,
  duplicates: whole,
  train_tokens: whole,
  val_tokens: whole,
  train_documents: whole,
  val_documents: whole,
  train_bytes: whole,
  val_bytes: whole,
});

/** manifest.json */
export const Manifest = z.strictObject({
  format: z.literal('gpt-data'),
  version: z.literal(CORPUS_VERSION),
  tokenizer: TokenizerInfo,
  options: Options,
  /** Parts in which duplicates were looked for; null: they were not. */
  dedup_parts: whole.nullable(),
  /** How the held-out documents were chosen, in words. */
  split: z.string(),
  totals: Totals,
  /** Of all shards: sha256 of their names and hashes. */
  fingerprint: sha256,
  inputs: z.array(Input),
  shards: z.array(Shard),
});
export type Manifest = z.infer<typeof Manifest>;

/** What the shards and inputs come to. */
export function totalsOf({ inputs, shards }: Pick<Manifest, 'inputs' | 'shards'>): Manifest['totals'] {
  const sum = <T>(list: readonly T[], of: (item: T) => number): number => list.reduce((n, item) => n + of(item), 0);
  const [train, val] = [sideOf(shards, 'train'), sideOf(shards, 'val')];
  return {
    files: inputs.length,
    bytes: sum(inputs, ({ bytes }) => bytes),
    documents: sum(inputs, ({ documents }) => documents),
    duplicates: sum(inputs, ({ duplicates }) => duplicates),
    train_tokens: sum(train, ({ tokens }) => tokens),
    val_tokens: sum(val, ({ tokens }) => tokens),
    train_documents: sum(train, ({ documents }) => documents),
    val_documents: sum(val, ({ documents }) => documents),
    train_bytes: sum(train, ({ text_bytes }) => text_bytes),
    val_bytes: sum(val, ({ text_bytes }) => text_bytes),
  };
}

/** The shards of one side. */
export const sideOf = (shards: readonly Shard[], side: 'train' | 'val'): Shard[] =>
  shards.filter(({ file }) => file.startsWith(side));

export const six = (unit: number): string => String(unit).padStart(6, '0');

export const shardName = (side: 'train' | 'val', unit: number, shard: number): string =>
  `${side}-${six(unit)}-${String(shard).padStart(3, '0')}.bin`;

/** The unit of a shard's name; undefined for other names. */
export function unitOfShard(name: string): number | undefined {
  const match = SHARD_NAME.exec(name);
  return match ? Number(match[2]) : undefined;
}

export const partFolder = (part: number, parts: number): string => `part-${part}-of-${parts}`;

const PART_FOLDER = /^part-(\d+)-of-(\d+)$/;

/** Folders of parts that are being made. */
export function partFolders(dir: string): string[] {
  return readdirSync(dir).filter((name) => PART_FOLDER.test(name));
}

/** Indices of the inputs of each unit, in order. */
export function unitsOf(inputs: number): { readonly from: number; readonly to: number }[] {
  const size = Math.ceil(inputs / MOST_UNITS);
  const units = Math.ceil(inputs / Math.max(1, size));
  return Array.from({ length: units }, (_, u) => ({ from: u * size, to: Math.min(inputs, (u + 1) * size) }));
}

/** Whether a part does a unit: units go round, so that parts get as much whatever the order of the files. */
export const isOfPart = (unit: number, part: number, parts: number): boolean => unit % parts === part - 1;

/** Reads a file of the folder. Throws DataError, naming it, for anything but what the schema says. */
export function readRecord<T>(schema: z.ZodType<T>, path: string): T {
  const refuse = (what: string): DataError =>
    new DataError(`${path}: ${what}`, 'make the folder again with gpt data prepare, into a new place');
  const json = parseJson(readText(path), (message) => refuse(`not JSON: ${short(message)}`));
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: key, message } = parsed.error.issues[0]!;
  throw refuse(`not what gpt data prepare writes (${short(key.join('.')) || 'as a whole'}: ${short(message)})`);
}

/**
 * Whether a path is a prepared corpus, finished or not. A folder with shards beside a manifest.json is one, and has to be
 * whole: its held-out shards must not be taken for text to train on.
 */
export function isCorpus(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const names = readdirSync(path);
  const shards = names.some((name) => unitOfShard(name) !== undefined);
  if (shards || names.some((name) => PART_FOLDER.test(name))) return true;
  return names.includes('manifest.json') && saysCorpus(join(path, 'manifest.json'));
}

function saysCorpus(path: string): boolean {
  try {
    return (JSON.parse(readText(path)) as { format?: unknown } | null)?.format === 'gpt-data';
  } catch {
    return false; // the manifest of something else
  }
}

/** The manifest of a finished corpus. Throws DataError. */
export function readManifest(dir: string): Manifest {
  const path = join(dir, 'manifest.json');
  if (!existsSync(path)) {
    throw new DataError(
      `${dir} is not finished: it has no manifest.json`,
      'run the same gpt data prepare again; if it was made in parts, then gpt data merge',
    );
  }
  const manifest = readRecord(Manifest, path);
  const wrong = contradiction(manifest);
  if (wrong === undefined) return manifest;
  throw new DataError(`${path} contradicts itself: ${wrong}`, 'make the folder again with gpt data prepare');
}

function contradiction(manifest: Manifest): string | undefined {
  const totals = totalsOf(manifest);
  for (const [key, value] of Object.entries(totals) as [keyof typeof totals, number][]) {
    const stated = manifest.totals[key];
    if (stated !== value) return `totals.${key} is ${stated}, and its files come to ${value}`;
  }
  const names = manifest.shards.map(({ file }) => file);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  return twice === undefined ? undefined : `${quoted(twice)} is listed twice`;
}
