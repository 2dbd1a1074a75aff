// Which evaluation documents overlap with a training corpus: GPT-3, appendix C, "Overlap methodology" (Brown et al. 2020).
//
// A gram is a lower-case word between white space, without punctuation. A document is dirty if one of its N-grams stands in
// the corpus, clean if none does; one of fewer than N words is compared whole (section 4). N: the 5th percentile (nearest
// rank) of the documents' lengths in words, at most 13, and at least 8 where the task is no synthetic one, whose words
// collide by chance. That 13-grams of more than 10 training documents do not count is a rule for filtering a training set
// (ibid.), not for this.
//
// The documents' grams are hashed to 53 bits and the corpus passes by once, whatever its size: memory goes with the
// documents. Two of 10^6 and 10^9 grams have the same hash with probability 0.1. END_OF_TEXT parts the corpus's documents.

import type { Contamination } from '../base/eval_record.js';
import { END_OF_TEXT } from '../tokenizer/tokenizer.js';

const MOST = 13;
const LEAST = 8;

/** The documents of a task as texts, without demonstrations. `synthetic`: N may be less than 8. */
export interface EvaluationTexts {
  readonly texts: readonly string[];
  readonly synthetic?: boolean;
}

export interface Overlap {
  /** Words of a gram. */
  readonly n: number;
  /** By document. */
  readonly dirty: readonly boolean[];
}

/** Of several tasks in one pass. The chunks of the corpus follow each other without a gap. */
export async function findOverlaps(
  tasks: readonly EvaluationTexts[],
  corpus: AsyncIterable<string> | Iterable<string>,
): Promise<Overlap[]> {
  const grams = new Grams();
  const lengths = tasks.map(({ texts, synthetic = false }) => {
    const hashed = texts.map((text) => wordsOf(text));
    const n = gramLength(
      hashed.map(({ length }) => length),
      synthetic,
    );
    for (const words of hashed) grams.addDocument(words, n);
    return n;
  });
  const window = new Window(grams);
  let rest = '';
  for await (const chunk of corpus) {
    const end = afterLastSpace(chunk);
    if (end > 0) window.read(rest + chunk.slice(0, end));
    rest = end > 0 ? chunk.slice(end) : rest + chunk;
  }
  window.read(rest);

  let first = 0;
  return tasks.map(({ texts }, i) => {
    const dirty = texts.map((_, k) => grams.dirty[first + k]!);
    first += texts.length;
    return { n: lengths[i]!, dirty };
  });
}

/** Words of a gram for documents of these lengths. */
export function gramLength(lengths: readonly number[], synthetic: boolean): number {
  const inOrder = [...lengths].sort((a, b) => a - b);
  const percentile = inOrder[Math.max(0, Math.ceil(0.05 * inOrder.length) - 1)] ?? MOST;
  return Math.max(synthetic ? 1 : LEAST, Math.min(MOST, percentile));
}

/** A metric of the clean documents and of the dirty ones. `items`: the metric's values by document. */
export function splitByOverlap(
  { n, dirty }: Overlap,
  items: readonly unknown[],
  aggregate: (items: readonly unknown[]) => number,
): Contamination {
  const of = (side: boolean): number | null => {
    const some = items.filter((item, i) => dirty[i] === side && item !== undefined);
    return some.length === 0 ? null : aggregate(some);
  };
  return { n, dirty: dirty.filter((is) => is).length, clean_value: of(false), dirty_value: of(true) };
}

// ---- hashes

/** Hashes of words, two of 32 bits each, alternating. */
interface Words {
  readonly length: number;
  readonly hashes: Int32Array;
}

const NOT_PLAIN = /[^a-z0-9]/;
const PUNCTUATION = /[\p{P}\p{S}]+/gu;
const BASE_1 = 0x01000193; // odd, so that no word of a gram loses bits
const BASE_2 = 0x5bd1e995;
const BITS = 2 ** 20 - 1;

function wordsOf(text: string): Words {
  const words = gramsOf(text);
  const hashes = new Int32Array(2 * words.length);
  for (const [i, word] of words.entries()) {
    hashes[2 * i] = hash(word, 0x811c9dc5);
    hashes[2 * i + 1] = hash(word, 0x2f0b4a27);
  }
  return { length: words.length, hashes };
}

const gramsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/\s+/)
    .map((word) => (NOT_PLAIN.test(word) ? word.replace(PUNCTUATION, '') : word))
    .filter((word) => word !== '');

function hash(word: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < word.length; i++) h = Math.imul(h ^ word.charCodeAt(i), 0x01000193) + seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const key = (a: number, b: number): number => (a >>> 11) * 2 ** 32 + (b >>> 0);

/** The grams of all documents, by length. */
class Grams {
  readonly dirty: boolean[] = [];
  /** By length: the first entry of a gram. */
  readonly first: (Map<number, number> | undefined)[] = [];
  // An entry is a document that has the gram; the entries of a gram are a chain.
  readonly #document: number[] = [];
  readonly #next: number[] = [];
  readonly #bits = new Int32Array(BITS + 1);

  addDocument(words: Words, n: number): void {
    const document = this.dirty.push(false) - 1;
    const length = Math.min(n, words.length);
    if (length === 0) return;
    for (let from = 0; from + length <= words.length; from++) {
      let [a, b] = [0, 0];
      // as Window has them: the last word has the factor 1
      for (let i = from; i < from + length; i++) {
        a = Math.imul(a, BASE_1) + words.hashes[2 * i]!;
        b = Math.imul(b, BASE_2) + words.hashes[2 * i + 1]!;
      }
      this.#add(length, a | 0, b | 0, document);
    }
  }

  #add(length: number, a: number, b: number, document: number): void {
    this.first[length] ??= new Map();
    const chain = this.first[length];
    const entry = this.#document.push(document) - 1;
    this.#next.push(chain.get(key(a, b)) ?? -1);
    chain.set(key(a, b), entry);
    this.#bits[(a >>> 5) & BITS] = this.#bits[(a >>> 5) & BITS]! | (1 << a);
  }

  /** Whether a gram of this first hash was added: for most of a corpus a bit says no, and no map is asked. */
  mayHave(a: number): boolean {
    return (this.#bits[(a >>> 5) & BITS]! & (1 << a)) !== 0;
  }

  /** The corpus has this gram: its documents, if any, are dirty. It need not be found again. */
  found(length: number, gram: number): void {
    const chain = this.first[length]!;
    for (let e = chain.get(gram) ?? -1; e >= 0; e = this.#next[e]!) this.dirty[this.#document[e]!] = true;
    chain.delete(gram);
  }
}

/** The last words of the corpus. */
class Window {
  readonly #grams: Grams;
  readonly #lengths: readonly number[];
  readonly #a = new Int32Array(MOST + 1);
  readonly #b = new Int32Array(MOST + 1);
  #words = 0;

  constructor(grams: Grams) {
    this.#grams = grams;
    this.#lengths = [...grams.first.keys()].filter((length) => grams.first[length] !== undefined);
  }

  /** The next text, which ends between two words. */
  read(text: string): void {
    for (const [i, part] of text.split(END_OF_TEXT).entries()) {
      if (i > 0) this.#words = 0;
      this.#readWords(wordsOf(part));
    }
  }

  /** #a[k]: the hash of the last k words, from that of the k - 1 words before the new one. */
  #readWords({ length, hashes }: Words): void {
    const [a, b, grams, lengths] = [this.#a, this.#b, this.#grams, this.#lengths];
    const longest = lengths.at(-1) ?? 0;
    for (let i = 0; i < length; i++) {
      for (let k = longest; k >= 1; k--) {
        a[k] = Math.imul(a[k - 1]!, BASE_1) + hashes[2 * i]!;
        b[k] = Math.imul(b[k - 1]!, BASE_2) + hashes[2 * i + 1]!;
      }
      this.#words++;
      for (const k of lengths) {
        if (k > this.#words) break;
        if (grams.mayHave(a[k]!)) grams.found(k, key(a[k]!, b[k]!));
      }
    }
  }
}

/** The place after the last white space of a chunk, 0 where it has none. */
function afterLastSpace(chunk: string): number {
  for (let i = chunk.length; i > 0; i--) if (/\s/.test(chunk[i - 1]!)) return i;
  return 0;
}
