// What can stand at each place of a command line: the command tree, with the names of presets and config keys filled in.
// The scripts of the shells are made of this, and complete without starting gpt.

import { FINETUNE_KEYS, PRETRAIN_KEYS } from '../../config/keys.js';
import { presets } from '../../config/load.js';
import type { CommandTree } from '../options.js';

/** What completes a value: words, and names of files. */
export interface Words {
  readonly words: readonly string[];
  readonly files: 'none' | 'all' | 'yaml' | 'folders';
}

export interface CompletedOption extends Words {
  readonly names: readonly string[]; // "-q", "--quiet"
  readonly takes: 'nothing' | 'one' | 'many';
  readonly value: string; //            name of the value
  readonly what: string;
}

export interface CompletedArgument extends Words {
  readonly name: string;
  readonly variadic: boolean;
}

export interface CompletedCommand {
  readonly path: string; //             "gpt data get"
  readonly name: string; //             "get"
  readonly what: string;
  readonly commands: readonly { readonly name: string; readonly what: string }[];
  readonly options: readonly CompletedOption[]; // those of all commands included
  readonly args: readonly CompletedArgument[];
  readonly keys: readonly CompletedOption[]; //    dotted config flags
}

/** Every command of the tree, the root first. */
export function completedCommands(root: CommandTree): CompletedCommand[] {
  const everywhere = root.options.filter(({ names }) => !names.includes('--version'));
  const walk = (tree: CommandTree): CompletedCommand[] => [
    {
      path: tree.path,
      name: tree.path.split(' ').at(-1)!,
      what: tree.summary,
      commands: tree.commands.map(({ path, summary }) => ({ name: path.split(' ').at(-1)!, what: summary })),
      options: (tree === root ? root.options : [...tree.options, ...everywhere]).map((option) => ({
        names: option.names,
        takes: option.value === null ? 'nothing' : option.variadic ? 'many' : 'one',
        value: option.value ?? '',
        what: option.description,
        ...(option.value === null ? NOTHING : wordsOf(tree.path, option.value, option.choices, 'none')),
      })),
      args: tree.args.map(({ name, variadic, choices }) => ({
        ...{ name, variadic },
        ...wordsOf(tree.path, name, choices, 'all'),
      })),
      keys: tree.takesKeys ? keysOf(tree.path) : [],
    },
    ...tree.commands.flatMap(walk),
  ];
  return walk(root);
}

const NOTHING: Words = { words: [], files: 'none' };

// By the name of the value, as the help shows it.
const FILES: Readonly<Record<string, Words['files']>> = {
  ...{ dir: 'folders', root: 'folders', folder: 'folders', checkpoint: 'folders' },
  ...{ file: 'all', path: 'all', tokenizer: 'all' },
  ...{ name: 'none', names: 'none', n: 'none', url: 'none' },
};

function wordsOf(path: string, name: string, choices: readonly string[], otherwise: Words['files']): Words {
  if (choices.length > 0) return { words: choices, files: 'none' };
  if (name === 'config' || name === 'preset') return { words: presetsOf(path), files: 'yaml' };
  return { words: [], files: FILES[name] ?? otherwise };
}

const presetsOf = (path: string): string[] => [
  ...(path === 'gpt finetune' ? [] : presets('pretrain')),
  ...(path === 'gpt finetune' || path.startsWith('gpt config') ? presets('finetune') : []),
];

/** Dotted flags. gpt finetune takes those of gpt pretrain with --task lm. */
function keysOf(path: string): CompletedOption[] {
  const both = path === 'gpt finetune' || path.startsWith('gpt config');
  const keys = new Map([...(both ? FINETUNE_KEYS.keys : []), ...PRETRAIN_KEYS.keys]);
  return [...keys.values()].map(({ path: key, choices, meaning, type }) => ({
    names: [`--${key}`],
    takes: 'one',
    value: 'value',
    what: meaning,
    words: choices,
    files: /^text|list of \(text/.test(type) && /path|tasks_dir|data_root/.test(key) ? 'all' : 'none',
  }));
}
