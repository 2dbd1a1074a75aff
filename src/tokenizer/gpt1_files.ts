// GPT-1's vocabulary from files.
//
//   encoder_bpe_40000.json, vocab_40000.bpe    OpenAI's (openai/finetune-transformer-lm, folder model): token -> id, and
//                                              "#version: 0.2" and a merge a line. Words by OpenAI's rules: gpt1_words.ts
//   tokenizer.json                             Hugging Face's of openai-gpt: words by the steps that it names, which are
//                                              BERT's (bert.ts). Not the same rules, so not the same ids: "don't" is do n't
//                                              to OpenAI, don ' t to Hugging Face, and BERT's lose line ends
//
// OpenAI's rules cannot be said in a tokenizer.json. What a checkpoint gets has Hugging Face's steps, for programs that know
// no others, and a key on the pre-tokenizer that tells gpt to take OpenAI's.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import { quoted, short } from '../base/format.js';
import { parseJson } from '../base/json.js';
import { bertWords } from './bert.js';
import { Gpt1Tokenizer, type WordRules } from './gpt1.js';
import { cleanedAsOpenAi, wordsAsOpenAi } from './gpt1_words.js';
import { type HfFile, leftOut, mergeTable, vocabularyIds } from './hf_file.js';
import type { Gpt1Form } from './hf_json.js';
import { normalizerOf, type Refuse } from './hf_steps.js';

/** Names of OpenAI's files. */
export const GPT1_VOCAB = 'encoder_bpe_40000.json';
export const GPT1_MERGES = 'vocab_40000.bpe';

const UNKNOWN = '<unk>';

const OPENAI: WordRules = { clean: cleanedAsOpenAi, chunk: /\n|\P{White_Space}+/gu, words: wordsAsOpenAi };

const OPENAI_FORM: Gpt1Form = {
  unknown: UNKNOWN,
  added: [
    { id: 0, content: UNKNOWN, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  preTokenizer: { type: 'BertPreTokenizer', cleaning: 'openai' },
};

/** A file and its content. */
export interface Read {
  readonly file: string;
  readonly text: string;
}

/** OpenAI's two files. Throws DataError. */
export function gpt1FromOpenAi(vocab: Read, merges: Read): Gpt1Tokenizer {
  const fix = "give OpenAI's files as they are, or a tokenizer.json";
  const refuse = (what: string): DataError => new DataError(`${vocab.file}: ${what}`, fix);
  const parsed = z.looseObject({}).safeParse(parseJson(vocab.text, (message) => refuse(`not JSON: ${short(message)}`)));
  if (!parsed.success) throw refuse('not a vocabulary: token -> id');
  const ids = vocabularyIds({ model: { vocab: parsed.data }, added_tokens: [] }, refuse);
  if (ids.get(UNKNOWN) !== 0) throw refuse(`it has no ${UNKNOWN} with the id 0`);
  const [version, ...lines] = merges.text.split(/\r?\n/);
  const refuseMerges = (what: string): DataError => new DataError(`${merges.file}: ${what}`, fix);
  if (!version?.startsWith('#version')) throw refuseMerges('its first line is not #version: 0.2');
  if (lines.at(-1) === '') lines.pop();
  const table = mergeTable(ids, new Set([0]), lines, refuseMerges);
  return new Gpt1Tokenizer(tokensOf(ids), table, OPENAI_FORM, OPENAI);
}

/** A tokenizer.json whose word ends are </w>. Throws what refuse makes. */
export function gpt1FromHf(json: HfFile, refuse: Refuse): Gpt1Tokenizer {
  const { model, added_tokens, normalizer, pre_tokenizer } = json;
  const unknown = model.unk_token;
  if (
    model.dropout ||
    model.ignore_merges ||
    model.fuse_unk ||
    model.byte_fallback ||
    model.continuing_subword_prefix
  ) {
    throw refuse("the model is not a BPE as GPT-1's: it has dropout, fuse_unk, byte_fallback or the like");
  }
  const found = added_tokens.find((token) => !token.special);
  if (found) throw refuse(`the added token ${quoted(found.content)} is not special: texts would hold it`);
  const ids = vocabularyIds(json, refuse);
  if (!unknown || !ids.has(unknown)) throw refuse('it has no unk_token for characters that the vocabulary lacks');
  if (pre_tokenizer?.type !== 'BertPreTokenizer') {
    const type = pre_tokenizer ? short(pre_tokenizer.type) : 'none';
    throw refuse(`its words end in </w>, and its pre-tokenizer is not BertPreTokenizer (${type})`);
  }
  const table = mergeTable(ids, new Set([ids.get(unknown)!]), model.merges, refuse);
  const form = { unknown, added: added_tokens, normalizer: normalizer ?? null, preTokenizer: pre_tokenizer };
  const clean = normalizer ? normalizerOf(normalizer, refuse) : (text: string) => text;
  const rules =
    pre_tokenizer['cleaning'] === 'openai' ? OPENAI : { clean, chunk: /\P{White_Space}+/gu, words: bertWords };
  return new Gpt1Tokenizer(tokensOf(ids), table, form, rules, leftOut(json));
}

function tokensOf(ids: ReadonlyMap<string, number>): (string | undefined)[] {
  const tokens: (string | undefined)[] = Array.from({ length: Math.max(...ids.values()) + 1 });
  for (const [token, id] of ids) tokens[id] = token;
  return tokens;
}
