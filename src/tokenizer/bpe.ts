// Byte-level BPE (GPT-2, Radford et al. 2019): text -> pieces by a pattern -> UTF-8 bytes -> merges by rank.
//
// The end-of-text token is never produced: "<|endoftext|>" in a text is thirteen ordinary characters, so that no
// document can forge a boundary. Lone surrogates become U+FFFD. GPT-2's own vocabulary is made in gpt2.ts.
//
// A piece never runs from other characters into white space, and nothing looks behind, so a long text may be encoded in
// parts that are cut before a run of white space: the ids are the same (data/read.ts cuts there).

import { DataError } from '../base/errors.js';
import { symbolsOf } from './byte_symbols.js';
import { bpeJson, vocabularyHash } from './hf_json.js';
import { Merger, type MergeTable } from './merge.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';
import { decodeBytes, REPLACEMENT, streamBytes } from './utf8.js';

/**
 * GPT-2's pattern. The original says \s, which in Python means Unicode's White_Space; JavaScript's \s differs from it
 * by U+FEFF (which it has) and U+0085 (which it lacks). What is a letter or a number is decided by the Unicode version
 * of Node: characters newer than that count as "other".
 */
export const GPT2_PATTERN =
  /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const CACHED_PIECES = 65_536;
const CACHED_LENGTH = 12; // V8 copies substrings of up to 12 units; a longer one would keep the whole text alive

export class BpeTokenizer implements Tokenizer {
  readonly type = 'bpe';
  readonly vocabSize: number;
  readonly eot: number;
  readonly #tokens: readonly (Uint8Array | undefined)[];
  readonly #merges: MergeTable;
  readonly #merger: Merger;
  readonly #byteIds = new Int32Array(256).fill(-1);
  readonly #cache = new Map<string, Int32Array>();
  #symbols = new Int32Array(1024);
  #fingerprint: string | undefined;

  /**
   * tokens: bytes of each id (undefined: an id without a token); merges over these ids; eot: the id of end-of-text,
   * whose bytes are its text. Throws DataError when a byte has no token.
   */
  constructor(tokens: readonly (Uint8Array | undefined)[], merges: MergeTable, eot: number) {
    this.#tokens = tokens;
    this.#merges = merges;
    this.#merger = new Merger(merges);
    this.vocabSize = tokens.length;
    this.eot = eot;
    for (const [id, bytes] of tokens.entries()) {
      if (bytes?.length === 1 && this.#byteIds[bytes[0]!] === -1) this.#byteIds[bytes[0]!] = id;
    }
    const missing = this.#byteIds.indexOf(-1);
    if (missing >= 0) {
      throw new DataError(
        `the BPE vocabulary has no token for byte ${missing}`,
        'byte-level BPE needs all 256: use the tokenizer.json of a GPT-2 model',
      );
    }
  }

  get fingerprint(): string {
    this.#fingerprint ??= vocabularyHash('bpe', this.#spelling());
    return this.#fingerprint;
  }

  /** Heap operations of all merges so far. */
  get operations(): number {
    return this.#merger.operations;
  }

  encode(text: string): Int32Array {
    let out = new Int32Array(64 + (text.length >> 1));
    let n = 0;
    for (const [piece] of text.matchAll(GPT2_PATTERN)) {
      const ids = this.#piece(piece);
      if (n + ids.length > out.length) {
        const larger = new Int32Array(2 * out.length + ids.length);
        larger.set(out);
        out = larger;
      }
      for (let i = 0; i < ids.length; i++) out[n++] = ids[i]!;
    }
    return out.slice(0, n);
  }

  decode(ids: ArrayLike<number>): string {
    return decodeBytes(ids, this.#bytes);
  }

  streamDecoder(): { push(id: number): string; end(): string } {
    return streamBytes(this.#bytes);
  }

  toJson(): string {
    const symbols = this.#tokens.map((bytes, id) => this.#symbol(bytes, id));
    return bpeJson(
      symbols,
      this.#merges.pairs().map(([a, b]) => `${symbols[a]!} ${symbols[b]!}`),
      this.eot,
    );
  }

  readonly #bytes = (id: number): Uint8Array => this.#tokens[id] ?? REPLACEMENT;

  #symbol(bytes: Uint8Array | undefined, id: number): string | undefined {
    return id === this.eot ? END_OF_TEXT : bytes && symbolsOf(bytes);
  }

  *#spelling(): Generator<string> {
    for (const [id, bytes] of this.#tokens.entries()) yield this.#symbol(bytes, id) ?? '';
    for (const [a, b] of this.#merges.pairs()) yield `${a} ${b}`;
  }

  #piece(piece: string): Int32Array {
    const cached = this.#cache.get(piece);
    if (cached) return cached;
    const bytes = Buffer.from(piece, 'utf8');
    if (bytes.length > this.#symbols.length) this.#symbols = new Int32Array(2 * bytes.length);
    const symbols = this.#symbols;
    for (let i = 0; i < bytes.length; i++) symbols[i] = this.#byteIds[bytes[i]!]!;
    const n = this.#merger.merge(symbols, bytes.length);
    if (piece.length > CACHED_LENGTH) return symbols.subarray(0, n);
    const ids = symbols.slice(0, n);
    if (this.#cache.size >= CACHED_PIECES) this.#cache.clear();
    this.#cache.set(piece, ids);
    return ids;
  }
}
