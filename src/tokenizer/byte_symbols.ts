// GPT-2's printable stand-ins for the 256 bytes, in which encoder.json, vocab.bpe and tokenizer.json spell tokens.
//
// Bytes 33-126, 161-172 and 174-255 stand for themselves; the other 68, in byte order, for U+0100, U+0101, ...
// (so a space is "Ġ", a newline "Ċ"). The order of ids 0-255 in GPT-2 is that of the stand-ins: "!" is 0, a space 220.

const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;

/** Stand-in of each byte value. */
export const BYTE_SYMBOLS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();

const byteOf = new Map(BYTE_SYMBOLS.map((symbol, b) => [symbol, b]));

/** A token's bytes in stand-ins. */
export function symbolsOf(bytes: Uint8Array): string {
  let s = '';
  for (const b of bytes) s += BYTE_SYMBOLS[b]!;
  return s;
}

/** The inverse; undefined when a character is no stand-in. */
export function bytesOfSymbols(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const b = byteOf.get(token[i]!);
    if (b === undefined) return undefined;
    bytes[i] = b;
  }
  return bytes;
}
