import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../src/base/errors.js';
import { DataConfig, TokenizerConfig } from '../../src/config/schema.js';
import { prepareData, requireLength } from '../../src/data/prepare.js';
import type { PreparedData, PrepareProgress } from '../../src/data/prepared.js';
import { TokenFileWriter, type TokenSource } from '../../src/data/token_file.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();
const cacheDir = join(dir, 'cache');

type Options = Partial<DataConfig> & {
  tokenizer?: TokenizerConfig['type'];
  tokenizerPath?: string;
  cache?: string;
  onProgress?: PrepareProgress;
};
function prepare({
  tokenizer = 'byte',
  tokenizerPath,
  cache = cacheDir,
  onProgress,
  ...data
}: Options): Promise<PreparedData> {
  return prepareData({
    data: DataConfig.parse(data),
    tokenizer: TokenizerConfig.parse({ type: tokenizer, ...(tokenizerPath ? { path: tokenizerPath } : {}) }),
    cacheDir: cache,
    threads: 2,
    ...(onProgress ? { onProgress } : {}),
  });
}
const all = (source: TokenSource): Int32Array => source.read(0, source.length);
const texts = ({ tokenizer, train, val }: PreparedData) => [tokenizer.decode(all(train)), tokenizer.decode(all(val))];

describe('the split', () => {
  test("of one document is nanoGPT's: text[: int(0.9 n)] in characters, before tokenizing", async () => {
    const text = 'kůň 👍 '.repeat(15).slice(0, -1); // 89 characters
    const { stats, ...data } = await prepare({ path: file('one.txt', text) });
    const cut = [...text].slice(0, 80).join('');
    expect(texts({ stats, ...data })).toEqual([cut, `${[...text].slice(80).join('')}<|endoftext|>`]);
    expect(stats).toMatchObject({
      files: 1,
      bytes: Buffer.byteLength(text),
      documents: 1,
      train_tokens: Buffer.byteLength(cut),
      train_bytes: Buffer.byteLength(cut),
      val_tokens: Buffer.byteLength(text) - Buffer.byteLength(cut) + 1,
      val_bytes: Buffer.byteLength(text) - Buffer.byteLength(cut),
    });
    expect(stats.split).toBe('the last 10.0% of the text is held out (from character 80 of 89)');
    expect([data.train.bytes, data.val.bytes]).toEqual([stats.train_bytes, stats.val_bytes]);
  });

  test('of a few documents is the tail of them all', async () => {
    const path = [file('few/a.txt', 'aaaaaa'), file('few/b.txt', 'bbbbbb'), file('few/c.md', 'cccccccc')];
    const data = await prepare({ path, val_fraction: 0.5 });
    expect(texts(data)).toEqual(['aaaaaa<|endoftext|>bbbb', 'bb<|endoftext|>cccccccc<|endoftext|>']);
    expect(data.stats.documents).toBe(3);
  });

  test('of many documents takes whole ones, the same every time', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => JSON.stringify({ text: `document ${i}.` }));
    const path = file('many.jsonl', rows.join('\n'));
    const data = await prepare({ path, val_fraction: 0.25 });
    const [train, val] = texts(data).map((text) => text.split('<|endoftext|>').slice(0, -1));
    expect([...train!, ...val!].sort()).toEqual(Array.from({ length: 400 }, (_, i) => `document ${i}.`).sort());
    expect(val!.length).toBeGreaterThan(70);
    expect(val!.length).toBeLessThan(130);
    expect(data.stats.split).toBe(`${val!.length} of 400 documents are held out, picked by a hash of their index`);
    expect(data.stats.train_bytes! + data.stats.val_bytes!).toBe(rows.join('').length - 400 * '{"text":""}'.length);
    const again = await prepare({ path, val_fraction: 0.25, cache: join(dir, 'cache2') });
    expect(again.stats).toEqual(data.stats);
    expect(all(again.val)).toEqual(all(data.val));
  });

  test('of rows is the same whatever kind of file they are in, and each has its own cache', async () => {
    const rows = Array.from({ length: 120 }, (_, i) => ({ id: i, body: `document "${i}".` }));
    const cache = join(dir, 'cache-kinds');
    const csv = rows.map(({ id, body }) => `${id},"${body.replaceAll('"', '""')}"`);
    const paths = [
      file('kinds.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')),
      file('kinds.json', JSON.stringify(rows)),
      file('kinds.csv', `id,body\n${csv.join('\n')}`),
      file('kinds.tsv', `id\tbody\n${rows.map(({ id, body }) => `${id}\t${body}`).join('\n')}`),
    ];
    const all = [];
    for (const path of paths) all.push(await prepare({ path, text_key: 'body', cache }));
    expect(all[0]!.stats.documents).toBe(120);
    for (const { stats, cached } of all) {
      expect({ ...stats, bytes: 0 }).toEqual({ ...all[0]!.stats, bytes: 0 });
      expect(cached).toBe(false);
    }
    expect((await prepare({ path: paths[1]!, text_key: 'body', cache })).cached).toBe(true);
  });

  test('is never empty: where no document is picked, the tail is taken', async () => {
    const path = file('twenty.jsonl', '{"text":"0123456789"}\n'.repeat(20));
    const { stats } = await prepare({ path, val_fraction: 1e-9 });
    expect(stats.val_tokens).toBeGreaterThan(0);
    expect(stats.split).toMatch(/^the last/);
  });

  test('can be a text of its own', async () => {
    const val = file('held/v.txt', 'held out');
    const data = await prepare({ path: file('t.txt', 'training'), val_path: val, tokenizer: 'char' });
    expect(texts(data)).toEqual(['training<|endoftext|>', 'held out<|endoftext|>']);
    expect(data.stats).toMatchObject({ files: 2, documents: 2, split: `held out: ${val} (data.val_path)` });
  });

  test('never trains on a file that is held out, however it is named', async () => {
    const [train, val] = [file('both/a.txt', 'training'), file('both/b.txt', 'held out')];
    const path = [join(dir, 'both'), relative('.', val)];
    const data = await prepare({ path, val_path: relative('.', val) });
    expect(texts(data)).toEqual(['training<|endoftext|>', 'held out<|endoftext|>']);
    expect(data.stats.files).toBe(2);
    const named = relative('.', val);
    expect(data.stats.split).toBe(`held out: ${named} (data.val_path; 1 file of data.path among them, not trained on)`);
    const apart = await prepare({ path: train, val_path: val });
    expect([apart.cached, apart.stats.split]).toEqual([true, `held out: ${val} (data.val_path)`]);
    await expect(prepare({ path: val, val_path: join(dir, 'both') })).rejects.toThrow(ConfigError);
  });
});

describe('the cache', () => {
  const cache = join(dir, 'cache3');
  const path = file('cached.txt', 'the quick brown fox '.repeat(50));

  test('is used again while nothing changes, also for a char tokenizer', async () => {
    for (const tokenizer of ['byte', 'char', 'gpt2-bpe'] as const) {
      const first = await prepare({ path, tokenizer, cache });
      expect(first.cached).toBe(false);
      const second = await prepare({ path, tokenizer, cache });
      expect(second.cached).toBe(true);
      expect(second.stats).toEqual(first.stats);
      expect(second.tokenizer.fingerprint).toBe(first.tokenizer.fingerprint);
      expect(all(second.train)).toEqual(all(first.train));
    }
    expect(readdirSync(cache).length).toBe(3);
  });

  test('looks at content, split and keys, not at the time of a small file', async () => {
    utimesSync(path, 1, 1);
    expect((await prepare({ path, cache })).cached).toBe(true);
    expect((await prepare({ path, cache, val_fraction: 0.2 })).cached).toBe(false);
    writeFileSync(path, 'The quick brown fox '.repeat(50));
    const changed = await prepare({ path, cache });
    expect(changed.cached).toBe(false);
    expect(texts(changed)[0]!.startsWith('The')).toBe(true);
  });

  test('leaves no trace of a failed run', async () => {
    const failing = join(dir, 'cache4');
    const bad = [path, file('bad.txt', 'a\0b')];
    await expect(prepare({ path: bad, cache: failing })).rejects.toThrow(/bad\.txt: byte 1 is NUL/);
    const byteJson = file(
      'chars.json',
      (await prepare({ path: file('abc.txt', 'abc'), tokenizer: 'char' })).tokenizer.toJson(),
    );
    const other = prepare({ path, tokenizer: 'file', tokenizerPath: byteJson, cache: failing });
    await expect(other).rejects.toThrow(/cached\.txt: the character "T" \(U\+0054\) is not among the 3/);
    const left = readdirSync(failing).flatMap((name) => readdirSync(join(failing, name)));
    expect(left).toEqual([]);
  });

  test('is not filled from a file that changes meanwhile', async () => {
    const changing = join(dir, 'cache6');
    const log = file('log.txt', 'a line\n'.repeat(100));
    const onProgress = (): void => appendFileSync(log, 'more\n');
    await expect(prepare({ path: log, cache: changing, onProgress })).rejects.toThrow(
      `${log} changed while it was read`,
    );
    await expect(prepare({ path: log, cache: changing, onProgress: () => rmSync(log) })).rejects.toThrow(DataError);
    expect(readdirSync(changing)).toEqual([]);
  });

  test('is filled by several at once, which need not know of each other', async () => {
    const shared = join(dir, 'cache7');
    const long = file('long.txt', 'the quick brown fox '.repeat(200_000));
    const all = await Promise.all([1, 2, 3].map(() => prepare({ path: long, cache: shared })));
    for (const { train, val, stats } of all) {
      expect([train.length, val.length]).toEqual([stats.train_tokens, stats.val_tokens]);
      expect(stats).toEqual(all[0]!.stats);
    }
    expect(readdirSync(shared)).toHaveLength(1);
  });

  test('survives kill -9: what was left is removed when nobody has written to it for an hour', async () => {
    const killed = join(dir, 'cache8');
    const leave = (name: string, written: number): void => {
      mkdirSync(join(killed, name), { recursive: true });
      writeFileSync(join(killed, name, 'train.bin.tmp-1'), 'half');
      for (const at of [join(killed, name, 'train.bin.tmp-1'), join(killed, name)]) utimesSync(at, written, written);
    };
    const now = Date.now() / 1000;
    leave('0123456789abcdef.tmp-01234567', now - 4000);
    leave('0123456789abcdef.tmp-89abcdef', now - 3000);
    leave('mine.tmp-01234567', 1);
    const { dir: folder } = await prepare({ path, cache: killed });
    expect(readdirSync(folder!).sort()).toEqual(['manifest.json', 'tokenizer.json', 'train.bin', 'val.bin']);
    expect(readdirSync(killed).sort()).toEqual(
      ['0123456789abcdef.tmp-89abcdef', 'mine.tmp-01234567', folder!.slice(-16)].sort(),
    );
  });

  test.each<[string, (folder: string) => void]>([
    ['has no manifest', (folder) => rmSync(join(folder, 'manifest.json'))],
    ['lacks a shard', (folder) => rmSync(join(folder, 'train.bin'))],
    [
      'has half of a shard',
      (folder) => writeFileSync(join(folder, 'val.bin'), readFileSync(join(folder, 'val.bin')).subarray(0, 1100)),
    ],
    ['has another shard', (folder) => writeFileSync(join(folder, 'val.bin'), readFileSync(join(folder, 'train.bin')))],
    ['has a broken tokenizer.json', (folder) => writeFileSync(join(folder, 'tokenizer.json'), '{')],
  ])('that %s is made again', async (_, damage) => {
    const first = await prepare({ path, cache, tokenizer: 'char' });
    const tokens = all(first.train);
    damage(first.dir!);
    const again = await prepare({ path, cache, tokenizer: 'char' });
    expect(again.cached).toBe(false);
    expect(again.stats).toEqual(first.stats);
    expect(all(again.train)).toEqual(tokens);
    expect((await prepare({ path, cache, tokenizer: 'char' })).cached).toBe(true);
    expect(readdirSync(cache).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('that cannot be written is an error', async () => {
    const blocked = file('a-file', '');
    await expect(prepare({ path, cache: blocked })).rejects.toThrow(/cannot write .*a-file/);
  });
});

describe('.bin shards', () => {
  const ids = new ByteTokenizer().encode('tokens of an earlier run. '.repeat(40));
  const shard = (name: string, from: number, to: number): string => {
    const path = join(dir, name);
    const writer = new TokenFileWriter(path, 257);
    writer.append(ids.subarray(from, to));
    writer.finish();
    return path;
  };
  const path = [shard('s0.bin', 0, 500), shard('s1.bin', 500, ids.length)];

  test('are used where they are, the tail held out', async () => {
    const data = await prepare({ path, cache: join(dir, 'unused') });
    expect([...all(data.train), ...all(data.val)]).toEqual([...ids]);
    expect(data.stats).toMatchObject({ train_tokens: 936, val_tokens: 104, train_bytes: null, val_bytes: null });
    expect([data.dir, existsSync(join(dir, 'unused'))]).toEqual([null, false]);
    const other = await prepare({ path: path[0]!, val_path: path[1]! });
    expect([other.train.length, other.val.length]).toEqual([500, 540]);
    expect(other.stats.fingerprint).not.toBe(data.stats.fingerprint);
  });

  test('either side is closed on its own', async () => {
    const data = await prepare({ path, cache: join(dir, 'unused') });
    data.train.close();
    expect(data.val.read(0, 104)).toEqual(ids.slice(936));
    data.val.close();
  });

  test('of another vocabulary, mixed with text, or without a tokenizer are errors', async () => {
    const gpt2 = file('gpt2.bin', new Uint8Array(Uint16Array.of(1, 2, 50000, 3, 4, 5, 6, 7, 8, 9).buffer));
    await expect(prepare({ path: gpt2 })).rejects.toThrow(/token 2 has the id 50000, but the vocabulary has 257/);
    await expect(prepare({ path: [gpt2, file('text.txt', 'text')] })).rejects.toThrow(/holds tokens, other files/);
    await expect(prepare({ path: gpt2, tokenizer: 'char' })).rejects.toThrow(ConfigError);
  });
});

test('progress reaches its total', async () => {
  const path = file('progress.txt', 'progress '.repeat(300_000));
  const held = file('held.txt', 'progress '.repeat(200_000));
  for (const type of ['byte', 'char'] as const) {
    const seen: number[] = [];
    let total = 0;
    await prepareData({
      data: DataConfig.parse({ path, val_path: held }),
      tokenizer: TokenizerConfig.parse({ type }),
      cacheDir: join(dir, 'cache5'),
      threads: 2,
      onProgress: ({ bytes, totalBytes }) => {
        seen.push(bytes);
        total = totalBytes;
      },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(total);
  }
});

describe('what cannot be trained on', () => {
  test('is an error before anything is written', async () => {
    await expect(prepare({})).rejects.toThrow(ConfigError);
    await expect(prepare({ path: join(dir, 'nowhere') })).rejects.toThrow(DataError);
    await expect(prepare({ path: file('empty.txt', '') })).rejects.toThrow(/empty\.txt: the file is empty/);
  });

  test('a text shorter than n_ctx + 1 is an error with the counts', async () => {
    const { train, val } = await prepare({ path: file('short.txt', 'x'.repeat(100)) });
    expect(() => requireLength(train, 89, 'training')).not.toThrow();
    expect(() => requireLength(train, 90, 'training')).toThrow(
      'the training text has 90 tokens, but model.n_ctx 90 needs at least 91',
    );
    expect(() => requireLength(val, 64, 'validation')).toThrow(DataError);
    try {
      requireLength(val, 64, 'validation');
    } catch (error) {
      expect((error as DataError).fix).toBe(
        'give more text, or set --model.n_ctx to at most 10, or hold out more (--data.val_fraction)',
      );
    }
  });
});
