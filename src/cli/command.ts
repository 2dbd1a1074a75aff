// What the commands of the tree share: how one describes itself, options that several have, and how values are read.

import { Command, InvalidArgumentError, Option, type ParseOptionsResult } from 'commander';
import type { ColumnOptions, CommandOptions, GlobalOptions } from '../commands/options.js';

/** Runs a command that has been parsed. */
export type Start = <K extends keyof CommandOptions>(name: K, options: CommandOptions[K]) => Promise<void>;

/** Splits dotted config flags, each with its value, from everything else; both keep their order. */
export function splitConfigFlags(argv: readonly string[]): { rest: string[]; flags: string[] } {
  const rest: string[] = [];
  const flags: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return { rest: [...rest, ...argv.slice(i)], flags };
    if (!/^--[A-Za-z]\w*\./.test(word)) {
      rest.push(word);
      continue;
    }
    flags.push(word);
    const next = argv[i + 1];
    const hasValue = !word.includes('=') && next !== undefined && !next.startsWith('--');
    if (hasValue) flags.push(argv[++i]!);
  }
  return { rest, flags };
}

type Example = readonly [command: string, what: string];

/** Options that name the columns of labelled files, with their config keys. */
export const COLUMN_KEYS: readonly [flags: string, key: string, what: string][] = [
  ['--text <column>', 'data.text', 'column of the text (classification)'],
  ['--first <column>', 'data.first', 'column of the premise or first text'],
  ['--second <column>', 'data.second', 'column of the hypothesis or second text'],
  ['--context <column>', 'data.context', 'column of the context (multiple choice)'],
  ['--question <column>', 'data.question', 'column of the question (multiple choice)'],
  ['--answers <column...>', 'data.answers', 'columns of the answers, or the one that lists them'],
  ['--label <column>', 'data.label', 'column of the label, score or right answer'],
];

export class GptCommand extends Command {
  /** Dotted flags in order; null: the command takes none. */
  configFlags: string[] | null = null;

  override createCommand(name: string): GptCommand {
    return new GptCommand(name);
  }

  override parseOptions(argv: string[]): ParseOptionsResult {
    if (this.configFlags === null) return super.parseOptions(argv);
    const { rest, flags } = splitConfigFlags(argv);
    this.configFlags.push(...flags);
    return super.parseOptions(rest);
  }

  /** One line on what it does, and examples right below it, above the options. */
  about(what: string, examples: readonly Example[]): this {
    const width = Math.max(0, ...examples.map(([command]) => command.length));
    const lines = examples.map(([command, note]) => (note ? `  ${command.padEnd(width)}   ${note}` : `  ${command}`));
    return this.summary(what).description([what, ...(lines.length > 0 ? ['\nExamples:'] : []), ...lines].join('\n'));
  }

  /** Options of commands that read labelled files for a model that was trained on others. */
  columns(): this {
    for (const [flags, , what] of COLUMN_KEYS) this.option(flags, `${what}, where it is not that of the training data`);
    return this;
  }

  /** Options of commands that compute. */
  compute(): this {
    return this.addOption(new Option('--backend <name>', 'where to compute').choices(BACKENDS).default('auto'))
      .option('--device <n>', 'which GPU', whole(0))
      .option('--threads <n>', 'CPU threads (default: all cores)', whole(1));
  }
}

export const PRECISIONS = ['fp32', 'tf32', 'bf16', 'auto'];
const BACKENDS = ['auto', 'cuda', 'native', 'tensorflow', 'webgpu', 'wasm', 'cpu'];

/** The columns that options name. */
export function columnsOf(command: Command): ColumnOptions {
  const { text, first, second, context, question, answers, label } = command.opts<ColumnOptions>();
  const given = Object.entries({ text, first, second, context, question, answers, label });
  return Object.fromEntries(given.filter(([, name]) => name !== undefined));
}

export const ON_BAD_ROW = () =>
  new Option('--on-bad-row <what>', 'fail, or skip and count').choices(['fail', 'skip']).default('fail');

export function globals(command: Command): GlobalOptions {
  const {
    debug = false,
    quiet = false,
    json = false,
    color = 'auto',
  } = command.optsWithGlobals<Partial<GlobalOptions>>();
  return { debug, quiet, json, color };
}

export function compute(command: Command) {
  const { backend, device, threads } = command.opts<CommandOptions['bench']>();
  return { ...globals(command), backend, device, threads };
}

/** Of an option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** An integer from `least` to `most`. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || !Number.isSafeInteger(value) || value < least || value > most) {
      const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
      throw new InvalidArgumentError(`It must be an integer ${range}.`);
    }
    return value;
  };
}

/** A finite number from `least` to `most`. */
export function real(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most) {
      const range = Number.isFinite(most) ? `from ${least} to ${most}` : `of at least ${least}`;
      throw new InvalidArgumentError(`It must be a number ${range}.`);
    }
    return value;
  };
}
