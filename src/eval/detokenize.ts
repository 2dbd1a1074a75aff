// Text as it was before a corpus was cut into words: GPT-2 was trained on the former, so a benchmark's ' , ' and '@-@' cost
// it perplexity that says nothing about language. GPT-2's paper (Radford et al. 2019, section 3.1) gains 2.5 to 5 points
// by such de-tokenizers but does not print them. Those here:
//
//   wikitext   Merity et al. 2016: Moses' words, '@' around what stood inside a number or compound, '= Title ='. The
//              replacements of Megatron-LM (tasks/zeroshot_gpt/detokenizer.py) and of lm-evaluation-harness's wikitext task
//              (preprocess_wikitext.py), in their order
//   ptb        Mikolov et al. 2010: no punctuation, contractions cut off, every number is N
//   lm1b       Chelba et al. 2013: punctuation, brackets, quotes and contractions cut off, a sentence a line
//
// Word-level perplexity still divides by the words of the original: perplexity.ts.

import { SPACE_CLASS } from './harness/python_text.js';

export const DETOKENIZERS = ['none', 'wikitext', 'ptb', 'lm1b'] as const;
export type Detokenizer = (typeof DETOKENIZERS)[number];

/** What is replaced everywhere by what, one after the other. */
type Rules = readonly (readonly [RegExp, string])[];

/** Text between two signs, found without the white space at its ends. */
const inside = (open: string, close: string): RegExp =>
  new RegExp(`\\${open}[${SPACE_CLASS}]*([^\\${close}]*?)[${SPACE_CLASS}]*\\${close}`, 'g');

const WIKITEXT: Rules = [
  [/s '/g, "s'"],
  [/\/' [0-9]\//g, "/'[0-9]/"], // as it stands there: meant for years such as ' 99
  [/ @-@ /g, '-'],
  [/ @,@ /g, ','],
  [/ @\.@ /g, '.'],
  ...[':', ';', '.', '!', '?', ','].map((mark) => [new RegExp(` \\${mark} `, 'g'), `${mark} `] as const),
  [inside('(', ')'), '($1)'],
  [inside('[', ']'), '[$1]'],
  [inside('{', '}'), '{$1}'],
  [inside('"', '"'), '"$1"'],
  [inside("'", "'"), "'$1'"],
  [/= = = =/g, '===='],
  [/= = =/g, '==='],
  [/= =/g, '=='],
  [/ ° /g, '°'],
  [/ \n/g, '\n'],
  [/\n /g, '\n'],
  [/ N /g, ' 1 '],
  [/ 's/g, "'s"],
];

const CONTRACTIONS: Rules = [
  [/ n't(?!\w)/g, "n't"],
  [/ '(s|d|m|t|re|ve|ll)(?!\w)/g, "'$1"],
];

const PTB: Rules = [
  ...CONTRACTIONS,
  [/s '(?=\s|$)/g, "s'"],
  [/(?<!\S)N(?!\S)/g, '1'],
  [/([$#]) (?=1(?!\S))/g, '$1'],
  [/ *\n */g, '\n'],
];

const LM1B: Rules = [
  ...CONTRACTIONS,
  [/([([{]) /g, '$1'],
  [/ (?=[)\]}])/g, ''],
  [/ (?=[,.;:!?%](?!\S))/g, ''],
  [/(?<!\S)(["']) ([^"\n]+?) \1(?!\S)/g, '$1$2$1'],
  [/([$£€#]) (?=\d)/g, '$1'],
  [/ *\n */g, '\n'],
];

const RULES: Readonly<Record<Detokenizer, Rules>> = { none: [], wikitext: WIKITEXT, ptb: PTB, lm1b: LM1B };

/** The text as it was before it was cut into words. */
export function detokenize(text: string, by: Detokenizer): string {
  return RULES[by].reduce((done, [what, replacement]) => done.replace(what, replacement), text);
}
