// YAML as PyYAML's SafeLoader reads it, which lm-evaluation-harness loads task files with: YAML 1.1 as of 2005.
//
//   yes, no, on, off are truth values; y and n are text
//   1e-3 and 1.0e5 are text: a float has a point, and a sign in its exponent; 010 is 8; 1:30 is 90
//   the last of equal keys wins; << merges; a date stays text here
//   !function module.name    a FunctionName, with the folder of its file

import path from 'node:path';
import { parseDocument, type Scalar, type ScalarTag, type YAMLParseError } from 'yaml';
import { ConfigError } from '../../base/errors.js';
import { dict } from './python_value.js';

/** A Python function that a task file names. functions.ts has ports of some. */
export class FunctionName {
  /** Folder of the file that names it. */
  readonly dir: string;
  readonly module: string;
  readonly name: string;

  constructor(dir: string, spelled: string) {
    const dot = spelled.lastIndexOf('.');
    this.dir = dir;
    this.module = spelled.slice(0, Math.max(0, dot));
    this.name = spelled.slice(dot + 1);
  }

  /** The Python file that should have it. */
  get file(): string {
    return path.join(this.dir, `${this.module.replaceAll('.', '/')}.py`);
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A document's value. Throws ConfigError with file and line. */
export function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: (tags) => [
      ...tags.filter((tag) => typeof tag === 'string' || !(tag.default && REPLACED.has(tag.tag))),
      ...implicitScalars,
      functionTag(path.dirname(file)),
    ],
  });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem === undefined) return pythonic(document.toJS({ mapAsMap: true }));
  const indented = indentQuoted(text, document.errors);
  if (indented !== null) return parseYaml(indented, file);
  const place = problem.linePos ? `${file}:${problem.linePos[0].line}:${problem.linePos[0].col}` : file;
  const what = problem.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
  throw new ConfigError(`${place}: ${what}`, 'correct the YAML');
}

/**
 * PyYAML lets the further lines of quoted text begin anywhere, the parser only to the right of the key. Where one ended too
 * early for that, the text with these lines indented, which changes no value; else null.
 */
function indentQuoted(text: string, errors: readonly YAMLParseError[]): string | null {
  const error = errors.find(({ message }) => message.startsWith('Missing closing'));
  if (error === undefined) return null;
  const from = error.pos[0];
  const close = error.message.includes("'quote") ? /(?:''|[^'])*'/y : /(?:\\[\s\S]|[^"\\])*"/y;
  close.lastIndex = from;
  if (!close.test(text) || !text.slice(from, close.lastIndex).includes('\n')) return null;
  const before = text.slice(text.lastIndexOf('\n', from - 1) + 1, from);
  const indent = ' '.repeat(before.length - before.trimStart().length + 20);
  if (text.startsWith(`\n${indent}`, text.indexOf('\n', from))) return null; // that was not it
  const lines = text.slice(from, close.lastIndex).replace(/\n(?=[^\n])/g, `\n${indent}`);
  return text.slice(0, from) + lines + text.slice(close.lastIndex);
}

const REPLACED = new Set(['bool', 'float', 'int', 'null', 'timestamp'].map((name) => `tag:yaml.org,2002:${name}`));

const scalar = (name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  test,
  resolve,
  stringify: ({ source, value }: Scalar) => source ?? String(value),
});

/** Base 60: 1:30:00. */
const sexagesimal = (text: string): number =>
  text.split(':').reduce((sum, part) => sum * 60 + Math.abs(Number(part)), 0) * (text.startsWith('-') ? -1 : 1);

const plain = (text: string): string => text.replaceAll('_', '');

/** A whole number in a base, after its sign and prefix. */
const based = (base: number) => (text: string) => {
  const [, sign, digits] = /^([-+]?)0?[bx]?(.*)$/.exec(plain(text))!;
  return (sign === '-' ? -1 : 1) * Number.parseInt(digits || '0', base);
};

// the regular expressions of PyYAML's resolver
const implicitScalars: ScalarTag[] = [
  scalar('null', /^(?:~|null|Null|NULL|)$/, () => null),
  scalar('bool', /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true),
  scalar('bool', /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false),
  scalar('int', /^[-+]?0b[01_]+$/, based(2)),
  scalar('int', /^[-+]?0[0-7_]+$/, based(8)),
  scalar('int', /^[-+]?(?:0|[1-9][0-9_]*)$/, (text) => Number(plain(text))),
  scalar('int', /^[-+]?0x[0-9a-fA-F_]+$/, based(16)),
  scalar('int', /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/, (text) => sexagesimal(plain(text))),
  scalar('float', /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/, (text) => Number(plain(text))),
  scalar('float', /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/, (text) => sexagesimal(plain(text))),
  scalar('float', /^[-+]?\.(?:inf|Inf|INF)$/, (text) => (text.startsWith('-') ? -Infinity : Infinity)),
  scalar('float', /^\.(?:nan|NaN|NAN)$/, () => Number.NaN),
];

const functionTag = (dir: string): ScalarTag => ({
  tag: '!function',
  resolve: (text) => new FunctionName(dir, text),
});

/** Maps become plain objects where that keeps the order and kind of their keys. */
function pythonic(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pythonic);
  if (value instanceof Map) return dict([...value].map(([key, item]) => [key, pythonic(item)]));
  return value;
}
