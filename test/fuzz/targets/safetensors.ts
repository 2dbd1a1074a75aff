// safetensors: the header is JSON behind its length, so half of the cases mutate the JSON and state its true length.

import { DTYPE_BYTES } from '../../../src/base/array.js';
import { openSafetensors } from '../../../src/checkpoint/safetensors.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const DTYPES = { F32: 4, F64: 8, F16: 2, BF16: 2, I64: 8, U8: 1, BOOL: 1 } as const;

/** A file with any header, any statement of its length, any data. */
function file(header: string | Buffer | object, data: number | Uint8Array = 0, length?: bigint): Buffer {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = Buffer.isBuffer(header) ? header : Buffer.from(text);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([prefix, json, typeof data === 'number' ? Buffer.alloc(data, 1) : data]);
}

const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** A valid file with one tensor of each dtype, and one without elements. */
function valid(shape: readonly number[]): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', step: '10' } };
  let offset = 0;
  for (const [dtype, width] of Object.entries(DTYPES)) {
    const bytes = width * shape.reduce((a, b) => a * b, 1);
    header[`h.0.${dtype}.weight`] = entry(dtype, shape, offset, offset + bytes);
    offset += bytes;
  }
  header['empty'] = entry('F32', [0, 4], offset, offset);
  return file(header, offset);
}

const two = { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 8, 12) };
const lengths = [1n, 7n, 2n ** 16n, 99_999_999n, 10n ** 8n + 1n, 2n ** 31n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n];

export const safetensorsTargets: readonly Target[] = [
  {
    name: 'safetensors',
    file: 'case.safetensors',
    text: false,
    seeds: () => [valid([]), valid([3]), valid([2, 5]), file({}, 0)],
    hostile: () => [
      ...lengths.map((length) => file(two, 12, length)),
      file('', 0, 2n ** 60n),
      file('[]', 12),
      file('{"a":', 12),
      file('not JSON', 12),
      file('{}', 12),
      file({ ...two, b: entry('F32', [1], 4, 8) }, 8), // overlap
      file({ a: two.b, b: two.a }, 12), // against the order of the names
      file({ ...two, c: entry('F32', [1], 16, 20) }, 20), // a hole
      file({ ...two, b: entry('F32', [1], 9, 13) }, 13), // unaligned, with a hole
      file({ u: entry('U8', [1], 0, 1), f: entry('F32', [2], 1, 9) }, 9), // unaligned
      file({ a: entry('F33', [2], 0, 8) }, 8),
      file({ a: entry('F64', [2], 0, 8) }, 8), // the wrong dtype for its bytes
      file({ a: entry('__proto__', [2], 0, 8) }, 8),
      ...[-2, 0.5, 2 ** 31, 2 ** 53, 1e308, '2', null, [2]].map((n) => file({ a: entry('F32', [n], 0, 8) }, 8)),
      file({ a: entry('F32', [2 ** 31, 2 ** 31], 0, 2 ** 53 - 1) }, 8),
      file({ a: entry('U8', [2 ** 32, 2 ** 32, 0], 0, 0) }, 0),
      file({ a: entry('U8', new Array(10_000).fill(1), 0, 1) }, 1),
      file('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,1e999]}}', 8),
      file({ a: entry('F32', [2], 0, 2 ** 53) }, 8),
      file({ a: entry('U8', [2 ** 40], 0, 2 ** 40) }, 8), // beyond the file
      file({ a: entry('F32', [2], -8, 0) }, 8),
      file({ a: entry('F32', [2], 8, 0) }, 8),
      file(two, 11), // shorter than the header says
      file(two, 13),
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      file('{"__metadata__":{"__proto__":"x"},"":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
      file({ __metadata__: { a: 1 } }),
      file({ __metadata__: null }),
      file({ ['n'.repeat(100_000)]: entry('F33', [], 0, 0) }),
      file(nested('[', '', ']', DEEP)),
      file(nested('{"a":', '0', '}', DEEP)),
      file(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":${nested('[', '', ']', DEEP)}}}`, 4),
      file({ __metadata__: { a: 'x' } }, 0),
      Buffer.concat([file({}), Buffer.from([0xff, 0xfe])]),
      file(Buffer.from([0x7b, 0xff, 0x7d])),
      Buffer.alloc(0),
      Buffer.alloc(7),
      Buffer.alloc(8),
      Buffer.alloc(1000),
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 548105171\n'),
    ],
    dictionary: ['"F32"', '"F4"', '"BOOL"', '"dtype"', '"shape"', '"data_offsets"', '[0,0]', '[4,0]', '"__metadata__"'],
    inner(whole) {
      if (whole.length < 8) return undefined;
      const end = 8 + Math.min(whole.length - 8, Number(whole.readBigUInt64LE()));
      const body = whole.subarray(8, end);
      return { body, text: true, wrap: (header) => file(header, whole.subarray(end)) };
    },
    read(path) {
      const opened = openSafetensors(path);
      try {
        for (const name of opened.names) {
          const { dtype, shape } = opened.info(name);
          const count = shape.reduce((product, n) => product * n, 1);
          const tensor = opened.read(name);
          consistent(tensor.bytes.length === count * DTYPE_BYTES[dtype], `${name} has ${tensor.bytes.length} bytes`);
          if (dtype === 'F32' || dtype === 'F64' || dtype === 'F16' || dtype === 'BF16') {
            consistent(opened.readFloat32(name).length === count, `${name} is no float32 of its shape`);
          }
        }
      } finally {
        opened.close();
      }
    },
  },
];
