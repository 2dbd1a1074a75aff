// What operators of a template mean for Python's values (python_value.ts): truth, arithmetic, order, indexes and slices.
// Errors are TypeError, RangeError and so on, with Python's words; template.ts makes TemplateError of them.

import { characters } from './python_text.js';
import { asNumber, dictEntries, Float, isDict, pythonEqual, pythonStr, Tuple, tuple } from './python_value.js';

/**
 * A name, attribute or item that is not there. StrictUndefined: whatever uses it is an error, but `is defined` and default().
 * Only what {{ a if test }} gives without an else is `blank`: it prints as nothing, and is false.
 */
export class Undefined {
  readonly why: string;
  readonly blank: boolean;
  constructor(why: string, blank = false) {
    this.why = why;
    this.blank = blank;
  }
}

/** The value, unless it is undefined. */
export function defined(value: unknown): unknown {
  if (value instanceof Undefined) throw new ReferenceError(value.why);
  return value;
}

/** Name of a value's type, as Python's messages have it. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value instanceof Float || (typeof value === 'number' && !Number.isInteger(value))) return 'float';
  if (value instanceof Tuple) return 'tuple';
  if (Array.isArray(value)) return 'list';
  if (isDict(value)) return 'dict';
  return { string: 'str', boolean: 'bool', number: 'int', bigint: 'int' }[typeof value as string] ?? 'function';
}

/** bool(). */
export function truth(value: unknown): boolean {
  if (value instanceof Undefined && value.blank) return false;
  defined(value);
  if (value === null || value === undefined || value === '') return false;
  const number = asNumber(value);
  if (number !== undefined) return number !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return !isDict(value) || dictEntries(value).length > 0;
}

/** The items of a list, characters of text, keys of a dict. */
export function iterate(value: unknown): unknown[] {
  defined(value);
  if (typeof value === 'string') return [...characters(value)];
  if (Array.isArray(value)) return [...value];
  if (isDict(value)) return dictEntries(value).map(([key]) => key);
  throw new TypeError(`'${typeName(value)}' object is not iterable`);
}

/** item in container */
export function contains(container: unknown, item: unknown): boolean {
  defined(item);
  if (typeof container !== 'string') return iterate(container).some((x) => pythonEqual(x, item));
  if (typeof item !== 'string') throw new TypeError(`'in <string>' requires string, not ${typeName(item)}`);
  return container.includes(item);
}

/** container[key]; undefined where there is no such item. */
export function indexed(of: unknown, key: unknown): unknown {
  if (isDict(of)) {
    if (of instanceof Map) return of.has(key) ? (of.get(key) ?? null) : undefined;
    return typeof key === 'string' && Object.hasOwn(of, key)
      ? ((of as Record<string, unknown>)[key] ?? null)
      : undefined;
  }
  const at = typeName(key) === 'int' || typeName(key) === 'bool' ? asNumber(key) : undefined;
  if (at === undefined || !(typeof of === 'string' || Array.isArray(of))) return undefined;
  const item: unknown = (typeof of === 'string' ? characters(of) : of).at(at);
  return item === undefined && Array.isArray(of) && at < of.length && at >= -of.length ? null : item;
}

/** of[start:stop:step], null standing for what is left out. */
export function sliced(of: unknown, start: unknown, stop: unknown, step: unknown): unknown {
  if (typeof of !== 'string' && !Array.isArray(of))
    throw new TypeError(`'${typeName(of)}' object is not subscriptable`);
  const [from, to, by] = [start, stop, step].map((bound) => {
    const number = asNumber(defined(bound));
    if (bound !== null && (number === undefined || !Number.isInteger(number) || bound instanceof Float)) {
      throw new TypeError('slice indices must be integers or None');
    }
    return number;
  });
  const items: readonly unknown[] = typeof of === 'string' ? characters(of) : of;
  const stride = by ?? 1;
  if (stride === 0) throw new RangeError('slice step cannot be zero');
  const n = items.length;
  const [low, high] = stride > 0 ? [0, n] : [-1, n - 1];
  const place = (at: number | undefined, otherwise: number) =>
    at === undefined ? otherwise : Math.min(high, Math.max(low, at < 0 ? at + n : at));
  const end = place(to, stride > 0 ? n : -1);
  const taken: unknown[] = [];
  for (let i = place(from, stride > 0 ? 0 : n - 1); stride > 0 ? i < end : i > end; i += stride) taken.push(items[i]);
  if (typeof of === 'string') return taken.join('');
  return of instanceof Tuple ? tuple(taken) : taken;
}

/** -x and +x. */
export function negated(sign: string, value: unknown): unknown {
  const number = asNumber(defined(value));
  if (number === undefined) throw new TypeError(`bad operand type for unary ${sign}: '${typeName(value)}'`);
  return numeric(sign === '-' ? 0 - number : number, isFloat(value));
}

/** a op b, for every operator but and, or, in. */
export function infix(op: string, a: unknown, b: unknown): unknown {
  defined(a);
  defined(b);
  if (op === '==') return pythonEqual(a, b);
  if (op === '!=') return !pythonEqual(a, b);
  if (op === '~') return pythonStr(a) + pythonStr(b);
  if (op === '<') return order(a, b, op) < 0;
  if (op === '>') return order(a, b, op) > 0;
  if (op === '<=') return order(a, b, op) <= 0;
  if (op === '>=') return order(a, b, op) >= 0;
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined && y !== undefined) return arithmetic(op, x, y, isFloat(a) || isFloat(b));
  if (op === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (op === '+' && Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
    return a instanceof Tuple ? tuple([...a, ...b]) : [...a, ...b];
  }
  if (op === '*') {
    const [times, what] = x === undefined ? [y, a] : [x, b];
    if (times !== undefined && Number.isInteger(times) && typeof what === 'string')
      return what.repeat(Math.max(0, times));
    if (times !== undefined && Array.isArray(what))
      return Array.from({ length: Math.max(0, times) }, () => what).flat();
  }
  throw new TypeError(`unsupported operand type(s) for ${op}: '${typeName(a)}' and '${typeName(b)}'`);
}

function arithmetic(op: string, x: number, y: number, float: boolean): unknown {
  if ((op === '/' || op === '//' || op === '%') && y === 0) throw new RangeError('division by zero');
  switch (op) {
    case '+':
      return numeric(x + y, float);
    case '-':
      return numeric(x - y, float);
    case '*':
      return numeric(x * y, float);
    case '/':
      return numeric(x / y, true);
    case '//':
      return numeric(Math.floor(x / y), float);
    case '%':
      return numeric(x - Math.floor(x / y) * y, float);
    case '**':
      return numeric(x ** y, float || y < 0);
    default:
      throw new SyntaxError(`operator ${op} is not supported`);
  }
}

const isFloat = (value: unknown): boolean => typeName(value) === 'float';
const numeric = (x: number, float: boolean): unknown => (float && Number.isInteger(x) ? new Float(x) : x);

/** Negative where a comes before b. Text by code points, lists item by item. */
export function order(a: unknown, b: unknown, op = '<'): number {
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined && y !== undefined) return x - y;
  const text = typeof a === 'string' && typeof b === 'string';
  if (!text && !(Array.isArray(a) && Array.isArray(b))) {
    throw new TypeError(`'${op}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
  }
  const [left, right] = [text ? characters(a) : a, text ? characters(b as string) : b] as [unknown[], unknown[]];
  const at = left.findIndex((item, i) => i >= right.length || !pythonEqual(item, right[i]));
  if (at < 0) return left.length - right.length;
  if (at >= right.length) return 1;
  return text
    ? (left[at] as string).codePointAt(0)! - (right[at] as string).codePointAt(0)!
    : order(left[at], right[at], op);
}
