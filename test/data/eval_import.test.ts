// Original files of published sets, tiny ones written here in their formats: what they become, and how bad ones are
// refused. eval_import_real.test.ts has the real files.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { importSet, originalSet } from '../../src/data/eval_import.js';
import { evalRows, whereIs } from '../../src/data/eval_sets.js';
import { workplace } from './workplace.js';

const work = workplace();
let made = 0;

/** A new folder with the files of one set; the name of the folder is that of the set. */
function folder(set: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = `source-${++made}/${set}`;
  for (const [name, content] of Object.entries(files)) work.file(`${dir}/${name}`, content);
  return join(work.dir, dir);
}

/** Imports, and returns the rows of each file below the root; they must be those that are read without importing. */
async function convert(set: string, source: string, trainRows?: number): Promise<Record<string, unknown[]>> {
  const out = join(work.dir, `root-${++made}`);
  const written = await importSet(originalSet(set), source, { out, trainRows });
  const rows: Record<string, unknown[]> = {};
  for (const { path, name, split, file, rows: count } of written) {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBe(count);
    rows[`${path}/${name}/${split}`] = lines.map((line) => JSON.parse(line) as unknown);
    const inMemory = await evalRows([dirname(source)], { path, name }, split, { trainRows });
    expect(inMemory).toEqual(rows[`${path}/${name}/${split}`]);
  }
  return rows;
}

describe('what the files become', () => {
  test('rte: classes by number or name; a test set without labels', async () => {
    const head = 'sentence1\tsentence2\tlabel\tidx';
    const source = folder('rte', {
      'train.tsv': `${head}\nHe said "so.\tSo.\t1\t0\nA b.\tA.\tentailment\t1\n`,
      'test.tsv': 'index\tsentence1\tsentence2\n0\tA.\tB.\n',
    });
    expect(await convert('rte', source)).toEqual({
      'nyu-mll/glue/rte/train': [
        { sentence1: 'He said "so.', sentence2: 'So.', label: 1, idx: 0 },
        { sentence1: 'A b.', sentence2: 'A.', label: 0, idx: 1 },
      ],
      'nyu-mll/glue/rte/test': [{ sentence1: 'A.', sentence2: 'B.', label: -1, idx: 0 }],
    });
  });

  test("sst2: without a header, and GLUE's", async () => {
    const source = folder('sst2', {
      'train.tsv': 'good , good\t1\nbad\t0\n',
      'dev.tsv': 'sentence\tlabel\nsentence \t0\n',
    });
    expect(await convert('sst2', source)).toEqual({
      'nyu-mll/glue/sst2/train': [
        { sentence: 'good , good', label: 1, idx: 0 },
        { sentence: 'bad', label: 0, idx: 1 },
      ],
      'nyu-mll/glue/sst2/validation': [{ sentence: 'sentence ', label: 0, idx: 0 }],
    });
  });

  test('cola: both development files are validation', async () => {
    const source = folder('cola', {
      'in_domain_dev.tsv': 'gj04\t1\t\tOne.\n',
      'out_of_domain_dev.tsv': 'clc95\t0\t*\tTwo one.\n',
    });
    expect(await convert('cola', source)).toEqual({
      'nyu-mll/glue/cola/validation': [
        { sentence: 'One.', label: 1, idx: 0 },
        { sentence: 'Two one.', label: 0, idx: 1 },
      ],
    });
  });

  test('mrpc, stsb and sick', async () => {
    const mrpc = folder('mrpc', {
      'msr_paraphrase_train.txt': '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\tA "b.\tB.\r\n',
    });
    expect(await convert('mrpc', mrpc)).toEqual({
      'nyu-mll/glue/mrpc/train': [{ sentence1: 'A "b.', sentence2: 'B.', label: 1, idx: 0 }],
    });
    const stsb = folder('stsb', { 'sts-dev.csv': 'news\tx\t2012\t1\t3.800\tA.\tB.\tsource\tsource\n' });
    expect(await convert('stsb', stsb)).toEqual({
      'nyu-mll/glue/stsb/validation': [{ sentence1: 'A.', sentence2: 'B.', label: 3.8, idx: 0 }],
    });
    const head = 'pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment';
    const sick = folder('sick', { 'SICK_trial.txt': `${head}\n4\tA\tB\t4.5\tCONTRADICTION\n` });
    expect(await convert('sick', sick)).toEqual({
      'RobZamp/sick/default/validation': [
        { id: '4', sentence_A: 'A', sentence_B: 'B', label: 2, relatedness_score: 4.5 },
      ],
    });
  });

  const item = (n: number) => ({ goal: `g${n}`, sol1: 'a', sol2: 'b' });
  const piqa = {
    'valid.jsonl': [0, 1, 2].map((n) => JSON.stringify(item(n))).join('\n'),
    'valid-labels.lst': '0\n1\n1\n',
  };

  test('piqa: labels from their own file', async () => {
    const rows = await convert('piqa', folder('piqa', { ...piqa, 'tests.jsonl': JSON.stringify(item(9)) }));
    expect(rows).toEqual({
      'baber/piqa/default/validation': [0, 1, 2].map((n) => ({ ...item(n), label: n === 0 ? 0 : 1 })),
      'baber/piqa/default/test': [{ ...item(9), label: -1 }],
    });
  });

  test('piqa: trainRows takes rows of validation, unless there is a train', async () => {
    const rows = await convert('piqa', folder('piqa', piqa), 2);
    expect(Object.entries(rows).map(([place, { length }]) => [place, length])).toEqual([
      ['baber/piqa/default/train', 2],
      ['baber/piqa/default/validation', 1],
    ]);
    const train = { 'train.jsonl': JSON.stringify(item(5)), 'train-labels.lst': '1\n' };
    expect(await convert('piqa', folder('piqa', { ...piqa, ...train }), 2)).toMatchObject({
      'baber/piqa/default/train': [{ goal: 'g5', label: 1 }],
      'baber/piqa/default/validation': [{ goal: 'g0' }, { goal: 'g1' }, { goal: 'g2' }],
    });
  });

  test("copa: the original's first 400 are train", async () => {
    const items = Array.from(
      { length: 402 },
      (_, i) => `<item id="${i + 1}" asks-for="${i % 2 ? 'cause' : 'effect'}" most-plausible-alternative="2">
        <p>P${i}.</p><a1>A.</a1><a2>B.</a2></item>`,
    );
    const xml = `<?xml version="1.0"?><copa-corpus version="1.0">${items.join('\n')}</copa-corpus>`;
    const rows = await convert('copa', folder('copa', { 'copa-dev.xml': xml }));
    const { 'aps/super_glue/copa/train': train, 'aps/super_glue/copa/validation': validation } = rows;
    expect(train?.length).toBe(400);
    expect(validation).toEqual([
      { premise: 'P400.', question: 'effect', choice1: 'A.', choice2: 'B.', label: 1, idx: 0 },
      { premise: 'P401.', question: 'cause', choice1: 'A.', choice2: 'B.', label: 1, idx: 1 },
    ]);
  });

  test('hellaswag: the two parts of a context, so that the harness puts them together as it should', async () => {
    const endings = ['a.', 'b.', 'c.', 'd.'];
    const contexts = [
      ['Roof: A man sits on it. he', '3'],
      ['Health: How to sleep. Go to bed: now. Do not read.', '0'],
      ['Mowing: The words "it cuts!" appear. a man named " irene "', '1'],
    ];
    const text = contexts.map((two) => [...two, ...endings].join('\n')).join('\n');
    const rows = await convert('hellaswag', folder('hellaswag', { 'hellaswag_val_full.txt': `${text}\n` }));
    expect(rows['Rowan/hellaswag/default/validation']).toEqual([
      {
        ind: 0,
        activity_label: 'Roof',
        ctx: 'A man sits on it. he',
        ctx_a: 'A man sits on it.',
        ctx_b: 'he',
        endings,
        label: '3',
      },
      {
        ...{ ind: 1, activity_label: 'Health', ctx: 'How to sleep. Go to bed: now. Do not read.' },
        ...{ ctx_a: 'How to sleep. Go to bed: now. Do not read.', ctx_b: '', endings, label: '0' },
      },
      {
        ...{ ind: 2, activity_label: 'Mowing', ctx: 'The words "it cuts!" appear. a man named " irene "' },
        ...{ ctx_a: 'The words "it cuts!" appear.', ctx_b: 'a man named " irene "', endings, label: '1' },
      },
    ]);
  });

  test('cosmosqa, lambada, gsm8k and blimp', async () => {
    const head = 'id,context,question,answer0,answer1,answer2,answer3,label';
    const cosmos = folder('cosmosqa', { 'valid.csv': `${head}\nx,"C, d.",Why ?,a,b,c,d,2\n` });
    expect(await convert('cosmosqa', cosmos)).toEqual({
      'allenai/cosmos_qa/default/validation': [
        {
          id: 'x',
          context: 'C, d.',
          question: 'Why ?',
          answer0: 'a',
          answer1: 'b',
          answer2: 'c',
          answer3: 'd',
          label: 2,
        },
      ],
    });
    const lambada = folder('lambada', { 'lambada_test.jsonl': '{"text":"a b"}\n' });
    expect(await convert('lambada', lambada)).toEqual({ 'EleutherAI/lambada_openai/default/test': [{ text: 'a b' }] });
    const gsm8k = folder('gsm8k', { 'test.jsonl': '{"question":"1+1?","answer":"#### 2"}\n' });
    expect(await convert('gsm8k', gsm8k)).toEqual({
      'openai/gsm8k/main/test': [{ question: '1+1?', answer: '#### 2' }],
    });
    const pair = { sentence_good: 'A is.', sentence_bad: 'A are.' };
    const blimp = folder('blimp', { 'anaphor.jsonl': JSON.stringify(pair), 'README.md': 'no set' });
    expect(await convert('blimp', blimp)).toEqual({ 'nyu-mll/blimp/anaphor/train': [pair] });
  });

  test('wikitext2: pages begin at titles, not at headings of sections', async () => {
    const first = ' = One = \n \n Text . \n \n = = Part = = \n \n More . \n ';
    const second = ' = Two = \n \n = = = Deep = = = \n';
    const source = folder('wikitext2', { 'test.txt': ` \n${first}\n${second}` });
    expect(await convert('wikitext2', source)).toEqual({
      'EleutherAI/wikitext_document_level/wikitext-2-raw-v1/test': [{ page: first }, { page: second }],
    });
  });

  test('gpt3_synthetic: by name and by the file that hf:// addresses name; .gz', async () => {
    const row = { context: '\n\nQ: What is 1 plus 2?\n\nA:', completion: ' 3' };
    const source = folder('gpt3_synthetic', {
      'two_digit_addition.jsonl': JSON.stringify(row),
      'reversed_words.jsonl.gz': gzipSync('{"context":"\\nba =","completion":" ab"}'),
    });
    expect(await convert('gpt3_synthetic', source)).toEqual({
      'EleutherAI/arithmetic/data/two_digit_addition': [row],
      'EleutherAI/arithmetic/arithmetic_2da/validation': [row],
      'EleutherAI/unscramble/reversed_words/validation': [{ context: '\nba =', completion: ' ab' }],
    });
  });

  test('one file of a set, and where everything is', async () => {
    const source = folder('rte', { 'dev.tsv': 'sentence1\tsentence2\tlabel\nA\tB\t0\n', 'train.tsv': 'x' });
    const out = join(work.dir, 'one');
    const written = await importSet(originalSet('rte'), join(source, 'dev.tsv'), { out });
    expect(written).toEqual([
      {
        path: 'nyu-mll/glue',
        name: 'rte',
        split: 'validation',
        rows: 1,
        file: join(out, 'nyu-mll/glue/rte/validation.jsonl'),
      },
    ]);
    expect(whereIs([out, dirname(source)], originalSet('rte'))).toEqual([
      { folder: join(out, 'nyu-mll/glue/rte'), original: false, splits: ['validation'] },
      { folder: source, original: true, splits: ['train', 'validation'] },
    ]);
  });
});

describe('bad input', () => {
  const refusal = async (set: string, files: Record<string, string>, trainRows?: number) => {
    const out = join(work.dir, `bad-${++made}`);
    const error = await importSet(originalSet(set), folder(set, files), { out, trainRows }).then(
      () => expect.fail('there was no error'),
      (thrown: { message: string; fix: string; exitCode: number }) => thrown,
    );
    expect(existsSync(out)).toBe(false); // nothing is written before all is read
    return error;
  };

  test('an unknown name: the nearest one', () => {
    expect(() => originalSet('helaswag')).toThrow('there is no data set "helaswag" that gpt can import');
    try {
      originalSet('helaswag');
    } catch (error) {
      expect(error).toMatchObject({
        exitCode: 2,
        fix: expect.stringMatching(/^did you mean hellaswag\? there are rte, sst2/),
      });
    }
  });

  test.each<[what: string, set: string, files: Record<string, string>, message: RegExp]>([
    [
      'a wrong label',
      'rte',
      { 'dev.tsv': 'sentence1\tsentence2\tlabel\nA\tB\tmaybe\n' },
      /dev\.tsv:2: label is "maybe", expected 0 \(entailment\), 1 \(not_entailment\)$/,
    ],
    [
      'a label out of range',
      'sst2',
      { 'dev.tsv': 'A\t1\nB\t2\n' },
      /dev\.tsv:2: label is "2", expected 0 \(negative\), 1 /,
    ],
    [
      'too few fields',
      'cola',
      { 'in_domain_train.tsv': 'a\t1\t\tB\nb\t0\n' },
      /in_domain_train\.tsv:2: the row has 2 fields/,
    ],
    [
      'a broken line',
      'lambada',
      { 'lambada_test.jsonl': '{"text":"a"}\n{"text"\n' },
      /lambada_test\.jsonl:2: not JSON/,
    ],
    [
      'no text',
      'lambada',
      { 'lambada_test.jsonl': '{"txt":"a"}\n' },
      /lambada_test\.jsonl:1: there is no "text" in the row/,
    ],
    ['an empty file', 'lambada', { 'lambada_test.jsonl': '' }, /lambada_test\.jsonl: the file is empty/],
    [
      'a label that is none',
      'piqa',
      { 'valid.jsonl': '{"goal":"g","sol1":"a","sol2":"b"}\n', 'valid-labels.lst': '2\n' },
      /valid-labels\.lst:1: the label of .*valid\.jsonl:1 is "2", expected 0 or 1/,
    ],
    [
      'too few labels',
      'piqa',
      { 'valid.jsonl': '{"goal":"g","sol1":"a","sol2":"b"}\n', 'valid-labels.lst': '' },
      /the label of .*valid\.jsonl:1 is missing|the file is empty/,
    ],
    [
      'too many labels',
      'piqa',
      { 'valid.jsonl': '{"goal":"g","sol1":"a","sol2":"b"}\n', 'valid-labels.lst': '1\n0\n' },
      /valid-labels\.lst:2: a label more than .*valid\.jsonl has rows/,
    ],
    [
      'no activity',
      'hellaswag',
      { 'hellaswag_val_full.txt': 'A man\n1\na\nb\nc\nd\n' },
      /:1: the line is "A man", expected "activity/,
    ],
    [
      'a wrong number',
      'hellaswag',
      { 'hellaswag_val_full.txt': 'A: b\n4\na\nb\nc\nd\n' },
      /:2: the line is "4", expected the number/,
    ],
    [
      'a file cut off',
      'hellaswag',
      { 'hellaswag_val_full.txt': 'A: b\n1\na\nb\n' },
      /:5: the line is "", expected the third ending/,
    ],
    ['no such files', 'copa', { 'other.xml': '' }, /copa: no files of copa here/],
    ['labels without rows', 'piqa', { 'valid-labels.lst': '1\n' }, /piqa: no files of piqa here/],
  ])('%s', async (_, set, files, message) => {
    const error = await refusal(set, files);
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(4);
  });

  test('trainRows that leave nothing, or for a set that needs none', async () => {
    const rows = { 'valid.jsonl': '{"goal":"g","sol1":"a","sol2":"b"}\n', 'valid-labels.lst': '1\n' };
    const error = await refusal('piqa', rows, 1);
    expect([error.message, error.fix]).toEqual([
      expect.stringContaining('no rows for the split "validation" of piqa'),
      '--train-rows 1 leaves none of them: give a smaller number',
    ]);
    expect(await refusal('rte', { 'dev.tsv': 'x' }, 1)).toMatchObject({
      exitCode: 2,
      message: '--train-rows is not for rte',
    });
  });

  test('a file that is there is overwritten only when asked', async () => {
    const out = join(work.dir, 'twice');
    const source = folder('lambada', { 'lambada_test.jsonl': '{"text":"a"}\n' });
    await importSet(originalSet('lambada'), source, { out });
    const file = work.file('twice/EleutherAI/lambada_openai/default/test.jsonl', 'mine');
    await expect(importSet(originalSet('lambada'), source, { out })).rejects.toMatchObject({
      message: `${file} exists and is not overwritten`,
      fix: 'write it anew with --overwrite',
      exitCode: 4,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    await importSet(originalSet('lambada'), source, { out, overwrite: true });
    expect(readFileSync(file, 'utf8')).toBe('{"text":"a"}\n');
  });

  test('no such folder', async () => {
    const gone = join(work.dir, 'gone');
    await expect(importSet(originalSet('rte'), gone, { out: gone })).rejects.toThrow(
      `${gone}: there is no such file or folder`,
    );
  });
});
