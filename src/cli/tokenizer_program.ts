// What is about tokenizers: gpt tokenizer train, show.

import type { Command } from 'commander';
import type { TokenizerTrainOptions } from '../commands/options.js';
import { type GptCommand, globals, type Start, whole } from './command.js';

/** gpt tokenizer */
export function tokenizer(program: GptCommand, start: Start): void {
  const group = program.command('tokenizer').about('Train a tokenizer on your own text, or look into one.', [
    ['gpt tokenizer train corpus.txt --vocab-size 4096', ''],
    ['gpt tokenizer show tokenizer.json "some text"', ''],
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
      ['gpt tokenizer show tokenizer.json "Once upon a time"', ''],
      ['gpt tokenizer show gpt2-bpe - < story.txt', 'from standard input'],
      ['gpt tokenizer show checkpoints/my-run', 'its kind and size'],
    ])
    .argument('<tokenizer>', 'tokenizer.json, run or checkpoint folder, gpt2-bpe or byte')
    .argument('[text]', '-: standard input')
    .action((name: string, text: string | undefined, _, command: Command) =>
      start('tokenizer', { ...globals(command), action: 'show', tokenizer: name, text }),
    );
  for (const command of group.commands) command.allowExcessArguments(false).configureHelp({ showGlobalOptions: true });
}
