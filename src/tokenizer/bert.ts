// BERT's rules for words, which Hugging Face's GPT-1 tokenizer has in place of OpenAI's (Devlin et al. 2019).
//
//   1. drop U+0000, U+FFFD and other control characters, white space becomes a space (so line ends are lost)
//   2. spaces around Chinese characters
//   3. decompose and drop the combining marks: é becomes e
//   4. lower case, character by character
//   5. words are what lies between white space; every punctuation mark is a word
//
// Checked against Hugging Face's tokenizers: test/tokenizer/gpt1.test.ts.

/** Which of the rules apply; the names are those of BertNormalizer. */
export interface BertRules {
  readonly clean_text: boolean;
  readonly handle_chinese_chars: boolean;
  readonly strip_accents: boolean;
  readonly lowercase: boolean;
}

// The blocks that BERT calls Chinese.
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** Rules 1 to 4. */
export function bertNormalized(text: string, rules: BertRules): string {
  let out = text;
  if (rules.clean_text) {
    out = out.replace(/(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]|\ufffd/gu, '').replace(/\p{White_Space}/gu, ' ');
  }
  if (rules.handle_chinese_chars) out = out.replace(CHINESE, ' $& ');
  if (rules.strip_accents) out = out.normalize('NFD').replace(/\p{Mn}/gu, '');
  if (rules.lowercase) out = out.replace(/Σ/g, 'σ').toLowerCase(); // no final sigma
  return out;
}

const PUNCTUATION = /[!-/:-@[-`{-~]|\p{P}/u;

/** Rule 5. */
export function* bertWords(text: string): Generator<string> {
  for (const [word] of text.matchAll(/\P{White_Space}+/gu)) {
    let from = 0;
    for (let at = 0; at < word.length; ) {
      const char = String.fromCodePoint(word.codePointAt(at)!);
      if (PUNCTUATION.test(char)) {
        if (at > from) yield word.slice(from, at);
        yield char;
        from = at + char.length;
      }
      at += char.length;
    }
    if (from < word.length) yield word.slice(from);
  }
}
