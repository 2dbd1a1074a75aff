// `gpt tokenizer report TOKENIZER [TEXT...]`: bytes per token by kind of text beside GPT-2's, and what the vocabulary is
// like. The corpus is read in chunks; memory does not grow with it.

import { statSync } from 'node:fs';
import { DataError } from '../base/errors.js';
import { integer, percent, printable } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { findFiles } from '../data/files.js';
import { readText } from '../data/read.js';
import { gpt2Tokenizer } from '../tokenizer/gpt2.js';
import { type Compression, Measure, type VocabularyFacts, vocabularyFacts } from '../tokenizer/report.js';
import { SAMPLE_TEXTS } from '../tokenizer/sample_texts.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { CommandContext, TokenizerReportOptions } from './options.js';
import { progressLine } from './progress_line.js';

const BESIDE = 'gpt2-bpe';

/** Writes the report; resolves to the exit code. Throws DataError for a corpus that cannot be read. */
export async function report(
  tokenizer: Tokenizer,
  options: TokenizerReportOptions,
  context: CommandContext,
): Promise<number> {
  const gpt2 = await gpt2Tokenizer();
  const rows = SAMPLE_TEXTS.map(({ kind, text }) => new Measure(kind, tokenizer, gpt2).add(text).result());
  const corpus = options.data.length > 0 ? await measureCorpus(tokenizer, gpt2, options, context) : null;
  if (corpus) rows.push(corpus.result());
  const facts = vocabularyFacts(tokenizer, corpus?.counts ?? null);
  context.out(options.json ? asJson(tokenizer, rows, facts) : asText(options.tokenizer, tokenizer, rows, facts));
  return 0;
}

async function measureCorpus(
  tokenizer: Tokenizer,
  gpt2: Tokenizer,
  options: TokenizerReportOptions,
  context: CommandContext,
): Promise<Measure> {
  const files = findFiles(options.data);
  const shards = files.find((file) => file.endsWith('.bin'));
  if (shards !== undefined) throw new DataError(`${shards} holds token ids, not text`, 'give the text it was made of');
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const progress = progressLine(options, context);
  const measure = new Measure('your text', tokenizer, gpt2);
  let read = 0;
  const onBytes = (n: number): void => {
    read += n;
  };
  for await (const { text } of readText(files, { textKey: options.textKey, onBytes })) {
    progress(() => `reading ${percent(Math.min(1, read / size))}`);
    measure.add(text);
  }
  progress(null);
  return measure;
}

function asJson(tokenizer: Tokenizer, rows: readonly Compression[], facts: VocabularyFacts): string {
  const { type, vocabSize, fingerprint } = tokenizer;
  const texts = rows.map(({ kind, bytes, tokens, bytesPerToken, unknown, beside, difference, problem }) => ({
    ...{ kind, bytes, tokens, bytes_per_token: bytesPerToken, unknown },
    ...{ [BESIDE]: { tokens: beside.tokens, bytes_per_token: beside.bytesPerToken }, difference, problem },
  }));
  const { longest, multiByte, partial, unused } = facts;
  const vocabulary = { longest, multi_byte: multiByte, partial, unused };
  return `${jsonText({ type, vocab_size: vocabSize, fingerprint, texts, vocabulary })}\n`;
}

function asText(name: string, tokenizer: Tokenizer, rows: readonly Compression[], facts: VocabularyFacts): string {
  const cells = rows.map(({ kind, bytes, tokens, bytesPerToken, beside, difference }) => [
    kind,
    integer(bytes),
    tokens === null ? '-' : integer(tokens),
    bytesPerToken === null ? '-' : bytesPerToken.toFixed(2),
    beside.bytesPerToken.toFixed(2),
    difference === null ? '-' : `${difference < 0 ? '' : '+'}${percent(difference)}`,
  ]);
  const table = [['', 'bytes', 'tokens', 'bytes/token', BESIDE, 'difference'], ...cells];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join('  '),
  );
  return `${printable(name)}: ${tokenizer.type} tokenizer of ${integer(tokenizer.vocabSize)} tokens

${lines.join('\n')}
${remarks(tokenizer, rows)}
vocabulary
${vocabularyLines(facts).join('\n')}
`;
}

function remarks(tokenizer: Tokenizer, rows: readonly Compression[]): string {
  const eot = printable(tokenizer.decode([tokenizer.eot]));
  const lines = rows.flatMap(({ kind, unknown, problem }) => [
    ...(problem === null ? [] : [`${kind}: ${problem}`]),
    ...(unknown === 0 ? [] : [`${kind}: ${integer(unknown)} tokens are ${eot}, characters that the vocabulary lacks`]),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

function vocabularyLines({ size, longest, multiByte, partial, unused }: VocabularyFacts): string[] {
  const share = (n: number): string => `${integer(n)} of ${integer(size)} tokens (${percent(n / size)})`;
  const quote = (text: string): string => {
    const chars = [...text];
    return printable(JSON.stringify(chars.length > 24 ? `${chars.slice(0, 21).join('')}...` : text));
  };
  return [
    `  longest     ${longest.map(({ text, bytes }) => `${quote(text)} ${bytes}`).join('  ')} bytes`,
    `  multi-byte  ${share(multiByte)} hold a character of several bytes, ${share(partial)} a part of one`,
    ...(unused
      ? [
          `  unused      ${share(unused.count)} never occur in your text`,
          ...(unused.count > 0 ? [`              ${unused.some.map(({ text }) => quote(text)).join('  ')}`] : []),
        ]
      : []),
  ];
}
