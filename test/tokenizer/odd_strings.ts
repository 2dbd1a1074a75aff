// Strings that break tokenizers, from a seed: every kind of white space, joined emoji, scripts, digits, contractions,
// lone surrogates, control characters, and text that looks like a special token or an object key.

import { Random, Stream } from '../../src/base/rng.js';

const PIECES = [
  ...' \t\n\r\v\f\u00a0\u0085\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\u200b\u180e\u001c\u001f',
  ...[
    '  ',
    '   ',
    '\r\n',
    '\n\n',
    ' \n',
    '\t\t',
    "'s",
    "'t",
    "'re",
    "'ve",
    "'m",
    "'ll",
    "'d",
    "'S",
    "'LL",
    "'",
    "''",
    '’s',
  ],
  ...['the', ' the', 'The', ' hello', 'world', 'ing', 'tokenization', ' antidisestablishmentarianism', 'x', 'a', 'e'],
  ...['0', '7', '42', '1234567890', ' 2024', '½', '²', '٣', '४', 'Ⅷ', '3.14', '1,000'],
  ...[
    '日本語',
    '中文字符',
    '한국어',
    'ひらがな',
    'привет',
    'ελληνικά',
    'עברית',
    'العربية',
    'हिन्दी',
    'ไทย',
    'e\u0301',
    'é',
    'ß',
    'İ',
  ],
  ...['👍', '👍🏽', '👨\u200d👩\u200d👧', '🏳️\u200d🌈', '🇩🇪', '𝒳', '𐍈', '𠀀', '\u{1f1e6}', '\ufe0f'],
  ...['\ud800', '\udc00', '\ud83d', '\udfff', '\ufffd', '\uffff', '\u0000', '\u0001', '\u007f', '\u0080', '\u00ad'],
  ...['<|endoftext|>', '<|', '|>', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '[object Object]', 'null'],
  ...[
    '.',
    ',',
    '!',
    '...',
    '!!!',
    '—',
    '“',
    '”',
    '(',
    ')',
    '{"a":1}',
    '#',
    '@',
    '$',
    '%',
    '^',
    '&',
    '*',
    '_',
    '-',
    '=',
    '+',
  ],
  ...[
    '/',
    '\\',
    '//',
    'http://a.b/c?d=e',
    'a@b.c',
    '    def f(x):\n        return x',
    '\\n',
    '``',
    '¶',
    '€',
    'Ã©',
    'â€™',
  ],
];

// Any code point of blocks that were full in Unicode 9: whether a character is a letter depends on the version, and
// Node's need not be the other tokenizer's.
const RANGES: [number, number][] = [
  [0x0000, 0x036f],
  [0x0400, 0x04ff],
  [0x2000, 0x205f],
  [0x2200, 0x22ff],
  [0x3000, 0x303f],
  [0x4e00, 0x9fcc],
  [0xac00, 0xd7a3],
  [0xd800, 0xf8ff],
  [0xff00, 0xffff],
  [0x10000, 0x1004d],
  [0x1d400, 0x1d454],
  [0x1f300, 0x1f5ff],
  [0x20000, 0x2a6d6],
  [0xe0001, 0xe007f],
  [0x10ff00, 0x10ffff],
];

function anyCharacter(random: Random): string {
  const [from, to] = RANGES[random.below(RANGES.length)]!;
  return String.fromCodePoint(from + random.below(to - from + 1));
}

/** n strings of 0 to 20 pieces. */
export function oddStrings(n: number, seed = 1): string[] {
  const random = new Random(seed, Stream.test);
  return Array.from({ length: n }, () => {
    let s = '';
    for (let k = random.below(21); k > 0; k--) {
      s += random.below(12) === 0 ? anyCharacter(random) : PIECES[random.below(PIECES.length)]!;
    }
    return s;
  });
}
