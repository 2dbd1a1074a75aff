// `gpt data prepare` as processes: a kill in the middle, two at once, parts, and training on what they made.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complaint, story, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const PREPARE = ['data', 'prepare', '*.jsonl', '--tokenizer', 'byte', '--val-fraction', '0.1'];
const LONG = story(60); // 2 kB
const rows = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify({ text: `${from + i}. ${LONG}` })}\n`).join('');

const contents = (out: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(place.path(out), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('.'))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(place.path(out, name)))
          .digest('hex'),
      ]),
  );

beforeAll(async () => {
  for (let i = 0; i < 6; i++) place.write(`${i}.jsonl`, rows(10_000 * i, 900));
  const { code, stdout, stderr } = await place.gpt([...PREPARE, '--out', 'whole', '--threads', '1']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^corpus {3}whole\ninput {4}6 files, .* MiB\ntokens {3}byte of 257 tokens, [0-9a-f]{12}\ntrain {4}[\d,]+ tokens, [\d,]+ documents, in 6 shards\nval {6}.*\nsplit .*\ndone {5}6 made, 0 there already, .*\nnext {5}.* pretrain CONFIG --data whole\n$/,
  );
});

describe('prepare', () => {
  test('on several threads gives the same bytes; --json says what it did', async () => {
    const { stdout } = await place.gpt([...PREPARE, '--out', 'threads', '--threads', '3', '--json']);
    const { totals, units, finished } = JSON.parse(stdout) as Record<string, Record<string, number>>;
    expect([units, finished]).toEqual([{ made: 6, kept: 0 }, true]);
    expect(totals!['documents']).toBe(5400);
    expect(totals!['train_bytes']! + totals!['val_bytes']!).toBeGreaterThan(8 << 20); // so that threads were started
    expect(contents('threads')).toEqual(contents('whole'));
  });

  test('a kill -9, a Ctrl-C, a second process meanwhile, and on: the same folder', async () => {
    const killed = place.start([...PREPARE, '--out', 'killed']);
    const done = (): number => {
      if (existsSync(place.path('killed', 'manifest.json'))) return 6;
      const part = place.path('killed', 'part-1-of-1');
      return existsSync(part) ? readdirSync(part).filter((name) => /^\d{6}\.json$/.test(name)).length : 0;
    };
    const reach = async (files: number): Promise<void> => {
      while (done() < files) await new Promise((wait) => setTimeout(wait, 5));
    };
    await reach(1);
    killed.process.kill('SIGSTOP'); // alive, and where it is
    const second = complaint(await place.gpt([...PREPARE, '--out', 'killed']));
    expect(second).toMatchObject({ code: 4, wellFormed: true });
    expect(second.text).toMatch(/part-1-of-1 is in use: process \d+ on host .* has been preparing data there/);
    killed.process.kill('SIGKILL');
    await killed.ended;
    const stopped = place.start([...PREPARE, '--out', 'killed']);
    await reach(Math.min(6, done() + 1));
    stopped.process.kill('SIGINT');
    const { code, stderr } = await stopped.ended;
    // null: nothing was left to be done, and the signal came before or after it was listened to
    if (code !== 0 && code !== null) {
      expect(code).toBe(130);
      expect(stderr).toMatch(
        /SIGINT: stopping; what is done is kept; once more to exit at once\nkilled: \d files? done; the same command goes on\n/,
      );
    }
    expect((await place.gpt([...PREPARE, '--out', 'killed'])).code).toBe(0);
    expect(contents('killed')).toEqual(contents('whole'));
  });

  test('parts in processes of their own, merged and checked', async () => {
    const part = (i: number) => place.gpt([...PREPARE, '--out', 'parts', '--part', `${i}/3`]);
    const [first] = await Promise.all([part(1), part(3)]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('data merge parts   (when all 3 parts') });
    const early = complaint(await place.gpt(['data', 'merge', 'parts']));
    expect(early).toMatchObject({ code: 4, wellFormed: true });
    expect(early.text).toContain('2 files of 6 not done, in part 2 of 3');
    expect((await part(2)).code).toBe(0);
    expect((await place.gpt(['data', 'merge', 'parts'])).code).toBe(0);
    expect(contents('parts')).toEqual(contents('whole'));
    const { code, stdout } = await place.gpt(['data', 'check', 'parts']);
    expect([code, stdout.split('\n').at(-2)]).toEqual([0, 'checked  12 shards: every hash, every id']);
  });

  test.each<[string, string[], number, RegExp]>([
    ['no such text', ['nowhere/*.txt', '--out', 'x'], 4, /nowhere\/\*\.txt: no file matches/],
    ['tokens as text', ['whole/train-000000-000.bin', '--out', 'x'], 4, /holds tokens already/],
    ['a part that is none', ['*.jsonl', '--out', 'x', '--part', '4/3'], 2, /must be I\/N/],
    [
      'another tokenizer than before',
      ['*.jsonl', '--out', 'whole', '--val-fraction', '0.1'],
      4,
      /made with another tok/,
    ],
    ['a folder of something else', ['*.jsonl', '--out', '.'], 4, /holds something else/],
  ])('%s', async (_, args, code, message) => {
    const refused = complaint(await place.gpt(['data', 'prepare', ...args]));
    expect(refused).toMatchObject({ code, wellFormed: true });
    expect(refused.text).toMatch(message);
  });
});

describe('pretrain', () => {
  const TRAIN = [...TINY, '--train.max_steps', '6', '--train.save_every', '3'];

  test('on a prepared folder; with another tokenizer it says which', async () => {
    const ended = await place.gpt(['pretrain', '--data', 'whole', '--out', 'run', ...TRAIN]);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    const { data } = place.events('run', 'start')[0]!;
    expect(data.documents).toBe(5400);
    expect(data.split).toContain('by a hash of its first');
    const other = complaint(
      await place.gpt(['pretrain', '--data', 'whole', '--out', 'no', ...TRAIN, '--tokenizer.type', 'gpt2-bpe']),
    );
    expect(other).toMatchObject({ code: 4, wellFormed: true });
    expect(other.text).toContain('--tokenizer.type file --tokenizer.path whole');
  });

  test('on a mixture: stopped and resumed, it is the run that never stopped', async () => {
    const mix = ['--data', 'whole', 'text.txt', '--data.weights', '[3, 1]', ...TRAIN];
    const ended = await place.gpt(['pretrain', ...mix, '--out', 'mixed']);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/mixture {2}whole 75\.0% \(0\.00 epochs\).*text\.txt 25\.0%/s);
    const { data } = place.events('mixed', 'start')[0]!;
    expect(data.mix!.map(({ path, weight }) => [path, weight])).toEqual([
      ['whole', 0.75],
      ['text.txt', 0.25],
    ]);
    cpSync(place.path('mixed'), place.path('half'), { recursive: true });
    const resumed = await place.gpt(['pretrain', '--resume', 'half/step-000003']);
    expect(resumed.code).toBe(0);
    expect(place.state('half', 'step-000006')).toEqual(place.state('mixed', 'step-000006'));
    const wrong = complaint(await place.gpt(['pretrain', '--data', 'whole', '--data.weights', '[3, 1]', ...TRAIN]));
    expect(wrong).toMatchObject({ code: 2, wellFormed: true });
    expect(wrong.text).toContain('2 weights for 1 entries of data.path: give one each');
  });
});
