// The character tokenizer: a token is a Unicode code point of the corpus, ids in the order of code points (as Python's
// sorted(set(text)) in nanoGPT), end-of-text last. Text with a character that the corpus lacks cannot be encoded.

import { DataError } from '../base/errors.js';
import { charJson, vocabularyHash } from './hf_json.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';

/** Collects the characters of a corpus that arrives in chunks. A chunk must not end inside a surrogate pair. */
export class CharVocabulary {
  readonly #seen = new Set<number>();

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const c = codePoint(text, i);
      this.#seen.add(c);
      if (c > 0xffff) i++;
    }
  }

  /** Throws DataError when no character was added. */
  tokenizer(): CharTokenizer {
    return new CharTokenizer([...this.#seen].sort((a, b) => a - b));
  }
}

/** Code point at i; a lone surrogate, which UTF-8 cannot hold, counts as U+FFFD. */
function codePoint(text: string, i: number): number {
  const c = text.codePointAt(i)!;
  return c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
}

export class CharTokenizer implements Tokenizer {
  readonly type = 'char';
  readonly vocabSize: number;
  readonly eot: number;
  readonly fingerprint: string;
  readonly #chars: readonly string[];
  readonly #ids: ReadonlyMap<number, number>;

  /** codePoints: id i is the character codePoints[i]; end-of-text follows. Throws DataError when there are none. */
  constructor(codePoints: readonly number[]) {
    if (codePoints.length === 0) {
      throw new DataError(
        'the character tokenizer found no character in the corpus',
        'give it a text that is not empty',
      );
    }
    this.#chars = codePoints.map((c) => String.fromCodePoint(c));
    this.#ids = new Map(codePoints.map((c, id) => [c, id]));
    this.eot = codePoints.length;
    this.vocabSize = codePoints.length + 1;
    this.fingerprint = vocabularyHash('char', this.#chars);
  }

  encode(text: string): Int32Array {
    const ids = new Int32Array(text.length);
    let n = 0;
    for (let i = 0; i < text.length; i++) {
      const c = codePoint(text, i);
      const id = this.#ids.get(c);
      if (id === undefined) {
        const hex = c.toString(16).toUpperCase().padStart(4, '0');
        throw new DataError(
          `the character ${JSON.stringify(String.fromCodePoint(c))} (U+${hex}) is not among the ${this.eot} of the tokenizer`,
          'leave it out, or train with --tokenizer.type byte or gpt2-bpe, which write every text',
        );
      }
      ids[n++] = id;
      if (c > 0xffff) i++;
    }
    return ids.slice(0, n);
  }

  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) text += this.#text(ids[i]!);
    return text;
  }

  streamDecoder(): { push(id: number): string; end(): string } {
    return { push: (id) => this.#text(id), end: () => '' };
  }

  toJson(): string {
    return charJson(this.#chars);
  }

  #text(id: number): string {
    return this.#chars[id] ?? (id === this.eot ? END_OF_TEXT : '\uFFFD');
  }
}
