// GPT-1's BPE (Radford et al. 2018; openai/finetune-transformer-lm, text_utils.py): text -> words -> characters, the last
// one with "</w>" -> merges by rank.
//
//   words      by OpenAI's rules (gpt1_words.ts) or by BERT's (bert.ts), whichever the files stand for; lower case
//   <unk>      the id (0) of a character that the vocabulary lacks
//   "\n</w>"   40477: a line end, of OpenAI's rules only
//   decode     the tokens in a row, "</w>" a space, but at the end: lower case and spaces around punctuation stay, so
//              decode(encode(text)) is not the text
//
// GPT-1 has no end-of-text token. <unk> stands for it: it is the only token that ordinary English text does not contain, so
// that documents keep their lines (a newline as end-of-text would end every paragraph). A character that the vocabulary
// lacks has the same id.

import { type Gpt1Form, gpt1Json, vocabularyHash } from './hf_json.js';
import { Merger, type MergeTable } from './merge.js';
import { CACHED_IDS, PieceCache } from './pieces.js';
import type { Tokenizer } from './tokenizer.js';

/** From a text to words. Words are cached by the chunk that they stand in, so the rules must not look beyond it. */
export interface WordRules {
  /** The text that is cut into chunks. */
  readonly clean: (text: string) => string;
  /** Finds chunks; with the flag g. */
  readonly chunk: RegExp;
  /** Words of a chunk, in lower case where the rules say so. */
  readonly words: (chunk: string) => Iterable<string>;
}

/** What ends a word's last symbol. */
export const WORD_END = '</w>';

export class Gpt1Tokenizer implements Tokenizer {
  readonly type = 'gpt1-bpe';
  readonly vocabSize: number;
  readonly eot: number;
  readonly notes: readonly string[];
  readonly #tokens: readonly (string | undefined)[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #merges: MergeTable;
  readonly #merger: Merger;
  readonly #form: Gpt1Form;
  readonly #rules: WordRules;
  readonly #cache = new PieceCache();
  #fingerprint: string | undefined;

  /** tokens: spelling of each id, undefined where an id has none; form.unknown must be among them. */
  constructor(
    tokens: readonly (string | undefined)[],
    merges: MergeTable,
    form: Gpt1Form,
    rules: WordRules,
    notes: readonly string[] = [],
  ) {
    this.#tokens = tokens;
    this.#ids = new Map(tokens.flatMap((token, id) => (token === undefined ? [] : [[token, id] as const])));
    this.#merges = merges;
    this.#merger = new Merger(merges);
    this.#form = form;
    this.#rules = rules;
    this.vocabSize = tokens.length;
    this.eot = this.#ids.get(form.unknown)!;
    this.notes = notes;
  }

  get fingerprint(): string {
    this.#fingerprint ??= vocabularyHash('gpt1-bpe', this.#spelling());
    return this.#fingerprint;
  }

  encode(text: string): Int32Array {
    const { clean, chunk, words } = this.#rules;
    const cleaned = clean(text.replace(/\p{Surrogate}/gu, '\uFFFD'));
    let out = new Int32Array(64 + (cleaned.length >> 1));
    let n = 0;
    for (const [found] of cleaned.matchAll(chunk)) {
      const room = Math.max(CACHED_IDS, 4 * found.length); // more than one word's symbols: Å may become two characters
      if (n + room > out.length) {
        const larger = new Int32Array(2 * out.length + room);
        larger.set(out);
        out = larger;
      }
      const known = this.#cache.find(found, 0, found.length, out, n);
      if (known > 0) {
        n += known;
        continue;
      }
      const start = n;
      for (const word of words(found)) {
        const ids = this.#merge(word);
        out.set(ids, n);
        n += ids.length;
      }
      this.#cache.add(found, 0, found.length, out.slice(start, n));
    }
    return out.slice(0, n);
  }

  decode(ids: ArrayLike<number>): string {
    const stream = this.streamDecoder();
    let text = '';
    for (let i = 0; i < ids.length; i++) text += stream.push(ids[i]!);
    return text;
  }

  streamDecoder(after?: number): { push(id: number): string; end(): string } {
    let space = after !== undefined && this.#spelled(after).endsWith(WORD_END) ? ' ' : '';
    return {
      push: (id) => {
        const token = this.#spelled(id);
        const isEnd = token.endsWith(WORD_END);
        const text = space + (isEnd ? token.slice(0, -WORD_END.length) : token);
        space = isEnd ? ' ' : '';
        return text;
      },
      end: () => '',
    };
  }

  toJson(): string {
    const merges = this.#merges.pairs().map(([a, b]) => `${this.#tokens[a]!} ${this.#tokens[b]!}`);
    return gpt1Json(this.#tokens, merges, this.#form);
  }

  #spelled(id: number): string {
    return this.#tokens[id] ?? '\uFFFD';
  }

  *#spelling(): Generator<string> {
    for (const token of this.#tokens) yield token ?? '';
    for (const [a, b] of this.#merges.pairs()) yield `${a} ${b}`;
    const { unknown, normalizer, preTokenizer } = this.#form;
    yield JSON.stringify([unknown, normalizer, preTokenizer]);
  }

  #merge(word: string): Int32Array {
    const chars = [...word];
    const last = chars.length - 1;
    const symbols = Int32Array.from(chars, (char, i) => this.#ids.get(i < last ? char : char + WORD_END) ?? this.eot);
    return symbols.subarray(0, this.#merger.merge(symbols, symbols.length));
  }
}
