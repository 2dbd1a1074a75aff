// From a file and flags to a checked configuration in which every value knows where it came from.
//
//   defaults of the schema  <  extended files  <  the file  <  their `portable` parts, where asked  <  flags
//   a resumed run: the configuration that its checkpoint holds  <  flags
//
// Of an exclusive set (max_steps, max_tokens, max_epochs) the last source wins whole: --train.max_steps on the command
// line replaces the file's max_tokens. Every problem is reported at once, with its place.

import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { checkFinetune, checkRun, EXCLUSIVE, type Problem } from './checks.js';
import { displayName, type FileKind, findConfig, presetNames, readConfigFile } from './config_file.js';
import { commentedConfig } from './document.js';
import { readFlags } from './flags.js';
import { FINETUNE_KEYS, PRETRAIN_KEYS } from './keys.js';
import { FinetuneConfig, RunConfig } from './schema.js';
import { type Setting, settingProblem } from './settings.js';

/** What to load. */
export interface LoadOptions {
  /** A YAML file, or a preset's name; without it, defaults and flags only. */
  readonly file?: string | undefined;
  /** Instead of a file: the resolved configuration and origins of the run that is resumed. */
  readonly stored?: StoredConfig | undefined;
  /** Below the file and the flags: what the checkpoint says that a run starts from. */
  readonly base?: StoredConfig | undefined;
  /** Dotted flags, as typed: ['--train.max_steps', '100']. */
  readonly flags: readonly string[];
  /** Apply the files' `portable` parts: there are no native kernels. */
  readonly portable?: boolean | undefined;
  /** What must still be given on the command line may be missing: it is shown, and nothing is run. */
  readonly incomplete?: boolean | undefined;
  /** The folder that holds configs/; by default the package's own. */
  readonly root?: string | undefined;
}

/** The configuration of a run that is resumed, as its checkpoint holds it. */
export interface StoredConfig {
  readonly config: Json;
  readonly origins: Readonly<Record<string, string>>;
  /** The file that holds it, for messages. */
  readonly file?: string | undefined;
}

/** A checked configuration. */
export interface LoadedConfig<C = RunConfig> {
  readonly run: C;
  /** The file as messages show it; undefined without one. */
  readonly file: string | undefined;
  /** The file's name without folder and extension; "run" without a file. */
  readonly name: string;
  /** Where the value of "train.max_steps" came from: "configs/mini.yaml:19", "--train.max_steps" or "default". */
  origin(path: string): string;
  /** The origin of every key that has a value. */
  origins(): Record<string, string>;
  /** The resolved configuration as YAML that loads again, each line with its origin. */
  print(): string;
}

/** The folder that holds gpt's own configs/. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `gpt pretrain` or `gpt finetune` reads. */
interface Kind<C> extends FileKind {
  readonly parse: (sections: unknown) => C;
  readonly check: (run: C) => Problem[];
}

/** A command that reads a configuration. */
export type ConfigCommand = 'pretrain' | 'finetune';

/** Where the presets of each are. */
export const PRESET_FOLDERS: Readonly<Record<ConfigCommand, string>> = {
  pretrain: 'configs',
  finetune: 'configs/finetune',
};

const PRETRAIN: Kind<RunConfig> = {
  table: PRETRAIN_KEYS,
  presets: PRESET_FOLDERS.pretrain,
  parse: (sections) => RunConfig.parse(sections),
  check: checkRun,
};

const FINETUNE: Kind<FinetuneConfig> = {
  table: FINETUNE_KEYS,
  presets: PRESET_FOLDERS.finetune,
  parse: (sections) => FinetuneConfig.parse(sections),
  check: checkFinetune,
};

/** The names of gpt's own presets: of pretraining, or of fine-tuning. */
export const presets = (command: ConfigCommand = 'pretrain'): string[] =>
  presetNames(PACKAGE_ROOT, PRESET_FOLDERS[command]);

/** Loads and checks. Throws ConfigError (exit 2) that lists everything that is wrong; DataError for damaged `stored`. */
export const loadConfig = (options: LoadOptions): LoadedConfig => load(options, PRETRAIN);

/** The same for a supervised task. */
export const loadFinetuneConfig = (options: LoadOptions): LoadedConfig<FinetuneConfig> => load(options, FINETUNE);

function load<C extends object>(
  { file, stored, base, flags, portable = false, incomplete = false, root = PACKAGE_ROOT }: LoadOptions,
  kind: Kind<C>,
): LoadedConfig<C> {
  const problems: string[] = [];
  const path = file === undefined ? undefined : findConfig(file, process.cwd(), root, kind.presets);
  const read = path === undefined ? { layers: [], portable: [] } : readConfigFile(path, root, problems, kind);
  const below = base === undefined ? [] : [storedSettings(base, kind)];
  const before = stored === undefined ? [...below, ...read.layers] : [storedSettings(stored, kind)];
  const settings = merge([...before, ...(portable ? read.portable : []), readFlags(flags, problems, kind.table)]);
  const run = kind.parse(sectionsOf(settings));
  const shownFile = path === undefined ? stored?.file : displayName(path);
  const origin = (key: string): string => settings.get(key)?.origin ?? 'default';

  const alone = problems.length === 0;
  for (const { path: key, what, reads } of kind.check(run)) {
    if (incomplete && configValue(run, key.split('.') as [string, string]) === undefined) continue;
    // Beside other problems a rule is judged only on keys that are stated: a misspelt n_ctx must not also be
    // reported as a batch that does not fit the default n_ctx.
    if (!alone && !reads.every((k) => settings.has(k))) continue;
    const where = settings.get(key)?.where ?? shownFile;
    problems.push(`${where === undefined ? '' : `${where}: `}${key}: ${what}`);
  }
  if (problems.length > 0) throw configError(problems);

  return {
    run,
    file: path === undefined ? undefined : shownFile,
    name: path === undefined ? 'run' : basename(path, extname(path)),
    origin,
    origins: () =>
      Object.fromEntries(
        [...kind.table.keys.values()]
          .filter((k) => configValue(run, [k.section, k.name]) !== undefined)
          .map((k) => [k.path, origin(k.path)]),
      ),
    print: () => commentedConfig(run, origin, kind.table),
  };
}

/** The settings of a stored configuration: every key that it does not leave to the default. */
function storedSettings({ config, origins, file = 'the checkpoint' }: StoredConfig, { table }: FileKind): Setting[] {
  const sections = config as Record<string, Record<string, unknown>>;
  const settings = [...table.keys.values()].flatMap(({ path, section, name }) => {
    const value = sections[section]?.[name];
    const origin = origins[path] ?? 'default';
    return value === undefined || origin === 'default' ? [] : [{ path, value, origin, where: file }];
  });
  const problem = settings.map((setting) => settingProblem(setting, table)).find((found) => found !== undefined);
  if (problem !== undefined) throw new DataError(problem, 'use another checkpoint');
  return settings;
}

const configValue = (run: object, [section, name]: readonly [section: string, name: string]): unknown =>
  (run as Record<string, Record<string, unknown>>)[section]?.[name];

/** Later layers win. Setting one key of an exclusive set unsets the others of earlier layers. */
function merge(layers: readonly (readonly Setting[])[]): Map<string, Setting> {
  const merged = new Map<string, Setting>();
  for (const layer of layers) {
    for (const { path } of layer) {
      for (const set of EXCLUSIVE) if (set.includes(path)) for (const other of set) merged.delete(other);
    }
    for (const setting of layer) merged.set(setting.path, setting);
  }
  return merged;
}

/** Section -> key -> value. */
function sectionsOf(settings: ReadonlyMap<string, Setting>): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const { path, value } of settings.values()) {
    const [section, name] = path.split('.') as [string, string];
    sections[section] = { ...sections[section], [name]: value };
  }
  return sections;
}

function configError(problems: readonly string[]): ConfigError {
  const what =
    problems.length === 1
      ? problems[0]!
      : `${problems.length} problems in the configuration:\n${problems.map((p) => `  ${p}`).join('\n')}`;
  return new ConfigError(what, 'docs/config.md lists every key with its type, default and meaning');
}
