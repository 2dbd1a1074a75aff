// What the report tells of a run's text beside its sizes: files with their hashes, the tokens that occur most, and the
// words of the held-out part, for perplexity per word.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { StartEvent } from '../base/events.js';
import { printable } from '../base/format.js';
import { findFiles } from '../data/files.js';
import { textOf } from '../data/overlap.js';
import type { TokenSource } from '../data/token_file.js';
import { END_OF_TEXT, type Tokenizer } from '../tokenizer/tokenizer.js';

const LISTED = 100; //             files
const HASHED_BYTES = 64 << 20; //  of all files together
const COUNTED = 2_000_000; //      tokens, as for the n-gram models
const COMMON = 20; //              tokens
const MOST_WORDS_OF = 1_000_000; // tokens of held-out text

type Facts = Pick<StartEvent['data'], 'list' | 'common' | 'val_words'>;

/** `paths`: of data.path and data.val_path. Throws DataError for a token outside the vocabulary. */
export function dataFacts(
  paths: readonly string[],
  { train, val, tokenizer }: { train: TokenSource; val: TokenSource; tokenizer: Tokenizer },
): Facts {
  return {
    list: filesOf(paths),
    common: commonTokens(train, tokenizer),
    ...(val.length > MOST_WORDS_OF || val.bytes === null ? {} : { val_words: wordsOf(val, tokenizer) }),
  };
}

/** Hashed until they are HASHED_BYTES together: a log must not wait for a corpus to be read once more. */
function filesOf(paths: readonly string[]): NonNullable<Facts['list']> {
  let left = HASHED_BYTES;
  return findFiles(paths)
    .slice(0, LISTED)
    .map((file) => {
      const bytes = statSync(file).size;
      left -= bytes;
      if (left < 0) return { file, bytes };
      return { file, bytes, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
    });
}

/** The most frequent first, of equally frequent ones the lower id. */
export function commonTokens(train: TokenSource, tokenizer: Tokenizer): NonNullable<Facts['common']> {
  const counts = new Float64Array(tokenizer.vocabSize);
  for (const id of train.read(0, Math.min(train.length, COUNTED))) counts[id]! += 1;
  return [...counts.entries()]
    .filter(([, count]) => count > 0)
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, COMMON)
    .map(([id, count]) => ({ token: nameOf(id, tokenizer), count }));
}

/** A token that is no text of its own, such as half a character, is named by its number. */
function nameOf(id: number, tokenizer: Tokenizer): string {
  if (id === tokenizer.eot) return END_OF_TEXT;
  const text = tokenizer.decode([id]);
  return text === '' || printable(text).includes('\ufffd') ? `#${id}` : text;
}

/** What blanks separate; end-of-text is no word. */
export function wordsOf(source: TokenSource, tokenizer: Tokenizer): number {
  let words = 0;
  let rest = '';
  for (const chunk of textOf(source, tokenizer)) {
    const text = (rest + chunk).replaceAll(END_OF_TEXT, ' ');
    const parts = text.split(/\s+/u);
    rest = parts.pop()!; // it may go on
    words += parts.filter((part) => part !== '').length;
  }
  return words + (rest === '' ? 0 : 1);
}
