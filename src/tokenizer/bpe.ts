// Byte-level BPE (GPT-2, Radford et al. 2019): text -> pieces by a pattern -> UTF-8 bytes -> merges by rank.
//
// The end-of-text token is never produced: "<|endoftext|>" in a text is thirteen ordinary characters, so that no
// document can forge a boundary. Lone surrogates become U+FFFD. GPT-2's own vocabulary is made in gpt2.ts; pieces.ts
// has the pattern. Files with other patterns, a normalizer or added tokens bring BpeSteps (hf_steps.ts), which are slower
// (docs/tokenizers.md has figures).
import { DataError } from '../base/errors.js';
import { type SectionSink, standsOutside } from './added_tokens.js';
import { bytesOfSymbols, symbolsOf } from './byte_symbols.js';
import { bpeJson, GPT2_FORM, type HfForm, vocabularyHash } from './hf_json.js';
import type { BytePieces } from './hf_steps.js';
import { Merger, type MergeTable } from './merge.js';
import { CACHED_IDS, PieceCache, pieceEnd } from './pieces.js';
import type { Tokenizer } from './tokenizer.js';
import { decodeBytes, REPLACEMENT, streamBytes } from './utf8.js';

/** From a text to pieces, where it is not by GPT-2's pattern alone. */
export interface BpeSteps extends BytePieces {
  /** Normalizes, and cuts at added tokens. */
  readonly sections: (text: string, sink: SectionSink) => void;
}

export class BpeTokenizer implements Tokenizer {
  readonly type = 'bpe';
  readonly vocabSize: number;
  readonly eot: number;
  readonly notes: readonly string[];
  readonly #tokens: readonly (Uint8Array | undefined)[];
  readonly #merges: MergeTable;
  readonly #merger: Merger;
  readonly #byteIds = new Int32Array(256).fill(-1);
  readonly #cache = new PieceCache();
  readonly #form: HfForm;
  readonly #steps: BpeSteps | undefined;
  /** Names of tokens that no text becomes by merging. */
  readonly #outside: ReadonlyMap<number, string>;
  /** Ids by bytes, as latin1: for pieces that stay whole. */
  readonly #whole = new Map<string, number>();
  #symbols = new Int32Array(1024);
  #fingerprint: string | undefined;

  /**
   * tokens: bytes of each id (undefined: an id without a token); merges over these ids; eot: the id of end-of-text,
   * whose bytes are its text; form: what the file says beside; steps: of that form, undefined for GPT-2's pattern. Throws
   * DataError when a byte has no token.
   */
  constructor(
    tokens: readonly (Uint8Array | undefined)[],
    merges: MergeTable,
    eot: number,
    form: HfForm = GPT2_FORM,
    steps?: BpeSteps,
    notes: readonly string[] = [],
  ) {
    this.#tokens = tokens;
    this.#merges = merges;
    this.#merger = new Merger(merges);
    this.#form = form;
    this.#steps = steps;
    const outside = form.added.filter(standsOutside).map(({ id, content }) => [id, content] as const);
    this.#outside = new Map([...outside, [eot, form.endOfText]]);
    this.vocabSize = tokens.length;
    this.eot = eot;
    this.notes = notes;
    for (const [id, bytes] of tokens.entries()) {
      if (bytes === undefined || this.#outside.has(id)) continue;
      if (bytes.length === 1 && this.#byteIds[bytes[0]!] === -1) this.#byteIds[bytes[0]!] = id;
      if (form.ignoreMerges) this.#whole.set(Buffer.from(bytes).toString('latin1'), id);
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
    const steps = this.#steps;
    const ids = new IdList(text.length);
    if (steps === undefined) this.#encodeSection(text, ids);
    else {
      const put = (piece: string): void => this.#encodePiece(piece, 0, piece.length, ids);
      steps.sections(text.replace(/\p{Surrogate}/gu, '\uFFFD'), {
        token: (id) => ids.push(id),
        text: (section) => steps.split(section, put),
      });
    }
    return ids.done();
  }

  /** By GPT-2's pattern. */
  #encodeSection(text: string, ids: IdList): void {
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      this.#encodePiece(text, start, end, ids);
      start = end;
    }
  }

  #encodePiece(text: string, start: number, end: number, ids: IdList): void {
    ids.reserve(Math.max(CACHED_IDS, 3 * (end - start))); // a unit has at most three bytes
    const known = this.#cache.find(text, start, end, ids.array, ids.length);
    if (known > 0) ids.length += known;
    else {
      const made = this.#merge(text.slice(start, end));
      this.#cache.add(text, start, end, made);
      ids.array.set(made, ids.length);
      ids.length += made.length;
    }
  }

  decode(ids: ArrayLike<number>): string {
    return decodeBytes(ids, this.#bytes);
  }

  streamDecoder(): { push(id: number): string; end(): string } {
    return streamBytes(this.#bytes);
  }

  toJson(): string {
    const symbols = this.#tokens.map((bytes, id) => this.#outside.get(id) ?? (bytes && symbolsOf(bytes)));
    const merges = this.#merges.pairs().map(([a, b]) => `${symbols[a]!} ${symbols[b]!}`);
    return bpeJson(symbols, merges, this.eot, this.#form);
  }

  readonly #bytes = (id: number): Uint8Array => this.#tokens[id] ?? REPLACEMENT;

  *#spelling(): Generator<string> {
    for (const [id, bytes] of this.#tokens.entries()) {
      yield id === this.eot ? this.#form.endOfText : bytes === undefined ? '' : symbolsOf(bytes);
    }
    for (const [a, b] of this.#merges.pairs()) yield `${a} ${b}`;
    if (this.#steps === undefined && this.#form.endOfText === GPT2_FORM.endOfText && !this.#form.ignoreMerges) return;
    const { endOfText, added, normalizer, preTokenizer, ignoreMerges } = this.#form;
    const found = added.filter((token) => !token.special).map(({ id, normalized }) => [id, normalized]);
    yield JSON.stringify([endOfText, found, normalizer, preTokenizer, ignoreMerges]);
  }

  /** Ids of a piece; valid until the next call. */
  #merge(piece: string): Int32Array {
    const bytes = this.#steps?.isSpelled ? bytesOfSymbols(piece)! : Buffer.from(piece, 'utf8');
    if (bytes.length > this.#symbols.length) this.#symbols = new Int32Array(2 * bytes.length);
    const symbols = this.#symbols;
    const whole = this.#whole.size > 0 ? this.#whole.get(Buffer.from(bytes).toString('latin1')) : undefined;
    if (whole !== undefined) {
      symbols[0] = whole;
      return symbols.subarray(0, 1);
    }
    for (let i = 0; i < bytes.length; i++) symbols[i] = this.#byteIds[bytes[i]!]!;
    return symbols.subarray(0, this.#merger.merge(symbols, bytes.length));
  }
}

/** Ids that grow. */
class IdList {
  array: Int32Array;
  length = 0;

  constructor(units: number) {
    this.array = new Int32Array(64 + (units >> 1));
  }

  reserve(room: number): void {
    if (this.length + room <= this.array.length) return;
    const larger = new Int32Array(2 * this.array.length + room);
    larger.set(this.array);
    this.array = larger;
  }

  push(id: number): void {
    this.reserve(1);
    this.array[this.length++] = id;
  }

  done(): Int32Array {
    return this.array.slice(0, this.length);
  }
}
