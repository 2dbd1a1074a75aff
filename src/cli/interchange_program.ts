// Models from and for other programs: gpt import, gpt export, gpt get.

import { type Command, Option } from 'commander';
import type { CommandOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start } from './command.js';

/** gpt import */
export function importModel(program: GptCommand, start: Start): void {
  program
    .command('import')
    .about('Make a model of another program a checkpoint here; reports every tensor.', [
      ['gpt import ~/models/gpt2 checkpoints/gpt2', 'Hugging Face folder'],
      ['gpt import model.bin checkpoints/x', 'llm.c, version 3 or 5'],
      ['gpt import ckpt.pt checkpoints/y', 'nanoGPT; executes nothing of it'],
      ['gpt import ckpt.pt out --tokenizer tok.json', ''],
    ])
    .argument('<source>', "Hugging Face folder, llm.c's .bin, nanoGPT's ckpt.pt, or the folder of OpenAI's GPT-1")
    .argument('<out>', 'folder to write; it must not exist')
    .option('--tensors', 'list every tensor: what it became, or why it was ignored', false)
    .option('--tokenizer <t>', "gpt2-bpe, byte, a tokenizer.json or a folder (default: the source's, or GPT-2's)")
    .addOption(
      new Option('--activation <f>', 'GELU of a nanoGPT: gelu erf; gelu_new tanh, before June 2023').choices([
        'gelu',
        'gelu_new',
      ]),
    )
    .action((source: string, out: string, _, command: Command) => {
      const { tensors, tokenizer, activation } = command.opts<CommandOptions['import']>();
      return start('import', { ...globals(command), source, out, tensors, tokenizer, activation });
    });
}

/** gpt get */
export function getModel(program: GptCommand, start: Start): void {
  program
    .command('get')
    .about('Fetch a GPT-1 or GPT-2 from the Hugging Face hub; says size and licence first.', [
      ['gpt get gpt2', '124M, to checkpoints/gpt2'],
      ['gpt get gpt2-xl --dry-run', 'only what it is'],
      ['gpt get microsoft/DialoGPT-small', 'any of this architecture'],
      ['gpt generate checkpoints/gpt2 --interactive', 'afterwards'],
    ])
    .argument('<model>', 'gpt2, gpt2-medium, gpt2-large, gpt2-xl, distilgpt2, openai-gpt, or owner/name')
    .option('--out <dir>', 'folder to write; it must not exist (default: checkpoints/<name>)')
    .option('--hub <url>', 'address of the hub (default: GPT_HUB, else https://huggingface.co)')
    .option('--dry-run', 'show size and licence, and stop', false)
    .option('--tensors', 'list every tensor of it', false)
    .action((model: string, _, command: Command) => {
      const { out, hub, dryRun, tensors } = command.opts<CommandOptions['get']>();
      return start('get', { ...globals(command), model, out, hub, dryRun, tensors });
    });
}

/** gpt export */
export function exportModel(program: GptCommand, start: Start): void {
  program
    .command('export')
    .about('Write a model for other programs: the best checkpoint of a run, without its training state.', [
      ['gpt export checkpoints/run --out model', 'for transformers'],
      ['gpt export checkpoints/run --out model --dtype bf16', 'half the size'],
      ['gpt export checkpoints/run --out gpt2.bin --format llmc', 'for llm.c'],
      ['gpt export checkpoints/run --out ckpt.pt --format nanogpt', 'for nanoGPT'],
      ['gpt export checkpoints/lora --out model --merge', 'LoRA merged in'],
      ['gpt export checkpoints/lora --out peft --format peft', 'the adapters'],
    ])
    .argument('<checkpoint>', 'run folder, step folder or Hugging Face folder')
    .requiredOption('--out <path>', 'folder (hf, peft) or file (llmc, nanogpt) to write; it must not exist')
    .addOption(
      new Option('--format <f>', 'hf: for transformers; llmc: .bin; nanogpt: ckpt.pt; peft: adapters')
        .choices(['hf', 'llmc', 'nanogpt', 'peft'])
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
