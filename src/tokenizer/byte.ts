// The byte tokenizer: a token is a byte. Ids 0-255 are the UTF-8 bytes of the text, 256 is end-of-text.
// No vocabulary to learn and no text that it cannot write, which suits small models.

import { byteJson, vocabularyHash } from './hf_json.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';
import { decodeBytes, REPLACEMENT, streamBytes } from './utf8.js';

const EOT = 256;
const EOT_BYTES = Buffer.from(END_OF_TEXT);
const bytesOf = (id: number): Uint8Array =>
  id >= 0 && id < EOT ? Uint8Array.of(id) : id === EOT ? EOT_BYTES : REPLACEMENT;

export class ByteTokenizer implements Tokenizer {
  readonly type = 'byte';
  readonly vocabSize = 257;
  readonly eot = EOT;
  readonly fingerprint = vocabularyHash('byte', []);

  /** Lone surrogates become U+FFFD. */
  encode(text: string): Int32Array {
    return Int32Array.from(Buffer.from(text, 'utf8'));
  }

  decode(ids: ArrayLike<number>): string {
    return decodeBytes(ids, bytesOf);
  }

  streamDecoder(): { push(id: number): string; end(): string } {
    return streamBytes(bytesOf);
  }

  toJson(): string {
    return byteJson();
  }
}
