// The commands of fine-tuned tasks: finetune and predict.

import { type Command, Option } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { COLUMN_KEYS, columnsOf, compute, type GptCommand, ON_BAD_ROW, type Start, whole } from './command.js';

/** Options of finetune that are short for a config key. */
const TASK_KEYS: readonly [flags: string, key: string, what: string][] = [
  ['--val <path...>', 'data.val', 'held-out examples (default: a dev file beside, else a share of the data)'],
  ['--val-split <x>', 'data.val_split', 'share of the data that is held out'],
  ['--test <path...>', 'data.test', 'examples that are scored once, at the end'],
  ['--format <name>', 'data.format', 'of the files: rows, sst2, cola, rte, sick, stsb, mrpc, copa, cosmosqa'],
  ...COLUMN_KEYS,
  ['--on-bad-row <what>', 'data.on_bad_row', 'fail, or skip and count'],
  ['--readout <how>', 'finetune.readout', 'of similarity: pair or cosine'],
  ['--objective <what>', 'finetune.objective', 'of similarity: classes or regression'],
  ['--init <weights>', 'finetune.init', 'pretrained, or random'],
  ['--precision <p>', 'train.precision', 'of the matrix products'],
  ['--max-minutes <n>', 'train.max_minutes', 'save and stop after so many minutes'],
];

/** gpt finetune */
export function finetune(program: GptCommand, start: Start): void {
  const command = program
    .command('finetune')
    .about('Teach a trained model a task from labelled examples, as GPT-1 does, or more text (--task lm).', [
      ['gpt finetune checkpoints/my-run --task classification --data sst2/', ''],
      ['gpt finetune checkpoints/my-run --task similarity --data stsb/', ''],
      ['gpt finetune checkpoints/my-run rte --data rte/ --test rte/test.tsv', ''],
      ['gpt finetune checkpoints/my-run sst2 --data sst2/ --ablation', ''],
      ['gpt finetune checkpoints/my-run --task lm --data b.txt --lora.r 8', ''],
      ['gpt finetune --resume checkpoints/my-run-rte', ''],
    ])
    .usage('<checkpoint> [config] [options] [--section.key value ...]')
    .argument('[checkpoint]', 'run folder, step folder or Hugging Face folder of a pretrained model')
    .argument('[config]', 'YAML file, or the name of a preset in configs/finetune/')
    .addOption(
      new Option(
        '--task <form>',
        'what to learn (config key finetune.task; lm: language modelling on plain text)',
      ).choices(['classification', 'entailment', 'similarity', 'multiple-choice', 'lm']),
    )
    .option('--data <path...>', 'examples: a file, or a folder with train and dev files (config key data.train)')
    .option('--out <dir>', 'folder of the run (default: checkpoints/<run>-<config or task>)')
    .option('--resume <dir>', 'go on with the run in this folder, exactly')
    .option('--ablation', 'three runs side by side: pretrained, without the LM loss, from scratch')
    .option('--seeds <n>', 'runs of each variant of an ablation', whole(1), 1)
    .option('--dry-run', 'read and check everything, describe the data, and stop')
    .option('--print-config', 'show every setting and where it came from, and stop')
    .compute();
  for (const [flags, key, what] of TASK_KEYS) command.option(flags, `${what} (config key ${key})`);
  command.configFlags = [];
  command.action(async (checkpoint: string | undefined, config: string | undefined) => {
    const given = command.optsWithGlobals<Partial<CommandOptions['finetune']> & Record<string, unknown>>();
    if (checkpoint === undefined && given.resume === undefined) {
      command.error(
        'error: no checkpoint given\n(gpt finetune checkpoints/my-run --task classification --data FILE, or --resume <dir>)',
      );
    }
    if (checkpoint !== undefined && given.resume !== undefined) {
      command.error('error: --resume goes on from its own checkpoint: give no other');
    }
    await start('finetune', {
      ...compute(command),
      checkpoint,
      config,
      task: given.task,
      data: given.data,
      out: given.out,
      resume: given.resume,
      ablation: given.ablation ?? false,
      seeds: given.seeds ?? 1,
      printConfig: given.printConfig ?? false,
      dryRun: given.dryRun ?? false,
      flags: [...taskFlags(command, given.task), ...(command.configFlags ?? [])],
    });
  });
}

/** Short options as the config flags that they stand for; those of language modelling are pretraining's. */
function taskFlags(command: Command, task: string | undefined): string[] {
  const given = { ...command.opts<Record<string, string | string[]>>() };
  const nameOf = (flags: string) => /^--([\w-]+)/.exec(flags)![1]!.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());
  const answers = given['answers'] as string[] | undefined; // one column is a list too
  if (answers !== undefined) given['answers'] = JSON.stringify(answers);
  const short = TASK_KEYS.flatMap(([flags, key]) =>
    [given[nameOf(flags)] ?? []].flat().flatMap((value) => [`--${task === 'lm' ? (LM_KEYS[key] ?? key) : key}`, value]),
  );
  if (task === 'lm') return short;
  return [
    ...(task === undefined ? [] : ['--finetune.task', task]),
    ...[given['data'] ?? []].flat().flatMap((path) => ['--data.train', path]),
    ...short,
  ];
}

const LM_KEYS: Readonly<Record<string, string>> = {
  'data.val': 'data.val_path',
  'data.val_split': 'data.val_fraction',
  'data.text': 'data.text_key',
};

/** gpt predict */
export function predict(program: GptCommand, start: Start): void {
  program
    .command('predict')
    .about('Labels and probabilities of new examples, by a fine-tuned model.', [
      ['gpt predict checkpoints/my-run-rte --data new.jsonl --out labels.jsonl', ''],
      ['gpt predict checkpoints/my-run-rte --data new.tsv > labels.jsonl', ''],
    ])
    .argument('<checkpoint>', 'run or step folder of a fine-tuned model')
    .requiredOption('--data <path...>', 'examples: the columns of the training data; labels are not needed')
    .option('--out <file>', 'what to write, one JSON line per example; it must not exist (default: standard output)')
    .option('--format <name>', 'of the files', 'auto')
    .columns()
    .addOption(ON_BAD_ROW())
    .compute()
    .action((checkpoint: string, _, command: Command) => {
      const { data, out, format, onBadRow } = command.opts<CommandOptions['predict']>();
      const columns = columnsOf(command);
      return start('predict', { ...compute(command), checkpoint, data, out, format, columns, onBadRow });
    });
}
