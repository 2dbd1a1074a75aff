// Models from and for other programs: gpt import, gpt export.

import { type Command, Option } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start } from './command.js';

/** gpt import */
export function importModel(program: GptCommand, start: Start): void {
  program
    .command('import')
    .about('Make a model of llm.c (.bin) or nanoGPT (ckpt.pt) usable here: writes a Hugging Face folder.', [
      ['gpt import ckpt.pt --out models/mine', 'nanoGPT; executes nothing of it'],
      ['gpt import gpt2_124M.bin --out models/gpt2', 'llm.c, version 3 or 5'],
      ['gpt import ckpt.pt --out models/my --tokenizer tokenizer.json', ''],
    ])
    .argument('<file>', 'model file')
    .requiredOption('--out <dir>', 'folder to write; it must not exist')
    .option('--tokenizer <t>', 'gpt2-bpe, byte, a tokenizer.json or a checkpoint folder (default: gpt2-bpe if it fits)')
    .addOption(
      new Option('--activation <f>', 'GELU of a nanoGPT: gelu erf; gelu_new tanh, before June 2023').choices([
        'gelu',
        'gelu_new',
      ]),
    )
    .action((file: string, _, command: Command) => {
      const { out, tokenizer, activation } = command.opts<CommandOptions['import']>();
      return start('import', { ...globals(command), file, out, tokenizer, activation });
    });
}

/** gpt export */
export function exportModel(program: GptCommand, start: Start): void {
  program
    .command('export')
    .about('Write a model for other programs: the best checkpoint of a run, without its training state.', [
      ['gpt export checkpoints/my-run --out model', 'for transformers'],
      ['gpt export checkpoints/my-run --out model --dtype bf16', 'half the size'],
      ['gpt export checkpoints/my-run --out gpt2.bin --format llmc', 'for llm.c'],
      ['gpt export checkpoints/my-lora --out model --merge', 'with its LoRA adapters in the weights'],
      ['gpt export checkpoints/my-lora --out peft --format peft', 'the adapters alone'],
    ])
    .argument('<checkpoint>', 'run folder, step folder or Hugging Face folder')
    .requiredOption('--out <path>', 'folder (hf, peft) or file (llmc) to write; it must not exist')
    .addOption(
      new Option('--format <f>', 'hf: folder for transformers; llmc: .bin; peft: LoRA adapters')
        .choices(['hf', 'llmc', 'peft'])
        .default('hf'),
    )
    .addOption(new Option('--dtype <t>', 'of the weights').choices(['f32', 'bf16', 'f16']).default('f32'))
    .option('--merge', 'put the LoRA adapters into the weights', false)
    .option('--base <name>', "of peft: its base model, by folder or name (default: the checkpoint's folder)")
    .action((checkpoint: string, _, command: Command) => {
      const { format, out, dtype, merge, base } = command.opts<CommandOptions['export']>();
      return start('export', { ...globals(command), checkpoint, format, out, dtype, merge, base });
    });
}
