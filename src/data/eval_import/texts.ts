// Sets whose rows are texts, or are published as the harness reads them.
//
//   lambada    lambada_test.jsonl: OpenAI's version, which has the text as it was printed               text
//   wikitext2  valid.txt, test.txt: articles, each begins with a line " = Title = "                     page
//   gsm8k      train.jsonl, test.jsonl                                                                  question, answer
//   blimp      <name>.jsonl for each of its 67 sets                                                     sentence_good, ...
//   sick       SICK_{train,trial,test_annotated}.txt                 sentence_A, sentence_B, label, relatedness_score, id

import { existsSync, readdirSync } from 'node:fs';
import { requireColumns } from '../row.js';
import { readRows } from '../rows.js';
import { classNumber, type Doc, linesOf, type OriginalSet, splitsOf } from './original.js';

/** Rows as they are. */
async function* plainRows([file]: readonly string[]): AsyncGenerator<Doc> {
  for await (const { values } of readRows(file!)) yield values;
}

async function* lambadaRows([file]: readonly string[]): AsyncGenerator<Doc> {
  for await (const row of readRows(file!)) yield requireColumns(row, { text: 'string' });
}

/** LAMBADA (Paperno et al. 2016). */
export const lambada: OriginalSet = {
  name: 'lambada',
  tasks: 'lambada_openai',
  licence: 'none stated',
  splits: () => splitsOf('EleutherAI/lambada_openai', 'default', { test: ['lambada_test.jsonl'] }, lambadaRows),
};

/** Headings are " = Title = "; those of sections have more signs: " = = Section = = ". */
const isTitle = (line: string): boolean => /^\s*= (?!=)/.test(line) && /[^=] =\s*$/.test(line);

async function* pages([file]: readonly string[]): AsyncGenerator<Doc> {
  let page: string[] = [];
  const text = () => page.join('\n');
  for (const line of await linesOf(file!)) {
    if (isTitle(line)) {
      if (text().trim() !== '') yield { page: text() };
      page = [];
    }
    page.push(line);
  }
  page.push(''); // the line end of the file
  if (text().trim() !== '') yield { page: text() };
}

/** WikiText-2 (Merity et al. 2016), by articles. */
export const wikitext2: OriginalSet = {
  name: 'wikitext2',
  tasks: 'wikitext',
  licence: 'CC BY-SA',
  note: 'files with <unk> in them are the tokenised WikiText-2: perplexities on them are not those of the raw text',
  splits: () =>
    splitsOf(
      'EleutherAI/wikitext_document_level',
      'wikitext-2-raw-v1',
      { train: ['train.txt'], validation: ['valid.txt'], test: ['test.txt'] },
      pages,
    ),
};

/** GSM8K (Cobbe et al. 2021). */
export const gsm8k: OriginalSet = {
  name: 'gsm8k',
  tasks: 'gsm8k',
  licence: 'MIT (openai/grade-school-math)',
  splits: () => splitsOf('openai/gsm8k', 'main', { train: ['train.jsonl'], test: ['test.jsonl'] }, plainRows),
};

/** BLiMP (Warstadt et al. 2020): as many sets as files, each with one split, "train". */
export const blimp: OriginalSet = {
  name: 'blimp',
  tasks: 'blimp',
  licence: 'CC BY 4.0',
  splits: (folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((file) => file.endsWith('.jsonl'))
      .sort()
      .flatMap((file) => splitsOf('nyu-mll/blimp', file.slice(0, -'.jsonl'.length), { train: [file] }, plainRows)),
};

async function* sickRows([file]: readonly string[]): AsyncGenerator<Doc> {
  for await (const row of readRows(file!, { format: 'tsv' })) {
    const {
      pair_ID: id,
      relatedness_score,
      ...texts
    } = requireColumns(row, {
      pair_ID: 'string',
      sentence_A: 'string',
      sentence_B: 'string',
      relatedness_score: 'number',
    });
    const label = classNumber(row, 'entailment_judgment', ['ENTAILMENT', 'NEUTRAL', 'CONTRADICTION']);
    yield { id, ...texts, label, relatedness_score };
  }
}

/** SICK (Marelli et al. 2014): the entailment of two sentences, and how related they are. */
export const sick: OriginalSet = {
  name: 'sick',
  licence: 'CC BY-NC-SA 3.0',
  splits: () =>
    splitsOf(
      'RobZamp/sick',
      'default',
      { train: ['SICK_train.txt'], validation: ['SICK_trial.txt'], test: ['SICK_test_annotated.txt'] },
      sickRows,
    ),
};
