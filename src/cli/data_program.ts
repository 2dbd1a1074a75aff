// The commands of data: prepare, merge and check for text to train on; get, list and import.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DataGetOptions, DataImportOptions, DataListOptions, DataPrepareOptions } from '../commands/options.js';
import { type GptCommand, globals, real, type Start, whole } from './command.js';

const OUT = 'data root to write to (default: GPT_DATA, else data/sets, where gpt eval looks by itself)';

/** gpt data */
export function data(program: GptCommand, start: Start): void {
  const group = program.command('data').about('Text to train on, and sets for gpt eval: fetch, prepare, list.', [
    ["gpt data prepare 'corpus/**/*.jsonl' --out data/my", 'text to tokens'],
    ['gpt data get tinystories', 'from the Hugging Face hub'],
    ['gpt data list', 'what is known'],
    ['gpt data import piqa downloads/piqa', 'files for gpt eval'],
  ]);
  prepare(group, start);
  folder(group, start, 'merge', 'Join the parts of a folder that gpt data prepare --part has made.', [
    ['gpt data merge data/my', 'when all parts are done'],
  ]);
  folder(group, start, 'check', 'Read a prepared folder as a whole: every hash, every token.', [
    ['gpt data check data/my', ''],
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
    .about('Fetch text or a data set from the Hugging Face hub; says size and licence. Goes on where it broke off.', [
      ['gpt data get tinystories', 'text to pretrain on'],
      ['gpt data get nyu-mll/glue rte', 'as a task file names it'],
      ['gpt data get baber/piqa --dry-run', 'only what it is'],
      ['gpt data get piqa --split validation', 'by the name that gpt data list has'],
    ])
    .argument('<path>', 'a name of gpt data list, or dataset_path of a task file')
    .argument('[name]', 'dataset_name of the task file, if it has one')
    .option('--split <name...>', 'only these splits')
    .option('--out <root>', `${OUT}; of text: data/text`)
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
    .about('Show the text and data sets that gpt knows, their sizes and licences, and where they are.', [
      ['gpt data list --data-root ../shared/data', ''],
    ])
    .option('--data-root <dir...>', 'folders to look into (default: GPT_DATA), before data/sets', [])
    .action((_, command: Command) => {
      const { dataRoot } = command.opts<DataListOptions>();
      return start('data', { ...globals(command), action: 'list', dataRoot });
    });
  for (const command of group.commands) command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
}

function prepare(group: GptCommand, start: Start): void {
  group
    .command('prepare')
    .about('Make token shards of text, with a manifest. Goes on where it was interrupted.', [
      ["gpt data prepare 'corpus/**/*.jsonl' --tokenizer gpt2 --out data/my", ''],
      ['gpt pretrain gpt2-124m --data data/my', ''],
      ['gpt data prepare books/ --tokenizer tok.json --out data/books --dedup near', ''],
      ["gpt data prepare 'cc/*.zst' --out data/cc --part 3/8", ''],
      ['gpt data merge data/cc', ''],
    ])
    .argument('<text...>', '.txt .md .jsonl .json .csv .tsv (also .gz .zst) .parquet: files, folders, globs')
    .requiredOption('--out <dir>', 'folder for the shards')
    .option('--tokenizer <name>', 'gpt2, byte, a tokenizer.json, or a checkpoint folder', 'gpt2')
    .option('--text-key <key>', 'key or column of the text in rows', 'text')
    .option('--val-fraction <share>', 'share that is held out for validation', share, 0.01)
    .option('--shard-tokens <n>', 'tokens of a shard, at most', whole(1024, 2 ** 31 - 1), 100_000_000)
    .addOption(
      new Option(
        '--dedup <how>',
        'drop documents that were seen before: exact: the same but for case and white space; near: also those that share most 5-grams of words (MinHash, 14 bands of 8: finds 56 % of pairs with Jaccard similarity 0.7, 92 % at 0.8, 99.96 % at 0.9)',
      )
        .choices(['none', 'exact', 'near'])
        .default('none'),
    )
    .option('--part <i/n>', 'do the i-th of n parts of the files; gpt data merge joins them (default: all)', partOf)
    .option('--threads <n>', 'threads that encode (default: all cores)', whole(1))
    .action((data: string[], _, command: Command) => {
      const {
        out,
        tokenizer,
        textKey,
        valFraction,
        shardTokens,
        dedup,
        part = WHOLE,
        threads,
      } = command.opts<Omit<DataPrepareOptions, 'part'> & Partial<DataPrepareOptions>>();
      const options = { out, tokenizer, textKey, valFraction, shardTokens, dedup, part, threads };
      return start('data', { ...globals(command), action: 'prepare', data, ...options });
    });
}

function folder(
  group: GptCommand,
  start: Start,
  action: 'merge' | 'check',
  what: string,
  examples: readonly (readonly [string, string])[],
): void {
  group
    .command(action)
    .about(what, examples)
    .argument('<dir>', '--out of gpt data prepare')
    .action((dir: string, _, command: Command) => start('data', { ...globals(command), action, dir }));
}

const WHOLE = [1, 1] as const;

/** A share above 0 and below 1. */
function share(text: string): number {
  const value = real(0, 1)(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number above 0 and below 1.');
}

/** 3/8 */
function partOf(text: string): readonly [number, number] {
  const [, part, parts] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (part !== undefined && parts !== undefined && part >= 1 && part <= parts) return [part, parts];
  throw new InvalidArgumentError('It must be I/N, with I from 1 to N, such as 3/8.');
}
