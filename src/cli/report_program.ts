// What shows a run: gpt report.

import type { Command } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start } from './command.js';

/** gpt report */
export function report(program: GptCommand, start: Start): void {
  program
    .command('report')
    .about('Write the report of a run again, or one report of several runs or evaluations.', [
      ['gpt report checkpoints/my-run', 'also while it trains, or after a kill'],
      ['gpt report a b --out compare.html', 'several runs on one page'],
      ['gpt report eval-a eval-b --out both', 'folders of gpt eval --tasks'],
    ])
    .argument('<folder...>', 'run folders, or folders of evaluations')
    .option('--out <path>', 'page of runs, FILE.html; new folder of evaluations')
    .action((dirs: string[], _, command: Command) => {
      const { out } = command.opts<CommandOptions['report']>();
      return start('report', { ...globals(command), dirs, out });
    });
}
