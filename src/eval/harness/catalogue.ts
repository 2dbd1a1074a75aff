// All tasks, groups and tags of folders of task files, found by name.
//
// A folder of 13,879 files takes most of a minute to parse, so the index reads only the lines that say what a file is: task,
// group, tag, class and include at the left margin (scan). Where such a line is not plain the file is parsed. As in
// lm-evaluation-harness the first of two files with the same name wins, in the order of their paths, and a later folder wins
// over an earlier one; a file that cannot be read is not listed.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../base/errors.js';
import { nearest } from '../../config/spelling.js';
import {
  type AggregateMetric,
  GROUP_KEYS,
  groupConfig,
  loadTaskFile,
  type RawConfig,
  type TaskConfig,
  taskConfig,
} from './task_file.js';

/** A name that can be asked for. */
export interface Entry {
  readonly name: string;
  readonly kind: 'task' | 'group' | 'tag';
  /** Null for a tag. */
  readonly file: string | null;
  /** Of a tag: its tasks, sorted. */
  readonly tasks: readonly string[];
}

/** A task ready to be made a HarnessTask of. */
export interface LoadedTask {
  readonly kind: 'task';
  readonly name: string;
  readonly config: TaskConfig;
  readonly file: string;
}

/** A group with its members. */
export interface LoadedGroup {
  readonly kind: 'group';
  readonly name: string;
  readonly alias: string;
  readonly members: readonly Loaded[];
  readonly aggregate: readonly AggregateMetric[];
  readonly version: string | null;
}

export type Loaded = LoadedTask | LoadedGroup;

/** Tasks of a group and of the groups in it. */
export const tasksOf = (item: Loaded): LoadedTask[] => (item.kind === 'task' ? [item] : item.members.flatMap(tasksOf));

const within = (item: Loaded): string[] => [item.name, ...(item.kind === 'group' ? item.members.flatMap(within) : [])];

export class Catalogue {
  readonly #entries = new Map<string, Entry>();

  /** Throws ConfigError for a folder that is not there. */
  constructor(dirs: readonly string[]) {
    for (const dir of dirs) for (const entry of index(dir).values()) this.#entries.set(entry.name, entry);
  }

  /** All names, sorted. */
  get names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  get entries(): Entry[] {
    return this.names.map((name) => this.#entries.get(name)!);
  }

  /** The names that a pattern with * ? [abc] [!abc] matches. Throws ConfigError when there is none, with the nearest ones. */
  matching(asked: string): string[] {
    const pattern = wildcard(asked);
    const names = this.names.filter((name) => pattern.test(name));
    if (names.length === 0) throw this.#unknown(asked);
    return names;
  }

  find(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  /**
   * What is asked for: names of tasks, groups and tags, patterns with * ? [abc] [!abc], and paths of task files (.yaml). A tag
   * gives its tasks. GROUP::NAME is a task that stands in the file of its group alone. Throws ConfigError: an unknown name, a task that is asked for twice (as itself and in a group).
   */
  load(asked: readonly string[]): Loaded[] {
    const loaded = new Map<string, Loaded>();
    const source = new Map<string, string>(); // of every task: the item it came with
    for (const item of [...new Set(asked)].flatMap((name) => this.#loadOne(name))) {
      for (const { name } of tasksOf(item)) {
        const other = source.get(name);
        if (other !== undefined && other !== item.name) {
          throw new ConfigError(
            `task ${name} is asked for twice: with ${other} and with ${item.name}`,
            'ask for one of them',
          );
        }
        source.set(name, item.name);
      }
      loaded.set(item.name, item);
    }
    return [...loaded.values()];
  }

  #loadOne(asked: string): Loaded[] {
    if (/\.ya?ml$/.test(asked)) {
      const raw = loadTaskFile(asked);
      if ('group' in raw) return [this.#group(raw, path.resolve(asked), {})];
      if (typeof raw['task'] === 'string') return [this.#task(raw, path.resolve(asked))];
      throw new ConfigError(`${asked}: neither a task nor a group: it has no key task with a name`, 'give it one');
    }
    const [group = ''] = asked.split('::');
    if (asked !== group && this.#entries.get(group)?.kind === 'group') {
      const member = this.#loadOne(group)
        .flatMap(tasksOf)
        .filter(({ name }) => name === asked);
      if (member.length > 0) return member;
    }
    const names = this.matching(asked);
    const found = names.flatMap((name) => this.#build(this.#entries.get(name)!, {}));
    if (names.length === 1) return found;
    const members = new Set(found.flatMap((item) => (item.kind === 'group' ? item.members.flatMap(within) : [])));
    return found.filter((item) => !members.has(item.name)); // a pattern matches groups and what is in them
  }

  #unknown(name: string, where = ''): ConfigError {
    const near: string[] = [];
    const left = new Set(this.names);
    for (let hit = nearest(name, left); hit !== undefined && near.length < 3; hit = nearest(name, left)) {
      near.push(hit);
      left.delete(hit);
    }
    if (near.length === 0) near.push(...[...left].filter((other) => other.includes(name)).slice(0, 3));
    const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : 'gpt tasks list names them all';
    return new ConfigError(`${where}no task, group or tag is named ${name}`, hint);
  }

  #build(entry: Entry, overrides: RawConfig): Loaded[] {
    if (entry.kind === 'tag')
      return entry.tasks.flatMap((name) => this.#build(this.#entries.get(name)!, { ...overrides, task: name }));
    const raw = loadTaskFile(entry.file!);
    if (entry.kind === 'group') return [this.#group(raw, entry.file!, overrides)];
    return [this.#task({ ...raw, ...overrides, task: entry.name }, entry.file!)];
  }

  #task(raw: RawConfig, file: string): LoadedTask {
    const config = taskConfig(raw, file);
    return { kind: 'task', name: config.task, config, file };
  }

  #group(raw: RawConfig, file: string, overrides: RawConfig): LoadedGroup {
    const config = groupConfig(raw, file);
    const own = Object.fromEntries(Object.entries(raw).filter(([key]) => !GROUP_KEYS.has(key)));
    const forMembers = { ...own, ...overrides };
    const { version } = (config.metadata ?? {}) as { version?: unknown };
    const members = (config.task ?? []).flatMap((member) => this.#member(member, config.group, file, forMembers));
    if (members.length === 0) throw new ConfigError(`${file}: group ${config.group} has no tasks`, 'list them as task');
    return {
      kind: 'group',
      name: config.group,
      alias: config.group_alias ?? config.group,
      members,
      aggregate: config.aggregate_metric_list ?? [],
      version: version === undefined ? null : String(version),
    };
  }

  /** A member of a group: a name, or keys that override those of a task or group, or a whole task or group. */
  #member(member: string | RawConfig, group: string, file: string, overrides: RawConfig): Loaded[] {
    const keys: RawConfig = typeof member === 'string' ? { task: member } : member;
    const name = keys['group'] ?? keys['task'];
    if (typeof name !== 'string') {
      throw new ConfigError(
        `${file}: group ${group}: a member has neither task nor group with a name`,
        'name each member',
      );
    }
    const entry = this.#entries.get(name);
    const { group: _group, task: list, ...rest } = keys;
    const merged = { ...overrides, ...rest };
    if (entry !== undefined) return this.#build(entry, merged);
    if ('group' in keys) return [this.#group({ ...rest, task: list, group: `${group}::${name}` }, file, overrides)];
    if (Object.keys(rest).length === 0) throw this.#unknown(name, `${file}: group ${group}: `);
    return [this.#task({ ...merged, task: `${group}::${name}` }, file)];
  }
}

/** fnmatch: the whole name, letters as they are. */
function wildcard(pattern: string): RegExp {
  const source = pattern.replace(
    /\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (piece, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\[\]^]/g, '\\$&')}]`;
      return { '*': '[\\s\\S]*', '?': '[\\s\\S]' }[piece] ?? piece.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
    },
  );
  return new RegExp(`^${source}$`);
}

// ---- the index

interface Scan {
  readonly task?: unknown;
  readonly group?: unknown;
  readonly tag?: unknown;
  readonly class?: unknown;
}

function index(dir: string): Map<string, Entry> {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError(
      `${dir} is no folder of task files`,
      'for lm-evaluation-harness name its folder lm_eval/tasks',
    );
  }
  const entries = new Map<string, Entry>();
  const scans = new Map<string, Scan>();
  for (const file of yamlFiles(path.resolve(dir))) {
    const { task, group, tag, ...rest } = scanned(file, scans) ?? {};
    const kind = 'class' in rest || group === undefined ? 'task' : 'group';
    const name = kind === 'task' ? task : group;
    if (typeof name !== 'string' || entries.has(name)) continue;
    entries.set(name, { name, kind, file, tasks: [] });
    if (kind === 'group') continue;
    for (const label of Array.isArray(tag) ? tag : [tag]) {
      if (typeof label !== 'string') continue;
      const entry = entries.get(label) ?? { name: label, kind: 'tag', file: null, tasks: [] };
      if (entry.kind === 'tag') entries.set(label, { ...entry, tasks: [...new Set([...entry.tasks, name])].sort() });
    }
  }
  return entries;
}

/** Files *.yaml of a folder and the folders in it, in the order of their paths. */
function yamlFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((file) => file.name.endsWith('.yaml') && !file.isDirectory())
    .map((file) => path.join(file.parentPath, file.name))
    .filter((file) => !/[\\/](?:__pycache__|\.ipynb_checkpoints)[\\/]/.test(file))
    .sort();
}

const KEY =
  /^(?:(["']?)(task|group|tag|class|include)\1[ \t]*:(?:[ \t]+(.*))?|["']?(?:task|group|tag|class|include)\b.*)$/gm;

/** What a file is, with what it includes; null where it cannot be read. */
function scanned(file: string, scans: Map<string, Scan>): Scan | null {
  const known = scans.get(file);
  if (known !== undefined) return known;
  let found: Scan;
  try {
    const text = readFileSync(file, 'utf8');
    const keys = quickScan(text) ?? loadTaskFile(file);
    const { include, ...own } = keys as Record<string, unknown>;
    const included = include === undefined ? [] : Array.isArray(include) ? include : [include];
    const scan = included.map((name) => scanned(path.resolve(path.dirname(file), String(name)), scans));
    if (scan.includes(null)) return null;
    found = Object.assign({}, ...scan, own);
  } catch {
    return null;
  }
  scans.set(file, found);
  return found;
}

/** The keys of KEY, read line by line; null where that may go wrong: the file must then be parsed. */
function quickScan(text: string): Record<string, unknown> | null {
  const found: Record<string, unknown> = {};
  for (const match of text.matchAll(KEY)) {
    const [line, , key, rest = ''] = match;
    if (key === undefined || key in found) return null;
    const value = rest.replace(/\s+#.*$/, '').trim();
    if (key === 'class') found[key] = value;
    else if (key === 'task' && value === '')
      found[key] = []; // a group's members: read when the group is used
    else {
      const block = value === '' || value.startsWith('#');
      const name = block ? plainList(text.slice(match.index + line.length + 1)) : plainName(value);
      if (name === null) return null;
      found[key] = name;
    }
  }
  return found;
}

/** The items of a list, one a line, that the text begins with; null where they are not plain names. */
function plainList(text: string): string[] | null {
  const names: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const item = /^[ \t]*-[ \t]+(.*)$/.exec(line)?.[1];
    if (item === undefined) return /^\S/.test(line) && names.length > 0 ? names : null;
    const name = plainName(item.replace(/\s+#.*$/, '').trim());
    if (name === null) return null;
    names.push(name);
  }
  return names.length > 0 ? names : null;
}

/** A name without or in plain quotes that no reading of YAML takes for anything but text. */
function plainName(value: string): string | null {
  const quoted = /^(["'])([^"'\\]*)\1$/.exec(value);
  if (quoted) return quoted[2]!;
  if (!/^[A-Za-z_][\w./+()-]*$/.test(value)) return null;
  return /^(?:yes|no|true|false|on|off|null)$/i.test(value) ? null : value;
}
