import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import type { Row } from '../../src/data/row.js';
import { GroupBudget } from '../../src/data/rows/parquet_limits.js';
import { type RowOptions, readRows } from '../../src/data/rows.js';
import { type Claims, ENDLESS_ZSTD, tinyParquet } from './tiny_parquet.js';
import { workplace } from './workplace.js';

const { file } = workplace();
const fixture = (codec: string): string => join(import.meta.dirname, 'fixtures', `rows.${codec}.parquet`);

async function rows(path: string, options: RowOptions = {}): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of readRows(path, options)) all.push(row);
  return all;
}
const values = async (path: string, options: RowOptions = {}): Promise<Row['values'][]> =>
  (await rows(path, options)).map((row) => row.values);

const texts = ['one', 'dva – 二', null, '', 'five', 'one', 'seven'];
const columns: Record<string, unknown[]> = {
  text: texts,
  label: [0, 1, 1, 0, 1, null, 2],
  id: [1, 2, 3, 4, 5, 9007199254740991, 9007199254740993n],
  score: [0.5, -1.25, 0, null, 1e300, 5, 3.75],
  short: [0.5, -1.25, 0, 2, 4, 5, 3.75],
  good: [true, false, true, null, true, false, true],
  bytes: [0, 1, 2, 3, 4, 5, 6].map((i) => Uint8Array.of(0xff, i)),
  time: ['02-28', '02-29', '03-01', '03-02', '03-03', '03-04', '03-05'].map((day) => `2024-${day}T12:30:00.000Z`),
  choices: [['a', 'b'], [], null, ['c', null], ['d'], ['e', 'f', 'g'], ['']],
  nested: [0, 1, 2, 3, 4, 5, 6].map((i) => (i === 2 ? null : { at: i, words: i === 3 ? [] : [`w${i}`, 'x'] })),
};

test.each(['uncompressed', 'snappy', 'gzip', 'brotli', 'zstd'])('two row groups of every type, %s', async (codec) => {
  const path = fixture(codec);
  const all = await rows(path);
  expect(all.map((row) => row.place)).toEqual([1, 2, 3, 4, 5, 6, 7].map((i) => `${path}: row ${i}`));
  for (const [name, column] of Object.entries(columns)) expect(all.map((row) => row.values[name])).toEqual(column);
});

test('reads only the wanted columns, all where one of them is missing, and counts the bytes', async () => {
  let bytes = 0;
  const some = await values(fixture('snappy'), { columns: ['text'], onBytes: (n) => (bytes += n) });
  expect(some).toEqual(texts.map((text) => ({ text })));
  expect(bytes).toBe(readFileSync(fixture('snappy')).length);
  const [first] = await values(fixture('snappy'), { columns: ['text', 'nothing'] });
  expect(Object.keys(first!)).toEqual(Object.keys(columns));
});

test('a file written by hand', async () => {
  expect(await values(file('tiny.parquet', tinyParquet()))).toEqual([{ n: 7 }, { n: null }, { n: 9 }]);
});

const huge = 2 ** 40;
test.each<[string, Claims, RegExp]>([
  ['row groups', { groups: 2 ** 31 }, /the footer: cannot be decoded \(a list of 2147483648 values\)/],
  ['rows', { rows: huge }, /row group 1: cannot be decoded \(1099511627776 rows with 3 values in \d+ bytes\)/],
  ['rows within the bound', { rows: 1e6 }, /row group 1: cannot be decoded \(1000000 rows, but fewer values/],
  ['values', { columnValues: huge, rows: 3 }, /row group 1: cannot be decoded \(3 rows with 1099511627776 values/],
  ['values of the page', { pageValues: 2 ** 30 }, /column n: cannot be decoded \(a page of 1073741824 values where 3/],
  ['negative values', { pageValues: -1 }, /column n: cannot be decoded \(a page of -1 values/],
  ['values missing', { columnValues: 4 }, /column n: cannot be decoded \(1 values are missing/],
  ['compressed bytes', { compressedSize: 1e9 }, /column n: cannot be decoded \(a page of 1000000000 bytes/],
  ['a negative size', { compressedSize: -5 }, /column n: cannot be decoded \(a page of -5 bytes/],
  ['decompressed bytes', { uncompressedSize: 2e9, codec: 2 }, /a page of 2000000000 bytes decompressed is too large/],
  ['bytes of the chunk', { chunkSize: huge }, /column n: cannot be decoded \(bytes 4 to 1099511627780 of/],
  ['an offset', { pageOffset: huge }, /column n: cannot be decoded \(bytes 1099511627776 to/],
  [
    'a run',
    { levels: [254, 255, 255, 255, 15, 1] },
    /column n: cannot be decoded \(a run of 2147483647 values where 3/,
  ],
  ['packed bits', { levels: [255, 255, 255, 255, 15, 1] }, /column n: cannot be decoded \(it ends too early/],
  [
    'an endless number',
    { levels: Array(20).fill(255) },
    /column n: cannot be decoded \(a number of more than 10 bytes/,
  ],
  ['plain values', { values: new Uint8Array(4) }, /column n: cannot be decoded \(2 values in 4 bytes/],
  ['a dictionary', { encoding: 8 }, /column n: cannot be decoded \(its encoding is 8/],
  ['an encoding that is refused', { encoding: 7 }, /column n: cannot be decoded \(its encoding is DELTA_BYTE_ARRAY/],
  ['a codec', { codec: 3 }, /column n: cannot be decoded \(the codec LZO is not known/],
  ['a damaged codec', { codec: 1 }, /row group 1, column n: cannot be decoded/],
])('a file that lies about %s is an error, in little memory and time', async (_, claims, message) => {
  const path = file('lies.parquet', tinyParquet(claims));
  const before = process.memoryUsage().rss;
  await expect(rows(path)).rejects.toThrow(message);
  await expect(rows(path)).rejects.toThrow(DataError);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
});

test('constant columns may take next to no bytes, up to a bound on their memory', () => {
  const names = ['a', 'b'];
  const children = names.map((name) => ({ element: { name }, children: [], count: 1, path: [name] }));
  const group = (rows: number) => {
    const chunks = names.map((name) => ({
      meta_data: { path_in_schema: [name], num_values: BigInt(rows), total_compressed_size: 9_000n },
    }));
    return new GroupBudget(BigInt(rows), chunks as never, { element: { name: 'root' }, children, count: 1, path: [] });
  };
  expect(() => group(3_000_000)).not.toThrow();
  expect(() => group(5_000_000)).toThrow('5000000 rows with 10000000 values in 18000 bytes');
});

test.each<[string, string | Uint8Array, RegExp]>([
  ['nothing', '', /no Parquet file/],
  ['text', '{"a": 1}\n{"a": 2}\n', /no Parquet file \(it does not end in PAR1\)/],
  ['the half of it', readFileSync(fixture('snappy')).subarray(0, 1500), /no Parquet file/],
  ['an encrypted file', 'PAR1.....PARE', /the file is encrypted/],
  ['a long footer', 'PAR1\x7f\x7f\x7f\x7fPAR1', /the footer: cannot be decoded \(it claims to have 2139062143 bytes/],
  ['an empty footer', 'PAR1\0\0\0\0PAR1', /the footer: cannot be decoded/],
])('%s is no Parquet', async (name, content, message) => {
  const path = file(`${name}.parquet`, content);
  await expect(rows(path)).rejects.toThrow(message);
  await expect(rows(path)).rejects.toThrow(DataError);
});

test('a page that would be decompressed for minutes is refused', async () => {
  const path = file('endless.parquet', tinyParquet({ codec: 6, page: ENDLESS_ZSTD, uncompressedSize: 16 }));
  await expect(rows(path)).rejects.toThrow(/endless.parquet: row group 1, column n: .*damaged zstd data/);
});

test('every byte of a file flipped in turn: rows or an error that names the file', async () => {
  const good = tinyParquet();
  let refused = 0;
  for (let at = 0; at < good.length; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const bytes = Buffer.from(good);
      bytes[at]! ^= bits;
      const path = file('flipped.parquet', bytes);
      const error = await rows(path).then(
        () => undefined,
        (e: unknown) => e,
      );
      if (error === undefined) continue;
      refused++;
      expect(error, `byte ${at} ^ ${bits}`).toBeInstanceOf(DataError);
      expect((error as DataError).message).toContain('flipped.parquet');
    }
  }
  expect(refused).toBeGreaterThan(good.length);
});
