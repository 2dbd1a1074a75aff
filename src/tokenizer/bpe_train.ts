// Training of a byte-level BPE vocabulary (Sennrich et al. 2016, on bytes as in GPT-2).
//
//   1. cut the text into words by GPT-2's pattern and count the different ones (word_counts.ts)
//   2. every word is a sequence of bytes: ids 0 .. 255
//   3. the pair of neighbours that occurs most often becomes a new token, everywhere, from the left; again, until the
//      vocabulary is full or no pair is frequent enough
//
// Ties go to the smaller left id, then the smaller right id, so the result depends on the text alone. Overlapping pairs
// all count ("aaa" has two). The last id is end-of-text.
//
// The different words stand in arrays, one position a byte; a token is at the position of its first byte. All positions
// of a pair form a list, so that a merge touches its own occurrences only and keeps every count exact: time is
// O(bytes of different words * log) for any number of merges. test/tokenizer/naive_bpe.ts says the same in 40 lines.

import { BYTE_SYMBOLS, symbolsOf } from './byte_symbols.js';
import { bpeJson } from './hf_json.js';
import { END_OF_TEXT } from './tokenizer.js';
import type { WordCounts } from './word_counts.js';

/** What to train. */
export interface BpeTraining {
  /** Tokens in the end: 256 bytes, the merges, end-of-text. At least 257. */
  readonly vocabSize: number;
  /** Pairs that occur less often are not merged. At least 1. */
  readonly minFrequency: number;
  /** Called after each new token with the size of the vocabulary so far. */
  readonly onToken?: (vocabSize: number) => void;
}

/** A trained vocabulary. */
export interface TrainedBpe {
  /** Content of the tokenizer.json. */
  readonly json: string;
  /** Smaller than asked for when no pair was frequent enough. */
  readonly vocabSize: number;
  /** What the corpus comes to in these tokens. */
  readonly corpusTokens: number;
}

/** Trains a vocabulary on counted words. */
export function trainBpe(words: WordCounts, { vocabSize, minFrequency, onToken }: BpeTraining): TrainedBpe {
  const corpus = new PairedCorpus(words, minFrequency);
  const tokens: Uint8Array[] = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const merges: string[] = [];
  while (tokens.length + 1 < vocabSize) {
    const pair = corpus.mostFrequent();
    if (pair === undefined) break;
    const [left, right] = [tokens[pair.left]!, tokens[pair.right]!];
    merges.push(`${symbolsOf(left)} ${symbolsOf(right)}`);
    corpus.merge(pair, tokens.length);
    tokens.push(Buffer.concat([left, right]));
    onToken?.(tokens.length + 1);
  }
  const spelled = tokens.map((bytes, id) => (id < 256 ? BYTE_SYMBOLS[id]! : symbolsOf(bytes)));
  const json = bpeJson([...spelled, END_OF_TEXT], merges, tokens.length);
  return { json, vocabSize: tokens.length + 1, corpusTokens: corpus.tokens };
}

/** Two neighbouring tokens, and where they stand. */
interface Pair {
  readonly left: number;
  readonly right: number;
  /** Occurrences in the corpus. */
  count: number;
  /** First and last position in the list of occurrences, which ascends; -1: none. */
  first: number;
  last: number;
}

const NONE = -1;

/** The different words as tokens, and every pair of neighbours with its count and its positions. */
class PairedCorpus {
  /** Tokens of the whole corpus. */
  tokens = 0;
  readonly #token: Int32Array;
  readonly #next: Int32Array; //     neighbours in the word, NONE at its ends
  readonly #previous: Int32Array;
  readonly #later: Int32Array; //    neighbours in the list of the same pair
  readonly #earlier: Int32Array;
  readonly #pairAt: Int32Array; //   the pair that starts here
  readonly #word: Int32Array;
  readonly #count: Float64Array; //  of each word
  readonly #pairs: Pair[] = [];
  readonly #queue = new PairQueue();
  readonly #minFrequency: number;
  /** Pairs with the newest token: (X, new) under 2 X, (new, Y) under 2 Y + 1. No other pair can come into being. */
  readonly #newPairs = new Map<number, number>();

  constructor(words: WordCounts, minFrequency: number) {
    let size = 0;
    for (const [word] of words) size += Buffer.byteLength(word);
    const array = () => new Int32Array(size).fill(NONE);
    this.#token = array();
    this.#next = array();
    this.#previous = array();
    this.#later = array();
    this.#earlier = array();
    this.#pairAt = array();
    this.#word = array();
    this.#count = new Float64Array(words.distinct);
    this.#minFrequency = minFrequency;

    const pairOfBytes = new Int32Array(65_536).fill(NONE);
    let at = 0;
    let w = 0;
    for (const [word, count] of words) {
      this.#count[w] = count;
      const start = at;
      for (const byte of Buffer.from(word, 'utf8')) {
        this.#token[at] = byte;
        this.#word[at] = w;
        if (at > start) {
          this.#next[at - 1] = at;
          this.#previous[at] = at - 1;
          const left = this.#token[at - 1]!;
          const both = 256 * left + byte;
          if (pairOfBytes[both] === NONE) pairOfBytes[both] = this.#newPair(left, byte);
          this.#link(at - 1, pairOfBytes[both]!);
        }
        at++;
      }
      this.tokens += count * (at - start);
      w++;
    }
    for (const pair of this.#pairs) this.#offer(pair);
  }

  /** The pair to merge next, or undefined when none is frequent enough. */
  mostFrequent(): Pair | undefined {
    return this.#queue.pop(this.#minFrequency);
  }

  /** Replaces a pair by a new token everywhere, and counts the pairs that vanish and arise by it. */
  merge(pair: Pair, token: number): void {
    const { left, right } = pair;
    this.#newPairs.clear();
    const from = this.#pairs.length;
    for (let p = pair.first; p !== NONE; p = pair.first) {
      const q = this.#next[p]!;
      const before = this.#previous[p]!;
      const after = this.#next[q]!;
      this.#unlink(p); //                           (left, right), and where left = right perhaps the next of the list:
      if (after !== NONE) this.#unlink(q); //       (right, after)
      this.#token[p] = token;
      this.#next[p] = after;
      if (before !== NONE) {
        this.#unlink(before); //                    (before, left)
        const x = this.#token[before]!;
        this.#link(before, this.#pairWithNewest(2 * x, x, token));
      }
      if (after !== NONE) {
        this.#previous[after] = p;
        const y = this.#token[after]!;
        this.#link(p, this.#pairWithNewest(2 * y + 1, token, y));
      }
      this.tokens -= this.#count[this.#word[p]!]!;
    }
    if (pair.count !== 0) throw new Error(`internal: ${pair.count} of the pair ${left} ${right} are left`);
    for (let i = from; i < this.#pairs.length; i++) this.#offer(this.#pairs[i]!);
  }

  #pairWithNewest(key: number, left: number, right: number): number {
    let pair = this.#newPairs.get(key);
    if (pair === undefined) {
      pair = this.#newPair(left, right);
      this.#newPairs.set(key, pair);
    }
    return pair;
  }

  #newPair(left: number, right: number): number {
    return this.#pairs.push({ left, right, count: 0, first: NONE, last: NONE }) - 1;
  }

  /** A pair's count only falls after the merge that made it, so one that is too rare now will never be chosen. */
  #offer(pair: Pair): void {
    if (pair.count >= this.#minFrequency) this.#queue.push(pair);
  }

  /** Appends a position to the list of its pair. */
  #link(position: number, index: number): void {
    const pair = this.#pairs[index]!;
    this.#pairAt[position] = index;
    this.#earlier[position] = pair.last;
    this.#later[position] = NONE;
    if (pair.last === NONE) pair.first = position;
    else this.#later[pair.last] = position;
    pair.last = position;
    pair.count += this.#count[this.#word[position]!]!;
  }

  #unlink(position: number): void {
    const pair = this.#pairs[this.#pairAt[position]!]!;
    const earlier = this.#earlier[position]!;
    const later = this.#later[position]!;
    if (earlier === NONE) pair.first = later;
    else this.#later[earlier] = later;
    if (later === NONE) pair.last = earlier;
    else this.#earlier[later] = earlier;
    pair.count -= this.#count[this.#word[position]!]!;
  }
}

/**
 * Pairs by count, then by their ids: a binary heap of what the counts were when the pairs came in. Counts only fall, so a
 * pair that comes up with its count of now is the most frequent; any other goes back with that.
 */
class PairQueue {
  readonly #heap: Entry[] = [];

  push(pair: Pair): void {
    const heap = this.#heap;
    const entry = { pair, count: pair.count };
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes the most frequent pair out, if it occurs at least `least` times. */
  pop(least: number): Pair | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      this.#removeTop();
      if (top.count === top.pair.count) return top.pair;
      if (top.pair.count >= least) this.push(top.pair);
    }
  }

  #removeTop(): void {
    const heap = this.#heap;
    const entry = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = entry;
  }
}

interface Entry {
  readonly pair: Pair;
  readonly count: number;
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.pair.left === b.pair.left ? a.pair.right < b.pair.right : a.pair.left < b.pair.left;
}
