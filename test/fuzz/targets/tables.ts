// Rows in .csv, .tsv, .json and .parquet, read as fine-tuning reads them: with typed columns. .gz is fuzzed by jsonl.gz
// (rows.ts): it is unpacked before any of these formats begins.

import { readFileSync } from 'node:fs';
import { requireColumns } from '../../../src/data/row.js';
import { readRows } from '../../../src/data/rows.js';
import { ENDLESS_ZSTD, tinyParquet } from '../../data/tiny_parquet.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const WANTED = { text: 'string', label: [0, 1], score: 'number' } as const;

/** Reads all rows, and the wanted columns of the first ones. */
async function read(path: string): Promise<void> {
  let rows = 0;
  const names = new Set<string>();
  for await (const row of readRows(path)) {
    if (rows++ > 100) continue;
    consistent(row.place.startsWith(path), `the place of a row is ${row.place}`);
    const { text, score } = requireColumns(row, WANTED);
    consistent(typeof text === 'string' && Number.isFinite(score), `${row.place} has other types than asked for`);
    names.add(String(Object.keys(row.values)));
  }
  consistent(rows > 0, 'no rows, and no error');
  if (!path.endsWith('.json')) consistent(names.size <= 1, 'rows of one table have other columns');
}

const buffers = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const slack = 2 ** 21; // blocks of 1 MiB, as in rows.ts
const HEADER = 'text,label,score\n';
const ROWS = ['Once upon a time,1,0.5\n', '"a ""b"", c",0,-1e3\n', '"two\nlines",1,2\r\n', '\n', '二 👍,0,.5\n'];

const csv: Target = {
  name: 'csv',
  file: 'case.csv',
  text: true,
  seeds: () => buffers([HEADER + ROWS.join(''), `\ufeff${HEADER}${ROWS[0]!.repeat(40)}`, `${HEADER}x,1,2`]),
  hostile: () => [
    ...buffers([
      `${HEADER}"never closed,1,2\n${ROWS[0]!.repeat(20)}`,
      `${HEADER}a "quote" inside,1,2\n`,
      `${HEADER}"closed" early,1,2\n`,
      `${HEADER}"a"b"c",1,2\n`,
      `${HEADER}""",1,2\n`,
      `${HEADER}"""",1,2\n`,
      `${HEADER}"\r",1,2\r\n`,
      `${HEADER}a\rb,1,2\r`,
      `${HEADER}a,1\n`,
      `${HEADER}a,1,2,3\n`,
      `${HEADER}a,1,1e999\n`,
      `${HEADER}a,01,0x10\n`,
      'text,text,score\na,1,2\n',
      'text,,score\na,1,2\n',
      '__proto__,text,label,score\na,b,1,2\n',
      'constructor,toString,text\n1,2,3\n',
      `${'n'.repeat(50_000)}\n1\n`, // names and values that messages must not repeat whole
      `${'n'.repeat(50_000)},${'n'.repeat(50_000)}\n1,2\n`,
      `${Array.from({ length: 9000 }, (_, i) => `column${i}`).join()}\n${','.repeat(8999)}\n`,
      `text,label,score\na,${'x'.repeat(100_000)},1\n`,
      ','.repeat(100_000),
      '"'.repeat(100_001),
      '"'.repeat(100_000),
      '\n'.repeat(100_000),
      `${HEADER}${'\r\n'.repeat(50_000)}a,1,2`,
      `${HEADER}"${'a,\n'.repeat(200_000)}",1,2\n`,
      `${HEADER}"${'""'.repeat(300_000)}",1,2\n`,
      `${HEADER}${'a,1,2\n'.repeat(20_000)}a,"1,2`,
      '\ufeff\ufeff',
      HEADER,
      '"',
      ' ',
      '',
    ]),
    Buffer.from('text\n\xff\n', 'latin1'),
    Buffer.from('text\n\0\n'),
  ],
  dictionary: ['"', '""', ',', '"\n', '\r\n', '",', ',"', '1', 'text', 'label', HEADER],
  slack,
  read,
};

const tabs = (text: string): string => text.replaceAll(',', '\t');

const tsv: Target = {
  name: 'tsv',
  file: 'case.tsv',
  text: true,
  seeds: () => buffers([tabs(HEADER + ROWS[0] + ROWS[3] + ROWS[4]), `${tabs(HEADER)}a " quote\t1\t2\r\nb\t0\t3`]),
  hostile: () => [
    ...buffers([
      `${tabs(HEADER)}a\t1\n`,
      `${tabs(HEADER)}a\t1\t2\t\n`,
      `${tabs(HEADER)}a\t2\t1\n`,
      'text\ttext\na\tb\n',
      '\t\t\na\tb\tc\n',
      `${'n'.repeat(50_000)}\t${'n'.repeat(50_000)}\n`,
      `${Array.from({ length: 9000 }, (_, i) => `column${i}`).join('\t')}\n${'\t'.repeat(8999)}\n`,
      '\t'.repeat(1_000_000),
      `${tabs(HEADER)}${'a'.repeat(1_000_000)}`,
      `${tabs(HEADER)}${'a\t1\t2\n'.repeat(20_000)}`,
      '\r\n'.repeat(50_000),
      tabs(HEADER),
      '\t',
      '\r',
      '',
    ]),
    Buffer.from('text\n\xc3', 'latin1'),
  ],
  dictionary: ['\t', '\t\t', '"', '1', 'text', 'label', tabs(HEADER)],
  slack,
  read,
};

const OBJECTS = [
  '{"text":"Once","label":1,"score":0.5}',
  '{"text":"a ] } \\" 👍","label":0,"score":-1,"meta":{"list":[1,[2,{"a":null}]]}}',
];

const json: Target = {
  name: 'json',
  file: 'case.json',
  text: true,
  seeds: () =>
    buffers([
      `[${OBJECTS.join(',\n')}]`,
      `{"version":2,"info":{"lists":[1,2]},"data":[\n${OBJECTS.join()}\n],"n":1}`,
      `[\n${Array(30).fill(OBJECTS[0]).join(',')}\n]\n`,
    ]),
  hostile: () => [
    ...buffers([
      '[]',
      '{}',
      '[[]]',
      '[,]',
      `[${OBJECTS[0]},]`,
      `[${OBJECTS[0]}`,
      `[${OBJECTS[0]}]]`,
      `[${OBJECTS[0]}}`,
      `[${OBJECTS[0]}] [${OBJECTS[0]}]`,
      `${OBJECTS[0]}\n${OBJECTS[1]}\n`,
      `{"a":[${OBJECTS[0]}],"b":[]}`,
      `{"a":[${OBJECTS[0]}],"a":[${OBJECTS[0]}]}`,
      `{"__proto__":[${OBJECTS[0]}]}`,
      `{"a\\"":[${OBJECTS[0]}]}`,
      `{"${'k'.repeat(5000)}":[${OBJECTS[0]}],"b":[1]}`,
      `{"a":{"b":[${OBJECTS[0]}]}}`,
      `{"a":"[","data":[${OBJECTS[0]}]}`,
      '[1,2]',
      '["a"]',
      '[null]',
      '[{"text":"a","label":[1],"score":1}]',
      `[{"text":"a","label":${nested('[', '', ']', DEEP)},"score":1}]`,
      `[{"text":${nested('{"a":', '0', '}', DEEP)}}]`,
      `[{"text":"a","label":"${'x'.repeat(100_000)}","score":1}]`,
      `[{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}]`,
      `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":{}`).join()}}`,
      `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":[]`).join()}}`,
      `[${'{},'.repeat(50_000)}{}]`,
      nested('[', '', ']', DEEP),
      nested('{"a":', '0', '}', DEEP),
      '['.repeat(DEEP),
      ']'.repeat(DEEP),
      ' '.repeat(2 ** 20 + 2),
      `"${'a'.repeat(2 ** 20)}`,
      '\ufeff[]',
      'null',
      '"',
      '',
    ]),
    Buffer.from('[{"text":"\xff"}]', 'latin1'),
  ],
  dictionary: ['"text"', '"data"', '[', ']', '[{', '}]', ...OBJECTS],
  slack,
  read,
};

const FIXTURES = ['uncompressed', 'snappy', 'gzip', 'brotli', 'zstd'];
const fixture = (codec: string): Buffer =>
  readFileSync(new URL(`../../test/data/fixtures/rows.${codec}.parquet`, import.meta.url));

async function readParquet(path: string): Promise<void> {
  let rows = 0;
  let names: string | undefined;
  for await (const { place, values } of readRows(path)) {
    if (rows++ > 100) continue;
    const keys = String(Object.keys(values));
    names ??= keys;
    consistent(place === `${path}: row ${rows}`, `row ${rows} is at ${place}`);
    consistent(names === keys, `${place} has other columns`);
    consistent(
      Object.values(values).every((value) => value !== undefined),
      `${place} lacks a value`,
    );
  }
  consistent(rows > 0, 'no rows, and no error');
}

const LIES = [-1, 0, 1, 2, 4, 7, 8, 1000, 2 ** 20, 2 ** 31 - 1, 2 ** 40];
const NUMBERS = ['rows', 'columnValues', 'pageValues', 'compressedSize', 'uncompressedSize'] as const;
const MORE = ['chunkSize', 'pageOffset', 'encoding', 'codec', 'groups'] as const;

const parquet: Target = {
  name: 'parquet',
  file: 'case.parquet',
  text: false,
  seeds: () => [tinyParquet(), ...FIXTURES.map(fixture)],
  hostile: () => [
    ...[...NUMBERS, ...MORE].flatMap((key) =>
      LIES.filter((lie) => key !== 'groups' || lie >= 0).map((lie) => tinyParquet({ [key]: lie })),
    ),
    // every number of values at once, so that they agree
    ...LIES.map((n) => tinyParquet({ rows: n, columnValues: n, pageValues: n })),
    ...[7, 8, 64, 2 ** 14, 2 ** 20].map((n) =>
      tinyParquet({ rows: n, columnValues: n, pageValues: n, levels: [...varint(2 * n), 0], values: new Uint8Array() }),
    ),
    tinyParquet({ codec: 6, page: ENDLESS_ZSTD, uncompressedSize: 16 }),
    ...[1, 2, 4, 5, 6, 7].map((codec) => tinyParquet({ codec, page: new Uint8Array(100).fill(255) })),
    tinyParquet({ levels: [0, 1] }),
    tinyParquet({ levels: [255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1] }),
    tinyParquet({ levels: [255, 255, 255, 255, 15, 1] }),
    ...FIXTURES.map((codec) => fixture(codec).subarray(0, -1)),
    ...FIXTURES.map((codec) => fixture(codec).subarray(100)),
    Buffer.from('PAR1PAR1'),
    Buffer.from('PAR1\0\0\0\0PAR1'),
    Buffer.from('PAR1\xff\xff\xff\xffPAR1', 'latin1'),
    Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1'),
    Buffer.from('PAR1\x19\xfc\xff\xff\xff\x0f\x06\0\0\0PAR1', 'latin1'), // a list of 2^32 structures
    Buffer.concat([
      Buffer.from('PAR1'),
      Buffer.alloc(50_000, 0x1c),
      Buffer.from([0x50, 0xc3, 0, 0]),
      Buffer.from('PAR1'),
    ]),
    Buffer.from('PARE'),
    Buffer.from('text,label\na,1\n'),
    Buffer.alloc(0),
    Buffer.alloc(1000),
  ],
  /** The footer, whose length is kept true. */
  inner(file) {
    if (file.length < 12) return undefined;
    const length = file.readUInt32LE(file.length - 8);
    const start = file.length - 8 - length;
    if (start < 0) return undefined;
    const wrap = (footer: Buffer): Buffer => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(footer.length);
      return Buffer.concat([file.subarray(0, start), footer, size, Buffer.from('PAR1')]);
    };
    return { body: file.subarray(start, -8), text: false, wrap };
  },
  // Pages may be compressed, and columns of one value take no bytes: parquet_limits.ts says how much a file may ask for.
  allowed: (size) => 100 * size,
  slack: 64 * 2 ** 20,
  read: readParquet,
};

const varint = (n: number): number[] => (n < 128 ? [n] : [128 + (n % 128), ...varint(Math.floor(n / 128))]);

export const tableTargets: readonly Target[] = [csv, tsv, json, parquet];
