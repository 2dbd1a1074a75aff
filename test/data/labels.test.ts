import { expect, test } from 'vitest';
import { ConfigError, DataError } from '../../src/base/errors.js';
import { classOf, type LabelOptions, learnLabels } from '../../src/data/labels.js';

type Gold = string | number | null;
const examples = (...golds: Gold[]) => golds.map((gold, i) => ({ place: `train.tsv:${i + 1}`, gold }));
const learn = (golds: Gold[], options: Partial<LabelOptions> = {}) =>
  learnLabels(examples(...golds), { place: 'train.tsv', ...options });
const rte = { '0': 'entailment', '1': 'not_entailment' };

test.each<[string, Gold[], Partial<LabelOptions>, string[]]>([
  ['whole numbers, by number', [10, 2, 1, 2], {}, ['1', '2', '10']],
  ['negative ones too', [1, -1, 0], {}, ['-1', '0', '1']],
  ['names, as sort() has them', ['b', 'a', 'B', 'ä'], {}, ['B', 'a', 'b', 'ä']],
  ['a number among names is a name', ['b', 10, 2], {}, ['10', '2', 'b']],
  ['numbers that the format names', [1, 0], { classNames: rte }, ['entailment', 'not_entailment']],
  [
    'names that the format has',
    ['not_entailment', 'entailment'],
    { classNames: rte },
    ['entailment', 'not_entailment'],
  ],
  ['numbers that the user names', [1, 0], { names: ['bad', 'good'], classNames: rte }, ['bad', 'good']],
  ['names in the order of the user', ['a', 'b', 'c'], { names: ['c', 'a', 'b'] }, ['c', 'a', 'b']],
  ['a class without examples', [0, 1], { names: ['bad', 'good', 'mixed'] }, ['bad', 'good', 'mixed']],
  ['no names from the format', ['x', 'y'], { classNames: null }, ['x', 'y']],
])('%s', (_, golds, options, names) => {
  expect(learn(golds, options)).toEqual({ names });
});

test('the class of an example is found by name, or by number where no name is one', () => {
  const of = (names: string[], gold: Gold) => classOf({ names }, { place: 'dev.tsv:3', gold });
  expect(['bad', 'good', 1, '1', 0].map((gold) => of(['bad', 'good'], gold))).toEqual([0, 1, 1, 1, 0]);
  expect([1, '3', 2].map((gold) => of(['1', '2', '3'], gold))).toEqual([0, 2, 1]);
  expect(() => of(['1', '2', '3'], 0)).toThrow('dev.tsv:3: the label 0 is none of the classes: 1, 2, 3');
});

test.each<[Gold, RegExp]>([
  ['neutral', /^dev\.tsv:3: the label "neutral" is none of the classes: 0 \(entailment\), 1 \(not_entailment\)$/],
  [2, /^dev\.tsv:3: the label 2 is none of the classes/],
  [-1, /^dev\.tsv:3: the label -1 is none of the classes/],
  ['Entailment', /^dev\.tsv:3: the label "Entailment" is none of the classes/],
  ['', /^dev\.tsv:3: the label "" is none of the classes/],
  [null, /^dev\.tsv:3: there is no label$/],
  [0.5, /^dev\.tsv:3: the label 0\.5 has a fraction: it is a score, not a class$/],
  [Number.NaN, /^dev\.tsv:3: the label NaN has a fraction/],
])('%s in validation is refused', (gold, message) => {
  const labels = learn([0, 1], { classNames: rte });
  const work = () => classOf(labels, { place: 'dev.tsv:3', gold });
  expect(work).toThrow(DataError);
  expect(work).toThrow(message);
});

test.each<[string, Gold[], Partial<LabelOptions>, RegExp, RegExp]>([
  ['a single class', ['yes', 'yes'], {}, /^train\.tsv: a single class, "yes"$/, /data\.label/],
  [
    'a single class of two that have names',
    [1, 1],
    { classNames: rte },
    /^train\.tsv: a single class, "not_entailment"$/,
    /two/,
  ],
  ['nothing', [], {}, /^train\.tsv: no examples$/, /two/],
  [
    'a class that the user has no name for',
    [1, 2],
    { names: ['bad', 'good'] },
    /^train\.tsv:2: the label 2 is none of the classes: 0 \(bad\), 1 \(good\)$/,
    /correct/,
  ],
  ['scores', [1, 2.5], {}, /^train\.tsv:2: the label 2\.5 has a fraction/, /objective regression/],
  ['a label that is missing', ['a', null], {}, /^train\.tsv:2: there is no label$/, /give the label/],
])('%s cannot be learned', (_, golds, options, message, fix) => {
  const work = () => learn(golds, options);
  expect(work).toThrow(message);
  try {
    work();
  } catch (error) {
    expect((error as DataError).exitCode).toBe(4);
    expect((error as DataError).fix).toMatch(fix);
  }
});

test('two classes of one name', () => {
  expect(() => learn([0, 1], { names: ['a', 'a'] })).toThrow(ConfigError);
  expect(() => learn([0, 1], { names: ['a', 'a'] })).toThrow('finetune.labels: "a" is there twice');
});
