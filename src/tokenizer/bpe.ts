// Byte-level BPE (GPT-2, Radford et al. 2019): text -> pieces by a pattern -> UTF-8 bytes -> merges by rank.
//
// The end-of-text token is never produced: "<|endoftext|>" in a text is thirteen ordinary characters, so that no
// document can forge a boundary. Lone surrogates become U+FFFD. GPT-2's own vocabulary is made in gpt2.ts; pieces.ts
// has the pattern.
import { DataError } from '../base/errors.js';
import { symbolsOf } from './byte_symbols.js';
import { bpeJson, vocabularyHash } from './hf_json.js';
import { Merger, type MergeTable } from './merge.js';
import { CACHED_IDS, PieceCache, pieceEnd } from './pieces.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';
import { decodeBytes, REPLACEMENT, streamBytes } from './utf8.js';

export class BpeTokenizer implements Tokenizer {
  readonly type = 'bpe';
  readonly vocabSize: number;
  readonly eot: number;
  readonly #tokens: readonly (Uint8Array | undefined)[];
  readonly #merges: MergeTable;
  readonly #merger: Merger;
  readonly #byteIds = new Int32Array(256).fill(-1);
  readonly #cache = new PieceCache();
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
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      const room = Math.max(CACHED_IDS, 3 * (end - start)); // a unit has at most three bytes
      if (n + room > out.length) {
        const larger = new Int32Array(2 * out.length + room);
        larger.set(out);
        out = larger;
      }
      const known = this.#cache.find(text, start, end, out, n);
      if (known > 0) n += known;
      else {
        const ids = this.#merge(text.slice(start, end));
        this.#cache.add(text, start, end, ids);
        out.set(ids, n);
        n += ids.length;
      }
      start = end;
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

  /** Ids of a piece; valid until the next call. */
  #merge(piece: string): Int32Array {
    const bytes = Buffer.from(piece, 'utf8');
    if (bytes.length > this.#symbols.length) this.#symbols = new Int32Array(2 * bytes.length);
    const symbols = this.#symbols;
    for (let i = 0; i < bytes.length; i++) symbols[i] = this.#byteIds[bytes[i]!]!;
    return symbols.subarray(0, this.#merger.merge(symbols, bytes.length));
  }
}
