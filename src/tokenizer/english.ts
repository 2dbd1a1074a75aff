// English tokens as spaCy's: a word with its punctuation is cut into word, punctuation and the parts of contractions.
//
//   1. a whole that is known by heart stands, or is cut as it says (don't: do n't; Mr.; 10pm: 10 pm)
//   2. a prefix and a suffix are cut off, and again, until there is none or 1 applies to what is left
//   3. what is left is cut at infixes: a hyphen between letters, a colon before one, a full stop before a capital
//
// Written anew after what spaCy 3.8's English does (spacy.blank('en')), and compared with it: test/tokenizer/english.json
// has the tokens of spaCy. Covered: its prefixes, suffixes, infixes, contractions, abbreviations, times, and the smileys
// that OpenAI's cleaning leaves whole. Not covered: addresses of web pages and mail, its list of symbols (all of \p{So} are
// taken), letters of few languages (all of \p{L} are taken).

const PUNCTUATION = '…,:;!?¿؟¡()[\\]{}<>_#*&。？！，、；：～·।،۔؛٪';
const QUOTES = '\'"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧';
const CURRENCY = 'US\\$|C\\$|A\\$|[$£€¥฿\\u20a0-\\u20bf﷼]';
const LOWER = '\\p{Ll}\\p{Lo}';
const UPPER = '\\p{Lu}\\p{Lo}';
const UNITS = [
  ...[
    'km²',
    'km³',
    'km',
    'm²',
    'm³',
    'dm²',
    'dm³',
    'dm',
    'cm²',
    'cm³',
    'cm',
    'mm²',
    'mm³',
    'mm',
    'ha',
    'µm',
    'nm',
    'yd',
  ],
  ...[
    'in',
    'ft',
    'kg',
    'mg',
    'µg',
    'lb',
    'oz',
    'm/s',
    'km/h',
    'kmh',
    'mph',
    'hPa',
    'Pa',
    'mbar',
    'mb',
    'MB',
    'kb',
    'KB',
  ],
  ...['gb', 'GB', 'tb', 'TB', 'm', 'g', 't', 'T', 'G', 'M', 'K', '%'],
].join('|');

const prefix = new RegExp(`^(?:[§%=—–]|\\+(?![0-9])|[${PUNCTUATION}]|\\.\\.+|[${QUOTES}]|${CURRENCY}|\\p{So})`, 'u');

const suffix = new RegExp(
  `(?:${[
    `[${PUNCTUATION}${QUOTES}—–]|\\p{So}`,
    '\\.\\.+',
    "['’][sS]",
    '(?<=[0-9])\\+',
    '(?<=°[FfCcKk])\\.',
    `(?<=[0-9])(?:${CURRENCY}|${UNITS})`,
    `(?<=[0-9${LOWER}%²+${PUNCTUATION}${QUOTES}|-])\\.`,
    `(?<=[${UPPER}][${UPPER}])\\.`,
  ].join('|')})$`,
  'u',
);

const infix = new RegExp(
  [
    '\\.\\.+|…|\\p{So}',
    '(?<=[0-9])[+*^-](?=[0-9-])',
    `(?<=[${LOWER}${QUOTES}])\\.(?=[${UPPER}${QUOTES}])`,
    '(?<=\\p{L}),(?=\\p{L})',
    '(?<=[\\p{L}0-9])(?:-|–|—|--|---|——|~)(?=\\p{L})',
    '(?<=[\\p{L}0-9])[:<>=/](?=\\p{L})',
  ].join('|'),
  'gu',
);

/** Tokens of a text without white space. */
export function englishTokens(chunk: string): string[] {
  const before: string[] = [];
  const after: string[] = [];
  let left = chunk;
  while (left !== '' && !known.has(left)) {
    const cutPrefix = prefix.exec(left)?.[0] ?? '';
    const withoutPrefix = left.slice(cutPrefix.length);
    if (cutPrefix !== '' && known.has(withoutPrefix)) {
      before.push(cutPrefix);
      left = withoutPrefix;
      break;
    }
    const cutSuffix = suffix.exec(withoutPrefix)?.[0] ?? '';
    const withoutSuffix = left.slice(0, left.length - cutSuffix.length);
    if (cutSuffix !== '' && known.has(withoutSuffix)) {
      after.unshift(cutSuffix);
      left = withoutSuffix;
      break;
    }
    if (cutPrefix === '' && cutSuffix === '') break;
    if (cutPrefix !== '') before.push(cutPrefix);
    if (cutSuffix !== '') after.unshift(cutSuffix);
    left = withoutPrefix.slice(0, withoutPrefix.length - cutSuffix.length);
  }
  return [...before, ...(known.get(left) ?? inner(left)), ...after];
}

/** What is between prefixes and suffixes, cut at infixes; one at the start is none. */
function inner(word: string): string[] {
  const tokens: string[] = [];
  let done = 0;
  for (const { 0: found, index } of word.matchAll(infix)) {
    if (index === 0) continue;
    if (index > done) tokens.push(word.slice(done, index));
    tokens.push(found);
    done = index + found.length;
  }
  if (done < word.length) tokens.push(word.slice(done));
  return tokens;
}

/** Words that are known by heart -> their tokens. */
const known = ((): ReadonlyMap<string, readonly string[]> => {
  const map = new Map<string, readonly string[]>();
  const title = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
  /** Words, with a capital or not, and their endings, with an apostrophe or without: i'm I'm im Im. */
  const contract = (words: string, ...endings: readonly string[][]): void => {
    for (const word of words.split(' ').flatMap((w) => [w, title(w)])) {
      for (const ending of endings) {
        map.set(word + ending.join(''), [word, ...ending]);
        const bare = ending.map((part) => part.replace("'", ''));
        map.set(word + bare.join(''), [word, ...bare]);
      }
    }
  };
  contract('i', ["'m"], ["'m", 'a']);
  contract('i you he she it we they', ["'ll"], ["'ll", "'ve"], ["'d"], ["'d", "'ve"]);
  contract('i you we they', ["'ve"]);
  contract('you we they', ["'re"]);
  contract('he she it', ["'s"]);
  contract('who what when where why how there that this', ["'s"]);
  contract('who what when where why how there that this these those', ["'ll"], ["'ll", "'ve"], ["'d"], ["'d", "'ve"]);
  contract('who what when where why how there these those', ["'re"], ["'ve"]);
  contract('ca could do does did had may might must need ought sha should wo would', ["n't"], ["n't", "'ve"]);
  contract('could might must should would', ["'ve"]);
  contract('ai are is was were have has dare', ["n't"]);
  contract('not', ["'ve"]);
  for (const word of 'ill its hell shell shed were well whore'.split(' ')) {
    map.delete(word);
    map.delete(title(word));
  }

  const cut = (...parts: readonly string[]): void => void map.set(parts.join(''), parts);
  for (const [first, second] of ['can not', 'gon na', 'got ta', "let 's", "c'm on"].map((pair) => pair.split(' '))) {
    cut(first!, second!);
    cut(title(first!), second!);
  }
  cut('how', "'d", "'y");
  cut('How', "'d", "'y");
  cut("y'", 'all');
  cut('y', 'all');
  for (let hour = 1; hour <= 12; hour++) for (const half of ['a.m.', 'am', 'p.m.', 'pm']) cut(String(hour), half);
  for (const unit of 'cfkCFK') cut('°', unit, '.');

  const whole = [
    // contractions and slang with an apostrophe at an end
    ...[
      "'",
      "''",
      "'s",
      "'S",
      '‘s',
      '‘S',
      "'d",
      "'re",
      "'ll",
      "'em",
      "'nuff",
      "'bout",
      "'cause",
      "'Cause",
      "'cos",
      "'Cos",
    ],
    ...["'coz", "'Coz", "'cuz", "'Cuz", "doin'", "Doin'", "goin'", "Goin'", "nothin'", "Nothin'", "nuthin'", "Nuthin'"],
    ...["ol'", "Ol'", "somethin'", "Somethin'", "lovin'", "Lovin'", "havin'", "Havin'"],
    // abbreviations
    ...['a.m.', 'p.m.', 'e.g.', 'E.g.', 'E.G.', 'i.e.', 'I.e.', 'I.E.', 'vs.', 'v.s.', 'co.', 'Co.', 'D.C.', 'Ph.D.'],
    ...'Adm Bros Corp Dr Gen Gov Inc Jr Ltd Md Messrs Mo Mont Mr Mrs Ms Mt Prof Rep Rev Sen St'.split(' ').map(dotted),
    ...'Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec'.split(' ').map(dotted),
    ...'Ak Ala Ariz Ark Calif Colo Conn Del Fla Ga Ia Id Ill Ind Kan Kans Ky La Mass Mich Minn Miss'
      .split(' ')
      .map(dotted),
    ...'N.C N.D N.H N.J N.M N.Y Neb Nebr Nev Okla Ore Pa S.C Tenn Va Wash Wis'.split(' ').map(dotted),
    ...[...'abcdefghijklmnopqrstuvwxyzäöü'].map(dotted),
    // smileys
    ...[':D', ':P', ':p', ':O', ':o', ':0', ':1', ':3', ':>', ':X', ':x', '=D', '=3', '8D', 'xD', 'XD', 'xDD', 'XDD'],
    ...['>:o', '>.<', '>.>', '<.<', 'v.v', 'V.V', 'o.O', 'O.o', 'O.O', 'o.o', '0.0', 'o.0', '0.o', '<3', '<33', '<333'],
    ...['and/or', 'w/o', '\\t', '\\n', '—'],
  ];
  for (const word of whole) map.set(word, [word]);
  return map;
})();

function dotted(word: string): string {
  return `${word}.`;
}
