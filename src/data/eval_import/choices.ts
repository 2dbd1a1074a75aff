// Sets of questions with given answers.
//
//   piqa      {train,valid}.jsonl beside {train,valid}-labels.lst, tests.jsonl       goal, sol1, sol2, label
//   copa      copa-dev.xml, copa-test.xml        premise, choice1, choice2, question: cause or effect, label
//   cosmosqa  {train,valid,test}.csv             context, question, answer0 ... answer3, label
//
// SuperGLUE's COPA is the original's development set: its first 400 items are train, the last 100 validation (both
// begin as SuperGLUE's do: "My body cast a shadow over the grass.", "The man turned on the faucet."). SuperGLUE gives no
// labels with its test set; the original's are given here.

import { DataError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import { readCopa } from '../examples/copa.js';
import { requireColumns } from '../row.js';
import { readRows } from '../rows.js';
import { type Doc, linesOf, type OriginalSet, type OriginalSplit, splitsOf } from './original.js';

async function* piqaRows([file, labelFile]: readonly string[]): AsyncGenerator<Doc> {
  const labels = labelFile === undefined ? undefined : await linesOf(labelFile);
  let i = 0;
  for await (const row of readRows(file!)) {
    const label = labels === undefined ? '-1' : labels[i];
    i++;
    if (labels !== undefined && label !== '0' && label !== '1') {
      const is = label === undefined ? 'missing' : quoted(label);
      throw new DataError(`${labelFile}:${i}: the label of ${row.place} is ${is}, expected 0 or 1`, 'correct the line');
    }
    yield { ...requireColumns(row, { goal: 'string', sol1: 'string', sol2: 'string' }), label: Number(label) };
  }
  if (labels !== undefined && labels.length > i) {
    throw new DataError(`${labelFile}:${i + 1}: a label more than ${file} has rows`, 'fetch both files again');
  }
}

/** PIQA (Bisk et al. 2020). */
export const piqa: OriginalSet = {
  name: 'piqa',
  tasks: 'piqa',
  licence: 'Academic Free License 3.0',
  lacksTrain: true,
  splits: () =>
    splitsOf(
      'baber/piqa',
      'default',
      {
        train: ['train.jsonl', 'train-labels.lst'],
        validation: ['valid.jsonl', 'valid-labels.lst'],
        test: ['tests.jsonl'],
      },
      piqaRows,
    ),
};

async function* copaRows(file: string, from: number, to: number): AsyncGenerator<Doc> {
  let i = 0;
  for await (const { values } of readCopa(file)) {
    if (i >= from && i < to) yield { ...values, label: values['label'] ?? -1, idx: i - from };
    i++;
  }
}

const SUPERGLUE_TRAIN = 400;

const copaSplit = (split: string, file: string, from = 0, to = Number.POSITIVE_INFINITY): OriginalSplit[] =>
  splitsOf('aps/super_glue', 'copa', { [split]: [file] }, ([path]) => copaRows(path!, from, to));

/** COPA (Roemmele et al. 2011) as SuperGLUE has it. */
export const copa: OriginalSet = {
  name: 'copa',
  tasks: 'copa',
  licence: 'none stated',
  splits: () => [
    ...copaSplit('train', 'copa-dev.xml', 0, SUPERGLUE_TRAIN),
    ...copaSplit('validation', 'copa-dev.xml', SUPERGLUE_TRAIN),
    ...copaSplit('test', 'copa-test.xml'),
  ],
};

async function* cosmosRows([file]: readonly string[]): AsyncGenerator<Doc> {
  for await (const row of readRows(file!)) {
    const text = requireColumns(row, {
      id: 'string',
      context: 'string',
      question: 'string',
      answer0: 'string',
      answer1: 'string',
      answer2: 'string',
      answer3: 'string',
    });
    yield { ...text, label: 'label' in row.values ? requireColumns(row, { label: [0, 1, 2, 3] }).label : -1 };
  }
}

/** CosmosQA (Huang et al. 2019). */
export const cosmosqa: OriginalSet = {
  name: 'cosmosqa',
  licence: 'none stated',
  lacksTrain: true,
  splits: () =>
    splitsOf(
      'allenai/cosmos_qa',
      'default',
      { train: ['train.csv'], validation: ['valid.csv'], test: ['test.csv'] },
      cosmosRows,
    ),
};
