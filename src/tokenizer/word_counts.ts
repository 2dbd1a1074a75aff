// How often each word (piece of GPT-2's pattern) occurs in a corpus: all that byte pair training needs to know of it.
// Memory grows with the different words, not with the length of the corpus.

import { DataError } from '../base/errors.js';
import { pieceEnd } from './pieces.js';

const MOST_WORDS = 2 ** 24 - 1; // what a Map of V8 holds
const SLICED = 13; // V8 makes a substring of so many units a view of the whole text, which it would keep alive

/** Words and their counts, of texts that come one after the other. No word reaches from one text into the next. */
export class WordCounts {
  readonly #counts = new Map<string, number>();
  #total = 0;
  #bytes = 0;

  /** Counts the words of a text, or of a part of one that was cut before white space. Throws DataError beyond 2^24 words. */
  add(text: string): void {
    const counts = this.#counts;
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      const word = text.slice(start, end);
      start = end;
      this.#total++;
      const count = counts.get(word);
      if (count !== undefined) counts.set(word, count + 1);
      else if (counts.size < MOST_WORDS) counts.set(word.length < SLICED ? word : copy(word), 1);
      else throw new DataError('the corpus has more than 16 million different words', 'train on a part of it');
    }
    this.#bytes += Buffer.byteLength(text);
  }

  /** Words of all texts. */
  get total(): number {
    return this.#total;
  }

  /** UTF-8 bytes of all texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Different words. */
  get distinct(): number {
    return this.#counts.size;
  }

  [Symbol.iterator](): Iterator<[word: string, count: number]> {
    return this.#counts[Symbol.iterator]();
  }
}

const copy = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le');
