// From a configuration or a tokenizer.json to a Tokenizer.
//
// Read: the files that hf_json.ts writes, and every byte-level BPE of Hugging Face's with GPT-2's pattern. Anything else
// would give other ids than the model was trained with, so it is an error, never a guess. (Special tokens that a text
// spells out are ordinary characters to gpt, as "<|endoftext|>" is: hf_json.ts.)

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, DataError } from '../base/errors.js';
import { diskError, readText } from '../base/files.js';
import { printable, quoted, short } from '../base/format.js';
import { parseJson } from '../base/json.js';
import type { TokenizerConfig } from '../config/schema.js';
import { BpeTokenizer } from './bpe.js';
import { ByteTokenizer } from './byte.js';
import { BYTE_SYMBOLS, bytesOfSymbols, symbolsOf } from './byte_symbols.js';
import { CharTokenizer, CharVocabulary } from './char.js';
import { gpt2Tokenizer } from './gpt2.js';
import { MergeTable, MOST_MERGES } from './merge.js';
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
  try {
    if (statSync(file).isDirectory()) file = join(file, 'tokenizer.json');
    statSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw diskError('read', file, error);
    const fix =
      file === dirOrFile
        ? 'give a tokenizer.json or a folder that holds one'
        : "text needs a tokenizer: put the model's tokenizer.json there";
    throw new DataError(`${file}: there is no such file`, fix);
  }
  return parseTokenizer(readText(file), file);
}

const Step = z.nullish(z.looseObject({ type: z.string() }));
const AddedToken = z.looseObject({ id: z.int().min(0), content: z.string(), special: z.boolean().default(false) });
const File = z.looseObject({
  truncation: z.unknown(),
  padding: z.unknown(),
  added_tokens: z.array(AddedToken).default([]),
  normalizer: Step,
  pre_tokenizer: Step,
  post_processor: Step,
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
  const json = parseFile(text, refuse);
  const { model } = json;
  if (model.end_of_word_suffix === '</w>') {
    throw new DataError(
      `${file} is a tokenizer of GPT-1's kind (lower case, words that end in </w>), which gpt does not read yet`,
      'commands that need no text, such as gpt export, take the folder as it is',
    );
  }
  const isBpe = model.type === 'BPE' && !model.dropout && !model.ignore_merges;
  if (!isBpe || model.continuing_subword_prefix || model.end_of_word_suffix) {
    throw refuse(`the model is not a plain byte-level BPE (type ${short(model.type)})`);
  }
  if (json.normalizer) throw refuse(`it has a normalizer (${short(json.normalizer.type)})`);
  const ids = vocabulary(json, refuse);
  const eot = ids.get(END_OF_TEXT);
  if (eot === undefined) throw refuse(`it has no ${END_OF_TEXT} token`);
  const ordinary = json.added_tokens.find((token) => !token.special);
  if (ordinary) throw refuse(`the added token ${quoted(ordinary.content)} is not special: texts would hold it`);
  const { truncation, padding, post_processor } = json;
  if (truncation || padding) throw refuse(`it has a ${truncation ? 'truncation' : 'padding'}`);
  if (post_processor && !AddsNothing.safeParse(post_processor).success) {
    throw refuse(`its post-processor (${short(post_processor.type)}) adds tokens to a text`);
  }

  const split = splitting(json.pre_tokenizer, refuse);
  if (split === 'none') return charTokenizer(ids, eot, json, refuse);
  if (split === 'pattern') return bpeTokenizer(ids, eot, json, refuse);
  const isByte = BYTE_SYMBOLS.every((symbol, b) => ids.get(symbol) === b) && eot === 256 && ids.size === 257;
  if (!isByte || model.merges.length > 0) throw refuse('its pre-tokenizer does not split the text by a pattern');
  return new ByteTokenizer();
}

type Refuse = (what: string) => DataError;

function parseFile(text: string, refuse: Refuse): File {
  const parsed = File.safeParse(parseJson(text, (message) => refuse(`not JSON: ${printable(message)}`)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw refuse(`not a tokenizer.json: ${short(issue.path.join('.'))}: ${issue.message}`);
}

/** Token spelling -> id, added tokens included. */
function vocabulary({ model, added_tokens }: File, refuse: Refuse): Map<string, number> {
  if (typeof model.vocab !== 'object' || model.vocab === null) throw refuse('model.vocab is no object');
  const ids = new Map<string, number>();
  const tokens = new Map<number, string>();
  const all: [string, unknown][] = Object.entries(model.vocab);
  for (const token of added_tokens) all.push([token.content, token.id]);
  // Ids index tables. Some vocabularies have gaps, but a few kilobytes must not ask for gigabytes.
  const limit = 2 * all.length + 1024;
  for (const [token, id] of all) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= limit) {
      throw refuse(`token ${quoted(token)} has the id ${quoted(id)}, with ${all.length} tokens in all`);
    }
    const other = tokens.get(id);
    if (other !== undefined && other !== token) {
      throw refuse(`id ${id} belongs to two tokens, ${quoted(other)} and ${quoted(token)}`);
    }
    if ((ids.get(token) ?? id) !== id) throw refuse(`${quoted(token)} has two ids, ${ids.get(token)} and ${id}`);
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

const NoTokens = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ByteLevel') }), // offsets only
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z.array(z.strictObject({ Sequence: z.looseObject({}) })),
  }),
]);
const AddsNothing = z.union([NoTokens, z.object({ type: z.literal('Sequence'), processors: z.array(NoTokens) })]);

/** How text is split before the merges: by GPT-2's pattern, into bytes only, or not at all. */
function splitting(step: File['pre_tokenizer'], refuse: Refuse): 'pattern' | 'bytes' | 'none' {
  if (!step) return 'none';
  const byteLevel = ByteLevel.safeParse(step);
  if (byteLevel.success) return byteLevel.data.use_regex ? 'pattern' : 'bytes';
  if (SplitThenBytes.safeParse(step).success) return 'pattern';
  throw refuse(`its pre-tokenizer (${short(step.type)}) is not GPT-2's`);
}

function charTokenizer(ids: Map<string, number>, eot: number, { model }: File, refuse: Refuse): CharTokenizer {
  const chars: number[] = [];
  for (const [token, id] of ids) {
    if (id === eot) continue;
    // The pattern stands for one code point, which is no half of a surrogate pair.
    if (!/^\P{Surrogate}$/su.test(token)) {
      throw refuse(`${quoted(token)} is not one character, and it has no pre-tokenizer`);
    }
    chars[id] = token.codePointAt(0)!;
  }
  if (model.merges.length > 0 || eot === 0 || chars.length !== eot || chars.length !== ids.size - 1) {
    throw refuse('it has no pre-tokenizer and is not a character tokenizer of gpt');
  }
  return new CharTokenizer(chars);
}

function bpeTokenizer(ids: Map<string, number>, eot: number, json: File, refuse: Refuse): BpeTokenizer {
  const added = new Set([eot, ...json.added_tokens.map((token) => token.id)]);
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  const tokens: (Uint8Array | undefined)[] = Array.from({ length: size });
  for (const [token, id] of ids) {
    const bytes = added.has(id) ? Buffer.from(token) : bytesOfSymbols(token);
    if (!bytes) throw refuse(`${quoted(token)} is not spelled in GPT-2's stand-ins for bytes`);
    const other = symbolsOf(bytes);
    if (added.has(id) && other !== token && ids.has(other)) {
      throw refuse(`the added token ${quoted(token)} has the same bytes as ${quoted(other)}`);
    }
    tokens[id] = bytes;
  }
  try {
    return new BpeTokenizer(tokens, mergeTable(ids, added, json, refuse), eot);
  } catch (error) {
    throw error instanceof DataError ? refuse(error.message) : error;
  }
}

function mergeTable(ids: Map<string, number>, added: Set<number>, { model }: File, refuse: Refuse): MergeTable {
  if (model.merges.length > MOST_MERGES) throw refuse(`it has ${model.merges.length} merges, more than ${MOST_MERGES}`);
  const merges = new MergeTable();
  for (const merge of model.merges) {
    const [left = '', right = '', ...more] = typeof merge === 'string' ? merge.split(' ') : merge;
    const a = ids.get(left);
    const b = ids.get(right);
    const result = ids.get(left + right);
    if (a === undefined || b === undefined || result === undefined || more.length > 0) {
      throw refuse(`the merge ${quoted(merge)} names a token that the vocabulary lacks`);
    }
    // An added token stands for no text: a document that spelled one out could forge its own end.
    if (added.has(result)) throw refuse(`the merge ${quoted(merge)} makes an added token`);
    if (merges.rank(a, b) >= 0) throw refuse(`the merge ${quoted(merge)} is given twice`);
    merges.add(a, b, result);
  }
  return merges;
}
