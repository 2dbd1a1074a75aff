// gpt plan: what a run takes, before it starts.

import { type GptCommand, globals, real, type Start } from './command.js';

/** gpt plan */
export function plan(program: GptCommand, start: Start): void {
  const command = program
    .command('plan')
    .about('Parameters, memory, disk and time of a run, before it starts.', [
      ['gpt plan gpt2-124m', ''],
      ['gpt plan gpt3-1.3b --train.micro_batch 2 --train.recompute true', 'every config key is a flag'],
      ['gpt plan gpt1 --tokens 1e9 --gflops 300', 'for a text of 1B tokens, at 300 GFLOP/s'],
    ])
    .usage('<config> [options] [--section.key value ...]')
    .argument('<config>', 'YAML file, or the name of a preset in configs/')
    .option('--gflops <n>', 'rate of the machine, for the time (gpt doctor and gpt bench measure it)', real(1e-3, 1e12))
    .option('--tokens <n>', 'tokens of the text, for runs that count epochs', real(1, 1e18));
  command.configFlags = [];
  command.action((config: string) => {
    const { gflops, tokens } = command.opts<{ gflops?: number; tokens?: number }>();
    return start('plan', { ...globals(command), config, flags: command.configFlags ?? [], gflops, tokens });
  });
}
