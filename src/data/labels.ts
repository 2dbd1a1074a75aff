// The classes of a task, learned from the labels of its training examples.
//
// Labels are names or whole numbers. Their order is that of finetune.labels, or else of the data set's format: both say
// what the numbers 0, 1, ... mean, and a label may then be a name or a number. Without either it is that of the numbers
// where all labels are some, else that of sort(), which is the same everywhere.

import { ConfigError, DataError } from '../base/errors.js';
import { quoted, short } from '../base/format.js';
import type { Example } from './examples/example.js';

/** The classes of a task; a class is an index into them. */
export interface Labels {
  readonly names: readonly string[];
}

/** Where the names of classes come from. */
export interface LabelOptions {
  /** finetune.labels. */
  readonly names?: readonly string[];
  /** What the format of the examples calls its numbers. */
  readonly classNames?: Readonly<Record<string, string>> | null;
  /** The training files, for messages. */
  readonly place: string;
}

type Labelled = Pick<Example, 'place' | 'gold'>;

/** The classes of training examples. Throws DataError where there are not two, or where a label is none. */
export function learnLabels(examples: readonly Labelled[], { names, classNames, place }: LabelOptions): Labels {
  if (names !== undefined) checkNames(names);
  const format = classNames ? Object.values(classNames) : undefined;
  const given = names ?? format;
  const labels: Labels = { names: given ?? sorted(new Set(examples.map(labelOf))) };
  const seen = new Set(examples.map((example) => classOf(labels, example)));
  if (seen.size >= 2) return labels;
  const only = seen.size === 0 ? 'no examples' : `a single class, ${quoted(labels.names[[...seen][0]!])}`;
  throw new DataError(
    `${place}: ${only}`,
    'training needs examples of two classes or more; is data.label (--label) the column of the labels?',
  );
}

/** The class of an example, by name, or by number where no name is one. Throws DataError with its place. */
export function classOf({ names }: Labels, example: Labelled): number {
  const label = labelOf(example);
  const index = names.indexOf(label);
  if (index >= 0) return index;
  const number = Number(label);
  if (isWhole(label) && number >= 0 && number < names.length && !names.some(isWhole)) return number;
  const known = names.map((name, i) => (names.some(isWhole) ? name : `${i} (${name})`));
  throw new DataError(
    `${example.place}: the label ${quoted(example.gold)} is none of the classes: ${short(known.join(', '), 200)}`,
    'correct the label; a class that the training data lacks cannot be scored',
  );
}

const isWhole = (label: string): boolean => /^-?\d+$/.test(label);

function labelOf({ place, gold }: Labelled): string {
  if (gold === null) throw new DataError(`${place}: there is no label`, 'give the label, or leave the row out');
  if (typeof gold === 'string' || Number.isInteger(gold)) return String(gold);
  throw new DataError(
    `${place}: the label ${gold} has a fraction: it is a score, not a class`,
    'scores are for --task similarity with finetune.objective regression',
  );
}

function sorted(labels: ReadonlySet<string>): string[] {
  const all = [...labels];
  return all.every(isWhole) ? all.sort((a, b) => Number(a) - Number(b)) : all.sort();
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw new ConfigError(`finetune.labels: ${quoted(twice)} is there twice`, 'give each class a name of its own');
}
