// The commands of evaluation data: data import, data get and data list.

import type { Command } from 'commander';
import type { DataGetOptions, DataImportOptions, DataListOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start, whole } from './command.js';

const OUT = 'data root to write to (default: GPT_DATA, else data/sets, where gpt eval looks by itself)';

/** gpt data */
export function data(program: GptCommand, start: Start): void {
  const group = program.command('data').about('Data sets for gpt eval: convert, fetch, list.', [
    ['gpt data list', 'what is known, and where it is'],
    ['gpt data import piqa downloads/piqa', 'from files that you have'],
    ['gpt data get nyu-mll/glue rte', 'from the Hugging Face hub'],
  ]);
  group
    .command('import')
    .about('Convert a published data set into what task files of lm-evaluation-harness ask for.', [
      ['gpt data import rte downloads/rte', 'a folder with train.tsv, dev.tsv, test.tsv'],
      ['gpt data import lambada lambada_test.jsonl', 'one file of a set'],
      ['gpt data import piqa piqa/ --train-rows 900', 'demonstrations out of validation'],
    ])
    .argument('<name>', 'data set: gpt data list names them')
    .argument('<source>', 'folder of the files as their authors publish them, or one of the files')
    .option('--out <root>', OUT)
    .option('--train-rows <n>', 'of a set without a train split: so many rows of validation become it', whole(1))
    .option('--overwrite', 'write files anew that are there', false)
    .action((name: string, source: string, _, command: Command) => {
      const { out, trainRows, overwrite } = command.opts<DataImportOptions>();
      return start('data', { ...globals(command), action: 'import', name, source, out, trainRows, overwrite });
    });
  group
    .command('get')
    .about('Fetch a data set from the Hugging Face hub; says size and licence first. Goes on where it broke off.', [
      ['gpt data get nyu-mll/glue rte', 'dataset_path and dataset_name of a task file'],
      ['gpt data get baber/piqa --dry-run', 'only what it is'],
      ['gpt data get piqa --split validation', 'by the name that gpt data list has'],
    ])
    .argument('<path>', 'data set: dataset_path of a task file')
    .argument('[name]', 'dataset_name of the task file, if it has one')
    .option('--split <name...>', 'only these splits')
    .option('--out <root>', OUT)
    .option('--hub <url>', 'address of the hub (default: GPT_HUB, else https://huggingface.co)')
    .option('--dry-run', 'show size and licence, and stop', false)
    .option('--overwrite', 'fetch files anew that are there', false)
    .action((path: string, name: string | undefined, _, command: Command) => {
      const { split, out, hub, dryRun, overwrite } = command.opts<DataGetOptions>();
      const options = { path, name, split, out, hub, dryRun, overwrite };
      return start('data', { ...globals(command), action: 'get', ...options });
    });
  group
    .command('list')
    .about('Show the data sets that gpt knows, their licences, and where they are.', [
      ['gpt data list --data-root ../shared/data', ''],
    ])
    .option('--data-root <dir...>', 'folders to look into (default: GPT_DATA), before data/sets', [])
    .action((_, command: Command) => {
      const { dataRoot } = command.opts<DataListOptions>();
      return start('data', { ...globals(command), action: 'list', dataRoot });
    });
  for (const command of group.commands) command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
}
