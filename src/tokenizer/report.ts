// What `gpt tokenizer report` measures: bytes per token of texts beside a second tokenizer's, and facts about a vocabulary.
//
//   bytes per token    UTF-8 bytes of the text / tokens. More is better: the same context holds more text
//   difference         (bytes per token) / (the other's) - 1
//
// Memory: one counter for each token.

import { DataError } from '../base/errors.js';
import type { Tokenizer } from './tokenizer.js';

/** One text, or many that count as one. */
export interface Compression {
  readonly kind: string;
  readonly bytes: number;
  /** null: the tokenizer cannot write the text (a char tokenizer lacks a character). */
  readonly tokens: number | null;
  readonly bytesPerToken: number | null;
  /** Tokens that stand for characters which the vocabulary lacks. */
  readonly unknown: number;
  /** Of the tokenizer beside. */
  readonly beside: { readonly tokens: number; readonly bytesPerToken: number };
  readonly difference: number | null;
  /** Why tokens is null. */
  readonly problem: string | null;
}

/** Counts the tokens of a text that comes in parts. */
export class Measure {
  readonly #kind: string;
  readonly #tokenizer: Tokenizer;
  readonly #beside: Tokenizer;
  /** How often each token occurred. */
  readonly counts: Float64Array;
  #bytes = 0;
  #tokens = 0;
  #besideTokens = 0;
  #problem: string | null = null;

  constructor(kind: string, tokenizer: Tokenizer, beside: Tokenizer) {
    this.#kind = kind;
    this.#tokenizer = tokenizer;
    this.#beside = beside;
    this.counts = new Float64Array(tokenizer.vocabSize);
  }

  add(text: string): this {
    this.#bytes += Buffer.byteLength(text);
    this.#besideTokens += this.#beside.encode(text).length;
    if (this.#problem !== null) return this;
    try {
      const ids = this.#tokenizer.encode(text);
      for (const id of ids) this.counts[id]!++;
      this.#tokens += ids.length;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.#problem = error.message;
    }
    return this;
  }

  result(): Compression {
    const ratio = (tokens: number): number => (tokens === 0 ? 0 : this.#bytes / tokens);
    const fits = this.#problem === null;
    const own = ratio(this.#tokens);
    const other = ratio(this.#besideTokens);
    return {
      kind: this.#kind,
      bytes: this.#bytes,
      tokens: fits ? this.#tokens : null,
      bytesPerToken: fits ? own : null,
      unknown: this.counts[this.#tokenizer.eot]!,
      beside: { tokens: this.#besideTokens, bytesPerToken: other },
      difference: fits && other > 0 ? own / other - 1 : null,
      problem: this.#problem,
    };
  }
}

/** Facts about the tokens themselves. */
export interface VocabularyFacts {
  readonly size: number;
  /** The tokens of most bytes, longest first. */
  readonly longest: readonly { readonly id: number; readonly text: string; readonly bytes: number }[];
  /** Tokens that hold a character of more than one byte. */
  readonly multiByte: number;
  /** Tokens that are a part of a character. */
  readonly partial: number;
  /** Tokens that a corpus never used, the first of them with their texts; null without a corpus. */
  readonly unused: {
    readonly count: number;
    readonly some: readonly { readonly id: number; readonly text: string }[];
  } | null;
}

const LISTED = 8;

/** counts: how often a corpus used each token, or null. */
export function vocabularyFacts(tokenizer: Tokenizer, counts: Float64Array | null): VocabularyFacts {
  const { vocabSize, eot } = tokenizer;
  const all = Array.from({ length: vocabSize }, (_, id) => {
    const text = tokenizer.decode([id]);
    return { id, text, bytes: text.includes('\uFFFD') ? 0 : Buffer.byteLength(text) };
  });
  const tokens = all.filter(({ id }) => id !== eot);
  const unused = counts ? tokens.filter(({ id }) => counts[id] === 0) : [];
  return {
    size: vocabSize,
    longest: [...tokens].sort((a, b) => b.bytes - a.bytes || a.id - b.id).slice(0, LISTED),
    multiByte: tokens.filter(({ text, bytes }) => bytes > text.length).length,
    partial: tokens.filter(({ text }) => text.includes('\uFFFD')).length,
    unused: counts ? { count: unused.length, some: unused.slice(-LISTED).map(({ id, text }) => ({ id, text })) } : null,
  };
}
