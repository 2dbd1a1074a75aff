// A reader of Python's pickles that executes nothing.
//
// A pickle is a program for a machine with a stack and a memo. In Python its opcodes can import any function and call
// it, which is why an untrusted pickle must not be loaded there. Here a "global" is a name that the caller knows or an
// error, and "calling" it is a TypeScript function of the caller's. Opcodes are those that Python's own pickler emits
// for None, bool, int, float, str, bytes, list, tuple, dict, and objects of known globals, in protocols 2 to 5.
//
//   Python            here
//   None, bool, str   null, boolean, string
//   int               number, or bigint where it is not exact
//   float             number
//   bytes             Uint8Array
//   list, tuple       array
//   dict              Map
//
// The format: pickletools.py of Python's standard library.

import { short } from '../base/format.js';

/** What a pickle can hold here. `object`: what the caller's globals and persistent ids return. */
export type PickleValue = null | boolean | number | bigint | string | Uint8Array | object;

/** The names that a pickle may refer to. */
export interface PickleNames {
  /** "module name" -> what calling it with these arguments gives; null: it may be named, not called. */
  readonly globals: Readonly<Record<string, null | ((...args: PickleValue[]) => PickleValue)>>;
  /** What an object outside the pickle is: torch stores its storages so. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** A global by its name, as an argument of calls. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Something that this reader refuses; the message says what. */
export class PickleError extends Error {}

// An opcode of one byte can make an object of hundreds. A checkpoint of GPT-3's 175B with Adam's moments has 40,000.
const MAX_OBJECTS = 200_000;
const MAX_ARGUMENTS = 16;

/** What messages call an object where a name should be. */
export const NAMELESS = 'something without a name';

const EMPTY: readonly PickleValue[] = [];

/** The value of a pickle. Throws PickleError on damage, and on everything that is not in the list above. */
export function readPickle(bytes: Uint8Array, names: PickleNames): PickleValue {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder('utf-8', { fatal: true });
  const memo = new Map<number, PickleValue>();
  const marks: number[] = [];
  const stack: PickleValue[] = [];
  let at = 0;
  let objects = 0;

  const take = (n: number): number => {
    const start = at;
    if (n > bytes.length - at) throw new PickleError(`it ends in the middle, at byte ${start}`);
    at += n;
    return start;
  };
  const u8 = () => data.getUint8(take(1));
  const u16 = () => data.getUint16(take(2), true);
  const u32 = () => data.getUint32(take(4), true);
  const raw = (length: number) => {
    const start = take(length);
    return bytes.subarray(start, start + length);
  };
  const utf8 = (length: number): string => {
    const part = raw(length);
    try {
      return text.decode(part);
    } catch {
      throw new PickleError(`a string before byte ${at} is no UTF-8`);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new PickleError('it ends in the middle of a line');
    const found = utf8(end - at);
    take(1);
    return found;
  };
  const made = <T extends object>(value: T): T => {
    if (++objects > MAX_OBJECTS) throw new PickleError(`it has more than ${MAX_OBJECTS} objects`);
    return value;
  };
  const pop = (): PickleValue => {
    // below a mark lie the values of the enclosing object
    if (stack.length <= (marks.at(-1) ?? 0)) throw new PickleError(`byte ${at - 1} takes a value that is not there`);
    return stack.pop()!;
  };
  const top = (): PickleValue => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const popToMark = (): PickleValue[] => {
    const from = marks.pop();
    if (from === undefined) throw new PickleError(`byte ${at - 1} needs a mark that is not there`);
    return stack.splice(from);
  };
  const tuple = (n: number): void => {
    const items = made(new Array<PickleValue>(n));
    for (let i = n - 1; i >= 0; i--) items[i] = pop();
    stack.push(items);
  };
  const append = (items: readonly PickleValue[]): void => {
    const list = top();
    if (!Array.isArray(list) || list === EMPTY) throw new PickleError('it appends to something that is no list');
    for (const item of items) list.push(item);
  };
  const setItems = (items: readonly PickleValue[]): void => {
    const dict = top();
    if (!(dict instanceof Map)) throw new PickleError('it sets a key of something that is no dict');
    if (items.length % 2 !== 0) throw new PickleError('it has a key without a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  };
  const global = (module: PickleValue, name: PickleValue): void => {
    // a list is never made text: with few bytes it can hold itself twice, and that twice, and so on
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError(`it refers to ${NAMELESS}`);
    const full = `${module} ${name}`;
    if (!Object.hasOwn(names.globals, full)) {
      throw new PickleError(`it refers to ${short(full.replace(' ', '.'))}, which is not executed here`);
    }
    stack.push(made(new PickleGlobal(full)));
  };
  const call = (): void => {
    const args = pop();
    const callee = pop();
    const known = callee instanceof PickleGlobal ? names.globals[callee.name] : undefined;
    if (!known || !Array.isArray(args) || args.length > MAX_ARGUMENTS) {
      const what = callee instanceof PickleGlobal ? callee.name.replace(' ', '.') : 'something that is no function';
      throw new PickleError(`it calls ${what}`);
    }
    const result = known(...args);
    stack.push(typeof result === 'object' && result !== null ? made(result) : result);
  };
  const remember = (index: number): void => {
    memo.set(index, top());
    if (memo.size > MAX_OBJECTS) throw new PickleError(`it has more than ${MAX_OBJECTS} objects`);
  };
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw new PickleError(`it refers to object ${index}, which is not there`);
    stack.push(value);
  };
  const long = (length: number): void => {
    if (length > 64) throw new PickleError(`it has an integer of ${length} bytes`);
    let value = 0n;
    const digits = raw(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i]!);
    const signed = BigInt.asIntN(8 * length, value);
    stack.push(BigInt(Number(signed)) === signed && Number.isSafeInteger(Number(signed)) ? Number(signed) : signed);
  };

  for (;;) {
    const opcode = u8();
    switch (opcode) {
      case 0x80: {
        // PROTO
        const protocol = u8();
        if (protocol < 2 || protocol > 5) throw new PickleError(`it has protocol ${protocol}, and 2 to 5 are read`);
        break;
      }
      case 0x95: // FRAME
        take(8);
        break;
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x2e: {
        // STOP
        const value = pop();
        if (stack.length > 0 || marks.length > 0) throw new PickleError('it leaves more than one value');
        return value;
      }
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(data.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(u8());
        break;
      case 0x4d: // BININT2
        stack.push(u16());
        break;
      case 0x8a: // LONG1
        long(u8());
        break;
      case 0x47: // BINFLOAT, the one big-endian number
        stack.push(data.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
        stack.push(utf8(u32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(utf8(u8()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(made(raw(u8())));
        break;
      case 0x42: // BINBYTES
        stack.push(made(raw(u32())));
        break;
      case 0x5d: // EMPTY_LIST
        stack.push(made([]));
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(made(new Map()));
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push(EMPTY);
        break;
      case 0x85: // TUPLE1
        tuple(1);
        break;
      case 0x86: // TUPLE2
        tuple(2);
        break;
      case 0x87: // TUPLE3
        tuple(3);
        break;
      case 0x74: // TUPLE
        stack.push(made(popToMark()));
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x73: {
        // SETITEM
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x71: // BINPUT
        remember(u8());
        break;
      case 0x72: // LONG_BINPUT
        remember(u32());
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x63: {
        // GLOBAL
        const module = line();
        global(module, line());
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        global(pop(), name);
        break;
      }
      case 0x52: // REDUCE
        call();
        break;
      case 0x51: {
        // BINPERSID
        const value = names.persistent(pop());
        stack.push(typeof value === 'object' && value !== null ? made(value) : value);
        break;
      }
      case 0x62: // BUILD: attributes of an object, such as a state dict's _metadata; no value here has any
        pop();
        if (!(top() instanceof Map)) throw new PickleError('it sets attributes of something that is no dict');
        break;
      default:
        throw new PickleError(
          `byte ${at - 1} is opcode 0x${opcode.toString(16).padStart(2, '0')}, which is not read here`,
        );
    }
  }
}
