// tokenizer.json, the one-file format of Hugging Face's `tokenizers`, for our three kinds of vocabulary.
//
//   bpe        model BPE, pre-tokenizer and decoder ByteLevel: exactly the file of the hub's "gpt2"; one that was read with
//              steps of its own (HfForm) has them again, but for a post-processor that adds tokens
//   byte       the same without merges and without the pattern; the stand-in of byte b has id b
//   char       model BPE without merges over characters, no pre-tokenizer, decoder Fuse
//   gpt1-bpe   model BPE with </w>, BERT's rules for words: the file of the hub's "openai-gpt"
//
// End-of-text is a special added token in each; where its name is not <|endoftext|>, a key of gpt's marks it, which Hugging
// Face ignores. (Hugging Face's encode() recognises "<|endoftext|>" in a text unless told otherwise; ours never does.)
// Read in load.ts.

import { createHash } from 'node:crypto';
import { BYTE_SYMBOLS } from './byte_symbols.js';
import type { AddedToken } from './hf_file.js';
import type { Step } from './hf_steps.js';
import { END_OF_TEXT } from './tokenizer.js';

/** sha256 (hex) over a kind and the lines that spell its vocabulary. */
export function vocabularyHash(kind: string, lines: Iterable<string>): string {
  const hash = createHash('sha256');
  let batch = `${kind}\n`;
  for (const line of lines) {
    batch += `${line.length}:${line}\n`;
    if (batch.length > 65_536) {
      hash.update(batch);
      batch = '';
    }
  }
  return hash.update(batch).digest('hex');
}

/** What a byte-level BPE has beside its vocabulary, as its file says it. */
export interface HfForm {
  /** The name of end-of-text. */
  readonly endOfText: string;
  readonly added: readonly AddedToken[];
  readonly normalizer: Step | null;
  /** null: GPT-2's. */
  readonly preTokenizer: Step | null;
  /** A piece that is a token stays whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
}

/** GPT-2's. */
export const GPT2_FORM: HfForm = {
  endOfText: END_OF_TEXT,
  added: [],
  normalizer: null,
  preTokenizer: null,
  ignoreMerges: false,
};

/** tokens: spelling of each id in stand-ins, undefined where an id has none; merges: "left right" by rank. */
export function bpeJson(
  tokens: readonly (string | undefined)[],
  merges: readonly string[],
  eot: number,
  form: HfForm = GPT2_FORM,
): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return tokenizerJson(tokens, merges, {
    added_tokens: addedTokens(form, eot),
    normalizer: form.normalizer,
    pre_tokenizer: form.preTokenizer ?? byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
    ...(form.ignoreMerges ? { model: { ignore_merges: true } } : {}),
  });
}

function addedTokens({ added, endOfText }: HfForm, eot: number): object[] {
  const mark = endOfText === END_OF_TEXT ? {} : { end_of_text: true };
  const own = added.map((token) => (token.id === eot ? { ...token, ...mark } : token));
  return added.some((token) => token.id === eot) ? own : [...own, { ...special(eot, endOfText), ...mark }];
}

const special = (id: number, content: string) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
});

export function byteJson(): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return tokenizerJson([...BYTE_SYMBOLS, END_OF_TEXT], [], {
    added_tokens: [special(256, END_OF_TEXT)],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
  });
}

/** chars: the character of each id. */
export function charJson(chars: readonly string[]): string {
  return tokenizerJson([...chars, END_OF_TEXT], [], {
    added_tokens: [special(chars.length, END_OF_TEXT)],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Fuse' },
  });
}

/** tokens: spelling of each id, word ends as </w>; unknown: the name of the token that stands for what is not there. */
export function gpt1Json(
  tokens: readonly (string | undefined)[],
  merges: readonly string[],
  { unknown, added, normalizer, preTokenizer }: Gpt1Form,
): string {
  return tokenizerJson(tokens, merges, {
    added_tokens: [...added],
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: 'BPEDecoder', suffix: '</w>' },
    model: { unk_token: unknown, end_of_word_suffix: '</w>' },
  });
}

/** What a GPT-1 tokenizer has beside its vocabulary, as its file says it. */
export interface Gpt1Form {
  readonly unknown: string;
  readonly added: readonly AddedToken[];
  readonly normalizer: Step | null;
  readonly preTokenizer: Step;
}

interface Steps {
  readonly added_tokens: object[];
  readonly normalizer: object | null;
  readonly pre_tokenizer: object | null;
  readonly post_processor: object | null;
  readonly decoder: object;
  /** Keys that differ from GPT-2's. */
  readonly model?: Readonly<Record<string, string | boolean>>;
}

function tokenizerJson(
  tokens: readonly (string | undefined)[],
  merges: readonly string[],
  { model: own = {}, ...steps }: Steps,
): string {
  const head = { version: '1.0', truncation: null, padding: null, ...steps };
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    byte_fallback: false,
    ...own,
  };
  // The vocabulary is spelled by hand: as a JavaScript object it would be reordered ("7" before "a") and lose "__proto__".
  const vocab = tokens.flatMap((token, id) => (token === undefined ? [] : `${JSON.stringify(token)}:${id}`));
  const rest = `"vocab":{${vocab.join(',')}},"merges":${JSON.stringify(merges)}`;
  return `${JSON.stringify(head).slice(0, -1)},"model":${JSON.stringify(model).slice(0, -1)},${rest}}}\n`;
}
