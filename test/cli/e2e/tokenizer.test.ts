// `gpt tokenizer`: from texts to a vocabulary that a model is trained with.

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { BYTE_SYMBOLS } from '../../../src/tokenizer/byte_symbols.js';
import { bpeJson } from '../../../src/tokenizer/hf_json.js';
import { loadTokenizer, parseTokenizer } from '../../../src/tokenizer/load.js';
import { BACKEND, complaint, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const STORY = `从前，森林里有一只小猫头鹰。🦉 小猫头鹰每天晚上都看月亮。🌙
“月亮，月亮，你冷不冷？”小猫头鹰问。月亮说：“我不冷，因为你看着我。”
小猫头鹰笑了。小猫头鹰和月亮成了朋友。👨‍👩‍👧
`;

const train = (...args: string[]) => place.gpt(['tokenizer', 'train', ...args]);
const tokenizer = (name: string) => parseTokenizer(place.read(name).toString(), name);

test('a trained tokenizer is used at once: pretrain, then generate', async () => {
  const { code, stdout, stderr } = await train('text.txt', '--vocab-size', '300', '--out', 'own.json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^own\.json: 300 tokens in .*\n {2}256 bytes, 43 merges, <\|endoftext\|>\n {2}text\.txt, /);
  const flags = /--tokenizer\.type file .*/.exec(stdout)![0].split(' ');
  const ended = await place.gpt([
    ...[
      'pretrain',
      '--data',
      'text.txt',
      '--out',
      'run',
      ...TINY.filter((flag) => !/^(--tokenizer.type|byte)$/.test(flag)),
    ],
    ...['--train.max_steps', '2', ...flags],
  ]);
  expect(ended.code, ended.stderr).toBe(0);
  const text = await place.gpt(['generate', 'run', '--backend', BACKEND, '--prompt', 'The owl', '--tokens', '4']);
  expect(text.code, text.stderr).toBe(0);
  const shown = await place.gpt(['tokenizer', 'show', 'run']);
  expect(shown.stdout).toBe('bpe tokenizer of 300 tokens, end-of-text is 299\n');
});

test('Chinese and emoji from rows, files and gzip; --json has the figures', async () => {
  const rows = STORY.trimEnd().split('\n');
  place.write('story.jsonl', rows.map((body) => `${JSON.stringify({ body })}\n`).join(''));
  place.write('story.jsonl.gz', gzipSync(place.read('story.jsonl')));
  const args = ['story.jsonl', '--text-key', 'body', '--vocab-size', '290', '--json'];
  const { code, stdout, stderr } = await train(...args, '--out', 'rows.json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const bytes = Buffer.byteLength(rows.join(''));
  const own = tokenizer('rows.json');
  const tokens = rows.reduce((sum, row) => sum + own.encode(row).length, 0);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ out: 'rows.json', vocab_size: 290, files: ['story.jsonl'], documents: 3, bytes },
    ...{ tokens, bytes_per_token: bytes / tokens },
  });
  expect(own.decode(own.encode(STORY))).toBe(STORY);
  expect(own.encode('小猫头鹰').length).toBeLessThan(4);
  await train('story.jsonl.gz', ...args.slice(1), '--out', 'gzip.json');
  expect(place.read('gzip.json').equals(place.read('rows.json'))).toBe(true);
});

test('a text that runs out of pairs gives fewer tokens and a warning', async () => {
  place.write('short.txt', 'abab abab');
  const { code, stderr } = await train('short.txt', '--out', 'short.json');
  expect(code).toBe(0);
  expect(stderr).toMatch(/^warning: 259 tokens instead of 4,096: no pair occurs 2 times any more\n {2}fix: .*text/);
  expect(tokenizer('short.json').vocabSize).toBe(259);
  const all = await train('short.txt', '--out', 'all.json', '--min-frequency', '1');
  expect(all.stderr).toMatch(/^warning: 260 tokens instead of 4,096: no pair is left to merge\n/);
});

test("GPT-1's tokenizer from OpenAI's files: pretrain, generate, and what the checkpoint has", async () => {
  const folder = fileURLToPath(new URL('../../tokenizer/reference/gpt1', import.meta.url));
  const flags = ['--tokenizer.type', 'gpt1-bpe', '--tokenizer.path', folder, '--train.max_steps', '2'];
  const tiny = TINY.filter((flag) => !/^(--tokenizer.type|byte)$/.test(flag));
  const ended = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'one', ...tiny, ...flags]);
  expect(ended.code, ended.stderr).toBe(0);
  const shown = await place.gpt(['tokenizer', 'show', 'one', '--text', 'The owl', '--json']);
  const own = await loadTokenizer(folder);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    ...{ type: 'gpt1-bpe', vocab_size: own.vocabSize, eot: 0, eot_text: '<unk>', fingerprint: own.fingerprint },
    tokens: [...own.encode('The owl')].map((id) => ({ id })),
  });
  const text = await place.gpt(['generate', 'one', '--backend', BACKEND, '--prompt', 'The owl', '--tokens', '4']);
  expect(text.code, text.stderr).toBe(0);
});

test('report compares with GPT-2 on the bundled texts and the own one', async () => {
  place.write('zh.txt', STORY);
  await train('zh.txt', '--vocab-size', '300', '--out', 'zh.json');
  const { code, stdout, stderr } = await place.gpt(['tokenizer', 'report', 'zh.json', 'zh.txt', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { texts, vocabulary } = JSON.parse(stdout);
  expect(texts.map(({ kind }: { kind: string }) => kind)).toContain('code');
  const bytes = Buffer.byteLength(STORY);
  const tokens = tokenizer('zh.json').encode(STORY).length;
  expect(texts.at(-1)).toMatchObject({ kind: 'your text', bytes, tokens, bytes_per_token: bytes / tokens });
  expect(texts.at(-1).difference).toBeCloseTo(texts.at(-1)['gpt2-bpe'].tokens / tokens - 1, 12);
  expect(vocabulary.unused.count).toBeGreaterThan(100); // most bytes are in no Chinese story
  const lines = (await place.gpt(['tokenizer', 'report', 'zh.json', 'zh.txt'])).stdout.split('\n');
  expect(lines[0]).toBe('zh.json: bpe tokenizer of 298 tokens');
  expect(lines[2]).toMatch(/^ +bytes +tokens +bytes\/token +gpt2-bpe +difference$/);
  expect(lines.find((line) => line.startsWith('your text'))).toMatch(/ [+-]\d+\.\d%$/);
});

test('show prints the pieces of a text, given or piped in', async () => {
  const shown = await place.gpt(['tokenizer', 'show', 'gpt2-bpe', '--text', 'Hello world €']);
  expect(shown.stdout).toBe(`bpe tokenizer of 50,257 tokens, end-of-text is 50256

15496  "Hello"
  995  " world"
10432  " €"

3 tokens for 15 bytes, 5.00 bytes per token
`);
  const piped = await place.gpt(['tokenizer', 'show', 'byte', '--json'], {}, { input: 'é\n' });
  expect(JSON.parse(piped.stdout)).toMatchObject({ type: 'byte', text: 'é', tokens: [{ id: 195 }, { id: 169 }] });
  const parts = await place.gpt(['tokenizer', 'show', 'byte', '--text', 'é']);
  expect(parts.stdout).toContain('169  "\uFFFD"\n\n\uFFFD: bytes that are a part of a character\n2 tokens for 2 bytes');
});

describe('refusals', () => {
  test('an existing file stays as it is', async () => {
    place.write('mine.json', 'mine');
    const result = complaint(await train('text.txt', '--out', 'mine.json'));
    expect(result).toMatchObject({ code: 4, wellFormed: true });
    expect(result.text).toContain('mine.json exists and is not overwritten');
    expect(place.read('mine.json').toString()).toBe('mine');
  });

  test.each([
    [['train', 'absent.txt'], 4, 'absent.txt'],
    [['train', 'text.txt', '--out', 'no/where.json'], 4, 'no/where.json'],
    [['train', 'tokens.bin', '--out', 'x.json'], 4, 'tokens.bin holds token ids'],
    [['train', 'binary.txt', '--out', 'x.json'], 4, 'binary.txt: byte 1'],
    [['train', 'text.txt', '--vocab-size', '100'], 2, '--vocab-size'],
    [['show', 'absent.json', '--text', 'text'], 4, 'absent.json'],
    [['show', 'text.txt', '--text', 'text'], 4, 'text.txt: not JSON'],
    [['show', 'byte', 'text'], 2, 'too many arguments'],
    [
      ['show', 'stray.json', '--text', 'text'],
      4,
      'stray.json: merges[1] "a zz" names "zz", a token that the vocabulary',
    ],
    [['report', 'byte', 'absent.txt'], 4, 'absent.txt'],
    [['report', 'byte', 'tokens.bin'], 4, 'tokens.bin holds token ids'],
    [['report', 'absent.json'], 4, 'absent.json'],
  ])('%j', async (args, code, named) => {
    place.write('tokens.bin', Uint8Array.of(1, 2));
    place.write('binary.txt', Uint8Array.of(65, 0, 66));
    place.write('stray.json', bpeJson([...BYTE_SYMBOLS, 'ab', '<|endoftext|>'], ['a b', 'a zz'], 257));
    const before = place.names();
    expect(complaint(await place.gpt(['tokenizer', ...args]))).toMatchObject({
      code,
      wellFormed: true,
      text: expect.stringContaining(named),
    });
    expect(place.names()).toEqual(before);
  });
});
