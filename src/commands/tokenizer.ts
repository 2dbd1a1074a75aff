// `gpt tokenizer train TEXT...`: a byte-level BPE vocabulary from text files, as a Hugging Face tokenizer.json.
// `gpt tokenizer show TOKENIZER --text TEXT`: the tokens that a text is cut into.
// `gpt tokenizer report TOKENIZER TEXT...`: tokenizer_report.ts.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { DataError } from '../base/errors.js';
import { diskError, writeFileAtomic } from '../base/files.js';
import { bytes, duration, integer, percent, printable } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { resolveCheckpoint } from '../checkpoint/store.js';
import { findFiles } from '../data/files.js';
import { readText } from '../data/read.js';
import { trainBpe } from '../tokenizer/bpe_train.js';
import { GPT1_VOCAB } from '../tokenizer/gpt1_files.js';
import { createTokenizer, loadTokenizer } from '../tokenizer/load.js';
import { END_OF_TEXT, type Tokenizer } from '../tokenizer/tokenizer.js';
import { WordCounts } from '../tokenizer/word_counts.js';
import type { CommandContext, Run, TokenizerOptions, TokenizerShowOptions, TokenizerTrainOptions } from './options.js';
import { progressLine } from './progress_line.js';
import { report } from './tokenizer_report.js';

export const run: Run<TokenizerOptions> = async (options, context) => {
  if (options.action === 'train') return train(options, context);
  if (options.action === 'show') return show(options, context);
  return report(await namedTokenizer(options.tokenizer), options, context);
};

async function train(options: TokenizerTrainOptions, context: CommandContext): Promise<number> {
  const { out, textKey, vocabSize, minFrequency } = options;
  const files = findFiles(options.data);
  const shards = files.find((file) => file.endsWith('.bin'));
  if (shards !== undefined) throw new DataError(`${shards} holds token ids, not text`, 'give the text it was made of');
  requireNewFile(out);

  const started = performance.now();
  const progress = progressLine(options, context);
  const words = new WordCounts();
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  let [read, documents] = [0, 0];
  const onBytes = (n: number): void => {
    read += n;
  };
  for await (const { text, docEnd } of readText(files, { textKey, onBytes })) {
    words.add(text);
    if (docEnd) documents++;
    progress(() => `reading ${percent(read / size)} · ${integer(words.distinct)} different words`);
  }
  const onToken = (tokens: number): void =>
    progress(() => `merging ${integer(tokens)} of ${integer(vocabSize)} tokens`);
  const trained = trainBpe(words, { vocabSize, minFrequency, onToken });
  progress(null);
  requireNewFile(out);
  await writeFileAtomic(out, trained.json);
  const seconds = (performance.now() - started) / 1000;

  if (trained.vocabSize < vocabSize) {
    const most = minFrequency === 1 ? 'no pair is left to merge' : `no pair occurs ${minFrequency} times any more`;
    const lower = minFrequency > 1 ? ', or --min-frequency 1' : '';
    context.err(
      `warning: ${integer(trained.vocabSize)} tokens instead of ${integer(vocabSize)}: ${most}\n  fix: give more text, or a smaller --vocab-size${lower}\n`,
    );
  }
  const bytesPerToken = words.bytes / trained.corpusTokens;
  if (options.json) {
    const corpus = { files, documents, bytes: words.bytes, words: words.total, distinct_words: words.distinct };
    const result = { tokens: trained.corpusTokens, bytes_per_token: bytesPerToken, seconds };
    context.out(`${jsonText({ out, vocab_size: trained.vocabSize, ...corpus, ...result })}\n`);
    return 0;
  }
  const sources = `${files.length === 1 ? files[0] : `${integer(files.length)} files`}, ${bytes(words.bytes)}`;
  context.out(
    `${out}: ${integer(trained.vocabSize)} tokens in ${duration(seconds)}
  256 bytes, ${integer(trained.vocabSize - 257)} merges, <|endoftext|>
  ${sources}, ${integer(words.total)} words, ${integer(words.distinct)} of them different
  ${integer(trained.corpusTokens)} tokens for all of it, ${bytesPerToken.toFixed(2)} bytes per token
`,
  );
  if (!options.quiet) {
    const data = options.data.map(shellWord).join(' ');
    const flags = `--tokenizer.type file --tokenizer.path ${shellWord(out)} --model.vocab_size ${trained.vocabSize}`;
    context.out(
      `\nnext:\n  ${context.program} tokenizer show ${shellWord(out)} --text "your text"\n  ${context.program} pretrain mini --data ${data} ${flags}\n`,
    );
  }
  return 0;
}

/** Training takes a while: what would refuse its result is looked for before. */
function requireNewFile(out: string): void {
  if (existsSync(out)) {
    throw new DataError(`${out} exists and is not overwritten`, 'choose another name with --out, or remove it');
  }
  try {
    accessSync(path.dirname(out), constants.W_OK);
  } catch (error) {
    throw diskError('write', out, error);
  }
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

async function show(options: TokenizerShowOptions, context: CommandContext): Promise<number> {
  const tokenizer = await namedTokenizer(options.tokenizer);
  const { type, vocabSize, eot, fingerprint, notes = [] } = tokenizer;
  const eotText = tokenizer.decode([eot]);
  const { stdin } = context;
  const reads = options.text === '-' || (options.text === undefined && stdin.isPiped);
  const text = reads ? await stdin.text() : options.text;
  const ids = text === undefined ? [] : [...tokenizer.encode(text)];
  const tokens = ids.map((id) => ({ id, text: tokenizer.decode([id]) }));
  if (options.json) {
    context.out(
      `${jsonText({ type, vocab_size: vocabSize, eot, eot_text: eotText, fingerprint, notes, text, tokens })}\n`,
    );
    return 0;
  }
  const name = eotText === END_OF_TEXT ? '' : ` (${printable(eotText)})`;
  context.out(`${type} tokenizer of ${integer(vocabSize)} tokens, end-of-text is ${eot}${name}\n`);
  for (const note of notes) context.out(`note: ${note}\n`);
  if (text === undefined) return 0;
  const width = String(vocabSize - 1).length;
  const lines = tokens.map((token) => `${String(token.id).padStart(width)}  ${JSON.stringify(token.text)}\n`);
  const size = Buffer.byteLength(text);
  const ratio = ids.length > 0 ? `, ${(size / ids.length).toFixed(2)} bytes per token` : '';
  const parts = tokens.some((token) => token.text.includes('\uFFFD'))
    ? '\uFFFD: bytes that are a part of a character\n'
    : '';
  context.out(
    `\n${lines.join('')}${lines.length > 0 ? '\n' : ''}${parts}${integer(ids.length)} tokens for ${integer(size)} bytes${ratio}\n`,
  );
  return 0;
}

/** A tokenizer.json, a folder with one (checkpoint, run) or with OpenAI's files, or one that is built in. Throws DataError. */
export async function namedTokenizer(name: string): Promise<Tokenizer> {
  if (!existsSync(name) && (name === 'gpt2-bpe' || name === 'byte')) {
    return createTokenizer({ type: name }, () => {
      throw new Error(`internal: ${name} needs no corpus`);
    });
  }
  const isRun =
    statSync(name, { throwIfNoEntry: false })?.isDirectory() &&
    !['tokenizer.json', GPT1_VOCAB].some((file) => existsSync(path.join(name, file)));
  return loadTokenizer(isRun ? resolveCheckpoint(name, 'best') : name);
}
