// OpenAI's rules for GPT-1 (openai/finetune-transformer-lm, text_utils.py): from a text to words.
//
//   1. ftfy.fix_text: here the parts that change clean English text. Entities, C1 bytes as Windows-1252, ligatures, full-width
//      letters, curly quotes, line ends, terminal escapes, control characters, NFC. Text that was decoded wrongly ("Ã¶") is
//      left as it is: no figures say that books hold much of it
//   2. dashes - – ― are "-", an ellipsis is "...", an acute accent alone is an apostrophe
//   3. spaces around every run of one of - ~ ! " ; ? + , ) ( / * [ ] } { | _ (OpenAI's list names the backslash, but its
//      pattern escapes the plus sign instead)
//   4. white space with a line end is " \n ", other white space a space; none at the ends
//   5. spaCy's English tokens (english.ts), each in lower case; a line end is a token
//
// Words are lower-cased last, since the rules of 5 look at capitals.

import { englishTokens } from './english.js';

const LINE_END = '\n';

// Of ftfy's list, those that a text is likely to have; numbers are decoded whatever they are.
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', hellip: '…', mdash: '—', ndash: '–' },
  ...{ lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', eacute: 'é', copy: '©', pound: '£' },
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const TERMINAL = /\x1b\[[\d;]*[a-zA-Z]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;

// Of the bytes 0x80 to 0x9f; a space where it has none. (TextDecoder of Node 20 gives Latin-1.)
const WINDOWS_1252 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';

/** Steps 1 to 4: the text that spaCy got. */
export function cleanedAsOpenAi(text: string): string {
  return mended(text)
    .replace(/[—–―]/g, '-')
    .replaceAll('…', '...')
    .replaceAll('´', "'")
    .replace(/-+|~+|!+|"+|;+|\?+|\++|,+|\)+|\(+|\/+|\*+|\[+|\]+|\}+|\{+|\|+|_+/g, ' $& ')
    .replace(/\p{White_Space}*\n\p{White_Space}*/gu, ' \n ')
    .replace(/(?!\n)\p{White_Space}+/gu, (run) => (run.includes(LINE_END) ? run : ' '))
    .replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
}

/** Step 1. */
function mended(text: string): string {
  // A text with a tag is HTML, where an entity is not a mistake.
  const decoded = text.includes('<') ? text : text.replace(/&(#?[0-9A-Za-z]{1,24});/g, entity);
  return decoded
    .replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!.trim() || c)
    .replace(/[ﬀ-ﬆĳĲŉǄ-ǌǱ-ǳ]|[\uff01-\uffef\u3000]/g, (c) => c.normalize('NFKC'))
    .replace(/[‘’‚‛ʼ]/g, "'")
    .replace(/[“”„‟]/g, '"')
    .replace(/\r\n?|[\u2028\u2029]/g, LINE_END)
    .replace(TERMINAL, '')
    .replace(CONTROLS, '')
    .normalize('NFC');
}

function entity(whole: string, name: string): string {
  const number = /^#(?:[xX]([0-9A-Fa-f]+)|(\d+))$/.exec(name);
  if (!number) return ENTITIES[name] ?? whole;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : whole;
}

/** Step 5, of a chunk: a line end, or what stands between spaces. */
export function* wordsAsOpenAi(chunk: string): Generator<string> {
  if (chunk === LINE_END) yield LINE_END;
  else for (const token of englishTokens(chunk)) yield token.toLowerCase();
}
