// Thrift's compact protocol, read so that no number in it can do harm: the footer and the page headers of Parquet.
//
//   structure   (id delta << 4 | type) byte and value, repeated, then 0      integer   zigzag varint
//   list        (length << 4 | type) byte and values, 15 for a varint length bytes     varint length and bytes
//
// Varints have at most 10 bytes, nothing is longer than the bytes that are left, and structures are at most 16 deep.

const DEPTH = 16;
const MOST_VALUES = 2_000_000; // a thousand row groups of a hundred columns have about half of it
const STATISTIC = 1 << 16; // bytes; those of decimals are decoded in quadratic time
const STATISTIC_DEPTH = 3; // what is nested less is metadata of the file, which may be longer

type Field = number | boolean | undefined | Struct;
/** Fields by number: integers, flags and structures; what was skipped is undefined. */
export type Struct = Map<number, Field>;

/** An integer field that must be there. */
export function int(struct: Struct, field: number): number {
  const value = struct.get(field);
  if (typeof value !== 'number') throw new Error(`a structure without the integer field ${field}`);
  return value;
}

/** Reader of Thrift's compact protocol that never goes past its bytes. Lists and byte strings are skipped. */
export class Thrift {
  at: number;
  readonly #bytes: Uint8Array;
  #values = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Skips bytes that must be there, and returns where they start. */
  skip(count: number): number {
    const start = this.at;
    this.at += count;
    if (!(this.at <= this.#bytes.length)) throw new Error('it ends too early');
    return start;
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.skip(1)]!;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('a number of more than 10 bytes');
  }

  struct(depth = 0): Struct {
    const fields: Struct = new Map();
    for (let id = 0; ; ) {
      const head = this.#bytes[this.skip(1)]!;
      if (head % 16 === 0) return fields;
      id = head >= 16 ? id + (head >> 4) : this.#zigzag();
      fields.set(id, this.#value(head % 16, depth));
    }
  }

  #zigzag(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  #value(type: number, depth: number): Field {
    if (++this.#values > MOST_VALUES) throw new Error('too many values');
    if (depth > DEPTH) throw new Error('structures are nested too deep');
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        this.skip(1);
        return undefined;
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        this.skip(8);
        return undefined;
      case 8: {
        const length = this.varint();
        if (length > STATISTIC && depth > STATISTIC_DEPTH) throw new Error(`a statistic of ${length} bytes`);
        this.skip(length);
        return undefined;
      }
      case 9: {
        const head = this.#bytes[this.skip(1)]!;
        const length = head >> 4 === 15 ? this.varint() : head >> 4;
        if (length > this.#bytes.length - this.at) throw new Error(`a list of ${length} values`);
        for (let i = 0; i < length; i++) this.#value(head % 16 < 3 ? 3 : head % 16, depth + 1);
        return undefined;
      }
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Error(`values of type ${type}`);
    }
  }
}
