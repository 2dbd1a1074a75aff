// A YAML 1.2 configuration file to settings with line and column. Besides the schema's sections it may say
//
//   extends: mini            another file (relative to this one) or a preset's name; this file's keys win
//   portable: {...}          keys that apply only where there are no native kernels: a much smaller model
//
// It reports everything that is wrong in the file and in those that it extends, not only the first thing.

import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { type Document, isAlias, isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import { ConfigError } from '../base/errors.js';
import { short } from '../base/format.js';
import type { KeyTable } from './keys.js';
import { type Setting, settingProblem, unknownKey } from './settings.js';
import { nearest } from './spelling.js';

/** What a file and those that it extends say. Layers: the most basic file first. */
export interface ConfigLayers {
  readonly layers: readonly (readonly Setting[])[];
  readonly portable: readonly (readonly Setting[])[];
}

/** What kind of configuration a file is. */
export interface FileKind {
  readonly table: KeyTable;
  /** Folder of the package where its presets are. */
  readonly presets: string;
}

// A configuration has some 60 keys. What is far larger is another file, or meant to hurt.
const MOST_BYTES = 1 << 20;
const MOST_PROBLEMS = 20;
const MOST_SYNTAX_PROBLEMS = 3; // one mistake makes the lines behind it wrong too

const isFile = (path: string): boolean => statOf(path)?.isFile() ?? false;

/** undefined also for a name that no file can have: with a NUL, or too long. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The names that can be given without a path: configs/NAME.yaml under `root`. */
export function presetNames(root: string, presets = 'configs'): string[] {
  const folder = join(root, presets);
  if (!statOf(folder)) return [];
  return readdirSync(folder)
    .filter((f) => f.endsWith('.yaml'))
    .map((f) => basename(f, '.yaml'))
    .sort();
}

/**
 * The absolute path of the configuration that `name` stands for: a file relative to `folder`, or a preset (without
 * its folder, with or without .yaml). Throws ConfigError when there is neither, with the nearest preset.
 */
export function findConfig(name: string, folder: string, root: string, presetFolder = 'configs'): string {
  const path = resolve(folder, name);
  if (isFile(path)) return path;
  const bare = !/[\\/]/.test(name);
  const candidates = bare ? [join(root, presetFolder, name), join(root, presetFolder, `${name}.yaml`)] : [];
  const found = candidates.find(isFile);
  if (found) return found;
  const presets = presetNames(root, presetFolder);
  const near = nearest(basename(name, extname(name) === '.yaml' ? '.yaml' : ''), presets);
  const folderHint = statOf(path)?.isDirectory() ? ' (it is a folder)' : '';
  throw new ConfigError(
    `${short(name)}: no such configuration file${folderHint}${bare ? ', and no preset of that name' : ''}`,
    `${near ? `did you mean ${near}? ` : ''}presets: ${presets.join(', ')}`,
  );
}

/** Reads a file and everything that it extends. Appends what is wrong to `problems`, one line each. */
export function readConfigFile(
  file: string,
  root: string,
  problems: string[],
  kind: FileKind,
  chain: string[] = [],
): ConfigLayers {
  const { table, presets } = kind;
  const shownName = displayName(file);
  const nothing: ConfigLayers = { layers: [], portable: [] };
  const lines = new LineCounter();
  const doc = parseYaml(file, lines, problems, table.sections);
  if (!doc) return nothing;
  const at = (node: Node | null | undefined): { line: string; place: string } => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line: `${shownName}:${line}`, place: `${shownName}:${line}:${col}` };
  };
  const complain = (node: Node | null | undefined, what: string) => problems.push(`${at(node).place}: ${what}`);

  const pairs = (node: Node | null): { name: string; key: Node; value: Node | null }[] => {
    const map = isAlias(node) ? (node.resolve(doc) ?? null) : node;
    if (!isMap<ParsedNode, ParsedNode | null>(map)) return [];
    return map.items.map(({ key, value }) => ({ name: String(isScalar(key) ? key.value : key), key, value }));
  };
  const uniquePairs = (node: Node | null): ReturnType<typeof pairs> => {
    const seen = new Set<string>();
    return pairs(node).filter(({ name, key }) => {
      if (!seen.has(name)) return seen.add(name);
      if (problems.length < MOST_PROBLEMS) complain(key, `${short(name)}: given twice`);
      return false;
    });
  };
  const isMapping = (node: Node | null): boolean => isMap(isAlias(node) ? node.resolve(doc) : node);

  /** What a node stands for; undefined, with a complaint, when its aliases lead nowhere, in a circle, or to too much. */
  const toValue = (node: Node | null): { value: unknown } | undefined => {
    try {
      return { value: node?.toJS(doc) ?? null };
    } catch (error) {
      if (!(error instanceof ReferenceError) && !(error instanceof RangeError)) throw error;
      complain(node, `not YAML: ${short(error.message, 200)}`);
      return undefined;
    }
  };

  const readSections = (node: Node | null, prefix: string): Setting[] => {
    const settings: Setting[] = [];
    for (const section of uniquePairs(node)) {
      if (problems.length >= MOST_PROBLEMS) break;
      if (prefix === '' && (section.name === 'extends' || section.name === 'portable')) continue;
      if (!table.sections.includes(section.name)) {
        problems.push(unknownKey(section.name, at(section.key).place, table));
      } else if (!isMapping(section.value)) {
        complain(section.key, `${prefix}${short(section.name)}: expected keys of its own, indented below it`);
      } else {
        for (const { name, key, value } of uniquePairs(section.value)) {
          const { line, place } = at(key);
          const path = `${section.name}.${name}`;
          if (problems.length >= MOST_PROBLEMS) break;
          const found = toValue(value);
          if (!found) continue;
          const setting = { path, value: found.value, origin: line, where: place };
          const problem = settingProblem(setting, table);
          if (problem) problems.push(problem);
          else settings.push(setting);
        }
      }
    }
    return settings;
  };

  const top = pairs(doc.contents);
  const base = top.find((p) => p.name === 'extends');
  const parent = base ? readParent(base.value) : nothing;
  const own = readSections(doc.contents, '');
  const portable = top.find((p) => p.name === 'portable');
  if (portable && !isMapping(portable.value)) complain(portable.key, 'portable: expected sections, indented below it');
  const ownPortable = portable ? readSections(portable.value, 'portable.') : [];
  return { layers: [...parent.layers, own], portable: [...parent.portable, ownPortable] };

  function readParent(node: Node | null): ConfigLayers {
    const name = toValue(node)?.value;
    if (typeof name !== 'string') {
      complain(node ?? base?.key, 'extends: expected the name of one file or preset');
      return nothing;
    }
    try {
      const parentFile = findConfig(name, dirname(file), root, presets);
      if (parentFile === file || chain.includes(parentFile)) {
        complain(node, `extends: ${short(name)} extends this file in turn`);
        return nothing;
      }
      return readConfigFile(parentFile, root, problems, kind, [...chain, file]);
    } catch (e) {
      if (!(e instanceof ConfigError)) throw e;
      complain(node, `extends: ${e.message}; ${e.fix}`);
      return nothing;
    }
  }
}

/** The parsed document, or undefined when it cannot be used at all. */
function parseYaml(
  file: string,
  lineCounter: LineCounter,
  problems: string[],
  sections: readonly string[],
): Document.Parsed | undefined {
  const name = displayName(file);
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) {
      problems.push(`${name}: ${size} bytes: this is no configuration file`);
      return undefined;
    }
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (e) {
    problems.push(`${name}: cannot be read: ${e instanceof TypeError ? 'not UTF-8 text' : (e as Error).message}`);
    return undefined;
  }
  // uniqueKeys would compare each key with each: readConfigFile looks for those that are given twice.
  const doc = parseDocument(text, { version: '1.2', lineCounter, prettyErrors: false, uniqueKeys: false });
  for (const error of doc.errors.slice(0, MOST_SYNTAX_PROBLEMS)) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    problems.push(`${name}:${line}:${col}: ${syntaxProblem(text, error)}`);
  }
  if (doc.errors.length > 0) return undefined;
  if (doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null)) {
    problems.push(`${name}: empty: it sets no key`);
    return undefined;
  }
  if (!isMap(doc.contents)) {
    problems.push(`${name}:1:1: expected sections with keys (${sections.join(', ')})`);
    return undefined;
  }
  return doc;
}

function syntaxProblem(
  text: string,
  { code, message, pos }: { code: string; message: string; pos: readonly number[] },
): string {
  if (message.startsWith('Maximum call stack')) return 'not YAML: nested too deeply';
  const lineStart = text.lastIndexOf('\n', (pos[0] ?? 0) - 1) + 1;
  const indent = /^\s*/.exec(text.slice(lineStart))![0];
  if (code === 'TAB_AS_INDENT' || indent.includes('\t')) return 'a tab: YAML is indented with spaces';
  return `not YAML: ${short(message, 200)}`;
}

/** The name of a file as messages show it: relative to the working directory where it lies below that. */
export function displayName(file: string): string {
  const name = relative(process.cwd(), file);
  return name.startsWith('..') ? file : name;
}
