// The synthetic tasks of the GPT-3 paper (Brown et al. 2020, section 3.9), from the files that OpenAI published: rows of
// context and completion, with the very spaces and line breaks of the paper's prompts.
//
//   two_digit_addition.jsonl      dataset_path EleutherAI/arithmetic, dataset_name arithmetic_2da, split validation;
//                                 and hf://datasets/EleutherAI/arithmetic/data/two_digit_addition.jsonl, by which
//                                 present task files name it
//   mid_word_1_anagrams.jsonl.gz  dataset_path EleutherAI/unscramble, dataset_name mid_word_1_anagrams, split validation

import { requireColumns } from '../row.js';
import { readRows } from '../rows.js';
import { type Doc, type OriginalSet, type OriginalSplit, splitsOf } from './original.js';

const ARITHMETIC: Readonly<Record<string, string>> = {
  '1dc': 'single_digit_three_ops',
  '2da': 'two_digit_addition',
  '2dm': 'two_digit_multiplication',
  '2ds': 'two_digit_subtraction',
  '3da': 'three_digit_addition',
  '3ds': 'three_digit_subtraction',
  '4da': 'four_digit_addition',
  '4ds': 'four_digit_subtraction',
  '5da': 'five_digit_addition',
  '5ds': 'five_digit_subtraction',
};
const UNSCRAMBLE = [
  'cycle_letters_in_word',
  'mid_word_1_anagrams',
  'mid_word_2_anagrams',
  'random_insertion_in_word',
  'reversed_words',
];

async function* rows([file]: readonly string[]): AsyncGenerator<Doc> {
  for await (const row of readRows(file!)) yield requireColumns(row, { context: 'string', completion: 'string' });
}

const one = (path: string, name: string, split: string, file: string): OriginalSplit[] =>
  splitsOf(path, name, { [split]: [`${file}.jsonl`] }, rows);

/** Arithmetic and word scrambling. */
export const gpt3Synthetic: OriginalSet = {
  name: 'gpt3_synthetic',
  tasks: 'arithmetic,unscramble',
  licence: 'none stated',
  splits: () => [
    ...Object.entries(ARITHMETIC).flatMap(([name, file]) => [
      ...one('EleutherAI/arithmetic', 'data', file, file),
      ...one('EleutherAI/arithmetic', `arithmetic_${name}`, 'validation', file),
    ]),
    ...UNSCRAMBLE.flatMap((name) => one('EleutherAI/unscramble', name, 'validation', name)),
  ],
};
