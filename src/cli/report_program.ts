// What shows a run: gpt report, gpt watch.

import type { Command } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start, whole } from './command.js';

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

/** gpt watch */
export function watch(program: GptCommand, start: Start): void {
  program
    .command('watch')
    .about('Show the report of a run in the browser, live while it trains.', [
      ['gpt watch', 'the newest run in checkpoints/'],
      ['gpt watch checkpoints/my-run', 'before, during or after it'],
      ['gpt watch checkpoints/my-run --port 6008', 'e.g. for ssh -L 6008:127.0.0.1:6008'],
    ])
    .argument('[folder]', 'run folder (default: the newest one in checkpoints/)')
    .option('--port <n>', 'port on 127.0.0.1 (default: any free one)', whole(1, 65535))
    .action((dir: string | undefined, _, command: Command) => {
      const { port } = command.opts<Partial<CommandOptions['watch']>>();
      return start('watch', { ...globals(command), dir, port: port ?? 0 });
    });
}
