// Baselines counted by hand.

import { expect, test } from 'vitest';
import type { AnsweredDoc } from '../../../src/eval/request.js';
import { baselines } from '../../../src/eval/results/baselines.js';

const doc = (choices: number, target: unknown, rightInput: number | null = null): AnsweredDoc => ({
  id: 0,
  doc: {},
  target,
  choices: Array.from({ length: choices }, (_, i) => `choice ${i}`),
  rightInput,
  requests: [],
  answers: [],
});

test('accuracies: a guess, and the most frequent answer', () => {
  const docs = [doc(4, 1), doc(4, 3), doc(4, 1), doc(4, 'choice 1'), doc(4, 0)];
  for (const metric of ['acc', 'acc_norm', 'acc_bytes', 'acc_mutual_info']) {
    expect(baselines(metric, docs)).toEqual({ chance: 0.25, majority: 0.6 });
  }
});

test('a number of choices that varies has a chance and no majority', () => {
  expect(baselines('acc', [doc(2, 0), doc(5, 0)])).toEqual({ chance: (1 / 2 + 1 / 5) / 2, majority: null });
});

test('several right choices', () => {
  expect(baselines('acc', [doc(4, [0, 1]), doc(4, [2])])).toEqual({ chance: (2 / 4 + 1 / 4) / 2, majority: null });
});

test('choices that are contexts', () => {
  expect(baselines('acc', [doc(2, 'end', 1), doc(2, 'end', 1), doc(2, 'end', 0)])).toEqual({
    chance: 0.5,
    majority: 2 / 3,
  });
});

test('a target among no choices is never right', () => {
  expect(baselines('acc', [doc(2, 0), doc(2, 7), doc(2, -1), doc(2, 'x')])).toEqual({ chance: 0.5, majority: 0.25 });
});

test('f1 and mcc of the most frequent class', () => {
  const ones = [doc(2, 1), doc(2, 1), doc(2, 0)];
  expect(baselines('f1', ones)).toEqual({ chance: null, majority: 0.8 }); // precision 2/3, recall 1
  expect(baselines('f1', [doc(2, 0), doc(2, 0), doc(2, 1)])).toEqual({ chance: null, majority: 0 });
  expect(baselines('mcc', ones)).toEqual({ chance: null, majority: 0 });
});

test('nothing of other metrics, of tasks without choices, and of no documents', () => {
  const none = { chance: null, majority: null };
  expect(baselines('brier_score', [doc(2, 0)])).toEqual(none);
  expect(baselines('acc', [{ ...doc(2, 0), choices: null }])).toEqual(none);
  expect(baselines('acc', [])).toEqual(none);
});
