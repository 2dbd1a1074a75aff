import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { concatSources, openTokenFile, sliceSource, TokenFileWriter } from '../../src/data/token_file.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();

function shard(name: string, ids: number[], vocabSize: number): string {
  const path = join(dir, name);
  const writer = new TokenFileWriter(path, vocabSize);
  writer.append(ids.slice(0, 2));
  writer.append(ids.slice(2));
  writer.finish();
  return path;
}

describe.each([
  ['uint16', 65_536, 20240520, 1, 2],
  ['uint32', 65_537, 20240801, 7, 4],
])('%s shards', (name, vocabSize, magic, version, width) => {
  const ids = [0, 1, vocabSize - 1, 300, 7];
  const path = shard(`${name}.bin`, ids, vocabSize);

  test("have llm.c's header", () => {
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(1024 + ids.length * width);
    expect([0, 4, 8, 12].map((at) => bytes.readInt32LE(at))).toEqual([magic, version, ids.length, 0]);
  });

  test('are read by position', () => {
    const source = openTokenFile(path, vocabSize, 12);
    expect([source.length, source.bytes]).toEqual([5, 12]);
    expect([...source.read(0, 5)]).toEqual(ids);
    expect([...source.read(2, 2)]).toEqual(ids.slice(2, 4));
    expect(source.read(5, 0).length).toBe(0);
    expect(() => source.read(3, 3)).toThrow(/internal/);
    source.close();
  });

  test('with an id outside the vocabulary are an error that names it', () => {
    const source = openTokenFile(path, 301);
    expect(() => source.read(1, 3)).toThrow(`token 2 has the id ${vocabSize - 1}, but the vocabulary has 301`);
    expect([...source.read(3, 2)]).toEqual([300, 7]);
    source.close();
  });
});

describe('writing', () => {
  test('nothing stands under the name before finish(), and nothing of an aborted file stays', () => {
    const path = join(dir, 'late.bin');
    const writer = new TokenFileWriter(path, 257);
    writer.append([1, 2, 3]);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(dir).filter((name) => name.startsWith('late.bin') && name.endsWith('.bin'))).toEqual([]);
    writer.abort();
    expect(readdirSync(dir).filter((name) => name.startsWith('late'))).toEqual([]);
  });

  test('a header that was never completed is not read as a shard', () => {
    const path = join(dir, 'killed.bin');
    const writer = new TokenFileWriter(path, 257);
    writer.append([1, 2, 3]);
    const left = readdirSync(dir).find((name) => name.startsWith('killed'))!;
    expect(() => openTokenFile(join(dir, left), 257)).toThrow(/promises 0 tokens/);
    writer.abort();
  });
});

describe('damaged files', () => {
  const good = readFileSync(shard('good.bin', [1, 2, 3], 257));
  const patched = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes.writeInt32LE(value, at);
    return bytes;
  };
  test.each<[string, Uint8Array, RegExp]>([
    ['cut short', good.subarray(0, good.length - 2), /1028 bytes, but its header promises 3 tokens = 1030 bytes/],
    ['too long', Buffer.concat([good, Buffer.alloc(2)]), /promises 3 tokens/],
    ['of another version', patched(4, 9), /version 9 of the token format, expected 1/],
    ['with a negative count', patched(8, -1), /promises -1 tokens/],
    ['of odd length', Buffer.from('abc'), /odd length/],
    ['empty', Buffer.alloc(0), /the file is empty/],
  ])('%s', (name, bytes, message) => {
    const path = file(`damaged ${name}.bin`, bytes);
    expect(() => openTokenFile(path, 257)).toThrow(message);
    expect(() => openTokenFile(path, 257)).toThrow(DataError);
  });

  test('missing', () => {
    expect(() => openTokenFile(join(dir, 'nowhere.bin'), 257)).toThrow(DataError);
  });
});

test('sources are joined and cut', () => {
  const open = (name: string, ids: number[]) => openTokenFile(shard(name, ids, 257), 257, ids.length);
  const all = concatSources([open('x.bin', [1, 2, 3]), open('y.bin', [4]), open('z.bin', [5, 6])]);
  expect([all.length, all.bytes]).toEqual([6, 6]);
  expect([...all.read(0, 6)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...all.read(2, 3)]).toEqual([3, 4, 5]);
  const middle = sliceSource(all, 1, 5);
  expect([middle.length, ...middle.read(1, 3)]).toEqual([4, 3, 4, 5]);
  expect(() => middle.read(2, 3)).toThrow(RangeError);
  middle.close();
});

test("nanoGPT's bare uint16 is read", () => {
  const source = openTokenFile(file('nano.bin', new Uint8Array(Uint16Array.of(50256, 7, 9).buffer)), 50257);
  expect([...source.read(0, 3)]).toEqual([50256, 7, 9]);
  source.close();
});

const formats = new URL('../../../shared/fixtures/formats/', import.meta.url).pathname;
const noFixtures = !existsSync(join(formats, 'formats.json'));
test.skipIf(noFixtures)('files of llm.c and nanoGPT (skipped where ../shared/fixtures/formats is missing)', () => {
  const { tokens } = JSON.parse(readFileSync(join(formats, 'formats.json'), 'utf8'));
  for (const name of ['tokens_llmc.bin', 'tokens_nanogpt.bin']) {
    const source = openTokenFile(join(formats, name), 50257);
    expect([...source.read(0, source.length)]).toEqual(tokens);
    source.close();
  }
});
