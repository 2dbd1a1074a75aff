// Token bytes to text, for the tokenizers whose tokens are byte strings (byte.ts, bpe.ts).
//
// Bytes that are no UTF-8 become U+FFFD, as in WHATWG's decoder and Python's errors="replace". A byte order mark is a
// character like any other (ignoreBOM means "do not swallow it").

/** Bytes of a token. Ids outside the vocabulary have no bytes of their own: they give U+FFFD. */
export type TokenBytes = (id: number) => Uint8Array;

/** UTF-8 of U+FFFD, what an id without a token decodes to. */
export const REPLACEMENT = Uint8Array.of(0xef, 0xbf, 0xbd);

/** Text of ids. */
export function decodeBytes(ids: ArrayLike<number>, bytesOf: TokenBytes): string {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < ids.length; i++) parts.push(bytesOf(ids[i]!));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}

/** Token by token: push() returns whole characters, a half-finished UTF-8 sequence waits; end() gives what is left. */
export function streamBytes(bytesOf: TokenBytes): { push(id: number): string; end(): string } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => decoder.decode(),
  };
}
