import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { findFiles } from '../../src/data/files.js';
import { readText, type TextChunk } from '../../src/data/read.js';
import { gpt2Tokenizer } from '../../src/tokenizer/gpt2.js';
import { workplace } from './workplace.js';

const { file } = workplace();

async function chunks(...files: string[]): Promise<TextChunk[]> {
  const all: TextChunk[] = [];
  for await (const chunk of readText(files, { textKey: 'text' })) all.push(chunk);
  return all;
}
const texts = async (...files: string[]): Promise<string[]> => {
  const documents: string[] = [];
  for (const { text, docStart } of await chunks(...files)) {
    if (docStart) documents.push(text);
    else documents[documents.length - 1] += text;
  }
  return documents;
};

describe('.txt and .md', () => {
  test('are one document a file, without byte order mark, line ends kept', async () => {
    expect(await texts(file('a.txt', '\uFEFFone\r\ntwo'), file('b.md', '# three\n'))).toEqual([
      'one\r\ntwo',
      '# three\n',
    ]);
  });

  test('may be gzipped', async () => {
    const [txt, md] = [file('zipped/a.txt.gz', gzipSync('\uFEFFone\ntwo')), file('zipped/b.md.gz', gzipSync('# 三'))];
    expect(await texts(...findFiles(dirname(txt)))).toEqual(['one\ntwo', '# 三']);
    expect(findFiles(md)).toEqual([md]);
    await expect(chunks(file('zero.txt.gz', ''))).rejects.toThrow(/zero\.txt\.gz: the file is empty \(0 bytes\)/);
    await expect(chunks(file('none.txt.gz', gzipSync('')))).rejects.toThrow(/none\.txt\.gz: the file is empty/);
  });

  test('large files come in chunks that change neither text nor tokens', async () => {
    const text = 'Řeka – tiše  plynula 日本 👍🏽, and\n\n it was\u3000late.   '.repeat(60_000);
    const all = await chunks(file('large.txt', text));
    expect(all.length).toBeGreaterThan(2);
    expect(all.map((c) => c.text).join('') === text).toBe(true);
    expect(all.map((c) => c.docStart)).toEqual(all.map((_, i) => i === 0));
    expect(all.map((c) => c.docEnd)).toEqual(all.map((_, i) => i === all.length - 1));
    const gpt2 = await gpt2Tokenizer();
    const parts = all.flatMap((c) => [...gpt2.encode(c.text)]);
    expect(Int32Array.from(parts)).toEqual(gpt2.encode(text));
  });

  test('a long stretch without white space is kept whole up to 16 MiB, then cut between characters', async () => {
    const some = await chunks(file('word.txt', `a ${'日'.repeat(1_000_000)}`));
    expect(some.map((c) => c.text.length)).toEqual([1, 1_000_001]);
    const many = await chunks(file('words.txt', '日'.repeat(19_000_000)));
    expect(many.length).toBe(2);
    expect(many.every((c) => /^日+$/.test(c.text))).toBe(true);
    expect(many.reduce((n, c) => n + c.text.length, 0)).toBe(19_000_000);
  });

  const far = 'x'.repeat(1 << 20);
  test.each<[string, string | Uint8Array, RegExp]>([
    ['empty', '', /: the file is empty/],
    ['only a byte order mark', '\uFEFF', /: the file is empty/],
    ['binary', Buffer.from(`${far}ab\0c`), /: byte 1048578 is NUL/],
    ['Latin-1', Buffer.from('caf\xe9 noir', 'latin1'), /: byte 3 \(0xE9\) is not valid UTF-8/],
    ['Latin-1 far inside', Buffer.from(`${far}\xfc`, 'latin1'), /: byte 1048576 \(0xFC\)/],
    ['UTF-16', Buffer.from('\uFEFFab', 'utf16le'), /: byte 0 is not UTF-8: the file is UTF-16/],
    ['cut inside a character', Buffer.from('ab€').subarray(0, 4), /: byte 2 \(0xE2\)/],
    ['a surrogate in UTF-8', Buffer.from([97, 0xed, 0xa0, 0x80]), /: byte 1 \(0xED\)/],
  ])('a file that is %s is an error with its offset', async (name, content, message) => {
    const path = file(`bad/${name}.txt`, content);
    await expect(chunks(path)).rejects.toThrow(message);
    await expect(chunks(path)).rejects.toThrow(DataError);
  });

  test('a character on the border of two blocks is no error', async () => {
    for (const lead of [1, 2, 3]) {
      const text = `${'x'.repeat((1 << 20) - lead)}👍 end`;
      expect((await texts(file('border.txt', text)))[0] === text).toBe(true);
    }
  });

  test('a file that cannot be read is an error', async () => {
    await expect(chunks('/nowhere/x.txt')).rejects.toThrow(/x\.txt: cannot be read/);
  });
});

describe('.jsonl', () => {
  const rows = '{"text":"one"}\n\n{"id":1,"text":"two\\n\\u0000\\ud800"}\r\n{"text":""}\n{"text":"three"}';

  test('is one document a row, gzipped or not', async () => {
    const want = ['one', 'two\n\0\uFFFD', 'three'];
    expect(await texts(file('rows.jsonl', rows))).toEqual(want);
    expect(await texts(file('rows.jsonl.gz', gzipSync(rows)))).toEqual(want);
  });

  test('rows longer than a block come whole, and bytes are counted', async () => {
    const long = 'word '.repeat(700_000);
    const path = file('long.jsonl', `${JSON.stringify({ text: long })}\n${JSON.stringify({ text: 'b' })}\n`);
    expect((await texts(path)).map((t) => t.length)).toEqual([3_500_000, 1]);
    let bytes = 0;
    const options = { textKey: 'text', onBytes: (n: number) => (bytes += n) };
    for await (const _ of readText([path], options));
    expect(bytes).toBe(3_500_000 + 12 + 13);
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ['broken.jsonl', '{"text":"a"}\n{"text":\n', /broken\.jsonl:2: not JSON/],
    ['list.jsonl', '["a"]', /list\.jsonl:1: the row is not an object/],
    ['key.jsonl', '{"text":"a"}\n{"body":"b"}', /key\.jsonl:2: the row has no key "text"/],
    ['number.jsonl', '{"text":1}', /number\.jsonl:1: "text" is not a string/],
    ['empty.jsonl', '\n\n', /empty\.jsonl: the file is empty/],
    ['nul.jsonl', '{"text":"a"}\n{"\0":1}', /nul\.jsonl: byte 15 is NUL/],
    ['damaged.jsonl.gz', gzipSync(rows).subarray(0, 30), /damaged\.jsonl\.gz: damaged gzip data/],
    ['plain.jsonl.gz', rows, /plain\.jsonl\.gz: damaged gzip data/],
  ])('refuses %s', async (name, content, message) => {
    const path = file(name, content);
    await expect(chunks(path)).rejects.toThrow(message);
    await expect(chunks(path)).rejects.toThrow(DataError);
  });

  test('a row longer than 64 MiB, which a small .gz can hold, is refused before it is whole', async () => {
    const path = file('bomb.jsonl.gz', gzipSync(Buffer.alloc(80 << 20, ' '), { level: 1 }));
    await expect(chunks(path)).rejects.toThrow(/bomb\.jsonl\.gz:1: .* more than 64 MiB/);
    await expect(chunks(path)).rejects.toThrow(DataError);
  });

  test('names the first keys of a row with 20,000', async () => {
    const row = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key${i}`, 'x']));
    const read = chunks(file('wide.jsonl', JSON.stringify(row)));
    await expect(read).rejects.toMatchObject({ fix: expect.stringMatching(/^.{0,250}\.\.\.$/) });
  });

  test('names the keys that a row has', async () => {
    const read = chunks(file('keys.jsonl', '{"id":1,"body":"b","title":"t"}'));
    await expect(read).rejects.toMatchObject({ fix: 'set data.text_key (or --text-key) to one of: body, title' });
  });
});

describe('rows of every kind', () => {
  const parquet = new URL('fixtures/rows.snappy.parquet', import.meta.url).pathname;
  const rows = [{ text: 'one' }, { text: '' }, { text: 'two\n"2"' }];
  const csv = 'id,text\r\n1,one\r\n2,\r\n3,"two\n""2"""\r\n';

  test('are one document each, and all bytes of the file are counted', async () => {
    const want = ['one', 'two\n"2"'];
    const files: [string, string[]][] = [
      [file('kinds/a.json', JSON.stringify(rows)), want],
      [file('kinds/a.json.gz', gzipSync(JSON.stringify({ data: rows }))), want],
      [file('kinds/a.csv', csv), want],
      [file('kinds/a.csv.gz', gzipSync(csv)), want],
      [file('kinds/a.tsv', 'text\tid\n"one\t1\n\t2\n'), ['"one']],
      [file('kinds/a.tsv.gz', gzipSync('text\none\n')), ['one']],
      [parquet, ['one', 'dva – 二', 'five', 'one', 'seven']],
    ];
    for (const [path, documents] of files) {
      expect(await texts(path), path).toEqual(documents);
      let bytes = 0;
      for await (const _ of readText([path], { textKey: 'text', onBytes: (n) => (bytes += n) }));
      expect(bytes, path).toBe(statSync(path).size);
    }
  });

  test.each<[string, string, string]>([
    ['other.csv', 'id,body\n1,a\n', 'other.csv:2: the row has no key "text"'],
    ['other.json', '[{"title":"a","texts":"b"}]', 'other.json: row 1: the row has no key "text"'],
    ['number.json', '[{"text":"a"},{"text":2}]', 'number.json: row 2: "text" is not a string'],
    ['none.tsv', 'id\ttext\n1\t\n', 'none.tsv: the file is empty (no row has text)'],
  ])('%s is refused', async (name, content, message) => {
    await expect(chunks(file(name, content))).rejects.toThrow(message);
  });

  test('a wrong data.text_key names the columns with text', async () => {
    const read = async (): Promise<void> => {
      for await (const _ of readText([parquet], { textKey: 'txt' }));
    };
    await expect(read()).rejects.toThrow(/rows\.snappy\.parquet: row 1: the row has no key "txt"/);
    await expect(read()).rejects.toMatchObject({
      fix: 'set data.text_key (or --text-key) to one of: text, time (did you mean text?)',
    });
  });
});
