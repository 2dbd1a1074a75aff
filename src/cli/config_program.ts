// gpt config: the configurations that there are, and what one says in full.

import type { Command } from 'commander';
import { type GptCommand, globals, type Start } from './command.js';

/** gpt config */
export function config(program: GptCommand, start: Start): void {
  const group = program.command('config').about('Show configurations: presets and files.', [
    ['gpt config list', 'presets, with their sizes'],
    ['gpt config show gpt2-124m', 'every setting and its origin'],
  ]);
  const show = group
    .command('show')
    .about('Show every setting and where it came from, as YAML that loads again.', [
      ['gpt config show gpt2-124m', ''],
      ['gpt config show gpt2-124m --train.max_steps 9 > my.yaml', ''],
      ['gpt config show rte', 'of gpt finetune'],
      ['gpt config show my.yaml --json', ''],
    ])
    .usage('<config> [options] [--section.key value ...]')
    .argument('<config>', 'YAML file, or the name of a preset in configs/ or configs/finetune/');
  show.configFlags = [];
  show.action((name: string) =>
    start('config', { ...globals(show), action: 'show', config: name, flags: show.configFlags ?? [] }),
  );
  group
    .command('list')
    .about('Show the presets of gpt pretrain with their sizes, and those of gpt finetune.', [['gpt config list', '']])
    .action((_, command: Command) => start('config', { ...globals(command), action: 'list' }));
  for (const command of group.commands) command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
}
