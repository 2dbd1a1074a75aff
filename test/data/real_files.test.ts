// The data sets on which fine-tuning and evaluation will be tried, read whole, with the types that they will ask for.
// They are not part of this repository: the tests are skipped where ../shared/data is missing.

import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ColumnType, requireColumns } from '../../src/data/row.js';
import { type RowOptions, readRows } from '../../src/data/rows.js';

const DATA = new URL('../../../shared/data/', import.meta.url).pathname;

const cola: RowOptions = { names: ['source', 'label', 'mark', 'sentence'] };
const sst2: RowOptions = { names: ['sentence', 'label'] };
const stsb: RowOptions = {
  format: 'tsv',
  names: ['genre', 'file', 'year', 'index', 'score', 'sentence1', 'sentence2'],
  dropExtra: true,
};
const tsv: RowOptions = { format: 'tsv' };
const sentence = { sentence: 'string', label: [0, 1] } as const;
const scored = { sentence1: 'string', sentence2: 'string', score: 'number' } as const;
const rte = { sentence1: 'string', sentence2: 'string', label: [-1, 0, 1], idx: 'integer' } as const;
const mrpc = { Quality: [0, 1], '#1 String': 'string', '#2 String': 'string' } as const;
const sick = {
  sentence_A: 'string',
  sentence_B: 'string',
  relatedness_score: 'number',
  entailment_judgment: ['NEUTRAL', 'ENTAILMENT', 'CONTRADICTION'],
} as const;
const cosmos = {
  context: 'string',
  question: 'string',
  answer0: 'string',
  answer3: 'string',
  label: [0, 1, 2, 3],
} as const;
const completion = { context: 'string', completion: 'string' } as const;

test.skipIf(!existsSync(DATA)).each<[string, number, RowOptions, Readonly<Record<string, ColumnType>>]>([
  ['cola/in_domain_train.tsv', 8551, cola, sentence],
  ['cola/in_domain_dev.tsv', 527, cola, sentence],
  ['cola/out_of_domain_dev.tsv', 516, cola, sentence],
  ['sst2/train.tsv', 6920, sst2, sentence],
  ['sst2/dev.tsv', 872, sst2, sentence],
  ['sst2/test.tsv', 1821, sst2, sentence],
  ['rte/train.tsv', 2490, {}, rte],
  ['rte/dev.tsv', 277, {}, rte],
  ['rte/test.tsv', 3000, {}, rte],
  ['stsb/sts-train.csv', 5749, stsb, scored],
  ['stsb/sts-dev.csv', 1500, stsb, scored],
  ['stsb/sts-test.csv', 1379, stsb, scored],
  ['mrpc/msr_paraphrase_train.txt', 4076, tsv, mrpc],
  ['mrpc/msr_paraphrase_test.txt', 1725, tsv, mrpc],
  ['sick/SICK_train.txt', 4500, tsv, sick],
  ['sick/SICK_test_annotated.txt', 4927, tsv, sick],
  ['cosmosqa/valid.csv', 2985, {}, cosmos],
  ['piqa/valid.jsonl', 1838, {}, { goal: 'string', sol1: 'string', sol2: 'string' }],
  ['piqa/valid-labels.lst', 1838, { format: 'tsv', names: ['label'] }, { label: [0, 1] }],
  ['lambada/lambada_test.jsonl', 5153, {}, { text: 'string' }],
  ['gpt3_synthetic/two_digit_addition.jsonl', 2000, {}, completion],
  ['gpt3_synthetic/reversed_words.jsonl.gz', 10000, {}, completion],
  ['hellaswag/hellaswag_val_full.txt', 60252, { format: 'tsv', names: ['line'] }, { line: 'string' }],
])('%s has %i rows (skipped where ../shared/data is missing)', async (name, count, options, wanted) => {
  let rows = 0;
  for await (const row of readRows(DATA + name, options)) {
    requireColumns(row, wanted);
    rows++;
  }
  expect(rows).toBe(count);
});
