// Where a long text may be cut, so that its parts have the ids of the whole.
//
// Before a space between two letters: no pattern's piece runs over it, no normalizer joins what is on its sides, GPT-1's
// words are told apart there, and a tokenizer that puts a space in front of a text finds one. Where a text has no such
// place: before any white space that follows another character. GPT-2's pattern allows that too; others may join a full
// stop with the line end behind it, so that a part can have one token more than the whole.

/** The last place to cut; 0 if there is none. */
export function lastCut(text: string): number {
  for (let i = text.length - 2; i > 0; i--) {
    if (text.charCodeAt(i) === SPACE && isLetter(text, i - 1) && isLetter(text, i + 1)) return i;
  }
  for (let i = text.length - 1; i > 0; i--) {
    if (isSpace(text, i) && !isSpace(text, i - 1)) return i;
  }
  return 0;
}

const SPACE = 0x20;
const LETTER = /\p{L}/u;
const WHITE = /\p{White_Space}/u;

// ASCII by its codes: a text of nothing but spaces is looked at from end to end.
function isLetter(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  return code < 0x80 ? (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a : LETTER.test(text[i]!);
}

function isSpace(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  return code < 0x80 ? code === SPACE || (code >= 9 && code <= 13) : WHITE.test(text[i]!);
}
