// From a configuration, a tokenizer.json or OpenAI's files of GPT-1 to a Tokenizer.
//
// Read: the files that hf_json.ts writes, every byte-level BPE of Hugging Face's whose steps are known (hf_steps.ts), and
// GPT-1's (gpt1.ts). Anything else would give other ids than the model was trained with, so it is an error, never a guess.
// (Special tokens that a text spells out are ordinary characters to gpt, as "<|endoftext|>" is: hf_json.ts.)

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ConfigError, DataError } from '../base/errors.js';
import { diskError, readText } from '../base/files.js';
import { quoted, short } from '../base/format.js';
import { parseJson } from '../base/json.js';
import type { TokenizerConfig } from '../config/schema.js';
import { sectioning, standsOutside } from './added_tokens.js';
import { type BpeSteps, BpeTokenizer } from './bpe.js';
import { ByteTokenizer } from './byte.js';
import { BYTE_SYMBOLS, bytesOfSymbols } from './byte_symbols.js';
import { CharTokenizer, CharVocabulary } from './char.js';
import type { Gpt1Tokenizer } from './gpt1.js';
import { GPT1_MERGES, GPT1_VOCAB, gpt1FromHf, gpt1FromOpenAi } from './gpt1_files.js';
import { gpt2Tokenizer } from './gpt2.js';
import { endOfText, type HfFile, leftOut, mergeTable, parseHfFile, vocabularyIds } from './hf_file.js';
import { bytePieces, normalizerOf, type Refuse, type Step } from './hf_steps.js';
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
    case 'gpt1-bpe': {
      if (config.path === undefined) {
        throw new ConfigError(
          "tokenizer.type gpt1-bpe needs GPT-1's vocabulary of 40,478 tokens, which is not part of this package",
          `add --tokenizer.path FOLDER with OpenAI's ${GPT1_VOCAB} and ${GPT1_MERGES} or openai-gpt's tokenizer.json; or use --tokenizer.type gpt2-bpe (--model.vocab_size 50257)`,
        );
      }
      const tokenizer = await loadTokenizer(config.path);
      if (tokenizer.type === 'gpt1-bpe') return tokenizer;
      throw new DataError(
        `${config.path} is a ${tokenizer.type} tokenizer, and tokenizer.type is gpt1-bpe`,
        'use --tokenizer.type file for it',
      );
    }
  }
}

/**
 * Reads a tokenizer.json, the one in a checkpoint folder, or a folder with OpenAI's two files of GPT-1. A
 * tokenizer_config.json or special_tokens_map.json beside it says which token ends a text. Throws DataError.
 */
export async function loadTokenizer(dirOrFile: string): Promise<Tokenizer> {
  let file = dirOrFile;
  try {
    if (statSync(file).isDirectory()) file = join(file, 'tokenizer.json');
    statSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw diskError('read', file, error);
    if (file !== dirOrFile && existsSync(join(dirOrFile, GPT1_VOCAB))) return loadOpenAi(dirOrFile);
    const fix =
      file === dirOrFile
        ? 'give a tokenizer.json or a folder that holds one'
        : "text needs a tokenizer: put the model's tokenizer.json there";
    throw new DataError(`${file}: there is no such file`, fix);
  }
  return parseTokenizer(readText(file), file, endOfTextBeside(file));
}

function loadOpenAi(folder: string): Gpt1Tokenizer {
  const [vocab, merges] = [join(folder, GPT1_VOCAB), join(folder, GPT1_MERGES)];
  return gpt1FromOpenAi({ file: vocab, text: readText(vocab) }, { file: merges, text: readText(merges) });
}

const Named = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const Beside = z.looseObject({ eos_token: Named });

/** eos_token of the files that transformers writes beside a tokenizer.json; undefined where none says. */
export function endOfTextBeside(file: string): string | undefined {
  for (const name of ['tokenizer_config.json', 'special_tokens_map.json']) {
    const path = join(dirname(file), name);
    if (!existsSync(path)) continue;
    const json = parseJson(
      readText(path),
      (message) => new DataError(`${path}: not JSON: ${message}`, 'repair it, or remove it'),
    );
    const parsed = Beside.safeParse(json);
    if (parsed.success) return parsed.data.eos_token;
  }
  return undefined;
}

/** GPT-2's pattern as Hugging Face's files write it. */
const PATTERN_TEXT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * text: content of a tokenizer.json; file: its name, for errors; eosToken: name of end-of-text, where something beside the
 * file says it. A tokenizer's own toJson() needs no such help. Throws DataError.
 */
export function parseTokenizer(text: string, file: string, eosToken?: string): Tokenizer {
  const refuse = (what: string): DataError =>
    new DataError(`${file}: ${what}`, "gpt reads its own tokenizers, byte-level BPE and GPT-1's: docs/tokenizers.md");
  const json = parseHfFile(text, refuse);
  const { model } = json;
  if (model.type === 'BPE' && model.end_of_word_suffix === '</w>') return gpt1FromHf(json, refuse);
  if (model.type !== 'BPE' || model.dropout || model.continuing_subword_prefix || model.end_of_word_suffix) {
    throw refuse(`the model is not a plain byte-level BPE (type ${short(model.type)})`);
  }
  const ids = vocabularyIds(json, refuse);
  const eot = endOfText(json, ids, eosToken, refuse);
  const split = splitting(json.pre_tokenizer);
  if (split === 'none') return charTokenizer(ids, eot, json, refuse);
  const isByte = split === 'bytes' && ids.size === 257 && ids.get(END_OF_TEXT) === 256 && model.merges.length === 0;
  if (isByte && BYTE_SYMBOLS.every((symbol, b) => ids.get(symbol) === b)) return new ByteTokenizer();
  return bpeTokenizer(ids, eot, json, refuse);
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

/** How text is split before the merges: by GPT-2's pattern, into bytes only, not at all, or otherwise. */
function splitting(step: HfFile['pre_tokenizer']): 'pattern' | 'bytes' | 'none' | 'other' {
  if (!step) return 'none';
  const byteLevel = ByteLevel.safeParse(step);
  if (byteLevel.success) return byteLevel.data.use_regex ? 'pattern' : 'bytes';
  return SplitThenBytes.safeParse(step).success ? 'pattern' : 'other';
}

function charTokenizer(ids: Map<string, number>, endOfText: string, json: HfFile, refuse: Refuse): CharTokenizer {
  const eot = ids.get(END_OF_TEXT);
  if (json.normalizer) throw refuse(`it has a normalizer (${short(json.normalizer.type)}) and no pre-tokenizer`);
  const chars: number[] = [];
  for (const [token, id] of ids) {
    if (id === eot) continue;
    // The pattern stands for one code point, which is no half of a surrogate pair.
    if (!/^\P{Surrogate}$/su.test(token)) {
      throw refuse(`${quoted(token)} is not one character, and it has no pre-tokenizer`);
    }
    chars[id] = token.codePointAt(0)!;
  }
  if (
    json.model.merges.length > 0 ||
    endOfText !== END_OF_TEXT ||
    eot === 0 ||
    chars.length !== eot ||
    chars.length !== ids.size - 1
  ) {
    throw refuse('it has no pre-tokenizer and is not a character tokenizer of gpt');
  }
  return new CharTokenizer(chars);
}

function bpeTokenizer(ids: Map<string, number>, endOfText: string, json: HfFile, refuse: Refuse): BpeTokenizer {
  const eot = ids.get(endOfText)!;
  const outside = new Set([eot, ...json.added_tokens.filter(standsOutside).map((token) => token.id)]);
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  const tokens: (Uint8Array | undefined)[] = Array.from({ length: size });
  for (const [token, id] of ids) {
    const bytes = outside.has(id) ? Buffer.from(token) : bytesOfSymbols(token);
    if (!bytes) throw refuse(`${quoted(token)} is not spelled in GPT-2's stand-ins for bytes`);
    tokens[id] = bytes;
  }
  const merges = mergeTable(ids, outside, json.model.merges, refuse);
  const steps = bpeSteps(json, eot, refuse);
  const form = {
    endOfText,
    added: json.added_tokens,
    normalizer: json.normalizer ?? null,
    preTokenizer: steps ? json.pre_tokenizer! : null,
    ignoreMerges: json.model.ignore_merges,
  };
  try {
    return new BpeTokenizer(tokens, merges, eot, form, steps, leftOut(json));
  } catch (error) {
    throw error instanceof DataError ? refuse(error.message) : error;
  }
}

/** undefined: GPT-2's pattern and nothing else. */
function bpeSteps(
  { normalizer, pre_tokenizer, added_tokens }: HfFile,
  eot: number,
  refuse: Refuse,
): BpeSteps | undefined {
  const found = added_tokens.filter((token) => !token.special && token.id !== eot);
  if (!normalizer && found.length === 0 && splitting(pre_tokenizer) === 'pattern') return undefined;
  const normalize = normalizer ? normalizerOf(normalizer, refuse) : undefined;
  return { ...bytePieces(pre_tokenizer as Step, refuse), sections: sectioning(found, normalize, refuse) };
}
