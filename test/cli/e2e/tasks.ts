// Labelled sets of a few dozen rows for end-to-end tests of fine-tuning, and a small pretrained model to start from.
// Which class a text has can be read off its words; one text of each training set is longer than the model's context.

import { BACKEND, type Workplace } from './gpt.js';

/** Tokens (bytes) that the model reads. */
export const N_CTX = 48;

/** Pretrains a model of 35 thousand parameters, for a moment: what counts is that it starts from something. */
export const pretrain = (place: Workplace, out: string, ...more: string[]) =>
  place.train(out, '--model.n_ctx', `${N_CTX}`, '--train.batch_tokens', '192', '--train.max_steps', '10', ...more);

/** Flags of a run of 4 updates on 24 examples: one epoch and a third. */
export const BRIEF = ['--backend', BACKEND, '--train.batch_size', '8', '--train.max_steps', '4'];

/** Rows of TRAIN, VAL and TEST. */
export const ROWS = { train: 24, val: 10, test: 12 } as const;

const LONG = 'very '.repeat(20);

/** Words that follow from a number: row i of a set. */
const of = (i: number, ...words: string[]): string => words[(i * 7 + (i >> 2)) % words.length]!;

/** Two classes, 1 : 2. */
export const feeling = (i: number): string[] => {
  const label = i % 3 === 0 ? 'good' : 'bad';
  return [
    `a ${label === 'good' ? of(i, 'fine', 'happy') : of(i, 'dull', 'sad')} film of ${of(i, 'cats', 'owls')}`,
    label,
  ];
};

/** Three classes. */
export const inference = (i: number) => ({
  premise: `the ${of(i, 'cat', 'dog')} ran`,
  hypothesis: [`a ${of(i, 'cat', 'dog')} ran`, 'an owl ran', `no ${of(i, 'cat', 'dog')} ran`][i % 3]!,
  label: ['entailment', 'neutral', 'contradiction'][i % 3]!,
});

/** Classes 0 and 1, or scores from 0 to 5. */
export const likeness = (i: number, score: boolean): string[] => {
  const same = i % 2;
  const label = score ? String(same * 4 + (i % 5) / 4) : String(same);
  return [`the ${of(i, 'cat', 'dog')} ran`, same ? `a ${of(i, 'cat', 'dog')} ran off` : 'it rained', label];
};

/** Two, three or four answers. */
export const ending = (i: number) => {
  const label = i % 2;
  const answers = Array.from({ length: 2 + (i % 3) }, (_, k) =>
    k === label ? 'it ran' : of(i + k, 'a moon', 'a hill'),
  );
  return { context: `the ${of(i, 'cat', 'dog')} woke.`, question: 'then?', answers, label };
};

/** Writes NAME.train.EXT, NAME.val.EXT and NAME.test.EXT of each set. */
export function writeSets(place: Workplace): void {
  const rows = <T>(first: number, n: number, row: (i: number) => T): T[] =>
    Array.from({ length: n }, (_, i) => row(first + i));
  let first = 0;
  for (const [split, n] of Object.entries(ROWS)) {
    const lengthen = (text: string, i: number) => (split === 'train' && i === 0 ? `${LONG}${text}` : text);
    const table = (name: string, ext: string, between: string, head: string[], all: string[][]) => {
      const lines = all.map(([text, ...rest], i) => [lengthen(text!, i), ...rest].join(between));
      place.write(`${name}.${split}.${ext}`, `${[head.join(between), ...lines].join('\n')}\n`);
    };
    const objects = (name: string, key: string, all: Record<string, unknown>[]) => {
      const lines = all.map((row, i) => JSON.stringify({ ...row, [key]: lengthen(row[key] as string, i) }));
      place.write(`${name}.${split}.jsonl`, `${lines.join('\n')}\n`);
    };
    table('feeling', 'tsv', '\t', ['sentence', 'label'], rows(first, n, feeling));
    objects('inference', 'hypothesis', rows(first, n, inference));
    const pair = ['sentence1', 'sentence2', 'score'];
    table(
      'same',
      'csv',
      ',',
      pair,
      rows(first, n, (i) => likeness(i, false)),
    );
    table(
      'score',
      'csv',
      ',',
      pair,
      rows(first, n, (i) => likeness(i, true)),
    );
    objects('ending', 'context', rows(first, n, ending));
    first += n;
  }
}

/** --data, --val and --test of a set. */
export const filesOf = (set: string): string[] => {
  const [name, ext] = set.split('.');
  return ['--data', `${name}.train.${ext}`, '--val', `${name}.val.${ext}`, '--test', `${name}.test.${ext}`];
};

/** The task of most tests. */
export const FEELING = ['--task', 'classification', '--data', 'feeling.train.tsv', '--val', 'feeling.val.tsv'];
