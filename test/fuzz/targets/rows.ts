// Texts and rows of text: .jsonl, .jsonl.gz, .jsonl.zst and .txt. Half of the cases of .gz and .zst damage the rows before
// they are packed.
// What is not packed is also tokenized, and its words are counted.

import { gunzipSync, gzipSync } from 'node:zlib';
import { readText } from '../../../src/data/read.js';
import { BpeTokenizer } from '../../../src/tokenizer/bpe.js';
import { MergeTable } from '../../../src/tokenizer/merge.js';
import { END_OF_TEXT } from '../../../src/tokenizer/tokenizer.js';
import { WordCounts } from '../../../src/tokenizer/word_counts.js';
import { skippedFrame, zstdFrame } from '../../data/tiny_zstd.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const ROWS = [
  '{"text":"Once upon a time there was a fox.","id":1}\n{"text":"二 rows 👍\\n\\u00e9"}\n\n{"id":2,"text":""}\n',
  '{"text":"a"}\r\n{"meta":{"a":[1,2.5e3,null,true]},"text":"b c"}',
  `${'{"text":"the same row again"}\n'.repeat(50)}`,
];

const HOSTILE = [
  '{"text":"fine"}\n{"text":"cut',
  '{"text":"fine"}\nnot JSON\n{"text":"fine"}\n',
  '{"text":null}\n',
  '{"text":["a"]}\n',
  '{"text":{"__proto__":1}}\n',
  '{"__proto__":{"text":"a"}}\n',
  '{"Text":"a"}\n',
  '{"text":"\\ud800 \\udc00 \\ud83d"}\n',
  '{"text":"a","text":"b"}\n',
  '{"text":"\\u0000"}\n',
  '{"text":"\0"}\n',
  '["text"]\n',
  '"text"\n',
  '1\n',
  'null\n',
  '{}\n',
  `${'{"k":1}'.replace('k', 'k'.repeat(50_000))}\n`,
  `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}\n`,
  `${nested('[', '', ']', DEEP)}\n`,
  `{"text":"a","x":${nested('[', '', ']', DEEP)}}\n`,
  `{"text":${nested('{"text":', '1', '}', DEEP)}}\n`,
  `{"text":"${'a'.repeat(1_000_000)}"}\n`,
  `{"text":"${'a'.repeat(1_000_000)}`,
  '\n'.repeat(100_000),
  '\ufeff{"text":"a"}\n',
  '\n\ufeff{"text":"a"}\n',
  '{"text":"a"}\u2028{"text":"b"}\n',
  '{"text":"a"} {"text":"b"}\n',
  '{"text":"a"}\r{"text":"b"}\r',
  '{"text":1e999}',
  '',
  ' ',
  '\0',
];

async function read(path: string, use?: (text: string) => void): Promise<void> {
  let open = false;
  let documents = 0;
  for await (const { text, docStart, docEnd } of readText([path], { textKey: 'text' })) {
    consistent(docStart === !open, 'a document starts inside another');
    consistent(text !== '' && !/\p{Surrogate}/u.test(text), 'an empty chunk, or half of a surrogate pair');
    use?.(text);
    open = !docEnd;
    if (docEnd) documents++;
  }
  consistent(!open && documents > 0, `${documents} documents, the last one ${open ? 'open' : 'closed'}`);
}

const MERGES = [
  [0x61, 0x61], // aa
  [256, 256],
  [0x74, 0x65], // te
  [0xe6, 0x97], // the first two bytes of 日
] as const;

/** A tokenizer of few merges, in which runs take part and a character is cut. */
function smallBpe(): BpeTokenizer {
  const tokens: Uint8Array[] = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const merges = new MergeTable();
  for (const [left, right] of MERGES) {
    merges.add(left, right, tokens.length);
    tokens.push(Buffer.concat([tokens[left]!, tokens[right]!]));
  }
  return new BpeTokenizer([...tokens, Buffer.from(END_OF_TEXT)], merges, tokens.length);
}

async function tokenize(path: string): Promise<void> {
  const bpe = smallBpe(); // a new one, so that a case needs nothing of those before it
  const words = new WordCounts();
  let bytes = 0;
  await read(path, (text) => {
    consistent(bpe.decode(bpe.encode(text)) === text, 'the tokens are those of another text');
    words.add(text);
    bytes += Buffer.byteLength(text);
  });
  const counted = [...words].reduce((sum, [word, count]) => sum + count * Buffer.byteLength(word), 0);
  consistent(counted === bytes, `words of ${counted} bytes in ${bytes} bytes of text`);
}

// The heap of merges has three float64 for each byte of a piece, rounded up to a power of two (tokenizer/merge.ts).
const allowed = (size: number): number => 2 * 3 * 8 * size;

const buffers = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const slack = 2 ** 21; // blocks of 1 MiB from the disk, and as many unpacked

const unpacked = (file: Buffer): Buffer | undefined => {
  try {
    return gunzipSync(file, { maxOutputLength: 2 ** 22 });
  } catch {
    return undefined;
  }
};

/** ROWS[0] twenty times, by `zstd -3`. */
const COMPRESSED = Buffer.from(
  'KLUv/QRYJQMAFAV7InRleHQiOiJPbmNlIHVwb24gYSB0aW1lIHRoZXJlIHdhcyBhIGZveC4iLCJpZCI6MX0K5LqMIHJvd3Mg8J+RjVxuXHUwMGU5In0KCnsyLCIFAL+z4QNW8TL1sE6JQbdQe+XwEb8=',
  'base64',
);

export const rowTargets: readonly Target[] = [
  {
    name: 'jsonl',
    file: 'case.jsonl',
    text: true,
    seeds: () => buffers(ROWS),
    hostile: () => [...buffers(HOSTILE), Buffer.from('{"text":"\xff"}\n', 'latin1')],
    dictionary: ['"text"', '{"text":"a"}\n'],
    allowed,
    slack,
    read: tokenize,
  },
  {
    name: 'jsonl.gz',
    file: 'case.jsonl.gz',
    text: false,
    seeds: () => buffers(ROWS).map((rows) => gzipSync(rows)),
    hostile: () => [
      ...buffers(HOSTILE).map((rows) => gzipSync(rows)),
      ...buffers(ROWS), // not packed at all
      gzipSync(gzipSync(ROWS[0]!)),
      Buffer.concat([gzipSync(ROWS[0]!), gzipSync(ROWS[1]!)]),
      Buffer.concat([gzipSync(ROWS[0]!), Buffer.from('and more')]),
      gzipSync(ROWS[0]!).subarray(0, -4),
      gzipSync(Buffer.alloc(2 ** 20, '\n')),
      gzipSync(Buffer.alloc(2 ** 28, ' ')), // 256 MiB without a line's end in 260 kB
      gzipSync(`${ROWS[0]}${' '.repeat(2 ** 22)}`),
    ],
    inner(file) {
      const body = unpacked(file);
      return body && { body, text: true, wrap: (rows) => gzipSync(rows, { level: 1 }) };
    },
    allowed: (size) => Math.min(2 ** 26, 2 * 1032 * size), // deflate packs 1032 bytes into one; the longest row
    slack,
    read,
  },
  {
    name: 'jsonl.zst',
    file: 'case.jsonl.zst',
    text: false,
    seeds: () => [COMPRESSED, ...buffers(ROWS).map((rows) => zstdFrame([rows], { size: rows.length }))],
    hostile: () => [
      ...buffers(HOSTILE).map((rows) => zstdFrame([rows.subarray(0, 1 << 17)])),
      ...buffers(ROWS),
      Buffer.concat([zstdFrame(buffers(ROWS).slice(0, 1)), skippedFrame(Buffer.alloc(100)), COMPRESSED]),
      Buffer.concat([zstdFrame(buffers(ROWS)), Buffer.from('and more')]),
      COMPRESSED.subarray(0, -4),
      zstdFrame(Array(2000).fill({ byte: 0x20, times: 1 << 17 })), // 250 MiB without a line's end in 8 kB
      ...[0, 17, 18, 31].map((log) => zstdFrame(buffers(ROWS), { window: log << 3 })),
    ],
    inner: (file) =>
      file.equals(COMPRESSED)
        ? undefined
        : { body: Buffer.from(ROWS[0]!), text: true, wrap: (rows) => zstdFrame([rows.subarray(0, 1 << 17)]) },
    allowed: () => 2 ** 27 + 2 ** 20, // the largest window
    slack,
    read,
  },
  {
    name: 'txt',
    file: 'case.txt',
    text: true,
    seeds: () => buffers(['One line.\nAnother 👍 line.\n', 'word '.repeat(300), '日本'.repeat(200)]),
    hostile: () =>
      [
        Buffer.from('a\0b'),
        Buffer.from('\ufeff'),
        Buffer.from(`${'a'.repeat(2 ** 20 - 1)}👍${' '.repeat(2 ** 20)}`),
        Buffer.from('a'.repeat(2 ** 21)),
        Buffer.from('漢'.repeat(2 ** 22)), // more than a regular expression can take
        Buffer.from('😀'.repeat(2 ** 22)),
        Buffer.from("'".repeat(2 ** 20)),
        Buffer.from('text', 'utf16le'),
        Buffer.from('caf\xe9', 'latin1'),
        Buffer.from('abc👍').subarray(0, 5),
        Buffer.alloc(3, 0xff),
        Buffer.alloc(0),
      ] as const,
    allowed,
    slack,
    read: tokenize,
  },
];
