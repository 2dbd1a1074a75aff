// What a tokenizer is to the rest of gpt. Implementations: byte.ts, char.ts, bpe.ts (GPT-2 and any byte-level BPE), gpt1.ts.
// docs/tokenizers.md says how to add one.

/** Text to token ids and back. Ids are 0 .. vocabSize-1. */
export interface Tokenizer {
  /** "byte", "char", "bpe" or "gpt1-bpe". */
  readonly type: string;
  /** Number of ids. */
  readonly vocabSize: number;
  /**
   * End-of-text: separates documents, starts unconditional samples, ends generation. Never produced by encode(), but by
   * GPT-1's, which has no such token (gpt1.ts).
   */
  readonly eot: number;
  /** sha256 (hex) of the vocabulary. Stored beside token shards and in checkpoints, so that a mismatch is an error. */
  readonly fingerprint: string;
  /** Ids of a text. Throws DataError (char tokenizer only) on a character that the vocabulary lacks. */
  encode(text: string): Int32Array;
  /** What Hugging Face would do with the same file by default and gpt does not, for people. */
  readonly notes?: readonly string[];
  /** Text of ids. Bytes that are no UTF-8 become U+FFFD; end-of-text becomes its name, "<|endoftext|>" in most. */
  decode(ids: ArrayLike<number>): string;
  /**
   * For streaming: push() returns whole characters only, a half-finished UTF-8 sequence waits. after: the id that the text
   * goes on from; GPT-1's words are told apart by their ends, so a text after a whole word begins with a space.
   */
  streamDecoder(after?: number): StreamDecoder;
  /** The content of a tokenizer.json that Hugging Face's `tokenizers` loads with the same ids. */
  toJson(): string;
}

/** Text of ids that come one by one. */
export interface StreamDecoder {
  /** What the id completes. */
  push(id: number): string;
  /** What is left, U+FFFD where that is no UTF-8. */
  end(): string;
}

/** The end-of-text token's text in every tokenizer that gpt makes. */
export const END_OF_TEXT = '<|endoftext|>';
