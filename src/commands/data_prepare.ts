// `gpt data prepare`, `merge` and `check`: text to token shards with a manifest, in as many processes as there are machines.

import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { availableCores } from '../base/cores.js';
import { DataError } from '../base/errors.js';
import { bytes, count, duration, integer, percent, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { type Manifest, sideOf } from '../data/corpus/manifest.js';
import { mergeParts } from '../data/corpus/merge.js';
import { checkCorpus } from '../data/corpus/open.js';
import { type CorpusProgress, type CorpusResult, prepareCorpus } from '../data/corpus/prepare.js';
import { encodingThreads } from '../data/encode.js';
import { findFiles } from '../data/files.js';
import type { CommandContext, DataFolderOptions, DataPrepareOptions, Run } from './options.js';
import { progressLine } from './progress_line.js';
import { stopOnSignals } from './stop.js';
import { namedTokenizer } from './tokenizer.js';

export const run: Run<DataPrepareOptions | DataFolderOptions> = (options, context) => {
  if (options.action === 'prepare') return prepare(options, context);
  return options.action === 'merge' ? merge(options, context) : check(options, context);
};

async function prepare(options: DataPrepareOptions, context: CommandContext): Promise<number> {
  const { out, textKey, valFraction, shardTokens, dedup, json, quiet } = options;
  const [part, parts] = options.part;
  const files = inputFiles(options);
  const shards = files.find((file) => file.endsWith('.bin'));
  if (shards !== undefined) throw new DataError(`${shards} holds tokens already`, 'give the text that it was made of');
  const isAlias = options.tokenizer === 'gpt2' && !existsSync('gpt2');
  const tokenizer = await namedTokenizer(isAlias ? 'gpt2-bpe' : options.tokenizer);
  const threads = encodingThreads(options.threads ?? (Number(context.env['GPT_THREADS']) || availableCores()));
  const started = performance.now();
  const line = progressLine(options, context, { log: true });
  const stop = stopOnSignals(context.err, 'stopping; what is done is kept');
  let result: CorpusResult;
  try {
    result = await prepareCorpus({
      ...{ files, out, tokenizer, textKey, valFraction, shardTokens, dedup, part, parts, threads },
      onProgress: (progress) => line(() => progressText(progress, (performance.now() - started) / 1000)),
      signal: stop.signal,
    });
  } finally {
    line(null);
    stop.release();
  }
  const seconds = (performance.now() - started) / 1000;
  const { manifest, made, kept, stopped } = result;
  if (json) {
    const all = manifest && { totals: manifest.totals, split: manifest.split, fingerprint: manifest.fingerprint };
    const about = { tokenizer: { type: tokenizer.type, vocab_size: tokenizer.vocabSize }, ...all };
    context.out(
      `${jsonText({ out, part, parts, units: { made, kept }, finished: manifest !== null, ...about, seconds })}\n`,
    );
  } else if (stopped) {
    context.err(`${out}: ${plural(made + kept, 'file')} done; the same command goes on\n`);
  } else if (!quiet) {
    context.out(manifest ? summary(out, manifest) : partSummary(result));
    context.out(`done     ${made} made, ${kept} there already, ${duration(seconds)}\n`);
    if (parts > 1 && manifest === null) {
      context.out(`next     ${context.program} data merge ${out}   (when all ${parts} parts are done)\n`);
    } else context.out(`next     ${context.program} pretrain CONFIG --data ${out}\n`);
  }
  if (manifest) warnOfEmptySides(out, manifest, context);
  return stop.exitCode();
}

/** Files that are named, but for those in the folder that is made: it may lie inside of one that is named. */
function inputFiles({ data, out }: DataPrepareOptions): string[] {
  const own = resolve(out) + sep;
  const files = findFiles(data).filter((file) => !resolve(file).startsWith(own));
  if (files.length > 0) return files;
  throw new DataError(`${out} holds something else (the text itself)`, 'choose a new folder with --out');
}

function summary(out: string, manifest: Manifest): string {
  const { tokenizer, totals, shards, split, dedup_parts, options } = manifest;
  const side = (name: 'train' | 'val'): string => {
    const [tokens, documents] = [totals[`${name}_tokens`], totals[`${name}_documents`]];
    const own = sideOf(shards, name).length;
    return `${integer(tokens)} tokens, ${plural(documents, 'document')}, in ${plural(own, 'shard')}`;
  };
  const inside = dedup_parts !== null && dedup_parts > 1 ? `, looked for inside each of ${dedup_parts} parts` : '';
  const dropped = plural(totals.duplicates, 'document');
  return [
    `corpus   ${out}`,
    `input    ${plural(totals.files, 'file')}, ${bytes(totals.bytes)}`,
    `tokens   ${tokenizer.type} of ${integer(tokenizer.vocab_size)} tokens, ${tokenizer.fingerprint.slice(0, 12)}`,
    `train    ${side('train')}`,
    `val      ${side('val')}`,
    `split    ${split}`,
    ...(options.dedup === 'none' ? [] : [`dropped  ${dropped} (duplicates, ${options.dedup}${inside})`]),
    '',
  ].join('\n');
}

function partSummary({ units }: CorpusResult): string {
  const inputs = units.flatMap((unit) => unit.inputs);
  const tokens = units.flatMap(({ shards }) => shards).reduce((sum, shard) => sum + shard.tokens, 0);
  const size = inputs.reduce((sum, input) => sum + input.bytes, 0);
  return `part     ${plural(inputs.length, 'file')}, ${bytes(size)}, ${integer(tokens)} tokens\n`;
}

function warnOfEmptySides(out: string, { totals }: Manifest, context: CommandContext): void {
  const side = totals.val_tokens === 0 ? 'val' : totals.train_tokens === 0 ? 'train' : undefined;
  if (side === undefined) return;
  const what = side === 'val' ? 'nothing is held out' : 'everything is held out';
  context.err(
    `warning: ${out}: ${what}, so that no run can use it\n  fix: prepare it anew with ${side === 'val' ? 'a larger' : 'a smaller'} --val-fraction, or more documents\n`,
  );
}

async function merge({ dir, json, quiet }: DataFolderOptions, context: CommandContext): Promise<number> {
  const manifest = await mergeParts(dir);
  const { totals, fingerprint } = manifest;
  if (json) context.out(`${jsonText({ dir, totals, fingerprint })}\n`);
  else if (!quiet) {
    context.out(`${summary(dir, manifest)}next     ${context.program} pretrain CONFIG --data ${dir}\n`);
  }
  warnOfEmptySides(dir, manifest, context);
  return 0;
}

async function check({ dir, json, quiet }: DataFolderOptions, context: CommandContext): Promise<number> {
  const manifest = await checkCorpus(dir, (done, all) => {
    if (context.isTty && !json && !quiet) context.err(done < all ? `\r${done} of ${all} shards` : '\r\x1b[K');
  });
  const { totals, fingerprint, shards } = manifest;
  if (json) context.out(`${jsonText({ dir, totals, fingerprint, shards: shards.length })}\n`);
  else if (!quiet)
    context.out(`${summary(dir, manifest)}checked  ${plural(shards.length, 'shard')}: every hash, every id\n`);
  return 0;
}

/** 3/12 files · 42.1% · 412M tokens · 18.3 MB/s · eta 3m12s */
export function progressText(
  { files, totalFiles, bytes: read, totalBytes, tokens }: CorpusProgress,
  seconds: number,
): string {
  const rate = seconds > 0 ? read / seconds : 0;
  const left = rate > 0 ? duration((totalBytes - read) / rate) : '-';
  return [
    `${integer(files)}/${integer(totalFiles)} files`,
    percent(totalBytes > 0 ? read / totalBytes : 1),
    `${count(tokens)} tokens`,
    `${(rate / 1e6).toFixed(1)} MB/s`,
    `eta ${left}`,
  ].join(' · ');
}
