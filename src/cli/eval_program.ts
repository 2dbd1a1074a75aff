// The commands that measure models: eval, and tasks, which shows what eval would ask.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandOptions, Shots, TaskSource } from '../commands/options.js';
import { collect, columnsOf, compute, type GptCommand, globals, ON_BAD_ROW, type Start, whole } from './command.js';

// Options that mean nothing without tasks, and nothing with them.
const OF_TASKS = [
  ...[
    'shots',
    'limit',
    'protocol',
    'demonstrations',
    'seed',
    'bootstrap',
    'contamination',
    'logSamples',
    'plot',
    'out',
  ],
  ...['tasksDir', 'dataRoot', 'trainRows'],
];
const OF_TEXTS = ['window', 'stride', 'detokenize', 'textKey', 'batch'];

/** gpt eval */
export function evaluate(program: GptCommand, start: Start): void {
  const command = program
    .command('eval')
    .about('Measure perplexity of a text, tasks in context (zero-, one- and few-shot), or a fine-tuned task.', [
      ['gpt eval checkpoints/my-run', ''],
      ['gpt eval checkpoints/my-run --data held-out.txt', ''],
      ['gpt eval checkpoints/my-run --data a.txt --stride 64', ''],
      ['gpt eval checkpoints/my-run --tasks tfgpt --shots 0,1,few --plot', ''],
      ['gpt eval checkpoints/my-run --tasks rte,sst2 --data-root sets', ''],
      ['gpt eval run-a run-b run-c --tasks arithmetic --shots 0,1,few', ''],
      ['gpt eval checkpoints/my-run --tasks-dir lm_eval/tasks --tasks piqa', ''],
      ['gpt eval checkpoints/my-run --task-file my-task.yaml --shots 1', ''],
      ['gpt eval checkpoints/my-rte --task entailment --data t.tsv', ''],
    ])
    .argument('<checkpoint...>', 'run folder, step folder or Hugging Face folder; several with --tasks')
    .option('--data <path...>', "text: files, folders or globs (default: the run's own held-out part)")
    .addOption(
      new Option(
        '--window <how>',
        'disjoint windows, strided ones, or the rolling ones of lm-evaluation-harness',
      ).choices(['disjoint', 'strided', 'rolling']),
    )
    .option('--stride <n>', 'tokens between windows (default: the context, disjoint windows)', whole(1))
    .addOption(
      new Option('--detokenize <text>', 'undo the tokens of a corpus first; words are still those of the file')
        .choices(['none', 'wikitext', 'ptb', 'lm1b'])
        .default('none'),
    )
    .option('--text-key <key>', 'key or column of the text in rows', 'text')
    .option('--batch <n>', 'windows per forward pass', whole(1));
  command.option('--tasks <names>', 'tasks, groups or tags, separated by commas; * is a wildcard', collect);
  sources(command)
    .option('--shots <list>', 'demonstrations in a prompt: 0,1,few (few: as many as fit, at most 100)', shotsOf)
    .option('--limit <n>', 'only the first documents of each task', whole(1))
    .addOption(
      new Option('--protocol <p>', "whose prompts and scores: lm-evaluation-harness's, or GPT-3's (docs/evaluation.md)")
        .choices(['harness', 'gpt3'])
        .default('harness'),
    )
    .addOption(
      new Option('--demonstrations <how>', 'shuffled: their answers change places, to see what they teach')
        .choices(['right', 'shuffled'])
        .default('right'),
    )
    .option('--seed <n>', 'of the demonstrations', whole(0), 1234)
    .option(
      '--bootstrap <n>',
      'draws of a bootstrapped standard error (default: 100,000; fewer of many documents)',
      whole(0),
    )
    .option('--contamination <path...>', 'training text: count the documents that stand in it, and report without them')
    .option('--log-samples', 'write every prompt and answer: samples_<task>.jsonl')
    .option('--plot', 'draw accuracy by shots in the terminal')
    .option('--no-cache', 'ask everything again: do not use or keep answers of this model')
    .option('--out <dir>', 'folder for report.html and results; it must not exist (default: beside the checkpoint)')
    .addOption(
      new Option('--task <form>', 'the task that the model was fine-tuned for, on labelled --data').choices([
        'classification',
        'entailment',
        'similarity',
        'multiple-choice',
      ]),
    )
    .option('--format <name>', 'of labelled files (default: by what is in them)', 'auto')
    .columns()
    .addOption(ON_BAD_ROW())
    .compute()
    .action((checkpoints: string[]) => {
      const given = command.opts<CommandOptions['eval']>();
      const source = sourceOf(command);
      const inContext = source.tasks.length > 0 || source.taskFiles.length > 0;
      if (inContext && given.task !== undefined) command.error("error: '--tasks' cannot be used with '--task'");
      if (inContext && given.data !== undefined) {
        command.error("error: '--data' is a text for perplexity\n(tasks find their data under --data-root)");
      }
      if (!inContext && checkpoints.length > 1) command.error('error: several checkpoints need --tasks');
      const strays = inContext ? OF_TEXTS : OF_TASKS;
      const stray = strays.find((name) => command.getOptionValueSource(name) === 'cli');
      if (stray !== undefined) {
        const flag = `--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
        command.error(
          inContext
            ? `error: '${flag}' is for the perplexity of a text\n(leave it out, or --tasks)`
            : `error: '${flag}' goes with --tasks or --task-file\n(gpt tasks list shows the tasks)`,
        );
      }
      const { data, window, stride, detokenize, textKey, batch, out } = given;
      const { shots = [], protocol, demonstrations, limit, seed, bootstrap, contamination = [] } = given;
      const { logSamples = false, plot = false, cache, task, format, onBadRow } = given;
      return start('eval', {
        ...compute(command),
        ...{ checkpoints, out },
        ...{ data, window, stride, detokenize, textKey, batch },
        ...{ task, format, columns: columnsOf(command), onBadRow },
        ...{ source, shots, protocol, demonstrations, limit, seed, bootstrap, contamination },
        ...{ logSamples, plot, cache },
      });
    });
}

/** gpt tasks */
export function tasks(program: GptCommand, start: Start): void {
  const parent = program.command('tasks').about('List tasks, and show the very prompts that a model will see.', [
    ['gpt tasks list', 'the built-in ones'],
    ['gpt tasks list --tasks-dir lm_eval/tasks', "lm-evaluation-harness's"],
    ['gpt tasks show rte --shots 2 --data-root sets', ''],
  ]);
  sources(parent.command('list').about('List tasks, groups and tags.', []))
    .argument('[names...]', 'only these; * is a wildcard')
    .action((names: string[], _, command: Command) =>
      start('tasks', { ...globals(command), action: 'list', ...SHOW_NOTHING, source: sourceOf(command, names) }),
    );
  sources(parent.command('show').about('Show the prompts of a task.', []))
    .argument('[names...]', 'tasks, groups or tags')
    .option('--shots <n>', 'demonstrations in a prompt', whole(0), 0)
    .option('--docs <n>', 'documents to show', whole(1), 1)
    .addOption(new Option('--protocol <p>', 'whose prompts').choices(['harness', 'gpt3']).default('harness'))
    .option('--seed <n>', 'of the demonstrations', whole(0), 1234)
    .action((names: string[], _, command: Command) => {
      const { shots, docs, protocol, seed } = command.opts<CommandOptions['tasks']>();
      const source = sourceOf(command, names);
      if (source.tasks.length + source.taskFiles.length === 0) command.error('error: which task? (gpt tasks list)');
      return start('tasks', { ...globals(command), action: 'show', shots, docs, protocol, seed, source });
    });
}

const SHOW_NOTHING = { shots: 0, docs: 0, protocol: 'harness', seed: 0 } as const;

/** Options that say which tasks, and where they and their data are. */
function sources(command: GptCommand): GptCommand {
  return command
    .option('--tasks-dir <dir>', 'folder of task files, e.g. lm_eval/tasks; repeatable', collect)
    .option('--task-file <file>', 'one task file; repeatable', collect)
    .option('--data-root <dir>', 'folder of data sets, e.g. of gpt data import; repeatable', collect)
    .option('--train-rows <n>', 'rows of validation for demonstrations, where original files have no train', whole(1));
}

function sourceOf(command: Command, names: readonly string[] = []): TaskSource {
  const { tasks, tasksDir, taskFile, dataRoot } = command.opts<Record<string, string[]>>();
  const { trainRows } = command.opts<{ trainRows?: number }>();
  const listed = [...names, ...(tasks ?? [])].flatMap((list) => list.split(','));
  return {
    tasks: listed.map((name) => name.trim()).filter((name) => name !== ''),
    tasksDirs: tasksDir ?? [],
    taskFiles: taskFile ?? [],
    dataRoots: dataRoot ?? [],
    trainRows,
  };
}

/** "0,1,few" */
function shotsOf(text: string): Shots[] {
  const shots = text.split(',').map((word): Shots => {
    if (word.trim() === 'few') return 'few';
    try {
      return whole(0)(word);
    } catch {
      throw new InvalidArgumentError('It must be numbers, or few, separated by commas: 0,1,few.');
    }
  });
  return [...new Set(shots)];
}
