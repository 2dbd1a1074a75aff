// gpt completion: the command tree as a script for a shell, or as a man page.

import { Argument, type Command, type Option } from 'commander';
import type { CommandOption, CommandTree, CompletionOptions } from '../commands/options.js';
import { GptCommand, globals, type Start } from './command.js';

/** gpt completion. The last one: it describes all the others. */
export function completion(program: GptCommand, start: Start): void {
  const group = program
    .command('completion')
    .about('Print a script that completes commands, options, presets and config keys.', [
      ['gpt completion bash > ~/.local/share/bash-completion/completions/gpt', ''],
      ['gpt completion zsh > ~/.zfunc/_gpt', ''],
      ['gpt completion fish > ~/.config/fish/completions/gpt.fish', ''],
      ['gpt completion man > gpt.1; man ./gpt.1', ''],
    ])
    .addArgument(new Argument('<shell>', 'bash, zsh, fish, or man').choices(['bash', 'zsh', 'fish', 'man']))
    .addHelpText(
      'after',
      [
        '',
        'A new shell then completes. The script holds everything, and no program runs',
        'while you type: print it again after an update of gpt.',
        '  bash  without the package bash-completion, say in ~/.bashrc:',
        '        eval "$(gpt completion bash)"',
        '  zsh   say in ~/.zshrc: fpath=(~/.zfunc $fpath); autoload -U compinit; compinit',
        '  man   a folder man1/ of your MANPATH makes it `man gpt`',
      ].join('\n'),
    );
  group.action((shell: CompletionOptions['shell'], _, command: Command) =>
    start('completion', { ...globals(command), shell, tree: describe(program, 'gpt') }),
  );
}

/** The tree below a command, without what is hidden. */
export function describe(command: Command, path: string): CommandTree {
  const root = command.parent === null;
  const help = root ? [HELP] : [];
  const own = command.commands.map((child) => describe(child, `${path} ${child.name()}`));
  const commands = root ? [...own, helpCommand(path, command)] : own;
  return {
    path,
    summary: command.summary(),
    description: command.description(),
    usage: `${path} ${command.usage()}`,
    args: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      variadic: argument.variadic,
      choices: argument.argChoices ?? [],
      description: argument.description,
    })),
    options: [...command.options.filter(({ hidden }) => !hidden).map(describeOption), ...help],
    takesKeys: command instanceof GptCommand && command.configFlags !== null,
    commands,
  };
}

/** commander's own. */
const helpCommand = (path: string, { commands }: Command): CommandTree => ({
  ...{ path: `${path} help`, usage: `${path} help [command]`, description: '', takesKeys: false },
  ...{ summary: 'Show the help of a command.', options: [], commands: [] },
  args: [{ name: 'command', variadic: false, choices: commands.map((child) => child.name()), description: '' }],
});

const HELP: CommandOption = {
  ...{ names: ['-h', '--help'], flags: '-h, --help', description: 'show help' },
  ...{ value: null, variadic: false, choices: [] },
};

function describeOption(option: Option): CommandOption {
  const { short, long, flags, description, variadic, argChoices } = option;
  return {
    names: [short, long].filter((name) => name !== undefined),
    value: /[<[]([\w-]+)/.exec(flags)?.[1] ?? null,
    flags,
    variadic,
    choices: argChoices ?? [],
    description,
  };
}
