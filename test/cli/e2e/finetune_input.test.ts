// What a user can get wrong in fine-tuning: the exit code says which kind, the message names the place and what to do, and
// no run is left behind.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKEND, complaint, TINY, Workplace } from './gpt.js';
import { BRIEF, FEELING, filesOf, pretrain, writeSets } from './tasks.js';

const place = new Workplace();
beforeAll(async () => {
  writeSets(place);
  await pretrain(place, 'base');
  const { code, stderr } = await place.gpt(['finetune', 'base', ...BRIEF, ...FEELING, '--out', 'task', '--quiet']);
  expect(code, stderr).toBe(0);
  for (const [name, lines] of Object.entries({
    'other-label.tsv': ['sentence\tlabel', 'a fine film\tgood', 'a film\tugly'],
    'single-class.tsv': ['sentence\tlabel', 'a fine film\tgood', 'a happy film\tgood', 'a film\tgood'],
    'few.tsv': ['sentence\tlabel', 'a\tgood', 'b\tbad', 'c\tbad', 'd\tbad', 'e\tbad'],
    'one.tsv': ['sentence\tlabel', 'a fine film\tgood'],
    'empty-text.tsv': ['sentence\tlabel', 'a fine film\tgood', '  \tbad', 'a sad film\tbad'],
    'unlabelled.tsv': ['sentence\tlabel', 'a fine film\tgood', 'a sad film\t'],
    'all-bad.tsv': ['sentence\tlabel', '\tgood', '\tbad'],
    'one-answer.jsonl': ['{"context": "it woke", "question": "then?", "answers": ["it ran"], "label": 0}'],
    'gold.jsonl': ['{"context": "it woke", "question": "then?", "answers": ["it ran", "a hill"], "label": 2}'],
    'words.csv': ['sentence1,sentence2,score', 'a,b,4.5', 'a,c,high'],
    'same-score.csv': ['sentence1,sentence2,score', 'a,b,2.5', 'a,c,2.5', 'a,d,2.5', 'b,d,2.5'],
  })) {
    place.write(name, `${lines.join('\n')}\n`);
  }
});
afterAll(() => place.remove());

type Case = [what: string, args: string[], code: number, named: (string | RegExp)[]];

async function refuses(args: readonly string[], code: number, named: readonly (string | RegExp)[]): Promise<void> {
  const before = place.names();
  const ended = await place.gpt(args);
  const result = complaint(ended);
  expect(result, result.text).toMatchObject({ code, wellFormed: true });
  for (const text of named) expect(result.text).toMatch(text);
  expect(place.names()).toEqual(before);
  expect(ended.stdout).toBe('');
}

const classify = (...files: string[]) => ['--task', 'classification', ...files];
const VAL = ['--val', 'feeling.val.tsv'];

describe('gpt finetune: examples', () => {
  test.each<Case>([
    [
      'a label that training does not have',
      classify('--data', 'feeling.train.tsv', '--val', 'other-label.tsv'),
      4,
      [/other-label\.tsv:3: the label "ugly" is none of the classes: 0 \(bad\), 1 \(good\)/],
    ],
    [
      'a single class',
      classify('--data', 'single-class.tsv', ...VAL),
      4,
      [/single-class\.tsv: a single class, "good"/],
    ],
    [
      'a single class is left when some are held out',
      classify('--data', 'few.tsv', '--val-split', '0.8'),
      4,
      [/few\.tsv \(less 4 held out\): a single class/],
    ],
    [
      'an empty text',
      classify('--data', 'empty-text.tsv', ...VAL),
      4,
      [/empty-text\.tsv:3: sentence is empty/, 'skip'],
    ],
    ['no label', classify('--data', 'unlabelled.tsv', ...VAL), 4, [/unlabelled\.tsv:3: label is empty/]],
    [
      'bad rows and nothing else',
      classify('--data', 'all-bad.tsv', ...VAL, '--on-bad-row', 'skip'),
      4,
      [/all-bad\.tsv: none of its 2 rows is an example; the first: all-bad\.tsv:2: sentence is empty/],
    ],
    [
      'no column for the text',
      classify('--data', 'inference.train.jsonl', ...VAL),
      4,
      [/inference\.train\.jsonl:1: no column for the text .*text, sentence/, /--text.*premise, hypothesis, label/],
    ],
    [
      'a column that is not there',
      classify('--data', 'feeling.train.tsv', '--text', 'body'),
      4,
      [/feeling\.train\.tsv:2: there is no "body"/, /it has: sentence, label/],
    ],
    [
      'a column of another task',
      classify('--data', 'feeling.train.tsv', '--first', 'sentence'),
      2,
      [/--first/, /data\.text/],
    ],
    [
      'multiple choice with one answer',
      ['--task', 'multiple-choice', '--data', 'one-answer.jsonl'],
      4,
      [/one-answer\.jsonl:1: multiple choice with one answer/],
    ],
    [
      'a right answer that is none of them',
      ['--task', 'multiple-choice', '--data', 'gold.jsonl'],
      4,
      [/gold\.jsonl:1: label is 2, but the row has 2 answers: 0 to 1/],
    ],
    [
      'a score that is no number',
      ['--task', 'similarity', '--data', 'words.csv'],
      4,
      [/words\.csv:3: score is "high", expected a number/],
    ],
    [
      'the same score everywhere',
      ['--task', 'similarity', '--data', 'same-score.csv'],
      4,
      [/same-score\.csv: all \d scores are 2\.5/],
    ],
    ['one example to split', classify('--data', 'one.tsv'), 4, [/one\.tsv: one example cannot be split/, '--val']],
    ['no such file', classify('--data', 'absent.tsv'), 4, [/absent\.tsv: there is no such file/]],
    ['a folder without a training set', classify('--data', '.'), 4, [/--data FOLDER\/FILE|name the files/]],
    [
      'a format of another task',
      classify('--data', 'feeling.train.tsv', '--format', 'rte'),
      2,
      [/data\.format rte is for entailment, and the task is classification/],
    ],
  ])('%s', (_, args, code, named) => refuses(['finetune', 'base', ...BRIEF, '--out', 'never', ...args], code, named));
});

describe('gpt finetune: settings', () => {
  test.each<Case>([
    ['no task', ['--data', 'feeling.train.tsv'], 2, [/finetune\.task: not given: --task/]],
    ['no data', classify(), 2, [/data\.train: not given: --data/]],
    [
      'an unknown task',
      ['--task', 'translation', '--data', 'feeling.train.tsv'],
      2,
      [/translation.*classification, entail/],
    ],
    ['an unknown format', [...FEELING, '--format', 'csv'], 2, [/data\.format: expected auto, rows.*got "csv"/]],
    ['an unknown metric', [...FEELING, '--finetune.metric', 'rouge'], 2, [/finetune\.metric: expected .*got "rouge"/]],
    [
      'a metric of scores for classes',
      [...FEELING, '--finetune.metric', 'pearson'],
      2,
      [/finetune\.metric pearson does not fit/, /accuracy, macro_f1, matthews/],
    ],
    [
      'F1 of three classes',
      ['--task', 'entailment', ...filesOf('inference.jsonl'), '--finetune.metric', 'f1'],
      2,
      [/finetune\.metric f1 does not fit/, /f1 for two/],
    ],
    [
      'a readout of pairs for one text',
      [...FEELING, '--readout', 'cosine'],
      2,
      [/finetune\.readout.*only with task similarity/],
    ],
    ['a misspelt choice', [...FEELING, '--on-bad-row', 'skp'], 2, [/data\.on_bad_row.*did you mean skip/]],
    [
      'more frozen layers than there are',
      [...FEELING, '--finetune.freeze_layers', '9'],
      2,
      [/freeze_layers 9.*model has 2/],
    ],
    ['LoRA on new weights', [...FEELING, '--init', 'random', '--lora.r', '2'], 2, [/lora\.r: .*must be trained/]],
    [
      'LoRA where there is no such layer',
      [...FEELING, '--lora.r', '2', '--lora.target_modules', '[q_proj]'],
      2,
      [/"q_proj"/, 'c_attn'],
    ],
    ["the model's shape", [...FEELING, '--model.n_layer', '3'], 2, [/model\.n_layer: unknown flag/]],
    [
      'names of classes that are not all',
      [...FEELING, '--finetune.labels', '[good, fine]'],
      4,
      [/feeling\.train\.tsv:\d+: the label "bad"/],
    ],
    ['a misspelt preset', ['sst3', ...FEELING], 2, [/sst3: no such configuration/, 'did you mean sst2']],
    [
      'an ablation of lm',
      ['--task', 'lm', '--data', 'text.txt', '--ablation'],
      2,
      [/--ablation is for tasks, not for lm/],
    ],
  ])('%s', (_, args, code, named) => refuses(['finetune', 'base', ...args, ...BRIEF, '--out', 'never'], code, named));

  test('LoRA in pretraining, which has nothing to adapt', () =>
    refuses(['pretrain', '--data', 'text.txt', ...TINY, '--out', 'never', '--lora.r', '2'], 2, [
      /lora\.r/,
      'gpt finetune',
    ]));
});

describe('checkpoints', () => {
  const flags = ['--backend', BACKEND];
  test.each<Case>([
    ['finetune: none', ['finetune', ...FEELING], 2, ['no checkpoint given']],
    ['finetune: absent', ['finetune', 'absent', ...FEELING], 4, [/cannot read absent/]],
    [
      'finetune: it has the head of a task',
      ['finetune', 'task', '--task', 'entailment', ...filesOf('inference.jsonl')],
      2,
      [/task\/step-\d+ has the head of a task already \(classification\)/, 'start from the pretrained checkpoint'],
    ],
    [
      'finetune --task lm: it has the head of a task',
      ['finetune', 'task', '--task', 'lm', '--data', 'text.txt'],
      2,
      [/head of a task/],
    ],
    [
      'finetune --resume: a run of pretrain',
      ['finetune', '--resume', 'base'],
      2,
      [/of a run of gpt pretrain/, 'gpt pretrain --resume'],
    ],
    [
      'pretrain --resume: a run of finetune',
      ['pretrain', '--resume', 'task'],
      2,
      [/of a run of gpt finetune/, 'gpt finetune --resume'],
    ],
    [
      'finetune --resume: another task',
      ['finetune', '--resume', 'task', '--task', 'entailment'],
      2,
      [/--finetune\.task cannot be given/],
    ],
    ['finetune --resume: a second checkpoint', ['finetune', 'base', '--resume', 'task'], 2, ['give no other']],
    [
      'finetune --resume: other data',
      ['finetune', '--resume', 'task', '--val', 'feeling.test.tsv', '--train.max_steps', '9'],
      4,
      [/text has changed/],
    ],
    [
      'predict: only pretrained',
      ['predict', 'base', '--data', 'feeling.test.tsv'],
      2,
      [/base\/step-\d+ has no head for a task/],
    ],
    ['predict: no data', ['predict', 'task'], 2, ['--data']],
    [
      'predict: unknown format',
      ['predict', 'task', '--data', 'feeling.test.tsv', '--format', 'csv'],
      2,
      [/--format csv is not one of auto, rows/],
    ],
    [
      'predict: other columns',
      ['predict', 'task', '--data', 'inference.test.jsonl'],
      4,
      [/no column for the text/, '--text'],
    ],
    [
      'predict: --out exists',
      ['predict', 'task', '--data', 'feeling.test.tsv', '--out', 'text.txt'],
      4,
      [/text\.txt exists/],
    ],
    [
      'eval: another task',
      ['eval', 'task', '--task', 'entailment', '--data', 'inference.test.jsonl'],
      2,
      [/fine-tuned for classification, not for entailment/],
    ],
    [
      'eval: only pretrained',
      ['eval', 'base', '--task', 'classification', '--data', 'feeling.test.tsv'],
      2,
      [/no head for a task/],
    ],
    ['eval: no data', ['eval', 'task', '--task', 'classification'], 2, ['--data']],
    [
      'eval: a label that training did not have',
      ['eval', 'task', '--task', 'classification', '--data', 'other-label.tsv'],
      4,
      [/other-label\.tsv:3: the label "ugly"/],
    ],
    [
      'eval: no labels',
      ['eval', 'task', '--task', 'classification', '--data', 'unlabelled.tsv'],
      4,
      [/unlabelled\.tsv:3: label is empty/],
    ],
  ])('%s', (_, args, code, named) => refuses([...args, ...(args.includes('--resume') ? [] : flags)], code, named));
});
