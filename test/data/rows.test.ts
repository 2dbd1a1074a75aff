import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { type RowOptions, readRows } from '../../src/data/rows.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();

/** Rows as [place without the folder, values]. */
async function rows(path: string, options: RowOptions = {}): Promise<[string, unknown][]> {
  const all: [string, unknown][] = [];
  for await (const { place, values } of readRows(path, options)) all.push([place.replace(`${dir}/`, ''), values]);
  return all;
}

type Bad = [name: string, content: string | Uint8Array, message: RegExp, options?: RowOptions];
async function refuses(...[name, content, message, options]: Bad): Promise<void> {
  const path = file(name, content);
  const error: unknown = await rows(path, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).message).toMatch(message);
}
const MiB = 1 << 20;
const many = (text: string, bytes: number): Buffer => Buffer.alloc(bytes, text);

describe('.jsonl', () => {
  const text = '\uFEFF{"a": 1, "b": [true, null, {"c": "x"}]}\r\n\n  \r\n{"a": "zwei"}\n{"a": null}';
  const want = [
    ['good.jsonl:1', { a: 1, b: [true, null, { c: 'x' }] }],
    ['good.jsonl:4', { a: 'zwei' }],
    ['good.jsonl:5', { a: null }],
  ];

  test('gives typed rows with their lines, gzipped or not', async () => {
    expect(await rows(file('good.jsonl', text))).toEqual(want);
    const zipped = await rows(file('good.jsonl.gz', gzipSync(text)));
    expect(zipped.map(([, values]) => values)).toEqual(want.map(([, values]) => values));
    expect(await rows(file('good.data', text), { format: 'jsonl' })).toHaveLength(3);
  });

  test.each<Bad>([
    ['cut.jsonl', '{"a": 1}\n{"a": \n{"a": 3}', /cut\.jsonl:2: not JSON/],
    ['list.jsonl', '[{"a": 1}]', /list\.jsonl:1: the row is not an object/],
    ['latin.jsonl', Buffer.from('{"a": "caf\xe9"}', 'latin1'), /latin\.jsonl: byte 10 \(0xE9\) is not valid UTF-8/],
    ['none.jsonl', '\n\r\n', /none\.jsonl: the file is empty \(no rows\)/],
    ['nested.jsonl', many('[', 2 * MiB), /nested\.jsonl:1: lists nested more than 1000 deep/],
    ['values.jsonl', `{"a":[${'1,'.repeat(MiB)}1]}`, /values\.jsonl:1: the row has more than a million values/],
  ])('%s is refused', refuses);

  test('a bomb in gzip is refused at the limit of a line, without being unpacked', async () => {
    const bomb = Buffer.concat(Array(64).fill(gzipSync(many('x', 16 * MiB))));
    const path = file('bomb.jsonl.gz', bomb);
    await expect(rows(path)).rejects.toThrow(/bomb\.jsonl\.gz:1: the line has more than 64 MiB/);
  });
});

describe('.json', () => {
  const list = '[\n {"a": "[{\\"], }"},\n {"a": [1, {"b": []}]}\n]\n';

  test('is a list of objects', async () => {
    const want = [
      ['list.json: row 1', { a: '[{"], }' }],
      ['list.json: row 2', { a: [1, { b: [] }] }],
    ];
    expect(await rows(file('list.json', list))).toEqual(want);
    expect((await rows(file('list.json.gz', gzipSync(list)))).map(([, row]) => row)).toEqual(
      want.map(([, row]) => row),
    );
    expect(await rows(file('list.json', `\uFEFF${list}`))).toEqual(want);
  });

  test('or an object with one list of objects, among other lists', async () => {
    const one = file('one.json', '{"version": {"x": [1]}, "data": [{"a": 1}, {"a": 2}], "end": "]"}');
    expect((await rows(one)).map(([, row]) => row)).toEqual([{ a: 1 }, { a: 2 }]);
    const text = '{"names": ["x", {"y": []}], "n":[[{}]], "e": [], "data" : [\n {"a": 1}], "f": [ ], "g": [1, {}]}';
    expect(await rows(file('several.json', text))).toEqual([['several.json: row 1', { a: 1 }]]);
    await refuses('bad.json', text.replace(': 1', ' 1'), /bad\.json: row 1 \(line 2\): not JSON/);
  });

  test('is read the same however its blocks fall', async () => {
    const items = Array.from({ length: 30_000 }, (_, i) => ({ id: i, text: `${'"\\{[é'.repeat(i % 40)}` }));
    const text = JSON.stringify({ version: 1, rows: items, end: true }, null, 1);
    expect(text.length).toBeGreaterThan(3 * MiB);
    const all = await rows(file('blocks.json', text));
    expect(all.map(([, row]) => row)).toEqual(items);
  });

  test.each<Bad>([
    ['cut.json', '[{"a": 1},\n {"a": ', /cut\.json:2: not JSON: the file ends too early/],
    ['bad.json', '[{"a": 1},\n {"a" 2}]', /bad\.json: row 2 \(line 1\): not JSON/],
    ['comma.json', '[{"a": 1},]', /comma\.json: row 2 \(line 1\): not JSON/],
    ['numbers.json', '[1, 2]', /numbers\.json: row 1 \(line 1\): the row is not an object/],
    ['lines.json', '{"a": 1}\n{"a": 2}\n', /lines\.json:2: not JSON from "\{\\"a\\": 2\}\\n" on/],
    ['two lists.json', '{"a": [{}], "b": [{}]}', /two lists\.json: rows may be under "a" or "b"/],
    ['escapes.json', '{"\\u0061": [{}], "b": [{}]}', /escapes\.json: rows may be under "a" or "b"/],
    ['no list.json', '{"a": {"b": [{}]}, "c": [1]}', /no list\.json: there is no list of objects/],
    ['nothing.json', '', /nothing\.json: the file is empty \(no rows\)/],
    ['no rows.json', '[ ]', /no rows\.json: the file is empty \(no rows\)/],
    ['no row.json', '{"a": [\n]}', /no row\.json: the file is empty \(no rows\)/],
    ['brackets.json', many('[', 2 * MiB), /brackets\.json:1: not JSON/],
    ['nested.json', `[${'['.repeat(2 * MiB)},`, /nested\.json:1: not JSON/],
    ['before.json', '{\n"a": 1,\n "é": 2\n "c": [{}]}', /before\.json:3: not JSON from "\\"é\\": 2/],
    [
      'after.json',
      '{"a": [{},\n{}],\n"b": [\n[]],"c":\n\n{"d":1\n},\n\n "e": NaN}',
      /after\.json:9: not JSON from "\\"e\\"/,
    ],
    ['end.json', '[{},\n{}]\n\n,', /end\.json:4: not JSON from "," on/],
    ['values.json', `[{"a":[${'[],'.repeat(MiB)}1]}]`, /values\.json: row 1: the row has more than a million values/],
    [
      'frame.json',
      `{${'"a":{},'.repeat(MiB / 4)}"b":1}`,
      /frame\.json: the text around the list of rows has more than 1 Mi/,
    ],
  ])('%s is refused', refuses);
});

describe('.csv', () => {
  test('follows RFC 4180, with the line on which a row starts', async () => {
    const text = '\uFEFFid,text,"a ""name"""\r\n1,"two\r\nlines, and ""quotes""",\r\n\r\n2,, é \n"","x\n\n\ny",3';
    const path = file('good.csv', text);
    expect(await rows(path)).toEqual([
      ['good.csv:2', { id: '1', text: 'two\r\nlines, and "quotes"', 'a "name"': '' }],
      ['good.csv:5', { id: '2', text: '', 'a "name"': ' é ' }],
      ['good.csv:6', { id: '', text: 'x\n\n\ny', 'a "name"': '3' }],
    ]);
    expect(await rows(file('good.csv.gz', gzipSync(text)))).toHaveLength(3);
  });

  test('without a header takes names, and drops fields beyond them when asked', async () => {
    const path = file('headless.csv', '1,a\n2,b,c\n');
    const want = [
      ['headless.csv:1', { n: '1', t: 'a' }],
      ['headless.csv:2', { n: '2', t: 'b' }],
    ];
    expect(await rows(path, { names: ['n', 't'], dropExtra: true })).toEqual(want);
    await expect(rows(path, { names: ['n', 't'] })).rejects.toThrow(
      /headless\.csv:2: the row has 3 fields, but there are names for 2/,
    );
  });

  test('is read the same however its blocks fall', async () => {
    const items = Array.from({ length: 40_000 }, (_, i) => ({ id: String(i), text: `${'a,"\n\r\né'.repeat(i % 30)}` }));
    const lines = items.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}"\r\n`);
    const all = await rows(file('blocks.csv', `id,text\r\n${lines.join('\r\n')}`));
    expect(all.map(([, row]) => row)).toEqual(items);
    const last = `id,text\r\n${lines.join('')}`.split('\n').length - 1;
    expect(
      Number(/:(\d+)$/.exec((await rows(file('blocks.csv', `id,text\r\n${lines.join('')}1,2`))).at(-1)![0])![1]),
    ).toBe(last + 1);
  });

  test.each<Bad>([
    ['open.csv', 'a,b\n1,2\n3,"x""y\nz\n\n', /open\.csv:3: a quote opens on this line and is never closed/],
    ['reopen.csv', 'a,b\n"1\n","2\n\n', /reopen\.csv:3: a quote opens on this line and is never closed/],
    ['inch.csv', 'a,b\n1,2\n3,5" disk\n4,6" disk\n', /inch\.csv:3: a quote stands inside a field/],
    ['after.csv', 'a,b\n1,2\n3,"x"y\n', /after\.csv:3: a quote stands inside a field/],
    ['fewer.csv', 'a,b\n1,2\n3\n', /fewer\.csv:3: the row has 1 field, but the header has 2/],
    ['more.csv', 'a,b\n\n1,2,3\n', /more\.csv:3: the row has 3 fields, but the header has 2/],
    ['twice.csv', 'a,b,a\n1,2,3\n', /twice\.csv:1: two columns are named "a"/],
    ['index.csv', ',text\n0,a\n', /index\.csv:1: column 1 of the header has no name/],
    ['returns.csv', 'a,b\r1,2\r3,4\r', /returns\.csv:1: the line ends in a carriage return alone/],
    ['last.csv', 'a,b\r', /last\.csv:1: the line ends in a carriage return alone/],
    ['wide returns.csv', 'a,b\r1,2'.repeat(MiB), /returns\.csv:1: the line ends in a carriage return alone/],
    ['empty.csv.gz', '', /empty\.csv\.gz: the file is empty \(0 bytes\)/],
    ['nothing.csv', '', /nothing\.csv: the file is empty \(not even a header line\)/],
    ['header.csv', 'a,b\n', /header\.csv: the file is empty \(no rows\)/],
    ['nul.csv', 'a,b\n1,\0\n', /nul\.csv: byte 6 is NUL/],
    ['commas.csv', `a,b\n${','.repeat(MiB)}`, /commas\.csv:2: the row has more than 10000 fields/],
    [
      'long.csv',
      Buffer.concat([Buffer.from('a\n1\n"x\n'), many('y,\n', 65 * MiB)]),
      /long\.csv:3: the row \(a quote on line 3 is open\) has more than 64 MiB/,
    ],
  ])('%s is refused', refuses);
});

test('long names are quoted in part', async () => {
  const name = 'n'.repeat(5000);
  await refuses('twice.csv', `${name},${name}\n1,2\n`, /two columns are named "n{57}\.\.\."$/);
  await refuses('two.json', `{"${name.slice(0, 900)}":[{}],"b":[{}]}`, /under "n{57}\.\.\." or "b"$/);
});

describe('.tsv', () => {
  test("is GLUE's: quotes mean nothing", async () => {
    const path = file('good.tsv', '\uFEFFindex\tsentence\tlabel\r\n0\t"An open quote\t1\r\n\r\n1\ta "b" c"\t0\n');
    const want = [
      ['good.tsv:2', { index: '0', sentence: '"An open quote', label: '1' }],
      ['good.tsv:4', { index: '1', sentence: 'a "b" c"', label: '0' }],
    ];
    expect(await rows(path)).toEqual(want);
    expect(await rows(file('good.txt', 'x\ty\n'), { format: 'tsv', names: ['a', 'b'] })).toEqual([
      ['good.txt:1', { a: 'x', b: 'y' }],
    ]);
  });

  test.each<Bad>([
    ['fewer.tsv', 'a\tb\n1\t2\n3\n', /fewer\.tsv:3: the row has 1 field, but the header has 2/],
    ['twice.tsv', 'a\ta\n', /twice\.tsv:1: two columns are named "a"/],
    ['returns.tsv', 'a\tb\r1\t2\r', /returns\.tsv:1: the line ends in a carriage return alone/],
    ['tabs.tsv', `a\tb\n${'\t'.repeat(MiB)}`, /tabs\.tsv:2: the row has more than 10000 fields/],
  ])('%s is refused', refuses);
});

test('a file that is not there is an error', async () => {
  for (const ending of ['jsonl', 'json', 'csv', 'tsv', 'parquet', 'csv.gz']) {
    await expect(rows(`/nowhere/x.${ending}`)).rejects.toThrow(/x\..*: cannot be read/);
  }
});

test('stops reading when its caller does', async () => {
  let bytes = 0;
  const path = file('stop.jsonl', many('{"a": 1}\n', 32 * MiB));
  for await (const _ of readRows(path, { onBytes: (n) => (bytes += n) })) break;
  expect(bytes).toBeLessThan(8 * MiB);
});

test('onBadRow is told of rows that cannot be read, and reading goes on', async () => {
  const told = async (name: string, content: string): Promise<[number, string[]]> => {
    const bad: string[] = [];
    const good = await rows(file(name, content), {
      onBadRow: ({ message }) => bad.push(message.replace(`${dir}/`, '')),
    });
    return [good.length, bad];
  };
  expect(await told('told.tsv', 'a\tb\n1\t2\n3\n4\t5\t6\n7\t8\n')).toEqual([
    2,
    ['told.tsv:3: the row has 1 field, but the header has 2', 'told.tsv:4: the row has 3 fields, but the header has 2'],
  ]);
  const quotes = `a,b\n${'x"y",1\n1,2\n'.repeat(3000)}`; // more than one group of records
  const [good, bad] = await told('told.csv', quotes);
  expect([good, bad.length, bad.at(-1)]).toEqual([3000, 3000, 'told.csv:6000: a quote stands inside a field']);
  expect(await told('told.jsonl', '[]\n{"a":1}\n{"a"\n')).toEqual([
    1,
    ['told.jsonl:1: the row is not an object', expect.stringMatching(/^told\.jsonl:3: not JSON/)],
  ]);
  expect(await told('told.json', '[{"a":1},2,{"a":3}]')).toEqual([
    2,
    ['told.json: row 2 (line 1): the row is not an object'],
  ]);
  expect(await told('headless.csv', 'a,b\n')).toEqual([0, []]);
  await expect(told('header.csv', 'a"b",c\n1,2\n')).rejects.toThrow(/header\.csv:1: a quote stands inside a field/);
  await expect(told('open.csv', 'a,b\n"1,2\n')).rejects.toThrow(/open\.csv:2: a quote opens on this line/);
});
