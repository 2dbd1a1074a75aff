import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toFloat32, toFloat64, toInt32 } from '../../src/base/array.js';
import { DataError } from '../../src/base/errors.js';
import { nodeFileSystem } from '../../src/base/files.js';
import { openSafetensors, requireTensor, writeSafetensors } from '../../src/checkpoint/safetensors.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-safetensors-'));
  path = join(dir, 'x.safetensors');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** An independent reading of the format: header and one tensor's bytes. */
function parse(file: string): { header: Map<string, unknown>; length: number; bytes: (name: string) => Buffer } {
  const all = readFileSync(file);
  const length = all.readUInt32LE(0) + 2 ** 32 * all.readUInt32LE(4);
  const header = new Map<string, unknown>(Object.entries(JSON.parse(all.subarray(8, 8 + length).toString())));
  const bytes = (name: string) => {
    const [begin, end] = (header.get(name) as { data_offsets: [number, number] }).data_offsets;
    return all.subarray(8 + length + begin, 8 + length + end);
  };
  return { header, length, bytes };
}

/** Writes a file with any header and data. */
function craft(header: unknown, data: Uint8Array | number): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([prefix, json, typeof data === 'number' ? Buffer.alloc(data) : data]));
}

const entry = (dtype: string, shape: unknown, begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('writing', () => {
  test('writes what an independent parser reads: sorted, padded, without holes', async () => {
    await writeSafetensors(path, [
      { name: 'b', dtype: 'F32', shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, -0, Number.NaN]) },
      { name: 'ids', dtype: 'I32', shape: [2], data: () => Int32Array.of(-1, 7) },
      { name: 'a', dtype: 'F32', shape: [], data: async () => new Float32Array([9, 8, 7]).subarray(1, 2) },
      { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
    ]);
    const { header, length, bytes } = parse(path);
    expect([...header.keys()]).toEqual(['__metadata__', 'a', 'b', 'empty', 'ids']);
    expect(header.get('__metadata__')).toEqual({ format: 'pt' });
    expect(length % 8).toBe(0);
    expect(header.get('b')).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: [4, 28] });
    expect(readFileSync(path).length).toBe(8 + length + 4 + 24 + 0 + 8);
    expect([0, 4, 8, 12].map((at) => bytes('b').readFloatLE(at))).toEqual([1, -2, 3.5, 0]);
    expect(bytes('a').readFloatLE(0)).toBe(8);
    expect([bytes('ids').readInt32LE(0), bytes('ids').readInt32LE(4)]).toEqual([-1, 7]);
  });

  test('calls one data function at a time, after the tensor before is on the disk', async () => {
    const log: string[] = [];
    const fs = {
      ...nodeFileSystem,
      write: (fd: number, bytes: Uint8Array) => {
        log.push(`write ${bytes.length}`);
        return nodeFileSystem.write(fd, bytes);
      },
    };
    const tensor = (name: string, n: number) => ({
      name,
      dtype: 'F32' as const,
      shape: [n],
      data: () => {
        log.push(name);
        return new Float32Array(n);
      },
    });
    await writeSafetensors(path, [tensor('y', 2), tensor('x', 1)], undefined, fs);
    expect(log.slice(1)).toEqual(['x', 'write 4', 'y', 'write 8']);
  });

  test('refuses data that does not fit its shape, and a name twice', async () => {
    const one = { name: 'a', dtype: 'F32' as const, shape: [2], data: new Float32Array(1) };
    await expect(writeSafetensors(path, [one])).rejects.toThrow('internal: a has 1 values for shape [2]');
    await expect(writeSafetensors(path, [one, one])).rejects.toThrow('internal: two tensors');
  });

  test.skipIf(!existsSync(FIXTURES))('writes the fixture again, byte for byte (needs ../shared/fixtures)', async () => {
    const original = join(FIXTURES, 'gpt2-tiny/model.safetensors');
    const file = openSafetensors(original);
    const tensors = [...file.names].reverse().map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: file.info(name).shape,
      data: () => file.readFloat32(name),
    }));
    await writeSafetensors(path, tensors, file.metadata);
    file.close();
    expect(readFileSync(path).equals(readFileSync(original))).toBe(true);
  });
});

describe('reading', () => {
  test('reads tensors at odd offsets, and every float dtype', () => {
    const data = Buffer.alloc(1 + 8 + 16 + 4 + 8);
    data.writeUInt8(7, 0);
    for (const [i, half] of [0x3c00, 0xc500, 0x0001, 0x7c00].entries()) data.writeUInt16LE(half, 1 + 2 * i);
    data.writeDoubleLE(1 / 3, 9);
    data.writeDoubleLE(-2, 17);
    data.writeUInt16LE(0x3fc0, 25);
    data.writeUInt16LE(0xff80, 27);
    data.writeFloatLE(1.5, 29);
    data.writeFloatLE(-0.1, 33);
    craft(
      {
        f32: entry('F32', [2], 29, 37),
        u8: entry('U8', [1], 0, 1),
        f16: entry('F16', [2, 2], 1, 9),
        f64: entry('F64', [2], 9, 25),
        bf16: entry('BF16', [2], 25, 29),
      },
      data,
    );
    const file = openSafetensors(path);
    expect(file.names).toEqual(['u8', 'f16', 'f64', 'bf16', 'f32']);
    expect([...file.readFloat32('f32')]).toEqual([1.5, Math.fround(-0.1)]);
    expect([...file.readFloat32('f16')]).toEqual([1, -5, 2 ** -24, Number.POSITIVE_INFINITY]);
    expect([...file.readFloat32('bf16')]).toEqual([1.5, Number.NEGATIVE_INFINITY]);
    expect([...file.readFloat32('f64')]).toEqual([Math.fround(1 / 3), -2]);
    expect([...toFloat64(file.read('f64'))]).toEqual([1 / 3, -2]);
    expect([...file.read('u8').bytes]).toEqual([7]);
    expect(() => file.readFloat32('u8')).toThrow(/x.safetensors: tensor u8 has dtype U8, expected F32/);
    file.close();
  });

  test('float16 agrees with the definition for all 65,536 patterns', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const found = toFloat32({ dtype: 'F16', shape: [65536], bytes: new Uint8Array(halves.buffer) });
    const wrong = [...halves].filter((h) => {
      const bits = h.toString(2).padStart(16, '0');
      const e = Number.parseInt(bits.slice(1, 6), 2);
      const f = Number.parseInt(bits.slice(6), 2) / 1024;
      const size = e === 31 ? (f === 0 ? 1 / 0 : Number.NaN) : e === 0 ? f * 2 ** -14 : (1 + f) * 2 ** (e - 15);
      return !Object.is(found[h], bits[0] === '1' && !Number.isNaN(size) ? -size : size);
    });
    expect(wrong).toEqual([]);
  });

  test('integers: I32 and I64 that fits', () => {
    const int64 = (values: bigint[]) => ({
      dtype: 'I64' as const,
      shape: [values.length],
      bytes: new Uint8Array(BigInt64Array.from(values).buffer),
    });
    expect([...toInt32(int64([-1n, 50256n]))]).toEqual([-1, 50256]);
    expect(() => toInt32(int64([2n ** 31n]))).toThrow('2147483648 does not fit');
  });

  test.skipIf(!existsSync(FIXTURES))('reads F64 and I64 of the fixtures (needs ../shared/fixtures)', () => {
    const file = openSafetensors(join(FIXTURES, 'gpt2-tiny/expected.safetensors'));
    const json = JSON.parse(readFileSync(join(FIXTURES, 'gpt2-tiny/expected.json'), 'utf8'));
    const reference = parse(file.path);
    expect([...toInt32(file.read('input_ids'))]).toEqual(json.input_ids.flat());
    expect(Buffer.from(file.read('f64.logits').bytes).equals(reference.bytes('f64.logits'))).toBe(true);
    expect(file.info('f64.logits').shape).toEqual([2, 48, 301]);
    file.close();
  });
});

describe('damage', () => {
  const ok = { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 8, 12) };
  const problem = (): string => {
    try {
      openSafetensors(path).close();
      return 'none';
    } catch (error) {
      return error instanceof DataError && error.exitCode === 4 && error.message.startsWith(path)
        ? error.message.slice(path.length)
        : `not a DataError: ${error}`;
    }
  };

  test('the undamaged file opens', () => {
    craft(ok, 12);
    expect(problem()).toBe('none');
  });

  test.each([
    [{ ...ok, b: entry('F32', [1], 9, 13) }, 13, /tensor b starts at byte \d+, the one before ends at/],
    [{ ...ok, b: entry('F32', [1], 4, 8) }, 8, /tensor b starts at byte \d+, the one before ends at/],
    [{ a: entry('F32', [1], 4, 8) }, 8, /tensor a starts at byte/],
    [ok, 13, /1 bytes follow the last tensor/],
    [ok, 11, /is truncated: \d+ bytes, but tensor b ends at byte/],
    [ok, 3, /is truncated: \d+ bytes, but tensor a ends at byte/],
    [{ a: entry('F32', [3], 0, 8) }, 8, /tensor a of shape \[3\] and dtype F32 needs 12 bytes, has 8/],
    [{ a: entry('F7', [2], 0, 8) }, 8, /tensor a has dtype "F7", expected one of/],
    [{ a: entry('toString', [2], 0, 8) }, 8, /tensor a has dtype "toString"/],
    [{ a: entry('F32', [-2], 0, 8) }, 8, /tensor a has shape \[-2\]/],
    [{ a: entry('F32', 'no', 0, 8) }, 8, /tensor a has shape "no"/],
    [{ a: entry('F32', [2], 8, 0) }, 8, /tensor a of shape/],
    [{ a: { dtype: 'F32', shape: [2], data_offsets: [0] } }, 8, /tensor a has data_offsets \[0\]/],
    [{ a: [1] }, 8, /tensor a is described by no JSON object/],
    [{ __metadata__: { format: 1 } }, 0, /__metadata__ is not an object of strings/],
    ['[]', 0, /header is no JSON object/],
    ['{"a":', 0, /header is no JSON/],
  ])('%j', (header, bytes, message) => {
    craft(header, bytes);
    expect(problem()).toMatch(message);
  });

  test('a shape that is nested 100,000 deep, and a name of 100,000 characters, are quoted in part', () => {
    const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
    craft(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":${deep}}}`, 4);
    expect(problem()).toMatch(/tensor a has shape .*nested too deeply/);
    craft({ ['n'.repeat(1e5)]: entry('F7', [1], 0, 4) }, 4);
    expect(problem()).toMatch(/tensor n{57}\.\.\. has dtype "F7"/);
    expect(problem().length).toBeLessThan(300);
  });

  test('every truncation of a real file is noticed', async () => {
    const tensor = { dtype: 'F32' as const, shape: [3], data: new Float32Array(3) };
    await writeSafetensors(path, [
      { ...tensor, name: 'a' },
      { ...tensor, name: 'b' },
    ]);
    const problems: string[] = [];
    for (let size = readFileSync(path).length - 1; size >= 0; size--) {
      truncateSync(path, size);
      if (!problem().startsWith(' is truncated')) problems.push(`${size} bytes: ${problem()}`);
    }
    expect(problems).toEqual([]);
  });

  test('a text file, a folder, a missing file', () => {
    writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\n');
    expect(problem()).toMatch(/is no safetensors file: it would have a header of/);
    expect(() => openSafetensors(dir)).toThrow(`cannot read ${dir}: it is a folder`);
    expect(() => openSafetensors(join(dir, 'none'))).toThrow(`cannot read ${join(dir, 'none')}: no such file`);
  });

  test('missing tensor and wrong shape name file, tensor and both shapes', () => {
    craft(ok, 12);
    const file = openSafetensors(path);
    expect(() => requireTensor(file, 'a', [2])).not.toThrow();
    expect(() => requireTensor(file, 'c', [2])).toThrow(`${path}: tensor c is missing`);
    expect(() => requireTensor(file, 'a', [2, 1])).toThrow(`${path}: tensor a has shape [2], expected [2, 1]`);
    file.close();
  });
});
