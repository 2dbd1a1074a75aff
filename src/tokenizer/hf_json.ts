// tokenizer.json, the one-file format of Hugging Face's `tokenizers`, for our three kinds of vocabulary.
//
//   bpe    model BPE, pre-tokenizer and decoder ByteLevel: exactly the file of the hub's "gpt2"
//   byte   the same without merges and without the pattern; the stand-in of byte b has id b
//   char   model BPE without merges over characters, no pre-tokenizer, decoder Fuse
//
// End-of-text is a special added token in each. (Hugging Face's encode() recognises "<|endoftext|>" in a text unless
// told otherwise; ours never does.) Read in load.ts.

import { createHash } from 'node:crypto';
import { BYTE_SYMBOLS } from './byte_symbols.js';
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

/** tokens: spelling of each id in stand-ins, undefined where an id has none; merges: "left right" by rank. */
export function bpeJson(tokens: readonly (string | undefined)[], merges: readonly string[], eot: number): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return tokenizerJson(tokens, merges, eot, {
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
  });
}

export function byteJson(): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return tokenizerJson([...BYTE_SYMBOLS, END_OF_TEXT], [], 256, {
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
  });
}

/** chars: the character of each id. */
export function charJson(chars: readonly string[]): string {
  return tokenizerJson([...chars, END_OF_TEXT], [], chars.length, {
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Fuse' },
  });
}

function tokenizerJson(
  tokens: readonly (string | undefined)[],
  merges: readonly string[],
  eot: number,
  steps: { pre_tokenizer: object | null; post_processor: object | null; decoder: object },
): string {
  const added = { id: eot, content: END_OF_TEXT, single_word: false, lstrip: false, rstrip: false };
  const head = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ ...added, normalized: false, special: true }],
    normalizer: null,
    ...steps,
  };
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    byte_fallback: false,
  };
  // The vocabulary is spelled by hand: as a JavaScript object it would be reordered ("7" before "a") and lose "__proto__".
  const vocab = tokens.flatMap((token, id) => (token === undefined ? [] : `${JSON.stringify(token)}:${id}`));
  const rest = `"vocab":{${vocab.join(',')}},"merges":${JSON.stringify(merges)}`;
  return `${JSON.stringify(head).slice(0, -1)},"model":${JSON.stringify(model).slice(0, -1)},${rest}}}\n`;
}
