// What is about tokenizers: gpt tokenizer train, show, report.

import type { Command } from 'commander';
import type { TokenizerReportOptions, TokenizerTrainOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start, whole } from './command.js';

const NAMED = 'tokenizer.json, run or checkpoint folder, gpt2-bpe or byte';

/** gpt tokenizer */
export function tokenizer(program: GptCommand, start: Start): void {
  const group = program.command('tokenizer').about('Train a tokenizer on your own text, or look into one.', [
    ['gpt tokenizer train corpus.txt --vocab-size 4096', ''],
    ['gpt tokenizer show tokenizer.json --text "some text"', ''],
    ['gpt tokenizer report tokenizer.json corpus.txt', ''],
  ]);
  group
    .command('train')
    .about('Train a byte-level BPE tokenizer (as GPT-2: any text, any language).', [
      ['gpt tokenizer train corpus.txt --vocab-size 4096 --out tokenizer.json', ''],
      ["gpt tokenizer train 'books/**/*.txt' posts.jsonl --text-key body", ''],
      ['gpt pretrain my.yaml --tokenizer.type file --tokenizer.path tokenizer.json', ''],
    ])
    .argument('<text...>', 'files, folders or globs, as for pretrain --data')
    .option('--vocab-size <n>', 'tokens: 256 bytes, the merges, <|endoftext|>', whole(257, 2 ** 20), 4096)
    .option('--out <file>', 'what to write; an existing file is an error', 'tokenizer.json')
    .option('--min-frequency <n>', 'merge only what occurs so many times', whole(1), 2)
    .option('--text-key <key>', 'key or column of the text in files of rows', 'text')
    .action((data: string[], _, command: Command) => {
      const { out, vocabSize, minFrequency, textKey } = command.opts<TokenizerTrainOptions>();
      const options = { data, out, vocabSize, minFrequency, textKey };
      return start('tokenizer', { ...globals(command), action: 'train', ...options });
    });
  group
    .command('show')
    .about('Show the tokens of a text.', [
      ['gpt tokenizer show tokenizer.json --text "Hello"', ''],
      ['gpt tokenizer show gpt2-bpe --text - < story.txt', 'from standard input'],
      ['gpt tokenizer show checkpoints/my-run', 'its kind and size'],
    ])
    .argument('<tokenizer>', NAMED)
    .option('--text <text>', 'what to encode; -: standard input')
    .action((name: string, { text }: { text?: string }, command: Command) =>
      start('tokenizer', { ...globals(command), action: 'show', tokenizer: name, text }),
    );
  group
    .command('report')
    .about('How much text a token holds, by kind of text, beside GPT-2.', [
      ['gpt tokenizer report tokenizer.json', 'on texts that are part of gpt'],
      ['gpt tokenizer report tokenizer.json corpus.txt', 'and on your own'],
      ['gpt tokenizer report checkpoints/my-run --json', ''],
    ])
    .argument('<tokenizer>', NAMED)
    .argument('[text...]', 'files, folders or globs, as for pretrain --data')
    .option('--text-key <key>', 'key or column of the text in files of rows', 'text')
    .action((name: string, data: string[], _, command: Command) => {
      const { textKey } = command.opts<TokenizerReportOptions>();
      return start('tokenizer', { ...globals(command), action: 'report', tokenizer: name, data, textKey });
    });
  for (const command of group.commands) command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
}
