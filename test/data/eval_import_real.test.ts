// The published sets as task files of lm-evaluation-harness ask for them: rows of each split and the first row, taken
// from the files without gpt. They are not part of this repository: skipped where ../shared/data is missing.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evalRows } from '../../src/data/eval_sets.js';

const DATA = new URL('../../../shared/data/', import.meta.url).pathname;
const GOLDEN = new URL('../../../shared/eval-golden/harness_results.json', import.meta.url).pathname;

type Row = Record<string, unknown>;
const read = async (path: string, name: string | null, split: string, trainRows?: number): Promise<Row[]> =>
  evalRows([DATA], { path, name }, split, { trainRows });

const GLUE = 'nyu-mll/glue';
const RTE = {
  sentence1:
    'Dana Reeve, the widow of the actor Christopher Reeve, has died of lung cancer at age 44, according to the Christopher Reeve Foundation.',
  sentence2: 'Christopher Reeve had an accident.',
  label: 1,
  idx: 0,
};

describe.skipIf(!existsSync(DATA))('published sets (skipped where ../shared/data is missing)', () => {
  test.each<[path: string, name: string | null, split: string, rows: number, first: Row]>([
    [GLUE, 'rte', 'train', 2490, { sentence2: 'Weapons of Mass Destruction Found in Iraq.', label: 1, idx: 0 }],
    [GLUE, 'rte', 'validation', 277, RTE],
    [GLUE, 'rte', 'test', 3000, { sentence2: 'Shukla is related to Mangla.', label: -1, idx: 0 }],
    [GLUE, 'sst2', 'train', 6920, { label: 1, idx: 0 }],
    [GLUE, 'sst2', 'validation', 872, { sentence: 'one long string of cliches', label: 0, idx: 0 }],
    [GLUE, 'sst2', 'test', 1821, { sentence: 'no movement , no yuks , not much of anything', label: 0, idx: 0 }],
    [GLUE, 'cola', 'train', 8551, { label: 1, idx: 0 }],
    [
      GLUE,
      'cola',
      'validation',
      1043,
      { sentence: 'The sailors rode the breeze clear of the rocks.', label: 1, idx: 0 },
    ],
    [GLUE, 'mrpc', 'train', 4076, { label: 1, idx: 0 }],
    [GLUE, 'mrpc', 'validation', 1725, { label: 1, idx: 0 }],
    [GLUE, 'stsb', 'train', 5749, { label: 5, idx: 0 }],
    [GLUE, 'stsb', 'validation', 1500, { sentence1: 'A man with a hard hat is dancing.', label: 5, idx: 0 }],
    [GLUE, 'stsb', 'test', 1379, { idx: 0 }],
    ['RobZamp/sick', null, 'train', 4500, { id: '1', label: 1, relatedness_score: 4.5 }],
    ['RobZamp/sick', null, 'validation', 500, {}],
    ['RobZamp/sick', null, 'test', 4927, { id: '6', label: 1, relatedness_score: 3.3 }],
    [
      'baber/piqa',
      null,
      'validation',
      1838,
      { goal: "How do I ready a guinea pig cage for it's new occupants?", label: 0 },
    ],
    ['baber/piqa', null, 'test', 3084, { goal: 'how do you puncture a vein?', sol2: 'pop it.', label: -1 }],
    [
      'Rowan/hellaswag',
      null,
      'validation',
      10042,
      { ind: 0, ctx_a: 'A man is sitting on a roof.', ctx_b: 'he', label: '3' },
    ],
    [
      'aps/super_glue',
      'copa',
      'train',
      400,
      { premise: 'My body cast a shadow over the grass.', question: 'cause', label: 0, idx: 0 },
    ],
    [
      'aps/super_glue',
      'copa',
      'validation',
      100,
      { premise: 'The man turned on the faucet.', question: 'effect', label: 1, idx: 0 },
    ],
    ['aps/super_glue', 'copa', 'test', 500, { idx: 0 }],
    ['allenai/cosmos_qa', null, 'validation', 2985, { answer3: 'None of the above choices .', label: 1 }],
    ['EleutherAI/lambada_openai', 'default', 'test', 5153, {}],
    ['EleutherAI/wikitext_document_level', 'wikitext-2-raw-v1', 'validation', 60, {}],
    ['EleutherAI/wikitext_document_level', 'wikitext-2-raw-v1', 'test', 62, {}],
    [
      'EleutherAI/arithmetic',
      'arithmetic_2da',
      'validation',
      2000,
      { context: '\n\nQ: What is 98 plus 45?\n\nA:', completion: ' 143' },
    ],
    ['EleutherAI/arithmetic', 'arithmetic_1dc', 'validation', 2000, { completion: ' 34' }],
    [
      'EleutherAI/unscramble',
      'mid_word_1_anagrams',
      'validation',
      10000,
      { context: '\nskicts =', completion: ' sticks' },
    ],
    ['EleutherAI/unscramble', 'cycle_letters_in_word', 'validation', 10000, { completion: ' casino' }],
  ])('%s %s %s', async (path, name, split, rows, first) => {
    const all = await read(path, name, split);
    expect(all.length).toBe(rows);
    expect(all[0]).toMatchObject(first);
  });

  test('hf:// addresses are files of the original set too', async () => {
    const file = 'hf://datasets/EleutherAI/arithmetic/data/five_digit_subtraction.jsonl';
    const set = { path: 'json', kwargs: { data_files: { validation: file } } };
    expect((await evalRows([DATA], set, 'validation')).length).toBe(2000);
  });

  test('trainRows: the first rows of validation become train', async () => {
    const [train, validation] = [
      await read('baber/piqa', null, 'train', 900),
      await read('baber/piqa', null, 'validation', 900),
    ];
    expect([train.length, validation.length]).toEqual([900, 938]);
    expect([...train, ...validation]).toEqual(await read('baber/piqa', null, 'validation'));
    await expect(read('baber/piqa', null, 'train')).rejects.toThrow('no split "train" to take demonstrations from');
    expect((await read(GLUE, 'rte', 'validation', 900)).length).toBe(277); // has a train of its own
  });

  test('HellaSwag: context and context parts are those of the file, and the 3,243 items of ActivityNet come first', async () => {
    const rows = await read('Rowan/hellaswag', null, 'validation');
    for (const { ctx, ctx_a, ctx_b } of rows) expect(`${ctx_a}${ctx_b === '' ? '' : ` ${ctx_b}`}`).toBe(ctx);
    expect(rows.filter(({ ctx_b }) => ctx_b !== '').map(({ ind }) => ind)).toEqual([...Array(3243).keys()]);
    const lines = rows.flatMap((row) => [
      `${row['activity_label']}: ${row['ctx']}`,
      row['label'],
      ...(row['endings'] as string[]),
    ]);
    expect(`${lines.join('\n')}\n`).toBe(readFileSync(`${DATA}hellaswag/hellaswag_val_full.txt`, 'utf8'));
  });

  test('WikiText-2: the articles together are the file, and each begins with its title', async () => {
    const rows = await read('EleutherAI/wikitext_document_level', 'wikitext-2-raw-v1', 'test');
    const pages = rows.map(({ page }) => String(page));
    expect(` \n${pages.join('\n')}`).toBe(readFileSync(`${DATA}wikitext2/test.txt`, 'utf8'));
    expect(pages.filter((page) => !/^ = [^=].*[^=] = \n/.test(page))).toEqual([]);
    expect(pages[0]!.slice(0, 29)).toBe(' = Robert <unk> = \n \n Robert ');
  });

  // The harness hashed its 554 requests for RTE, zero-shot: the JSON of [context, continuation] pairs.
  test.skipIf(!existsSync(GOLDEN))('RTE: the requests are those whose hash the harness left', async () => {
    const { tasks } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as {
      tasks: { yaml: string; num_fewshot: number; requests_sha256: string }[];
    };
    const golden = tasks.find(({ yaml, num_fewshot }) => yaml.includes('rte') && num_fewshot === 0)!;
    const requests = (await read(GLUE, 'rte', 'validation')).flatMap(({ sentence1, sentence2 }) =>
      [' True', ' False'].map((choice) => [`${sentence1}\nQuestion: ${sentence2} True or False?\nAnswer:`, choice]),
    );
    expect(requests.length).toBe(554);
    const json = requests.map((pair) => `[${pair.map((text) => JSON.stringify(text)).join(', ')}]`).join(', '); // as Python does
    expect(createHash('sha256').update(`[${json}]`).digest('hex')).toBe(golden.requests_sha256);
  });
});
