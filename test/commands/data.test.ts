// gpt data import, get and list: what they print and write. (Most of prepare, merge and check: test/cli/e2e/data.test.ts.)

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../../src/commands/data.js';
import { progressText } from '../../src/commands/data_prepare.js';
import type { CommandContext, DataOptions } from '../../src/commands/options.js';
import { findCorpus, TEXT_CORPORA } from '../../src/data/corpora.js';
import { downloadFile } from '../../src/data/download.js';
import { startHub } from '../data/hub.js';
import { tinyParquet } from '../data/tiny_parquet.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-data-'));
const PARQUET = tinyParquet();
const hub = await startHub(
  'baber/piqa',
  { 'plain_text/train/0000.parquet': PARQUET, 'plain_text/test/0000.parquet': PARQUET },
  { license: 'afl-3.0' },
);
const stories = await startHub(
  'roneneldan/TinyStories',
  {
    'default/train/0000.parquet': PARQUET,
    'default/train/0001.parquet': PARQUET,
    'default/validation/0000.parquet': PARQUET,
  },
  { license: 'cdla-sharing-1.0' },
);
afterAll(() => {
  hub.close();
  stories.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs a command line; what it prints. */
async function gpt(line: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const printed: string[] = [];
  const context = {
    ...{ out: (text: string) => void printed.push(text), err: () => {}, isTty: false, columns: 80, color: false },
    ...{ env, argv: [], program: 'gpt', version: '0' },
  } as unknown as CommandContext;
  const program = createProgram('0', async (name, options) => {
    expect(name).toBe('data');
    expect(await run(options as DataOptions, context)).toBe(0);
  });
  await program.parseAsync(['data', ...line], { from: 'user' });
  return printed.join('');
}

const source = join(dir, 'piqa');
mkdirSync(source);
writeFileSync(join(source, 'valid.jsonl'), '{"goal":"g","sol1":"a","sol2":"b"}\n{"goal":"h","sol1":"a","sol2":"b"}\n');
writeFileSync(join(source, 'valid-labels.lst'), '0\n1\n');

describe('prepare', () => {
  test('goes on in a folder inside of the one with the text, and does not read its own shards', async () => {
    const text = join(dir, 'beside');
    const line = ['prepare', text, '--tokenizer', 'byte', '--val-fraction', '0.5', '--out', join(text, 'tokens')];
    mkdirSync(text);
    writeFileSync(join(text, 'a.txt'), 'An owl sat on a branch.');
    expect(await gpt(line)).toContain('done     1 made, 0 there already');
    expect(await gpt(line)).toContain('done     0 made, 1 there already');
    await expect(gpt([...line.slice(0, -1), text])).rejects.toThrow('holds something else (the text itself)');
  });
});

describe('import', () => {
  test('says what it wrote, the licence and the next command', async () => {
    const out = join(dir, 'import');
    expect(await gpt(['import', 'piqa', source, '--out', out, '--train-rows', '1'])).toBe(
      `wrote    ${out}/baber/piqa/default/train.jsonl       1 row
wrote    ${out}/baber/piqa/default/validation.jsonl  1 row
licence  Academic Free License 3.0
next     gpt eval CHECKPOINT --tasks-dir lm-evaluation-harness/lm_eval/tasks --tasks piqa --data-root ${out}
`,
    );
    await expect(gpt(['import', 'piqa', source, '--out', out])).rejects.toThrow('exists and is not overwritten');
    const json = JSON.parse(await gpt(['import', 'piqa', source, '--out', out, '--overwrite', '--json'])) as object;
    expect(json).toMatchObject({ set: 'piqa', out, written: [{ split: 'validation', rows: 2 }] });
    expect(await gpt(['import', 'piqa', source, '--out', out, '--overwrite', '--quiet'])).toBe('');
  });

  test('without --out into the first root of GPT_DATA, which eval looks into by itself', async () => {
    const own = join(dir, 'own');
    const printed = await gpt(['import', 'piqa', source], { GPT_DATA: `${own}:${dir}` });
    expect(printed).toContain(`wrote    ${own}/baber/piqa/default/validation.jsonl  2 rows`);
    expect(printed).not.toContain('--data-root');
  });

  test('refuses rows of train that are no number, and an unknown set', async () => {
    await expect(gpt(['import', 'piqa', source, '--train-rows', '0'])).rejects.toThrow('integer of at least 1');
    await expect(gpt(['import', 'pika', source])).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('get', () => {
  const files = () =>
    ['train', 'test'].map((split) => existsSync(join(dir, `get/baber/piqa/default/${split}.parquet`)));

  test('--dry-run shows size and licence, and writes nothing', async () => {
    const out = join(dir, 'get');
    const printed = await gpt(['get', 'piqa', '--out', out, '--dry-run'], { GPT_HUB: hub.url });
    expect(printed).toBe(`set      baber/piqa, plain_text   (${hub.url})
licence  afl-3.0
size     ${2 * PARQUET.length} B in 2 files
`);
    expect(files()).toEqual([false, false]);
  });

  test('fetches what is not there, of the splits that are asked for', async () => {
    const out = join(dir, 'get');
    await gpt(['get', 'baber/piqa', '--hub', hub.url, '--out', out, '--split', 'test']);
    expect(files()).toEqual([false, true]);
    hub.requests.length = 0;
    const printed = await gpt(['get', 'baber/piqa', '--hub', hub.url, '--out', out]);
    expect(printed).toContain(`wrote    ${out}/baber/piqa/default/train.parquet`);
    expect(printed).toContain(`there    ${out}/baber/piqa/default/test.parquet`);
    expect(hub.requests.filter((request) => request.includes('/store/'))).toEqual([
      'GET /store/plain_text/train/0000.parquet',
    ]);
  });

  test("leaves the user's own file alone, and knows the splits", async () => {
    const out = join(dir, 'get');
    const file = join(out, 'baber/piqa/default/test.parquet');
    writeFileSync(file, 'mine');
    const line = ['get', 'baber/piqa', '--hub', hub.url, '--out', out];
    await expect(gpt(line)).rejects.toMatchObject({ exitCode: 4, fix: 'fetch it anew with --overwrite' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    await gpt([...line, '--overwrite', '--quiet']);
    expect(readFileSync(file).equals(PARQUET)).toBe(true);
    await expect(gpt([...line, '--split', 'validation'])).rejects.toMatchObject({
      exitCode: 2,
      fix: 'it has train, test',
    });
  });

  test('a name that stands for several sets', async () => {
    await expect(gpt(['get', 'gpt3_synthetic', '--hub', hub.url])).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('get of a text corpus', () => {
  const out = join(dir, 'text');
  const line = ['get', 'tinystories', '--out', out, '--hub', stories.url];

  test('says what it is and where it comes from, fetches, and goes on', async () => {
    const head = `corpus   tinystories: 2 million short stories by GPT-3.5 and GPT-4 (Eldan and Li 2023)
from     roneneldan/TinyStories, default (${stories.url})
licence  cdla-sharing-1.0
`;
    const size = `${PARQUET.length} B`;
    expect(await gpt([...line, '--dry-run'])).toBe(`${head}size     ${3 * PARQUET.length} B in 3 files\n`);
    expect(existsSync(out)).toBe(false);
    stories.options.breakAfter = 60;
    await expect(gpt([...line, '--split', 'train'])).rejects.toMatchObject({
      exitCode: 4,
      fix: 'run the command again: it goes on from there',
    });
    stories.requests.length = 0;
    const printed = await gpt(line);
    expect(printed.startsWith(head)).toBe(true);
    expect(printed).toContain(`wrote    ${out}/tinystories/train-00000-of-00002.parquet  ${size}\n`);
    expect(printed).toContain(`wrote    ${out}/tinystories/validation.parquet  ${size}\n`);
    expect(
      printed,
    ).toContain(`next     gpt data prepare '${out}/tinystories/train*' --tokenizer gpt2 --out data/tinystories
         gpt pretrain gpt2-124m --data data/tinystories\n`);
    expect(stories.requests.find((request) => request.includes('/store/'))).toMatch(/ bytes=\d+-$/);
    expect(readFileSync(join(out, 'tinystories/train-00001-of-00002.parquet')).equals(PARQUET)).toBe(true);
    expect(await gpt(line)).toContain(`there    ${out}/tinystories/train-00000-of-00002.parquet`);
    const { fetched } = JSON.parse(await gpt([...line, '--json'])) as { fetched: unknown[] };
    expect(fetched).toEqual([]);
  });

  test('of one file: its hash is known, and another content is refused', async () => {
    const args = ['get', 'tinyshakespeare', '--out', out, '--hub', stories.url];
    await expect(gpt(args)).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining('404') });
    const found = await findCorpus(TEXT_CORPORA.find(({ name }) => name === 'tinyshakespeare')!, `${hub.url}/store`);
    expect(found.files).toMatchObject([
      { url: `${hub.url}/store/karpathy/char-rnn/master/data/tinyshakespeare/input.txt`, bytes: 1_115_394 },
    ]);
    const own = { ...found.files[0]!, url: `${hub.url}/store/plain_text/train/0000.parquet`, bytes: PARQUET.length };
    await expect(downloadFile(out, own)).rejects.toThrow(/what came has the SHA-256 [0-9a-f]{64}, not 86c4e6aa/);
  });

  test('without a network it says so', async () => {
    const closed = await startHub('x/y', {}, {});
    closed.close();
    await expect(gpt(['get', 'tinystories', '--out', out, '--hub', closed.url])).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/),
    });
  });

  test('every one has its licence, its size and where it is from in the list', async () => {
    const { corpora } = JSON.parse(await gpt(['list', '--json'])) as { corpora: Record<string, unknown>[] };
    expect(corpora.map(({ name }) => name)).toEqual([
      ...['tinyshakespeare', 'tinystories', 'wikitext-2', 'wikitext-103', 'fineweb-edu'],
    ]);
    for (const { licence, bytes, source } of corpora) expect([licence, bytes, source].every(Boolean)).toBe(true);
    expect(await gpt(['list'])).toContain(
      '  about 1.06 MiB, public domain; https://raw.githubusercontent.com/karpathy/',
    );
  });
});

test('list: every set with its licence, and where it is', async () => {
  const own = join(dir, 'own');
  const printed = await gpt(['list', '--data-root', dir, own]);
  expect(printed).toContain(`piqa            baber/piqa                           Academic Free License 3.0
  in ${source}: validation (original files)
  in ${own}/baber/piqa/default: validation
`);
  expect(printed).toContain('hellaswag       Rowan/hellaswag                      MIT (rowanz)\n');
  const { sets } = JSON.parse(await gpt(['list', '--data-root', dir, '--json'])) as { sets: { name: string }[] };
  expect(sets.map(({ name }) => name)).toEqual([
    ...['rte', 'sst2', 'cola', 'mrpc', 'stsb', 'sick', 'piqa', 'hellaswag', 'copa', 'cosmosqa', 'lambada', 'wikitext2'],
    ...['gpt3_synthetic', 'gsm8k', 'blimp'],
  ]);
});

test('the line of progress', () => {
  const progress = { files: 3, totalFiles: 12, bytes: 42_100_000, totalBytes: 100_000_000, tokens: 9_120_000 };
  expect(progressText(progress, 2)).toBe('3/12 files · 42.1% · 9.12M tokens · 21.1 MB/s · eta 2.8s');
  expect(progressText({ ...progress, bytes: 0 }, 0)).toBe('3/12 files · 0.0% · 9.12M tokens · 0.0 MB/s · eta -');
});
