// Sets of GLUE (Wang et al. 2019), from the files of GLUE itself or of the sets' authors.
//
//   rte    {train,dev,test}.tsv     GLUE's header: sentence1, sentence2, label, idx
//   sst2   {train,dev,test}.tsv     sentence<TAB>label, without a header or with GLUE's
//   cola   in_domain_{train,dev}.tsv, out_of_domain_dev.tsv: source, label, *, sentence; both dev files are GLUE's validation
//   stsb   sts-{train,dev,test}.csv: tabs; score in field 5, texts in 6 and 7
//   mrpc   msr_paraphrase_{train,test}.txt: Quality, #1 ID, #2 ID, #1 String, #2 String
//
// Columns of all: the texts, label, idx (place in the split). GLUE's own MRPC holds out 408 of the training rows by a
// list of numbers that is not among these files: here validation is the corpus's own test set, and no number on it can
// be compared with one on GLUE's.

import type { ExampleFormat } from '../examples/example.js';
import { openSource } from '../examples/formats.js';
import { type Row, requireColumns } from '../row.js';
import { classNumber, type Doc, type OriginalSet, type OriginalSplit, splitsOf } from './original.js';

const PATH = 'nyu-mll/glue';

type Files = Readonly<Record<string, readonly string[]>>;
type Convert = (row: Row, idx: number) => Doc;

/** Splits of a set; rows of all files of one, one after the other, are counted through. */
const glueSplits = (name: Exclude<ExampleFormat, 'rows'>, files: Files, convertRow: Convert) => (): OriginalSplit[] =>
  splitsOf(PATH, name, files, async function* (paths) {
    let idx = 0;
    for (const file of paths) {
      const { rows } = await openSource(file, name);
      for await (const row of rows(undefined)) yield convertRow(row, idx++);
    }
  });

const texts = (row: Row) => requireColumns(row, { sentence1: 'string', sentence2: 'string' });

const rte: OriginalSet = {
  name: 'rte',
  tasks: 'rte',
  licence: 'none stated',
  splits: glueSplits('rte', { train: ['train.tsv'], validation: ['dev.tsv'], test: ['test.tsv'] }, (row, idx) => ({
    ...texts(row),
    label: 'label' in row.values ? classNumber(row, 'label', ['entailment', 'not_entailment']) : -1,
    idx,
  })),
};

const sst2: OriginalSet = {
  name: 'sst2',
  tasks: 'sst2',
  licence: 'none stated',
  splits: glueSplits('sst2', { train: ['train.tsv'], validation: ['dev.tsv'], test: ['test.tsv'] }, (row, idx) => ({
    ...requireColumns(row, { sentence: 'string' }),
    label: classNumber(row, 'label', ['negative', 'positive']),
    idx,
  })),
};

const cola: OriginalSet = {
  name: 'cola',
  tasks: 'cola',
  licence: 'none stated',
  splits: glueSplits(
    'cola',
    { train: ['in_domain_train.tsv'], validation: ['in_domain_dev.tsv', 'out_of_domain_dev.tsv'] },
    (row, idx) => ({
      ...requireColumns(row, { sentence: 'string' }),
      label: classNumber(row, 'label', ['unacceptable', 'acceptable']),
      idx,
    }),
  ),
};

const stsb: OriginalSet = {
  name: 'stsb',
  licence: 'by source, CC BY-SA family (LICENSE.txt)',
  splits: glueSplits(
    'stsb',
    { train: ['sts-train.csv'], validation: ['sts-dev.csv'], test: ['sts-test.csv'] },
    (row, idx) => ({ ...texts(row), label: requireColumns(row, { score: 'number' }).score, idx }),
  ),
};

const mrpc: OriginalSet = {
  name: 'mrpc',
  tasks: 'mrpc',
  licence: 'Microsoft Shared Source (LICENSE.htm)',
  note: "validation is the corpus's own test set: GLUE's 408 rows are listed in none of these files",
  splits: glueSplits(
    'mrpc',
    { train: ['msr_paraphrase_train.txt'], validation: ['msr_paraphrase_test.txt'] },
    (row, idx) => {
      const { '#1 String': sentence1, '#2 String': sentence2 } = requireColumns(row, {
        '#1 String': 'string',
        '#2 String': 'string',
      });
      return { sentence1, sentence2, label: classNumber(row, 'Quality', ['not_equivalent', 'equivalent']), idx };
    },
  ),
};

/** GLUE's sets. */
export const GLUE: readonly OriginalSet[] = [rte, sst2, cola, mrpc, stsb];
