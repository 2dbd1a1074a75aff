// GPT-2's pre-tokenization: a text is cut into pieces (words with the space before them, numbers, punctuation, white space),
// and byte pairs are merged inside a piece only.
//
// GPT2_PATTERN is the specification, for tests: V8 refuses to match it on some million characters without white space.
// pieceEnd() is the same by hand, eight times as fast as the regular expression, which makes an object and a string for
// every piece; test/tokenizer/pieces.test.ts compares both on every kind of text.
//
// A piece never runs from other characters into white space, and nothing looks behind, so a long text may be encoded in
// parts that are cut before a run of white space: the ids are the same (cut.ts is for all tokenizers).

/**
 * GPT-2's pattern. The original says \s, which in Python means Unicode's White_Space; JavaScript's \s differs from it
 * by U+FEFF (which it has) and U+0085 (which it lacks). What is a letter or a number is decided by the Unicode version
 * of Node: characters newer than that count as "other".
 */
export const GPT2_PATTERN =
  /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const LETTER = 1;
const NUMBER = 2;
const SPACE = 3;
const OTHER = 4;

const classes = new Uint8Array(0x110000); // of each code point; 0: not asked for yet

function classify(code: number): number {
  const char = String.fromCodePoint(code);
  const found = /\p{L}/u.test(char)
    ? LETTER
    : /\p{N}/u.test(char)
      ? NUMBER
      : /\p{White_Space}/u.test(char)
        ? SPACE
        : OTHER;
  classes[code] = found;
  return found;
}

/** Class of the code point that begins at unit `i`. */
function classAt(text: string, i: number): number {
  const unit = text.charCodeAt(i);
  const code = (unit & 0xfc00) === 0xd800 ? text.codePointAt(i)! : unit; // half of a pair alone is a character: "other"
  return classes[code] || classify(code);
}

/** First unit from `i` on whose character is of another class. */
function runEnd(text: string, i: number, of: number): number {
  let at = i;
  while (at < text.length && classAt(text, at) === of) at += isPair(text, at) ? 2 : 1;
  return at;
}

const isPair = (text: string, i: number): boolean =>
  (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;

const APOSTROPHE = 0x27;

/** End of the piece of `text` that begins at unit `start`, which must be where a piece begins. */
export function pieceEnd(text: string, start: number): number {
  const unit = text.charCodeAt(start);
  if (unit === APOSTROPHE) {
    const next = text[start + 1];
    if (next === 's' || next === 't' || next === 'd' || next === 'm') return start + 2;
    const two = text.slice(start + 1, start + 3);
    if (two === 'll' || two === 've' || two === 're') return start + 3;
  }
  const own = classAt(text, start);
  if (own !== SPACE) return runEnd(text, start, own);
  if (unit === 0x20 && start + 1 < text.length) {
    const next = classAt(text, start + 1);
    if (next !== SPACE) return runEnd(text, start + 1, next);
  }
  const end = runEnd(text, start, SPACE); // the last one before other characters is left to them
  return end < text.length && end - start > 1 ? end - 1 : end;
}

const LONGEST = 24; // units of a piece that is remembered
const MOST_ENTRIES = 1 << 16;

/** Token ids of pieces seen before, by their characters. It grows with their number, and starts over when it is full. */
export class PieceCache {
  #capacity = 256; // entries; a power of two, half the number of slots
  #size = 0;
  #slots = new Int32Array(2 * this.#capacity); // 1 + number of the entry; 0: none
  #units = new Uint16Array(this.#capacity * LONGEST); // of entry e from e * LONGEST on
  #ids = new Int32Array(this.#capacity * LONGEST);
  #lengths = new Uint8Array(this.#capacity);
  #counts = new Uint8Array(this.#capacity);

  /**
   * Writes the ids of text[start, end) to out from `at` on, which must have room for CACHED_IDS; returns how many, 0 where
   * the piece is not known.
   */
  find(text: string, start: number, end: number, out: Int32Array, at: number): number {
    const length = end - start;
    if (length > LONGEST) return 0;
    const mask = this.#slots.length - 1;
    let slot = hashOf(text, start, end) & mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#equals(entry - 1, text, start, length)) {
        const from = (entry - 1) * LONGEST;
        const count = this.#counts[entry - 1]!;
        for (let i = 0; i < count; i++) out[at + i] = this.#ids[from + i]!;
        return count;
      }
      slot = (slot + 1) & mask;
    }
    return 0;
  }

  /** Remembers the ids of a piece that is not known, if it is short. */
  add(text: string, start: number, end: number, ids: Int32Array): void {
    const length = end - start;
    if (length > LONGEST || ids.length > LONGEST) return;
    if (this.#size === this.#capacity) this.#makeRoom();
    const entry = this.#size++;
    const from = entry * LONGEST;
    for (let i = 0; i < length; i++) this.#units[from + i] = text.charCodeAt(start + i);
    this.#ids.set(ids, from);
    this.#lengths[entry] = length;
    this.#counts[entry] = ids.length;
    this.#link(entry, hashOf(text, start, end));
  }

  #link(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #makeRoom(): void {
    if (this.#capacity === MOST_ENTRIES) {
      this.#slots.fill(0);
      this.#size = 0;
      return;
    }
    this.#capacity *= 2;
    const grown = <A extends Int32Array | Uint16Array | Uint8Array>(array: A): A => {
      const larger = new (array.constructor as new (n: number) => A)(2 * array.length);
      larger.set(array);
      return larger;
    };
    this.#units = grown(this.#units);
    this.#ids = grown(this.#ids);
    this.#lengths = grown(this.#lengths);
    this.#counts = grown(this.#counts);
    this.#slots = new Int32Array(2 * this.#capacity);
    for (let entry = 0; entry < this.#size; entry++) {
      const from = entry * LONGEST;
      const piece = String.fromCharCode(...this.#units.subarray(from, from + this.#lengths[entry]!));
      this.#link(entry, hashOf(piece, 0, piece.length));
    }
  }

  #equals(entry: number, text: string, start: number, length: number): boolean {
    if (this.#lengths[entry] !== length) return false;
    const from = entry * LONGEST;
    for (let i = 0; i < length; i++) if (this.#units[from + i] !== text.charCodeAt(start + i)) return false;
    return true;
  }
}

function hashOf(text: string, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1) ^ (hash >>> 15);
  return hash ^ (hash >>> 16);
}

/** Room that find() needs. */
export const CACHED_IDS = LONGEST;
