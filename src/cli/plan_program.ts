// gpt plan: what a run takes, before it starts.

import { InvalidArgumentError, Option } from 'commander';
import type { PlanView } from '../commands/options.js';
import { type GptCommand, globals, real, type Start, whole } from './command.js';

const HARDWARE = ['h100', 'h200', 'a100', 'rtx4090', 'l4']; // of src/config/hardware.ts

/** gpt plan */
export function plan(program: GptCommand, start: Start): void {
  const command = program
    .command('plan')
    .about('Parameters, memory, operations, time and cost of a run, before it starts.', [
      ['gpt plan gpt2-124m', ''],
      ['gpt plan gpt3-1.3b --train.micro_batch 2 --train.recompute true', ''],
      ['gpt plan configs/gpt3-175b.yaml --gpus 64 --gpu-memory 141GB', ''],
      ['gpt plan gpt2-1558m --hardware h100 --mfu 0.5 --price 2.5', ''],
      ['gpt plan gpt1 --tokens 1e9 --gflops 300', ''],
    ])
    .usage('<config> [options] [--section.key value ...]')
    .argument('<config>', 'YAML file, or the name of a preset in configs/')
    .option('--tokens <n>', 'tokens of the text, for runs that count epochs', real(1, 1e18))
    .option('--gpus <n>', 'bytes on each of so many GPUs, under data parallelism and ZeRO 1, 2, 3', whole(1, 1e6))
    .option('--gpu-memory <size>', 'of each GPU, with its unit: 141GB, 80GiB', size)
    .addOption(new Option('--hardware <name>', 'only this device (and its memory, for --gpus)').choices(HARDWARE))
    .option('--mfu <share>', 'of the peak that training delivers (default: 0.4)', real(1e-3, 1))
    .option('--price <x>', 'of a GPU-hour, for the cost', real(0, 1e6))
    .option('--gflops <n>', 'also at a rate that was measured (gpt bench: model_gflops)', real(1e-3, 1e12));
  command.configFlags = [];
  command.action((config: string) => {
    const { tokens, gpus, gpuMemory, hardware, mfu, price, gflops } = command.opts<PlanView & { tokens?: number }>();
    const view = { gpus, gpuMemory, hardware, mfu, price, gflops };
    return start('plan', { ...globals(command), config, flags: command.configFlags ?? [], tokens, view });
  });
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** Bytes of "141GB" or "80 GiB". */
function size(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b)\s*$/i.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit.toLowerCase()] ?? 0);
  if (!(bytes > 0)) throw new InvalidArgumentError('It must be a size with its unit, such as 141GB or 80GiB.');
  return bytes;
}
