// The command tree: every command, argument and option, checked and turned into the types of src/commands/options.ts.
//
//   gpt <command> [arguments] [options]  ->  start(name, options)
//
// Config keys are no options of their own: pretrain hands dotted flags (--train.max_steps 100, --model.n_layer=4) on as
// they are, and src/config judges them. The tree loads commander and nothing else, so that help is instant.
// command.ts has what the commands share; the other files *_program.ts have groups of them.

import { type Command, Option } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { collect, compute, GptCommand, globals, PRECISIONS, real, type Start, whole } from './command.js';
import { completion } from './completion_program.js';
import { config } from './config_program.js';
import { data } from './data_program.js';
import { evaluate, tasks } from './eval_program.js';
import { exportModel, getModel, importModel } from './interchange_program.js';
import { plan } from './plan_program.js';
import { report, watch } from './report_program.js';
import { finetune, predict } from './task_program.js';
import { tokenizer } from './tokenizer_program.js';

/** The tree. Parsing throws CommanderError, and nothing is written but help and version. */
export function createProgram(version: string, start: Start): Command {
  const program = new GptCommand('gpt')
    .about('Train, continue and evaluate GPT-1, GPT-2 and GPT-3 models on your own text.', [
      ['gpt pretrain quickstart', 'a first model, in minutes'],
      ['gpt pretrain gpt2-124m --data corpus.txt', 'GPT-2 small on your text'],
      ['gpt pretrain --resume checkpoints/my-run', 'go on where it stopped'],
      ['gpt finetune checkpoints/my-run rte --data rte/', 'teach it a task'],
      ['gpt generate checkpoints/my-run --prompt "Once"', 'write'],
      ['gpt watch checkpoints/my-run', 'live in the browser'],
      ['gpt eval checkpoints/my-run', 'perplexity'],
      ['gpt eval checkpoints/my-run --tasks tfgpt', 'tasks in context'],
      ['gpt doctor', 'what this machine can do'],
    ])
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} }) // exit.ts says it
    .version(`gpt ${version}`, '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'Show the help of a command.')
    .option('-q, --quiet', 'only errors and the final summary')
    .option('--json', 'machine-readable output on stdout')
    .option('--debug', 'stack traces with errors')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'));
  pretrain(program, start);
  finetune(program, start);
  predict(program, start);
  generate(program, start);
  evaluate(program, start);
  tasks(program, start);
  plan(program, start);
  config(program, start);
  tokenizer(program, start);
  importModel(program, start);
  exportModel(program, start);
  getModel(program, start);
  data(program, start);
  bench(program, start);
  program
    .command('doctor')
    .about('Show backends, versions, cores, what is missing and how to get it.', [])
    .action((_, command: Command) => start('doctor', globals(command)));
  report(program, start);
  watch(program, start);
  program
    .command('parity')
    .about('Compare this machine with reference numbers of PyTorch; exit 1 beyond the tolerances.', [
      ['gpt parity test/fixtures/gpt2-tiny-erf --backend native', ''],
    ])
    .argument('<dir...>', 'folders with config.json, model.safetensors, expected.json, expected.safetensors')
    .addOption(
      new Option('--precision <p>', 'of the matrix products; tf32 and bf16 have tolerances of their own')
        .choices(PRECISIONS.filter((p) => p !== 'auto'))
        .default('fp32'),
    )
    .compute()
    .action((dirs: string[], _, command: Command) => {
      const { precision } = command.opts<CommandOptions['parity']>();
      return start('parity', { ...compute(command), dirs, precision });
    });
  program
    .command('selftest')
    .about('Check every kernel of the CUDA backend against float64 on this GPU; exit 1 when one is wrong.', [
      ['gpt selftest', 'error and time of each'],
      ['gpt selftest --large --json > selftest.json', 'with the sizes of real models'],
    ])
    .option('--only <name>', 'kernels whose name contains this')
    .option('--large', 'also time the sizes of real models', false)
    .compute()
    .action((_, command: Command) => {
      const { only, large } = command.opts<CommandOptions['selftest']>();
      return start('selftest', { ...compute(command), only, large });
    });
  completion(program, start);
  for (const command of program.commands) {
    command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
  }
  return program;
}

function pretrain(program: GptCommand, start: Start): void {
  const command = program
    .command('pretrain')
    .about('Train a model from scratch, or go on with --resume.', [
      ['gpt pretrain quickstart', 'bundled corpus, 3 minutes'],
      ["gpt pretrain gpt2-124m --data 'b/**/*.txt'", 'quote globs: gpt expands them'],
      ['gpt pretrain quickstart --train.max_steps 500', 'every config key is a flag'],
      ['gpt pretrain quickstart --print-config', 'every setting and its origin'],
      ['gpt pretrain gpt2-124m --data b.txt --dry-run', 'what it takes'],
      ['gpt pretrain --resume checkpoints/mini', 'exact continuation'],
    ])
    .usage('[config] [options] [--section.key value ...]')
    .argument('[config]', 'YAML file, or the name of a preset in configs/')
    .option('--data <path...>', 'text: files, folders or globs (config key data.path)')
    .option('--out <dir>', 'folder of the run (default: checkpoints/<config name>)')
    .option('--resume <dir>', 'go on with the run in this folder, exactly')
    .option('--val-data <path...>', 'held-out text of its own (config key data.val_path)')
    .option('--max-minutes <n>', 'save and stop after so many minutes (config key train.max_minutes)')
    .addOption(new Option('--precision <p>', 'of the matrix products (config key train.precision)').choices(PRECISIONS))
    .option('--dry-run', 'check everything, show what the run takes, and stop')
    .option('--print-config', 'show every setting and where it came from, and stop')
    .compute();
  command.configFlags = [];
  command.action(async (config: string | undefined) => {
    const given = command.optsWithGlobals<Partial<CommandOptions['pretrain']>>();
    const flags = command.configFlags ?? [];
    const swallowed = given.data?.find((path) => /\.ya?ml$/.test(path));
    if (config === undefined && swallowed !== undefined) {
      command.error(
        `error: --data takes ${swallowed} for text\n(put the config first: gpt pretrain ${swallowed} --data ...)`,
      );
    }
    if (config === undefined && given.resume === undefined && flags.length === 0 && !given.printConfig) {
      command.error('error: nothing to train: no config given\n(gpt pretrain quickstart, or --resume <dir>)');
    }
    await start('pretrain', {
      ...compute(command),
      config,
      data: given.data,
      out: given.out,
      resume: given.resume,
      printConfig: given.printConfig ?? false,
      dryRun: given.dryRun ?? false,
      flags: [...shortFlags(command), ...flags],
    });
  });
}

/** Options that are short for a config key. */
function shortFlags(command: Command): string[] {
  const {
    valData = [],
    maxMinutes,
    precision,
  } = command.opts<{
    valData?: string[];
    maxMinutes?: string;
    precision?: string;
  }>();
  return [
    ...valData.flatMap((path) => ['--data.val_path', path]),
    ...(maxMinutes === undefined ? [] : ['--train.max_minutes', maxMinutes]),
    ...(precision === undefined ? [] : ['--train.precision', precision]),
  ];
}

function generate(program: GptCommand, start: Start): void {
  program
    .command('generate')
    .about('Write text with a trained model.', [
      ['gpt generate checkpoints/my-run --prompt "Once upon"', ''],
      ['gpt generate checkpoints/my-run --n 3 --temperature 0.8 --top-k 50', ''],
      ['gpt generate checkpoints/my-run --prompt "A" --prompt "B" --json', ''],
      ['gpt generate checkpoints/my-run < beginning.txt', ''],
      ['gpt generate checkpoints/my-run --interactive', ''],
    ])
    .argument('<checkpoint>', 'run folder, step folder or Hugging Face folder')
    .option('--prompt <text>', 'text to go on from, - for standard input; repeat for a batch', collect, [])
    .option(
      '--prompt-file <file>',
      'the same from a file; without either, a pipe is read: up to its end, less the last line end',
    )
    .addOption(new Option('--interactive', 'type prompts and see each go on').conflicts(['prompt', 'promptFile', 'n']))
    .option('--n <count>', 'samples per prompt', whole(1), 1)
    .option('--tokens <n>', 'tokens to write at most', whole(1), 200)
    .option('--temperature <x>', '0: always the likeliest token', real(0, Number.POSITIVE_INFINITY), 0.8)
    .option('--top-k <k>', 'choose among the k likeliest tokens; 0: all', whole(0), 50)
    .option('--top-p <p>', 'choose among the likeliest tokens that add up to p', real(0, 1), 1)
    .option('--seed <n>', 'the same seed writes the same text', whole(0), 1337)
    .option('--stop <text>', 'end where this text appears; repeatable', collect, [])
    .addOption(
      new Option('--precision <p>', 'of the weights; bf16: half the memory, nearly twice as fast, rounded')
        .choices(['fp32', 'bf16'])
        .default('fp32'),
    )
    .compute()
    .action((checkpoint: string, _, command: Command) => {
      const given = command.opts<CommandOptions['generate']>();
      const { prompt, promptFile, n, tokens, temperature, topK, topP, seed, stop, precision } = given;
      const interactive = given.interactive ?? false;
      const sampling = { n, tokens, temperature, topK, topP, seed, stop, precision };
      const common = compute(command);
      if (interactive && common.json) {
        command.error("error: option '--interactive' cannot be used with option '--json'");
      }
      return start('generate', { ...common, checkpoint, prompt, promptFile, interactive, ...sampling });
    });
}

function bench(program: GptCommand, start: Start): void {
  program
    .command('bench')
    .about('Time the training step; one JSON line.', [
      ['gpt bench --model gpt2-124m --batch 2 --n-ctx 512', ''],
      ['gpt bench --profile', 'where the time goes, kernel by kernel'],
      ['gpt bench --limits', "the machine's matrix product and copy rates"],
    ])
    .option('--model <preset>', 'preset name or YAML file', 'mini')
    .option('--batch <n>', 'sequences per step', whole(1), 4)
    .option('--n-ctx <n>', "context (default: the model's)", whole(1))
    .option('--steps <n>', 'timed steps', whole(1), 10)
    .option('--warmup <n>', 'steps before that', whole(0), 3)
    .addOption(new Option('--precision <p>', 'of the matrix products').choices(PRECISIONS).default('fp32'))
    .option('--recompute', 'compute activations twice, as train.recompute does', false)
    .option('--profile', 'show the time of each kernel beside the limits of the machine', false)
    .option('--limits', 'measure these limits, keep them, and stop', false)
    .compute()
    .action((_, command: Command) => {
      const given = command.opts<CommandOptions['bench']>();
      const { model, batch, nCtx, steps, warmup, precision, recompute, profile, limits } = given;
      const what = { model, batch, nCtx, steps, warmup, precision, recompute };
      return start('bench', { ...compute(command), ...what, profile, limits });
    });
}
