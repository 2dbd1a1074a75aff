// Pretraining on documents of their own and on answers alone: what is planned and reported, and that a resume is exact.

import { cpSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaint, DROPOUT, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const ANSWERS = ['--data.sequences', 'documents', '--data.loss', 'answers', '--data.answer_start', '>'];
const FLAGS = [...ANSWERS, '--data.answer_end', ';', '--train.micro_batch', '2', ...DROPOUT];
const pretrain = (...more: string[]) => place.gpt(['pretrain', '--data', 'rows.jsonl', ...TINY, ...more]);

// 40 sums of 4 to 5 bytes in front of `>`, two answer tokens each
beforeAll(() => {
  const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: `${i}+${i % 7}>${i % 5};` }));
  place.write('rows.jsonl', `${rows.join('\n')}\n`);
});

test('10 steps and a resume are 20 steps, and the loss is that of the answers', async () => {
  expect((await pretrain(...FLAGS, '--out', 'run', '--train.save_every', '10', '--train.keep', '9')).code).toBe(0);
  const straight = place.state('run', 'step-000020');
  cpSync(place.path('run'), place.path('again'), { recursive: true });
  const { code } = await place.gpt(['pretrain', '--resume', 'again/step-000010']);
  expect(code).toBe(0);
  expect(place.state('again', 'step-000020-2')).toEqual(straight);

  const [val] = place.events('run', 'val');
  expect(val!.scored).toBe(4); // two documents are held out, of two answer tokens each
  expect(val!.bits_per_byte).toBeNull();
  expect(place.events('run', 'start')[0]!.baselines).toMatchObject({ unigram: null, five_gram: null });
  expect(place.losses('run').at(-1)).toBeLessThan(place.losses('run')[0]!);
});

test('--dry-run counts an epoch in windows, and says what is scored', async () => {
  const epochs = TINY.map((flag) => (flag === '--train.max_steps' ? '--train.max_epochs' : flag));
  const flags = ['--data', 'rows.jsonl', ...epochs, ...FLAGS, '--dry-run'];
  const { code, stdout, stderr } = await place.gpt(['pretrain', ...flags]);
  expect(code).toBe(0);
  const [, sequences, scored] = /(\d+) sequences of documents, (\d+) of \d+ training tokens are scored/.exec(stderr)!;
  expect(Number(scored)).toBe(2 * Number(sequences));
  expect(stdout).toContain(`${Math.ceil((20 * Number(sequences) * 32) / 128)} steps`);
});

test.each([
  [[...ANSWERS.slice(0, 4), '--data.answer_start', '='], 4, 'behind the marker "="'],
  [['--data.loss', 'answers'], 2, 'data.answer_start'],
  [['--data.answer_end', ';'], 2, 'only read with data.loss answers'],
])('%j: exit %i', async (flags, code, message) => {
  const ended = complaint(await pretrain(...flags, '--out', 'never'));
  expect(ended).toMatchObject({ code, wellFormed: true, text: expect.stringContaining(message) });
  expect(place.names()).not.toContain('never');
});

test('a resume keeps to what is scored', async () => {
  const ended = await place.gpt(['pretrain', '--resume', 'run', '--data.loss', 'all']);
  expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('--data.loss') });
});
