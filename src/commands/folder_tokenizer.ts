// The tokenizer of a Hugging Face folder: its files as they are, for another folder.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { readText } from '../base/files.js';
import { isRecord, parseJson } from '../base/json.js';
import { hfTokenizerFiles } from '../tokenizer/hf_files.js';
import { bpeJson } from '../tokenizer/hf_json.js';
import { endOfTextBeside, parseTokenizer } from '../tokenizer/load.js';
import { END_OF_TEXT, type Tokenizer } from '../tokenizer/tokenizer.js';

/** Whatever of these a folder has goes along. */
export const TOKENIZER_FILES = [
  ...['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'],
  ...['vocab.json', 'merges.txt'],
];

interface TokenizerOfFolder {
  /** null: there is none, or one that gpt cannot read. */
  readonly tokenizer: Tokenizer | null;
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * The tokenizer's files of a folder as they are, and where they are missing those that transformers wants. GPT-2's two
 * files alone (vocab.json, merges.txt) become a tokenizer.json. Throws DataError where these are damaged.
 */
export function tokenizerOfFolder(dir: string, n_ctx: number): TokenizerOfFolder {
  const files = new Map(
    TOKENIZER_FILES.filter((name) => existsSync(join(dir, name))).map((name) => [name, readText(join(dir, name))]),
  );
  const json = files.get('tokenizer.json') ?? fromTwoFiles(dir, files);
  if (json === undefined) return { tokenizer: null, files, notes: [`${dir} has no tokenizer.json`] };
  try {
    const file = join(dir, 'tokenizer.json');
    const tokenizer = parseTokenizer(json, file, files.has('tokenizer.json') ? endOfTextBeside(file) : undefined);
    const { notes = [] } = tokenizer;
    const own = new Map([...files].filter(([name]) => files.has('tokenizer.json') || !MADE_ANEW.has(name)));
    return {
      tokenizer,
      files: new Map([...hfTokenizerFiles(tokenizer, n_ctx), ...own]),
      notes: notes.map((note) => `tokenizer.json: ${note}`),
    };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { tokenizer: null, files, notes: [`the tokenizer was copied unread: ${error.message}`] };
  }
}

/** Without a tokenizer.json, tokenizer_config.json may name a class that needs more than the two files. */
const MADE_ANEW = new Set(['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json']);

/** tokenizer.json of a byte-level BPE whose merges are in a file of their own; undefined where there is none. */
function fromTwoFiles(dir: string, files: ReadonlyMap<string, string>): string | undefined {
  const [vocabText, mergesText] = [files.get('vocab.json'), files.get('merges.txt')];
  if (vocabText === undefined || mergesText === undefined) return undefined;
  const file = join(dir, 'vocab.json');
  const refuse = (what: string) => new DataError(`${file} ${what}`, 'copy or download the folder again');
  const vocab = parseJson(vocabText, (message) => refuse(`is no JSON: ${message}`));
  const eot = isRecord(vocab) ? vocab[END_OF_TEXT] : undefined;
  if (!isRecord(vocab) || typeof eot !== 'number') return undefined; // GPT-1's has no end-of-text
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(vocab)) {
    if (typeof id !== 'number' || !(id >= 0 && id < 2 ** 24)) throw refuse(`has a token without an id`);
    tokens[id] = token;
  }
  const lines = mergesText.split(/\r?\n/).filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  return bpeJson(tokens, lines, eot);
}
