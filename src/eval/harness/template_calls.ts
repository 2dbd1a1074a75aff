// Filters, tests and methods of templates, as Jinja 3.1 and Python 3.11 define them. What is not here is an error that says so.

import { PythonRegex } from './python_regex.js';
import * as text from './python_text.js';
import { asNumber, dictEntries, Float, isDict, pythonEqual, pythonStr, Tuple, tuple } from './python_value.js';
import { defined, indexed, iterate, order, truth, typeName, Undefined } from './template_values.js';

type Named = ReadonlyMap<string, unknown>;

// ---- filters

type FilterFunction = (value: unknown, args: readonly unknown[], named: Named) => unknown;

/** value|name(args). Throws for a filter that is not known. */
export function applyFilter(name: string, value: unknown, args: readonly unknown[], named: Named): unknown {
  const filter = FILTERS[name];
  if (filter === undefined || !Object.hasOwn(FILTERS, name))
    throw new SyntaxError(`there is no filter named '${name}'`);
  return filter(name === 'default' || name === 'd' ? value : defined(value), args.map(defined), named);
}

const FILTERS: Readonly<Record<string, FilterFunction>> = {
  abs: (value) => {
    const number = asNumber(value);
    if (number === undefined) throw new TypeError(`bad operand type for abs(): '${typeName(value)}'`);
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  capitalize: (value) => text.capitalize(pythonStr(value)),
  count: (value) => len(value),
  d: otherwise,
  default: otherwise,
  first: (value) => iterate(value)[0] ?? new Undefined('No first item, sequence was empty.'),
  float: (value, [fallback = new Float(0)]) => {
    const number = asNumber(value) ?? (typeof value === 'string' ? numberIn(value) : undefined);
    return number === undefined ? fallback : new Float(number);
  },
  int: (value, [fallback = 0]) => {
    const number = asNumber(value) ?? (typeof value === 'string' ? numberIn(value) : undefined);
    return number === undefined || !Number.isFinite(number) ? fallback : Math.trunc(number);
  },
  items: (value) => (isDict(value) ? dictEntries(value).map((pair) => tuple(pair)) : wrongType('items', value)),
  join: (value, [delimiter = '', attribute = null], named) => {
    const of = attribute ?? named.get('attribute') ?? null;
    const items = iterate(value).map((item) => (of === null ? item : attributeOf(item, of)));
    return items.map((item) => pythonStr(defined(item))).join(pythonStr(named.get('d') ?? delimiter));
  },
  last: (value) => iterate(value).at(-1) ?? new Undefined('No last item, sequence was empty.'),
  length: (value) => len(value),
  list: (value) => iterate(value),
  lower: (value) => pythonStr(value).toLowerCase(),
  map: (value, [name, ...args], named) => {
    const attribute = named.get('attribute');
    if (attribute === undefined) return iterate(value).map((item) => applyFilter(pythonStr(name), item, args, named));
    return iterate(value).map((item) => {
      const found = attributeOf(item, attribute);
      return found instanceof Undefined && named.has('default') ? named.get('default') : defined(found);
    });
  },
  max: (value) => extreme(value, 1),
  min: (value) => extreme(value, -1),
  regex_replace: (value, args, named) => {
    const [pattern, replacement, count] = ['pattern', 'repl', 'count'].map((name, i) => args[i] ?? named.get(name));
    return new PythonRegex(pythonStr(pattern)).sub(pythonStr(replacement), stringOf(value), asNumber(count));
  },
  reject: (value, [test]) => iterate(value).filter((item) => !passes(test, item)),
  rejectattr: (value, [name, test]) => iterate(value).filter((item) => !passes(test, attributeOf(item, name))),
  replace: (value, args) =>
    STRING_METHODS['replace']!(
      pythonStr(value),
      args.map((arg, i) => (i < 2 ? pythonStr(arg) : arg)),
      new Map(),
    ),
  reverse: (value) => (typeof value === 'string' ? iterate(value).reverse().join('') : iterate(value).reverse()),
  select: (value, [test]) => iterate(value).filter((item) => passes(test, item)),
  selectattr: (value, [name, test]) => iterate(value).filter((item) => passes(test, attributeOf(item, name))),
  sort: (value, [reverse = false, caseSensitive = false, attribute = null], named) => {
    const of = named.get('attribute') ?? attribute;
    const exact = truth(named.get('case_sensitive') ?? caseSensitive);
    const back = truth(named.get('reverse') ?? reverse) ? -1 : 1;
    const key = (item: unknown) => folded(of === null ? item : attributeOf(item, of), exact);
    return iterate(value).sort((a, b) => back * order(key(a), key(b)));
  },
  string: (value) => pythonStr(value),
  sum: (value, [attribute = null], named) => {
    const of = named.get('attribute') ?? attribute;
    return iterate(value).reduce<number>((sum, item) => {
      const number = asNumber(of === null ? item : attributeOf(item, of));
      return number === undefined ? wrongType('sum', item) : sum + number;
    }, 0);
  },
  title: (value) => {
    const parts = pythonStr(value).split(/([-\s({[<]+)/u);
    return parts.map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase()).join('');
  },
  trim: (value, [chars = null]) => text.strip(pythonStr(value), chars as string | null),
  unique: (value) => {
    const seen: unknown[] = [];
    return iterate(value).filter(
      (item) => !seen.some((s) => pythonEqual(s, folded(item, false))) && seen.push(folded(item, false)),
    );
  },
  upper: (value) => pythonStr(value).toUpperCase(),
};

function otherwise(value: unknown, [fallback = '', ofFalse = false]: readonly unknown[], named: Named): unknown {
  const falsy = truth(named.get('boolean') ?? ofFalse);
  return value instanceof Undefined || (falsy && !truth(value)) ? (named.get('default_value') ?? fallback) : value;
}

function len(value: unknown): number {
  if (typeof value === 'string') return text.length(value);
  if (Array.isArray(value)) return value.length;
  return isDict(value) ? dictEntries(value).length : wrongType('len()', value);
}

/** int() and float() of text. */
function numberIn(value: string): number | undefined {
  const digits = text.strip(value);
  const number = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(digits);
  return number ? Number(digits.replaceAll('_', '')) : undefined;
}

/** item.a.b, or item.0: the parts of a filter's attribute. */
function attributeOf(item: unknown, attribute: unknown): unknown {
  const parts = typeof attribute === 'string' ? attribute.split('.') : [attribute];
  return parts.reduce<unknown>((of, part) => {
    const key = typeof part === 'string' && /^\d+$/.test(part) ? Number(part) : part;
    return indexed(defined(of), key) ?? new Undefined(`'${typeName(of)} object' has no attribute '${part}'`);
  }, item);
}

const passes = (test: unknown, value: unknown): boolean =>
  test === undefined ? truth(value) : applyTest(pythonStr(test), value);
const folded = (value: unknown, exact: boolean): unknown =>
  typeof value === 'string' && !exact ? value.toLowerCase() : value;

function extreme(value: unknown, sign: number): unknown {
  const items = iterate(value);
  if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.');
  return items.reduce((best, item) => (sign * order(folded(item, false), folded(best, false)) > 0 ? item : best));
}

function wrongType(what: string, value: unknown): never {
  throw new TypeError(`${what} of an object of type '${typeName(value)}'`);
}

const stringOf = (value: unknown): string => (typeof value === 'string' ? value : wrongType('text', value));

// ---- tests

/** value is name. Throws for a test that is not known. */
export function applyTest(name: string, value: unknown): boolean {
  if (name === 'defined') return !(value instanceof Undefined);
  if (name === 'undefined') return value instanceof Undefined;
  const test = TESTS[name];
  if (test === undefined || !Object.hasOwn(TESTS, name))
    throw new SyntaxError(`there is no test named '${name}' without arguments`);
  return test(value);
}

const TESTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  even: (value) => wholeOf(value) % 2 === 0,
  false: (value) => value === false,
  float: (value) => typeName(value) === 'float',
  integer: (value) => typeName(value) === 'int',
  iterable: (value) => typeof value === 'string' || Array.isArray(value) || isDict(value),
  lower: (value) => /\p{L}/u.test(pythonStr(value)) && pythonStr(value) === pythonStr(value).toLowerCase(),
  mapping: (value) => isDict(value),
  none: (value) => value === null,
  number: (value) => asNumber(value) !== undefined,
  odd: (value) => Math.abs(wholeOf(value) % 2) === 1,
  sequence: (value) => typeof value === 'string' || Array.isArray(value) || isDict(value),
  string: (value) => typeof value === 'string',
  true: (value) => value === true,
  upper: (value) => /\p{L}/u.test(pythonStr(value)) && pythonStr(value) === pythonStr(value).toUpperCase(),
};

const wholeOf = (value: unknown): number => asNumber(defined(value)) ?? wrongType('parity', value);

// ---- methods

type Callable = (args: readonly unknown[], named: Named) => unknown;

/** The method of this name; undefined where a value has none. */
export function method(of: unknown, name: string): Callable | undefined {
  if (typeof of === 'string') {
    const found = Object.hasOwn(STRING_METHODS, name) ? STRING_METHODS[name] : undefined;
    return found && ((args, named) => found(of, args.map(defined), named));
  }
  if (Array.isArray(of)) {
    const found = Object.hasOwn(LIST_METHODS, name) ? LIST_METHODS[name] : undefined;
    return found && ((args) => found(of, args.map(defined)));
  }
  const found = isDict(of) && Object.hasOwn(DICT_METHODS, name) ? DICT_METHODS[name] : undefined;
  return found && ((args) => found(of as object, args.map(defined)));
}

const optional = (value: unknown): string | null => (value === undefined || value === null ? null : stringOf(value));

const STRING_METHODS: Readonly<Record<string, (self: string, args: readonly unknown[], named: Named) => unknown>> = {
  capitalize: (self) => text.capitalize(self),
  count: (self, [part]) => (stringOf(part) === '' ? text.length(self) + 1 : self.split(stringOf(part)).length - 1),
  endswith: (self, [end]) => endings(end).some((e) => self.endsWith(e)),
  find: (self, [part]) => placeOf(self, self.indexOf(stringOf(part))),
  index: (self, [part]) => {
    const at = self.indexOf(stringOf(part));
    if (at < 0) throw new RangeError('substring not found');
    return placeOf(self, at);
  },
  isdigit: (self) => text.isDigits(self),
  join: (self, [items]) =>
    iterate(items)
      .map((item) => stringOf(item))
      .join(self),
  lower: (self) => self.toLowerCase(),
  lstrip: (self, [chars]) => text.lstrip(self, optional(chars)),
  removeprefix: (self, [prefix]) => (self.startsWith(stringOf(prefix)) ? self.slice(stringOf(prefix).length) : self),
  removesuffix: (self, [end]) =>
    end !== '' && self.endsWith(stringOf(end)) ? self.slice(0, -stringOf(end).length) : self,
  replace: (self, [from, to, count]) => replaced(self, stringOf(from), stringOf(to), asNumber(count) ?? -1),
  rfind: (self, [part]) => placeOf(self, self.lastIndexOf(stringOf(part))),
  rsplit: (self, [by, max], named) =>
    text.rsplit(self, optional(by ?? named.get('sep')), asNumber(max ?? named.get('maxsplit')) ?? -1),
  rstrip: (self, [chars]) => text.rstrip(self, optional(chars)),
  split: (self, [by, max], named) =>
    text.split(self, optional(by ?? named.get('sep')), asNumber(max ?? named.get('maxsplit')) ?? -1),
  splitlines: (self) => text.splitLines(self),
  startswith: (self, [start]) => endings(start).some((e) => self.startsWith(e)),
  strip: (self, [chars]) => text.strip(self, optional(chars)),
  title: (self) => text.title(self),
  upper: (self) => self.toUpperCase(),
};

function replaced(self: string, old: string, by: string, count: number): string {
  let left = count;
  return self.replaceAll(new RegExp(old.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu'), (found) => {
    if (left === 0) return found;
    left--;
    return by;
  });
}

const endings = (value: unknown): string[] => (value instanceof Tuple ? value.map(stringOf) : [stringOf(value)]);
const placeOf = (self: string, at: number): number => (at <= 0 ? at : text.length(self.slice(0, at)));

const LIST_METHODS: Readonly<Record<string, (self: unknown[], args: readonly unknown[]) => unknown>> = {
  append: (self, [item]) => {
    self.push(item);
    return null;
  },
  count: (self, [item]) => self.filter((x) => pythonEqual(x, item)).length,
  index: (self, [item]) => {
    const at = self.findIndex((x) => pythonEqual(x, item));
    if (at < 0) throw new RangeError(`${pythonStr(item)} is not in list`);
    return at;
  },
};

const DICT_METHODS: Readonly<Record<string, (self: object, args: readonly unknown[]) => unknown>> = {
  get: (self, [key, fallback = null]) => indexed(self, key) ?? fallback,
  items: (self) => dictEntries(self).map((pair) => tuple(pair)),
  keys: (self) => dictEntries(self).map(([key]) => key),
  values: (self) => dictEntries(self).map(([, item]) => item),
};
