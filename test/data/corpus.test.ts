// gpt data prepare: restarts, parts, sides, duplicates, and a folder that is not what its manifest says.

import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { lockFolder } from '../../src/base/lock.js';
import { DataConfig, TokenizerConfig } from '../../src/config/schema.js';
import { isCorpus, type Manifest, unitsOf } from '../../src/data/corpus/manifest.js';
import { mergeParts } from '../../src/data/corpus/merge.js';
import { checkCorpus, openCorpus } from '../../src/data/corpus/open.js';
import { type CorpusOptions, type CorpusResult, prepareCorpus } from '../../src/data/corpus/prepare.js';
import { prepareData } from '../../src/data/prepare.js';
import type { TokenSource } from '../../src/data/token_file.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { CharTokenizer } from '../../src/tokenizer/char.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();
const bytes = new ByteTokenizer();
const chars = new CharTokenizer([97, 98]);
const EOT = '<|endoftext|>';

/** Documents of file `name`: all different, 5 to 60 words. */
const documents = (name: string, count: number): string[] =>
  Array.from(
    { length: count },
    (_, i) => `${name} ${i}. ${'An owl sat on a branch, '.repeat(1 + ((i * 7) % 10))}it hooted.`,
  );
const rows = (texts: readonly string[]): string => texts.map((text) => `${JSON.stringify({ text })}\n`).join('');

const FILES = Object.entries({ a: 60, b: 25, c: 40, d: 10, e: 33 }).map(([name, count]) =>
  file(`in/${name}.jsonl`, rows(documents(name, count))),
);
const TEXTS = FILES.flatMap((_, i) => documents('abcde'[i]!, [60, 25, 40, 10, 33][i]!));

let made = 0;
const place = (): string => join(dir, `out-${++made}`);

type Options = Partial<CorpusOptions> & { out: string };
const prepare = (options: Options): Promise<CorpusResult> =>
  prepareCorpus({
    files: FILES,
    tokenizer: bytes,
    textKey: 'text',
    valFraction: 0.2,
    shardTokens: 1024,
    dedup: 'none',
    part: 1,
    parts: 1,
    threads: 1,
    ...options,
  });

/** Every file of a folder with its bytes. */
const contents = (out: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('.'))
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(out, name)))
          .digest('hex'),
      ]),
  );

const all = (source: TokenSource): string[] => bytes.decode(source.read(0, source.length)).split(EOT).slice(0, -1);

const whole = place();
const { manifest } = (await prepare({ out: whole })) as { manifest: Manifest };

describe('a corpus', () => {
  test('holds every document once, in order on its side, with the ids of one encode()', async () => {
    const { train, val, close } = await openCorpus(whole);
    const [trained, held] = [all(train), all(val)];
    expect([...trained, ...held].sort()).toEqual([...TEXTS].sort());
    expect(trained).toEqual(TEXTS.filter((text) => trained.includes(text)));
    expect([trained.length > 110, held.length > 15]).toEqual([true, true]);
    const expected = trained.flatMap((text) => [...bytes.encode(text), bytes.eot]);
    expect([...train.read(0, train.length)]).toEqual(expected);
    close();
  });

  test('is described by its manifest', () => {
    const { totals, shards, inputs } = manifest;
    expect(totals).toMatchObject({ files: 5, documents: 168, duplicates: 0 });
    expect(totals.train_documents + totals.val_documents).toBe(168);
    expect(totals.train_bytes + totals.val_bytes).toBe(TEXTS.join('').length);
    expect(inputs.map(({ path, documents: count }) => [path, count])).toEqual(
      FILES.map((path, i) => [path, [60, 25, 40, 10, 33][i]]),
    );
    for (const { file: name, bytes: size, sha256, tokens } of shards) {
      const content = readFileSync(join(whole, name));
      expect(content.length).toBe(size);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
      expect([content.readInt32LE(0), content.readInt32LE(8), tokens <= 1024]).toEqual([20240520, tokens, true]);
    }
    expect(shards.filter(({ file: name }) => name.startsWith('train-000000')).length).toBeGreaterThan(1);
    expect(manifest.tokenizer.fingerprint).toBe(bytes.fingerprint);
    expect(manifest.split).toBe(
      'a document is held out with probability 20.0%, by a hash of its first 65,536 characters',
    );
    expect(readdirSync(whole).filter((name) => !name.endsWith('.bin'))).toEqual(['manifest.json', 'tokenizer.json']);
  });

  test('sides depend on the text alone: other files, other order, the same sides', async () => {
    const [one, two] = [FILES.slice(1), FILES.slice(0, 2).reverse()].map((files) => ({ files, out: place() }));
    for (const options of [one!, two!]) {
      await prepare(options);
      const { val, close } = await openCorpus(options.out);
      const { val: wholeVal, close: closeWhole } = await openCorpus(whole);
      const held = new Set(all(wholeVal));
      const own = options.files.flatMap((path) => TEXTS.filter((text) => path.endsWith(`/${text[0]}.jsonl`)));
      expect(all(val)).toEqual(own.filter((text) => held.has(text)));
      close();
      closeWhole();
    }
  });

  test('of few text files holds out the end of each, with its end-of-text', async () => {
    const texts = [file('txt/1.txt', 'one two three four five'), file('txt/2.md', 'kůň '.repeat(20))];
    const out = place();
    await prepare({ files: texts, out, valFraction: 0.25 });
    const { train, val, manifest: own, close } = await openCorpus(out);
    const decoded = [train, val].map((source) => bytes.decode(source.read(0, source.length)));
    expect(decoded).toEqual([`one two three fou${'kůň '.repeat(15)}`, `r five${EOT}${'kůň '.repeat(5)}${EOT}`]);
    expect(own.split).toBe('of each text file the last 25.0% is held out');
    expect(own.totals).toMatchObject({ documents: 2, train_documents: 0, val_documents: 2 });
    close();
  });
});

describe('interrupted', () => {
  test('it goes on where it was, and the folder is the same bit for bit', async () => {
    const out = place();
    const stop = new AbortController();
    const onProgress = ({ files }: { files: number }): void => void (files === 2 && stop.abort());
    const first = await prepare({ out, onProgress, signal: stop.signal });
    expect(first).toMatchObject({ stopped: true, manifest: null });
    expect(existsSync(join(out, 'manifest.json'))).toBe(false);
    await expect(openCorpus(out)).rejects.toThrow(/is not finished/);
    const done = first.made;
    expect(done).toBeGreaterThanOrEqual(2);
    const before = contents(out);
    const second = await prepare({ out });
    expect(second).toMatchObject({ kept: done, made: 5 - done });
    for (const name of Object.keys(before).filter((one) => /^train-00000[01]/.test(one))) {
      expect(contents(out)[name]).toBe(before[name]);
    }
    expect(contents(out)).toEqual(contents(whole));
  });

  test('a kill in the middle of a file: what is half written is done again', async () => {
    const out = place();
    cpSync(whole, out, { recursive: true });
    // as a kill -9 leaves it: files 0 and 1 done, of file 2 one shard and half of the next
    const stop = new AbortController();
    const other = place();
    await prepare({ out: other, signal: stop.signal, onProgress: ({ files }) => void (files === 2 && stop.abort()) });
    const part = join(other, 'part-1-of-1');
    for (const name of readdirSync(part)) if (/^00000[234]/.test(name)) rmSync(join(part, name));
    for (const name of readdirSync(other)) if (/-00000[34]-/.test(name)) rmSync(join(other, name));
    writeFileSync(join(other, 'train-000002-000.bin'), 'half');
    writeFileSync(join(other, 'train-000002-007.bin'), 'of an older version, perhaps');
    writeFileSync(join(other, 'train-000002-001.bin.tmp-4194304'), 'half');
    const lock = { pid: 4194304, host: 'x', namespace: '', born: '', started: '2026-01-01' };
    writeFileSync(join(part, 'lock'), JSON.stringify({ ...lock, host: (await import('node:os')).hostname() }));
    const result = await prepare({ out: other });
    expect(result).toMatchObject({ kept: 2, made: 3 });
    expect(contents(other)).toEqual(contents(whole));
  });

  test.each<[string, Partial<CorpusOptions>, RegExp]>([
    [
      'tokenizer',
      { tokenizer: chars },
      /with another tokenizer \(byte of 257 tokens, .*\), not with this one \(char of 3/,
    ],
    ['share', { valFraction: 0.3 }, /with --val-fraction 0\.2, not 0\.3/],
    ['shards', { shardTokens: 2048 }, /with --shard-tokens 1024, not 2048/],
    ['duplicates', { dedup: 'exact' }, /with --dedup none, not exact/],
    ['key', { textKey: 'body' }, /with --text-key text, not body/],
    ['files', { files: FILES.slice(1) }, /of other files: .*a\.jsonl was among them/],
  ])('another %s than before is refused, finished or not', async (_, change, message) => {
    const out = place();
    mkdirSync(join(out, 'part-1-of-1'), { recursive: true });
    const stop = new AbortController();
    stop.abort();
    await prepare({ out, signal: stop.signal });
    for (const folder of [out, whole]) {
      await expect(prepare({ out: folder, ...change })).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringMatching(message),
        fix: 'give the same as before, or choose another folder with --out',
      });
    }
  });

  test('an input that has changed since is refused', async () => {
    const files = [file('ch/a.jsonl', rows(documents('a', 9))), file('ch/b.jsonl', rows(documents('b', 9)))];
    const out = place();
    const stop = new AbortController();
    await prepare({ files, out, signal: stop.signal, onProgress: ({ files: n }) => void (n === 1 && stop.abort()) });
    writeFileSync(files[0]!, readFileSync(files[0]!, 'utf8').replace('owl', 'OWL'));
    await expect(prepare({ files, out })).rejects.toThrow(
      /ch\/a\.jsonl is another file than the one that .*000000\.json/,
    );
    appendFileSync(files[1]!, '{"text":"more"}\n');
    await expect(prepare({ files, out })).rejects.toThrow(/b\.jsonl has changed/);
  });

  test('finished: nothing is done again', async () => {
    expect(await prepare({ out: whole })).toMatchObject({ made: 0, manifest: { fingerprint: manifest.fingerprint } });
  });
});

describe('parts', () => {
  test.each([2, 3, 8])('%i of them, in any order, make the same folder as one', async (parts) => {
    const out = place();
    const order = Array.from({ length: parts }, (_, i) => i + 1).reverse();
    for (const part of order) {
      if (part === 1) {
        await expect(mergeParts(out)).rejects.toMatchObject({
          message: expect.stringMatching(new RegExp(`not done, in part 1 of ${parts}$`)),
          fix: `run the same command with --part 1/${parts} again`,
        });
      }
      expect((await prepare({ out, part, parts })).manifest).toBeNull();
    }
    await expect(openCorpus(out)).rejects.toThrow(/is not finished/);
    const merged = await mergeParts(out);
    expect(merged).toEqual(manifest);
    expect(contents(out)).toEqual(contents(whole));
    expect(await mergeParts(out)).toEqual(manifest); // again: nothing to do
  });

  test('several at once do not touch each other', async () => {
    const out = place();
    await Promise.all([1, 2, 3].map((part) => prepare({ out, part, parts: 3 })));
    await mergeParts(out);
    expect(contents(out)).toEqual(contents(whole));
  });

  test('another number of parts, and parts of other options, are refused', async () => {
    const out = place();
    await prepare({ out, part: 1, parts: 2 });
    await expect(prepare({ out, part: 1, parts: 3 })).rejects.toThrow(/part-1-of-2 was made in 2 parts, not in 3/);
    await expect(prepare({ out, part: 2, parts: 2, valFraction: 0.5 })).rejects.toThrow(
      /--val-fraction 0\.2, not 0\.5/,
    );
    await expect(mergeParts(place())).rejects.toThrow(DataError);
  });

  test('two processes on the same part: the second is refused, and names the first', async () => {
    const out = place();
    const stop = new AbortController();
    stop.abort();
    await prepare({ out, signal: stop.signal });
    const unlock = lockFolder(join(out, 'part-1-of-1'));
    await expect(prepare({ out })).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(new RegExp(`is in use: process ${process.pid} on host .* preparing data there`)),
      fix: expect.stringContaining('choose another folder (--out)'),
    });
    unlock();
    expect((await prepare({ out })).manifest?.fingerprint).toBe(manifest.fingerprint);
  });

  test('more than 1,000 files are done in groups', () => {
    expect(unitsOf(1000).length).toBe(1000);
    const units = unitsOf(2500);
    expect([units.length, units[0], units.at(-1)]).toEqual([834, { from: 0, to: 3 }, { from: 2499, to: 2500 }]);
  });
});

describe('duplicates', () => {
  const files = [
    file('dup/a.jsonl', rows(['One owl sat here.', 'Two foxes ran.', 'one  OWL sat here. '])),
    file('dup/b.jsonl', rows(['Two foxes ran.', 'Three bears slept.'])),
    file('dup/c.txt', 'Three bears slept.'),
    file('dup/d.txt', 'Four cats.'),
  ];

  test('are dropped, counted for each file, and the same after an interruption', async () => {
    const [out, again] = [place(), place()];
    const { manifest: found } = await prepare({ files, out, dedup: 'exact', valFraction: 0.01 });
    expect(found!.inputs.map(({ documents: kept, duplicates }) => [kept, duplicates])).toEqual([
      [2, 1],
      [1, 1],
      [0, 1],
      [1, 0],
    ]);
    expect(found!.totals).toMatchObject({ documents: 4, duplicates: 3 });
    expect(found!.dedup_parts).toBe(1);
    const stop = new AbortController();
    const options = { files, out: again, dedup: 'exact', valFraction: 0.01 } as const;
    await prepare({ ...options, signal: stop.signal, onProgress: ({ files: n }) => void (n === 1 && stop.abort()) });
    for (const name of readdirSync(join(again, 'part-1-of-1'))) {
      if (/^00000[123]/.test(name)) rmSync(join(again, 'part-1-of-1', name));
    }
    expect(await prepare(options)).toMatchObject({ kept: 1, made: 3 });
    expect(contents(again)).toEqual(contents(out));
  });

  test('are looked for inside each part, and the manifest says so', async () => {
    const out = place();
    for (const part of [1, 2]) await prepare({ files, out, dedup: 'near', part, parts: 2 });
    const merged = await mergeParts(out);
    expect([merged.dedup_parts, merged.totals.duplicates]).toEqual([2, 1]);
    await expect(prepare({ files, out, dedup: 'near' })).rejects.toThrow(/in 2 parts, not in 1/);
  });
});

describe('a manifest that disagrees with its files', () => {
  const damaged = (damage: (out: string, manifest: Manifest) => unknown): string => {
    const out = place();
    cpSync(whole, out, { recursive: true });
    const changed = damage(out, JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as Manifest);
    if (changed !== undefined) writeFileSync(join(out, 'manifest.json'), JSON.stringify(changed));
    return out;
  };
  const shard = (out: string) => join(out, 'train-000001-000.bin');

  test.each<[string, (out: string, manifest: Manifest) => unknown, RegExp]>([
    ['a shard is missing', (out) => rmSync(shard(out)), /train-000001-000\.bin is listed, and is not there/],
    ['a shard is longer', (out) => appendFileSync(shard(out), 'xx'), /has [\d,]+ bytes, and is listed with [\d,]+/],
    ['a shard is cut', (out) => writeFileSync(shard(out), readFileSync(shard(out)).subarray(0, 1500)), /1,500 bytes/],
    [
      'a shard has another count',
      (_, old) => ({
        ...old,
        totals: { ...old.totals, train_tokens: old.totals.train_tokens - 1 },
        shards: old.shards.map((s, i) => (i === 0 ? { ...s, tokens: s.tokens - 1 } : s)),
      }),
      /has [\d,]+ tokens, and is listed with/,
    ],
    [
      'totals are wrong',
      (_, old) => ({ ...old, totals: { ...old.totals, val_tokens: 7 } }),
      /contradicts itself: totals\.val_tokens is 7, and its files come to/,
    ],
    [
      'a shard is not listed',
      (out) => cpSync(shard(out), join(out, 'train-000009-000.bin')),
      /train-000009-000\.bin is there, and is not listed/,
    ],
    ['it is cut off', (out) => writeFileSync(join(out, 'manifest.json'), '{"format":'), /manifest\.json: not JSON/],
    ['it is missing', (out) => rmSync(join(out, 'manifest.json')), /is not finished: it has no manifest\.json/],
    ['it is of a later version', (_, old) => ({ ...old, version: 2 }), /not what gpt data prepare writes \(version/],
    [
      'a name leaves the folder',
      (_, old) => ({ ...old, shards: [{ ...old.shards[0], file: '../train-000000-000.bin' }] }),
      /not what gpt data prepare writes \(shards\.0\.file/,
    ],
    [
      'the tokenizer is another',
      (out) => writeFileSync(join(out, 'tokenizer.json'), chars.toJson()),
      /tokenizer\.json is another tokenizer \(char of 3 tokens, .*\) than the shards were made with \(byte of 257/,
    ],
  ])('%s', async (_, damage, message) => {
    const out = damaged(damage);
    expect(isCorpus(out)).toBe(true);
    const run = prepareData({
      data: DataConfig.parse({ path: out }),
      tokenizer: TokenizerConfig.parse({ type: 'byte' }),
      ...{ cacheDir: place(), threads: 1 },
    });
    await expect(run).rejects.toMatchObject({ exitCode: 4, message: expect.stringMatching(message) });
    await expect(run).rejects.toThrow(out);
  });

  test('one bit: found by check, which reads all', async () => {
    expect((await checkCorpus(whole)).fingerprint).toBe(manifest.fingerprint);
    const out = damaged((folder) => {
      const content = readFileSync(shard(folder));
      content[1500]! ^= 1;
      writeFileSync(shard(folder), content);
    });
    (await openCorpus(out)).close();
    await expect(checkCorpus(out)).rejects.toThrow(/train-000001-000\.bin has the sha256 [0-9a-f]{64}, not/);
  });
});

describe('training on it', () => {
  const run = (
    data: Partial<DataConfig>,
    tokenizer: Partial<TokenizerConfig> = { type: 'byte' },
    tokenizerIsDefault = false,
  ) =>
    prepareData({
      data: DataConfig.parse(data),
      tokenizer: TokenizerConfig.parse(tokenizer),
      ...{ tokenizerIsDefault, cacheDir: join(dir, 'cache'), threads: 1 },
    });

  test('takes shards, sides and numbers as they are', async () => {
    const { train, val, stats, dir: cache, tokenizer } = await run({ path: whole });
    const { totals } = manifest;
    expect([train.length, val.length, train.bytes]).toEqual([
      totals.train_tokens,
      totals.val_tokens,
      totals.train_bytes,
    ]);
    expect(stats).toMatchObject({ files: 5, documents: 168, split: manifest.split, fingerprint: manifest.fingerprint });
    expect([cache, tokenizer.fingerprint]).toEqual([null, bytes.fingerprint]);
    for (const source of [train, val]) source.close();
  });

  test('with another tokenizer is refused, naming both; one that nobody chose gives way', async () => {
    const out = whole;
    await expect(run({ path: out }, { type: 'gpt2-bpe' })).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(
        /another tokenizer \(byte of 257 .*\) than tokenizer\.type says: gpt2-bpe \(bpe of 50,257/,
      ),
      fix: expect.stringContaining(`--tokenizer.type file --tokenizer.path ${out}`),
    });
    await expect(run({ path: out }, { type: 'char' })).rejects.toThrow(/char, which takes its characters from text/);
    expect((await run({ path: out }, {}, true)).tokenizer.vocabSize).toBe(257);
    expect((await run({ path: out }, { type: 'file', path: out })).tokenizer.vocabSize).toBe(257);
  });

  test('corpora of different tokenizers are not mixed, whatever the order', async () => {
    const other = place();
    await prepare({ out: other, files: [file('ab.jsonl', rows(['ab', 'ba', 'aab', 'bb']))], tokenizer: chars });
    for (const path of [
      [whole, other],
      [other, whole],
    ]) {
      await expect(run({ path, weights: [1, 1] }, {}, true)).rejects.toThrow(
        `${path[1]} was made with another tokenizer`,
      );
    }
  });

  test('beside other paths, or with a held-out text, it needs data.weights', async () => {
    await expect(run({ path: [whole, FILES[0]!] })).rejects.toThrow(/names 1 more path/);
    await expect(run({ path: whole, val_path: FILES[0]! })).rejects.toThrow(/held-out part of its own/);
  });

  test('a mixture of it and a text', async () => {
    const text = file('mix/text.jsonl', rows(documents('x', 100)));
    const mixed = await run({ path: [whole, text], weights: [3, 1] });
    const [one, two] = [await run({ path: whole }), await run({ path: text })];
    expect(mixed.mix!.map(({ path, weight, source }) => [path, weight, source.length])).toEqual([
      [whole, 0.75, one.train.length],
      [text, 0.25, two.train.length],
    ]);
    expect(mixed.stats.train_tokens).toBe(one.train.length + two.train.length);
    const smaller = Math.min(one.val.length / 0.75, two.val.length / 0.25);
    expect(Math.abs(mixed.val.length - smaller)).toBeLessThan(2);
    const first = Math.round(smaller * 0.75);
    expect(mixed.val.read(0, first)).toEqual(one.val.read(0, first));
    expect(mixed.val.read(first, 5)).toEqual(two.val.read(0, 5));
    const alone = await run({ path: [text], weights: [0.5] });
    expect([alone.stats, alone.val.bytes]).toEqual([two.stats, two.val.bytes]);
    await expect(run({ path: [text, text], weights: [1, 1] }, { type: 'char' })).rejects.toThrow(/char takes/);
  });
});

test('a folder of something else is left alone', async () => {
  const out = join(dir, 'other');
  file('other/notes.txt', 'mine');
  await expect(prepare({ out })).rejects.toThrow(/holds something else \(notes\.txt\)/);
  expect(readdirSync(out)).toEqual(['notes.txt']);
  expect(isCorpus(out)).toBe(false);
  file('other/manifest.json', '{"name":"an app"}');
  expect(isCorpus(out)).toBe(false);
});

test('progress goes up to the bytes of its files', async () => {
  const seen: number[] = [];
  const out = place();
  await prepare({
    out,
    files: FILES.slice(0, 2),
    onProgress: ({ bytes, totalBytes }) => seen.push(bytes / totalBytes),
  });
  expect(seen.at(-1)).toBe(1);
  renameSync(out, `${out}-moved`);
  expect((await checkCorpus(`${out}-moved`)).totals.files).toBe(2);
});
