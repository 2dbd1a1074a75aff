// A Parquet file of one column and one page, written by hand so that each of its numbers can be a lie.
//
// The column is `n`, an optional INT32 without compression: definition levels in the hybrid of runs and bit packing, with
// their length before them, then plain values. Thrift's compact protocol: (id delta, type) bytes, zigzag varints.

/** What the file says; each defaults to the truth of three values 7, null, 9. */
export interface Claims {
  readonly rows?: number;
  readonly columnValues?: number;
  readonly pageValues?: number;
  readonly compressedSize?: number;
  readonly uncompressedSize?: number;
  readonly chunkSize?: number;
  readonly pageOffset?: number;
  readonly encoding?: number;
  readonly codec?: number;
  /** Runs of definition levels. */
  readonly levels?: readonly number[];
  /** Bytes of the values. */
  readonly values?: Uint8Array;
  /** The whole page, as the codec would have it. */
  readonly page?: Uint8Array;
  /** Number of row groups that the list of them claims. */
  readonly groups?: number;
}

type Field = readonly [id: number, type: number, bytes: readonly number[]];

const varint = (n: number): number[] => (n < 128 ? [n] : [128 + (n % 128), ...varint(Math.floor(n / 128))]);
const zigzag = (n: number): number[] => varint(n < 0 ? -2 * n - 1 : 2 * n);
const i32 = (id: number, n: number): Field => [id, 5, zigzag(n)];
const i64 = (id: number, n: number): Field => [id, 6, zigzag(n)];
const text = (s: string): number[] => [...varint(s.length), ...Buffer.from(s)];
const list = (type: number, items: readonly (readonly number[])[], claim = items.length): number[] => [
  240 + type,
  ...varint(claim),
  ...items.flat(),
];

function struct(...fields: readonly Field[]): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, type, value]) => {
    const head = (id - last) * 16 + type;
    last = id;
    return [head, ...value];
  });
  return [...bytes, 0];
}

export function tinyParquet(claims: Claims = {}): Buffer {
  const levels = claims.levels ?? [3, 0b101]; // one group of eight packed bits: present, null, present
  const plain = claims.values ?? new Uint8Array(Int32Array.of(7, 9).buffer);
  const page = claims.page ?? [levels.length, 0, 0, 0, ...levels, ...plain];
  const pageValues = claims.pageValues ?? 3;
  const pageHeader = struct(
    i32(1, 0),
    i32(2, claims.uncompressedSize ?? page.length),
    i32(3, claims.compressedSize ?? page.length),
    [5, 12, struct(i32(1, pageValues), i32(2, claims.encoding ?? 0), i32(3, 3), i32(4, 3))],
  );
  const chunk = [...pageHeader, ...page];
  const column = struct(
    i32(1, 1),
    [2, 9, list(5, [zigzag(0)])],
    [3, 9, list(8, [text('n')])],
    i32(4, claims.codec ?? 0),
    i64(5, claims.columnValues ?? 3),
    i64(6, chunk.length),
    i64(7, claims.chunkSize ?? chunk.length),
    i64(9, claims.pageOffset ?? 4),
  );
  const rows = claims.rows ?? 3;
  const footer = struct(
    i32(1, 1),
    [2, 9, list(12, [struct([4, 8, text('root')], i32(5, 1)), struct(i32(1, 1), i32(3, 1), [4, 8, text('n')])])],
    i64(3, rows),
    [
      4,
      9,
      list(
        12,
        [struct([1, 9, list(12, [struct(i64(2, 4), [3, 12, column])])], i64(2, 9), i64(3, rows))],
        claims.groups,
      ),
    ],
  );
  const size = Buffer.alloc(4);
  size.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from('PAR1'), Buffer.from(chunk), Buffer.from(footer), size, Buffer.from('PAR1')]);
}

/** A zstd frame of one block that claims 98,303 matches of 65,539 bytes or more, in 18 bytes. */
export const ENDLESS_ZSTD = Uint8Array.of(
  ...[0x28, 0xb5, 0x2f, 0xfd, 0x20, 16], // magic; one segment of 16 bytes
  ...[(9 << 3) | 5, 0, 0], //               the last block: compressed, 9 bytes
  ...[0, 0xff, 0xff, 0xff, 0x54, 35, 0, 52, 0x80], // no literals; sequences; codes of literals, offsets, matches
);
