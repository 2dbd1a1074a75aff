// gpt data import, get and list: what they print and write.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../../src/commands/data.js';
import type { CommandContext, DataOptions } from '../../src/commands/options.js';
import { startHub } from '../data/hub.js';
import { tinyParquet } from '../data/tiny_parquet.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-data-'));
const PARQUET = tinyParquet();
const hub = await startHub(
  'baber/piqa',
  { 'plain_text/train/0000.parquet': PARQUET, 'plain_text/test/0000.parquet': PARQUET },
  { license: 'afl-3.0' },
);
afterAll(() => {
  hub.close();
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
