// The published sets whole: their splits, sizes and shares of classes, counted without gpt.
// They are not part of this repository: the tests are skipped where ../shared/data is missing.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { type ExampleFormat, findSplits, readExamples, type TaskForm } from '../../src/data/examples.js';
import { classOf, learnLabels } from '../../src/data/labels.js';

const DATA = new URL('../../../shared/data/', import.meta.url).pathname;
const here = existsSync(DATA);

const read = (file: string, form: TaskForm, score: boolean, labels: 'required' | 'optional' = 'required') =>
  readExamples([file], { form, format: 'auto', columns: {}, labels, score, onBadRow: 'fail' });

type Counts = Record<string, number>;
test.skipIf(!here).each<[ExampleFormat, TaskForm, Record<string, [file: string, classes: Counts]>]>([
  [
    'sst2',
    'classification',
    {
      train: ['train.tsv', { negative: 3310, positive: 3610 }],
      val: ['dev.tsv', { negative: 428, positive: 444 }],
      test: ['test.tsv', { negative: 912, positive: 909 }],
    },
  ],
  [
    'cola',
    'classification',
    {
      train: ['in_domain_train.tsv', { unacceptable: 2528, acceptable: 6023 }],
      val: ['in_domain_dev.tsv', { unacceptable: 162, acceptable: 365 }],
      test: ['out_of_domain_dev.tsv', { unacceptable: 162, acceptable: 354 }],
    },
  ],
  [
    'sick',
    'entailment',
    {
      train: ['SICK_train.txt', { CONTRADICTION: 665, ENTAILMENT: 1299, NEUTRAL: 2536 }],
      val: ['SICK_trial.txt', { CONTRADICTION: 74, ENTAILMENT: 144, NEUTRAL: 282 }],
      test: ['SICK_test_annotated.txt', { CONTRADICTION: 720, ENTAILMENT: 1414, NEUTRAL: 2793 }],
    },
  ],
  [
    'mrpc',
    'similarity',
    {
      train: ['msr_paraphrase_train.txt', { not_equivalent: 1323, equivalent: 2753 }],
      test: ['msr_paraphrase_test.txt', { not_equivalent: 578, equivalent: 1147 }],
    },
  ],
])('%s for %s (skipped where ../shared/data is missing)', async (format, form, want) => {
  const splits = findSplits(DATA + format);
  expect(Object.keys(splits)).toEqual(Object.keys(want));
  for (const [split, file] of Object.entries(splits) as [string, string][]) {
    const set = await read(file, form, false);
    const { names } = learnLabels(set.examples, { classNames: set.classNames, place: file });
    const counts: Counts = Object.fromEntries(names.map((name) => [name, 0]));
    for (const example of set.examples) counts[names[classOf({ names }, example)]!]!++;
    expect([set.format, basename(file), counts]).toEqual([format, ...want[split]!]);
  }
});

test.skipIf(!here).each<[ExampleFormat, Record<string, [number, number, number, number]>]>([
  ['stsb', { train: [5749, 0, 5, 2.701], val: [1500, 0, 5, 2.364], test: [1379, 0, 5, 2.608] }],
  ['sick', { train: [4500, 1, 5, 3.521], val: [500, 1, 5, 3.594], test: [4927, 1, 5, 3.53] }],
])('scores of %s: how many, least, most and mean (skipped where ../shared/data is missing)', async (format, want) => {
  for (const [split, file] of Object.entries(findSplits(DATA + format)) as [string, string][]) {
    const set = await read(file, 'similarity', true);
    const scores = set.examples.map(({ gold }) => gold as number);
    const [count, least, most, mean] = want[split]!;
    expect([set.format, scores.length, Math.min(...scores), Math.max(...scores)]).toEqual([format, count, least, most]);
    expect(scores.reduce((a, b) => a + b) / scores.length).toBeCloseTo(mean, 3);
  }
});

test.skipIf(!here)('rte, whose test set has no labels (skipped where ../shared/data is missing)', async () => {
  const { train, val, test } = findSplits(`${DATA}rte`);
  expect([train, val, test].map((file) => basename(file!))).toEqual(['train.tsv', 'dev.tsv', 'test.tsv']);
  for (const [file, first, second] of [
    [train, 1249, 1241],
    [val!, 146, 131],
  ] as const) {
    const set = await read(file, 'entailment', false);
    expect([set.format, set.classNames]).toEqual(['rte', { '0': 'entailment', '1': 'not_entailment' }]);
    expect([0, 1].map((gold) => set.examples.filter((one) => one.gold === gold).length)).toEqual([first, second]);
  }
  const { examples } = await read(test!, 'entailment', false, 'optional');
  expect([examples.length, examples.every(({ gold }) => gold === null)]).toEqual([3000, true]);
  await expect(read(test!, 'entailment', false)).rejects.toThrow(
    /test\.tsv:2: label is "-1": the example has no label/,
  );
});

test.skipIf(!here).each<[ExampleFormat, string, number, number, number[]]>([
  ['copa', 'copa/copa-dev.xml', 500, 2, [250, 250]],
  ['copa', 'copa/copa-test.xml', 500, 2, [250, 250]],
  ['cosmosqa', 'cosmosqa/valid.csv', 2985, 4, [744, 729, 761, 751]],
])('%s: %s (skipped where ../shared/data is missing)', async (format, name, count, answers, right) => {
  const set = await read(DATA + name, 'multiple-choice', false);
  expect([set.format, set.examples.length]).toEqual([format, count]);
  expect(set.examples.every(({ choices }) => choices?.length === answers)).toBe(true);
  const counts = Array.from({ length: answers }, (_, k) => set.examples.filter(({ gold }) => gold === k).length);
  expect(counts).toEqual(right);
});
