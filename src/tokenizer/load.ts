// From a configuration or a tokenizer.json to a Tokenizer.
//
// Read: the files that hf_json.ts writes, and every byte-level BPE of Hugging Face's with GPT-2's pattern. Anything else
// would give other ids than the model was trained with, so it is an error, never a guess.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, DataError } from '../base/errors.js';
import type { TokenizerConfig } from '../config/schema.js';
import { BpeTokenizer } from './bpe.js';
import { ByteTokenizer } from './byte.js';
import { BYTE_SYMBOLS, bytesOfSymbols } from './byte_symbols.js';
import { CharTokenizer, CharVocabulary } from './char.js';
import { gpt2Tokenizer } from './gpt2.js';
import { MergeTable } from './merge.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';

/**
 * The tokenizer that a configuration names. corpus: a function that starts reading the training text; only the char
 * tokenizer reads it. Throws ConfigError for a type that is not there, DataError for a file that cannot be used.
 */
export async function createTokenizer(
  config: TokenizerConfig,
  corpus: () => AsyncIterable<string>,
): Promise<Tokenizer> {
  switch (config.type) {
    case 'gpt2-bpe':
      return gpt2Tokenizer();
    case 'byte':
      return new ByteTokenizer();
    case 'char': {
      const vocabulary = new CharVocabulary();
      for await (const text of corpus()) vocabulary.add(text);
      return vocabulary.tokenizer();
    }
    case 'file':
      if (config.path === undefined) {
        throw new ConfigError('tokenizer.type is file, but tokenizer.path is not given', 'add --tokenizer.path FILE');
      }
      return loadTokenizer(config.path);
    case 'gpt1-bpe':
      throw new ConfigError(
        "tokenizer.type gpt1-bpe is not built in: GPT-1's vocabulary of 40,478 tokens is not part of this package",
        'use --tokenizer.type gpt2-bpe (--model.vocab_size 50257), or byte or char for a small model',
      );
  }
}

/** Reads a tokenizer.json, or the one in a checkpoint folder. Throws DataError. */
export async function loadTokenizer(dirOrFile: string): Promise<Tokenizer> {
  let file = dirOrFile;
  let text: string;
  try {
    if ((await stat(file)).isDirectory()) file = join(file, 'tokenizer.json');
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(error);
    throw new DataError(`${file}: ${reason}`, 'give a tokenizer.json or a folder that holds one');
  }
  return parseTokenizer(text, file);
}

const Step = z.nullish(z.looseObject({ type: z.string() }));
const File = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int().min(0), content: z.string() })).default([]),
  normalizer: Step,
  pre_tokenizer: Step,
  model: z.looseObject({
    type: z.string().default('BPE'),
    dropout: z.nullish(z.number()),
    ignore_merges: z.boolean().default(false),
    continuing_subword_prefix: z.nullish(z.string()),
    end_of_word_suffix: z.nullish(z.string()),
    vocab: z.unknown(),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  }),
});
type File = z.infer<typeof File>;

/** GPT-2's pattern as Hugging Face's files write it. */
const PATTERN_TEXT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** text: content of a tokenizer.json; file: its name, for errors. Throws DataError. */
export function parseTokenizer(text: string, file: string): Tokenizer {
  const refuse = (what: string): DataError =>
    new DataError(`${file}: ${what}`, "gpt reads its own tokenizers and byte-level BPE with GPT-2's pattern");
  const json = parseJson(text, refuse);
  const { model } = json;
  const isBpe = model.type === 'BPE' && !model.dropout && !model.ignore_merges;
  if (!isBpe || model.continuing_subword_prefix || model.end_of_word_suffix) {
    throw refuse(`the model is not a plain byte-level BPE (type ${model.type})`);
  }
  if (json.normalizer) throw refuse(`it has a normalizer (${json.normalizer.type})`);
  const ids = vocabulary(json, refuse);
  const eot = ids.get(END_OF_TEXT);
  if (eot === undefined) throw refuse(`it has no ${END_OF_TEXT} token`);

  const split = splitting(json.pre_tokenizer, refuse);
  if (split === 'none') return charTokenizer(ids, eot, json, refuse);
  if (split === 'pattern') return bpeTokenizer(ids, eot, json, refuse);
  const isByte = BYTE_SYMBOLS.every((symbol, b) => ids.get(symbol) === b) && eot === 256 && ids.size === 257;
  if (!isByte || model.merges.length > 0) throw refuse('its pre-tokenizer does not split the text by a pattern');
  return new ByteTokenizer();
}

type Refuse = (what: string) => DataError;

function parseJson(text: string, refuse: Refuse): File {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refuse(`not JSON: ${(error as Error).message}`);
  }
  const parsed = File.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw refuse(`not a tokenizer.json: ${issue.path.join('.')}: ${issue.message}`);
}

/** Token spelling -> id, added tokens included. */
function vocabulary({ model, added_tokens }: File, refuse: Refuse): Map<string, number> {
  if (typeof model.vocab !== 'object' || model.vocab === null) throw refuse('model.vocab is no object');
  const ids = new Map<string, number>();
  const tokens = new Map<number, string>();
  const all: [string, unknown][] = Object.entries(model.vocab);
  for (const token of added_tokens) all.push([token.content, token.id]);
  for (const [token, id] of all) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 2 ** 24) {
      throw refuse(`token ${JSON.stringify(token)} has the id ${String(id)}`);
    }
    const other = tokens.get(id);
    if (other !== undefined && other !== token) {
      throw refuse(`id ${id} belongs to two tokens, ${JSON.stringify(other)} and ${JSON.stringify(token)}`);
    }
    ids.set(token, id);
    tokens.set(id, token);
  }
  return ids;
}

const ByteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.literal(false),
  use_regex: z.boolean().default(true),
});
const SplitThenBytes = z.object({
  type: z.literal('Sequence'),
  pretokenizers: z.tuple([
    z.object({
      type: z.literal('Split'),
      pattern: z.object({ Regex: z.literal(PATTERN_TEXT) }),
      behavior: z.literal('Isolated'),
      invert: z.literal(false).default(false),
    }),
    ByteLevel.extend({ use_regex: z.literal(false) }),
  ]),
});

/** How text is split before the merges: by GPT-2's pattern, into bytes only, or not at all. */
function splitting(step: File['pre_tokenizer'], refuse: Refuse): 'pattern' | 'bytes' | 'none' {
  if (!step) return 'none';
  const byteLevel = ByteLevel.safeParse(step);
  if (byteLevel.success) return byteLevel.data.use_regex ? 'pattern' : 'bytes';
  if (SplitThenBytes.safeParse(step).success) return 'pattern';
  throw refuse(`its pre-tokenizer (${step.type}) is not GPT-2's`);
}

function charTokenizer(ids: Map<string, number>, eot: number, { model }: File, refuse: Refuse): CharTokenizer {
  const chars: number[] = [];
  for (const [token, id] of ids) {
    if (id === eot) continue;
    if ([...token].length !== 1)
      throw refuse(`${JSON.stringify(token)} is not one character, and it has no pre-tokenizer`);
    chars[id] = token.codePointAt(0)!;
  }
  if (model.merges.length > 0 || chars.length !== eot || chars.length !== ids.size - 1) {
    throw refuse('it has no pre-tokenizer and is not a character tokenizer of gpt');
  }
  return new CharTokenizer(chars);
}

function bpeTokenizer(ids: Map<string, number>, eot: number, json: File, refuse: Refuse): BpeTokenizer {
  const added = new Set(json.added_tokens.map((token) => token.id));
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  const tokens: (Uint8Array | undefined)[] = Array.from({ length: size });
  for (const [token, id] of ids) {
    const bytes = id === eot || added.has(id) ? Buffer.from(token) : bytesOfSymbols(token);
    if (!bytes) throw refuse(`${JSON.stringify(token)} is not spelled in GPT-2's stand-ins for bytes`);
    tokens[id] = bytes;
  }
  const merges = new MergeTable();
  for (const merge of json.model.merges) {
    const [left, right] = typeof merge === 'string' ? merge.split(' ') : merge;
    const a = ids.get(left ?? '');
    const b = ids.get(right ?? '');
    const result = ids.get(`${left}${right}`);
    if (a === undefined || b === undefined || result === undefined) {
      throw refuse(`the merge ${JSON.stringify(merge)} names a token that the vocabulary lacks`);
    }
    merges.add(a, b, result);
  }
  return new BpeTokenizer(tokens, merges, eot);
}
