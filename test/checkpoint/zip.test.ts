import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { openZip } from '../../src/checkpoint/zip.js';
import { type ZipOptions, zip } from './torch_writer.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-zip-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ENTRIES = [['a/x', Buffer.from('first')] as const, ['a/y', Buffer.alloc(100, 7)] as const];
const file = join(dir, 'test.zip');
const open = (bytes: Uint8Array) => {
  writeFileSync(file, bytes);
  return openZip(file);
};

test.each<[string, ZipOptions]>([
  ['as torch writes it', {}],
  ['zip64', { zip64: true }],
  ['with a comment that looks like an end', { comment: 'PK\x05\x06 and more text, so that it is long enough' }],
  ['without checksums', { crc: () => 0 }],
])('reads stored entries %s', (_, options) => {
  const archive = open(zip(ENTRIES, options));
  expect([...archive.entries]).toEqual([
    ['a/x', 5],
    ['a/y', 100],
  ]);
  expect(Buffer.from(archive.read('a/x')).toString()).toBe('first');
  expect(archive.read('a/y')).toEqual(new Uint8Array(100).fill(7));
  expect(archive.read('a/y').byteOffset).toBe(0);
  expect(() => archive.read('a/z')).toThrow(/no entry a\/z/);
  archive.close();
});

describe('damage', () => {
  const good = zip(ENTRIES);
  const patched = (at: number, bytes: Uint8Array): Buffer => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  const end = good.length - 22;
  const directory = good.readUInt32LE(end + 16);
  const max = Buffer.alloc(4, 0xff);
  test.each<[string, Buffer, RegExp]>([
    ['empty', Buffer.alloc(0), /no end record/],
    ['short', Buffer.from('PK\x03\x04'), /no end record/],
    ['cut off', good.subarray(0, good.length - 1), /no end record/],
    ['compressed', zip(ENTRIES, { method: 8 }), /a\/x is compressed/],
    ['encrypted', zip(ENTRIES, { flags: 0x809 }), /a\/x is encrypted/],
    ['a name twice', zip([ENTRIES[0]!, ENTRIES[0]!]), /a\/x twice/],
    ['a directory elsewhere', patched(end + 16, Buffer.of(1, 0, 0, 0)), /entry 0 of its directory is none/],
    ['a directory behind the end', patched(end + 16, Buffer.of(0, 0, 0, 0x70)), /its directory would lie at/],
    ['more entries than fit', patched(end + 10, Buffer.of(0xf0, 0xf0)), /cannot have 61680 entries/],
    ['a locator that is missing', patched(end + 16, max), /zip64 locator is missing/],
    ['a name beyond the directory', patched(directory + 28, Buffer.of(0xff, 0xff)), /entry 0 goes beyond/],
    ['a zip64 field that is missing', patched(directory + 42, max), /zip64 field is missing/],
    ['a long name', zip([[`a/${'n'.repeat(5000)}`, Buffer.from('x')]], { method: 8 }), / a\/n{55}\.\.\. is compressed/],
    [
      'a path that escapes',
      zip([['a/../../evil', Buffer.from('x')]]),
      /its entry a\/..\/..\/evil has a path out of its folder/,
    ],
    ['a path that is absolute', zip([['/etc/evil', Buffer.from('x')]]), /entry \/etc\/evil has a path out/],
    ['a path of Windows', zip([['a\\..\\evil', Buffer.from('x')]]), /has a path out of its folder/],
    ['a drive', zip([['C:evil', Buffer.from('x')]]), /has a path out of its folder/],
    ['sizes that differ', patched(directory + 24, Buffer.of(6)), /a\/x has two sizes, 6 and 5/],
  ])('%s', (_, bytes, message) => {
    expect(() => open(bytes)).toThrow(message);
    expect(() => open(bytes)).toThrow(DataError);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a local header elsewhere', patched(directory + 42, Buffer.of(1)), /no a\/x where its directory says/],
    ['an entry behind the end', patched(28, Buffer.of(0xff, 0xff)), /a\/x would lie at/],
    [
      'an entry that reaches into the next one by a byte',
      patched(good.indexOf('PK\x01\x02', directory + 1) + 42, Buffer.of(good.indexOf('first') + 4)),
      /a\/x overlaps with what follows it/,
    ],
    ['a flipped bit', patched(good.indexOf('first'), Buffer.from('F')), /checksum of a\/x is wrong/],
  ])('%s is found when it is read', (_, bytes, message) => {
    const archive = open(bytes);
    expect(() => archive.read('a/x')).toThrow(message);
    expect(() => archive.read('a/x')).toThrow(DataError);
    archive.close();
  });

  test('a zip64 size beyond any file takes no memory', () => {
    const big = zip(ENTRIES, { zip64: true });
    const at = big.indexOf(Buffer.from('a/x'), big.indexOf('PK\x01\x02')) + 3 + 4;
    big.fill(0xff, at, at + 16);
    expect(() => open(big)).toThrow(/its entries have more bytes than the file/);
  });

  test('two entries with the same bytes', () => {
    const bytes = zip([
      ['a/x', Buffer.alloc(2000, 1)],
      ['a/y', Buffer.alloc(2000, 2)],
      ['a/z', Buffer.alloc(2000, 3)],
    ]);
    // of the first two only the directory's entries are left, which point to the third
    const third = bytes.lastIndexOf(Buffer.from('PK\x03\x04'));
    const cut = bytes.subarray(third);
    const end = cut.length - 22;
    cut.writeUInt32LE(cut.indexOf('PK\x01\x02'), end + 16);
    for (let at = cut.indexOf('PK\x01\x02'), i = 0; i < 3; i++, at += 49) cut.writeUInt32LE(0, at + 42);
    expect(() => open(cut)).toThrow(/its entries have more bytes than the file/);
  });
});
