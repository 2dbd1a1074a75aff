// Python's values in JavaScript, and how Python prints and compares them. lm-evaluation-harness prints lists into text and
// reads them back, so a prompt depends on repr to the last quote.
//
//   None null   bool boolean   int number or bigint   float number, or Float where it is whole   str string
//   list Array   tuple Tuple   dict plain object, or Map where a key is no text
//
// A whole number that was read from JSON or YAML is an int here, whether it was written 1 or 1.0.

/** A float that prints with a point though it is whole. Arises in templates: 4 / 2. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Prints in parentheses. */
export class Tuple extends Array<unknown> {}

/** A tuple of these items. */
export function tuple(items: Iterable<unknown>): Tuple {
  const made = new Tuple();
  for (const item of items) made.push(item);
  return made;
}

/** A dict of these pairs; a plain object where it can keep their order. The last of equal keys wins. */
export function dict(entries: Iterable<readonly [unknown, unknown]>): object {
  const map = new Map(entries);
  const plain = [...map.keys()].every((key) => typeof key === 'string' && !/^(\d+|__proto__)$/.test(key));
  return plain ? Object.fromEntries(map as Map<string, unknown>) : map;
}

/** Whether a value is a dict. */
export const isDict = (value: unknown): value is object =>
  value instanceof Map ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);

/** A dict's pairs. */
export const dictEntries = (value: object): [unknown, unknown][] =>
  value instanceof Map ? [...value] : Object.entries(value);

/** The number that arithmetic and comparison see, True being 1; undefined for what is no number. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** Python's str(): text as it is, everything else as repr. */
export const pythonStr = (value: unknown): string => (typeof value === 'string' ? value : pythonRepr(value));

/** Python's repr(). */
export function pythonRepr(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : floatRepr(value);
  if (value instanceof Float) return floatRepr(value.value);
  if (value instanceof Tuple) return `(${value.map(pythonRepr).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (isDict(value)) {
    return `{${dictEntries(value)
      .map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** The shortest digits that give the number back, with an exponent from 1e16 and below 1e-4. */
function floatRepr(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0';
  const [digits, exponent] = x.toExponential().split('e') as [string, string];
  const e = Number(exponent);
  if (e < -4 || e >= 16) return `${digits}e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(2, '0')}`;
  const plain = String(x);
  return plain.includes('.') ? plain : `${plain}.0`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u;

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = quote;
  for (const char of text) {
    if (char === quote) out += `\\${char}`;
    else if (char in ESCAPES) out += ESCAPES[char];
    else out += char !== ' ' && UNPRINTABLE.test(char) ? hexEscape(char.codePointAt(0)!) : char;
  }
  return out + quote;
}

function hexEscape(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Python's ==: numbers by value, True being 1, text and containers by content. */
export function pythonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a instanceof Tuple !== b instanceof Tuple || a.length !== b.length) return false;
    return a.every((item, i) => pythonEqual(item, b[i]));
  }
  if (!isDict(a) || !isDict(b)) return (a ?? null) === (b ?? null);
  const [left, right] = [dictEntries(a), new Map(dictEntries(b))];
  return left.length === right.size && left.every(([key, item]) => right.has(key) && pythonEqual(item, right.get(key)));
}
