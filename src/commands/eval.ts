// `gpt eval CHECKPOINT [--data TEXT]`: perplexity of a text, per token, word and byte; without --data, of the part of its
// training text that the run held out. With --task: eval_task.ts. With --tasks: eval_in_context.ts.

import { ConfigError, DataError } from '../base/errors.js';
import { integer, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import type { Checkpoint } from '../checkpoint/store.js';
import { RunConfig } from '../config/schema.js';
import { findFiles } from '../data/files.js';
import { textOf } from '../data/overlap.js';
import { readText } from '../data/read.js';
import { detokenize } from '../eval/detokenize.js';
import { perplexity, rollingWindows, scoreTokens, type WindowRule, windowsOf } from '../eval/perplexity.js';
import { END_OF_TEXT, type Tokenizer } from '../tokenizer/tokenizer.js';
import { openBackend } from './backend.js';
import type { CommandContext, EvalOptions, Run } from './options.js';
import { prepareRunData } from './run_data.js';
import { type LoadedModel, loadModel } from './run_model.js';

/** What the words in the output mean; --json carries them too. */
const DEFINITIONS = {
  token_perplexity: 'exp(nats / tokens of this tokenizer)',
  word_perplexity: 'exp(nats / words), words of the text as split at white space',
  byte_perplexity: 'exp(nats / UTF-8 bytes of the text)',
  bits_per_byte: 'nats / (UTF-8 bytes of the text * ln 2)',
};

export const run: Run<EvalOptions> = async (options, context) => {
  const { tasks, taskFiles } = options.source;
  if (tasks.length + taskFiles.length > 0) return (await import('./eval_in_context.js')).run(options, context);
  if (options.task !== undefined) return (await import('./eval_task.js')).run(options, context);
  const files = options.data === undefined ? [] : findFiles(options.data);
  const backend = await openBackend(options, context.env);
  const loaded = await loadModel(options.checkpoints[0]!, 'best');
  try {
    await evaluateText(loaded, backend.name, files, options, context);
  } finally {
    loaded.model.dispose();
    loaded.head?.dispose();
  }
  return 0;
};

async function evaluateText(
  { model, tokenizer, checkpoint }: LoadedModel,
  backend: string,
  files: readonly string[],
  options: EvalOptions,
  context: CommandContext,
): Promise<void> {
  const documentsOf =
    options.data === undefined ? heldOut(checkpoint, tokenizer, context) : documentsIn(files, options);
  const { n_ctx } = model.config;
  const { rule, stride } = windowRule(options, n_ctx);
  const windows = (tokens: number) =>
    rule === 'rolling' ? rollingWindows(tokens, n_ctx) : windowsOf(tokens, n_ctx, stride);
  const batch = options.batch ?? Math.max(1, Math.floor(4096 / n_ctx));

  let [nats, tokens, words, bytes, documents] = [0, 0, 0, 0, 0];
  const scoreDocument = async (text: string): Promise<void> => {
    const ids = tokenizer.encode(detokenize(text, options.detokenize)); // words and bytes: the original's
    documents++;
    words += text.split(/\s+/u).filter((word) => word !== '').length;
    bytes += Buffer.byteLength(text);
    if (ids.length === 0) return;
    const score = await scoreTokens(model, ids, {
      eot: tokenizer.eot,
      windows: windows(ids.length),
      batch,
    });
    nats += score.nats;
    tokens += score.tokens;
    if (context.isTty && !options.quiet) context.err(`\r${integer(tokens)} tokens scored`);
  };
  for await (const text of documentsOf) await scoreDocument(text);
  if (context.isTty && !options.quiet) context.err('\r\x1b[K');
  const result = perplexity({ nats, tokens }, { words, bytes });
  const window = { rule, n_ctx, stride, detokenized: options.detokenize, first_token: 'scored after end-of-text' };
  if (options.json) {
    const all = { checkpoint: checkpoint.dir, data: files, backend, documents, tokens, words, bytes };
    context.out(`${jsonText({ ...all, nats, window, ...result, definitions: DEFINITIONS })}\n`);
    return;
  }
  const line = (name: string, value: number | null, meaning: string) =>
    context.out(`${name.padEnd(18)}${(value === null ? '-' : value.toPrecision(6)).padEnd(12)}${meaning}\n`);
  const cut = rule === 'strided' ? `windows of ${n_ctx}, one every ${stride}` : `${rule} windows of ${n_ctx}`;
  const how = options.detokenize === 'none' ? cut : `${cut}; de-tokenized: ${options.detokenize}`;
  const what = files.length === 0 ? 'its held-out text' : files.length === 1 ? files[0] : `${files.length} files`;
  context.out(`${checkpoint.dir} on ${what}\n`);
  context.out(
    `${plural(documents, 'document')}, ${plural(tokens, 'token')}, ${plural(words, 'word')}, ${plural(bytes, 'byte')}; ${how}; first token ${window.first_token}\n\n`,
  );
  line('loss', result.loss, 'nats per token');
  line('perplexity', result.token_perplexity, DEFINITIONS.token_perplexity);
  line('word perplexity', result.word_perplexity, DEFINITIONS.word_perplexity);
  line('byte perplexity', result.byte_perplexity, DEFINITIONS.byte_perplexity);
  line('bits per byte', result.bits_per_byte, DEFINITIONS.bits_per_byte);
}

/** How texts are cut. Throws ConfigError for a stride beside another rule, and for strided windows without one. */
function windowRule({ window, stride }: EvalOptions, n_ctx: number): { rule: WindowRule; stride: number } {
  const rule = window ?? (stride === undefined || stride >= n_ctx ? 'disjoint' : 'strided');
  if (rule === 'strided' && stride === undefined) {
    throw new ConfigError('--window strided needs a stride', `add --stride N, e.g. ${Math.ceil(n_ctx / 2)}`);
  }
  if (rule !== 'strided' && stride !== undefined && stride < n_ctx) {
    throw new ConfigError(`--stride ${stride} is for strided windows, and --window is ${rule}`, 'leave one out');
  }
  return { rule, stride: rule === 'strided' ? Math.min(stride!, n_ctx) : n_ctx };
}

/** The documents of text files, one after the other. */
async function* documentsIn(files: readonly string[], { textKey }: EvalOptions): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of readText(files, { textKey })) {
    text += chunk.text;
    if (!chunk.docEnd) continue;
    yield text;
    text = '';
  }
}

/** The documents that the checkpoint's run held out, from the same files as then. */
async function* heldOut(
  { dir, trainer, task }: Checkpoint,
  tokenizer: Tokenizer,
  context: CommandContext,
): AsyncGenerator<string> {
  if (trainer === null || task !== null) {
    const what = task === null ? 'does not say what text it was trained on' : `was fine-tuned for ${task.form}`;
    const or = task === null ? '' : `, or --task ${task.form} --data FILE: labelled examples`;
    throw new ConfigError(`${dir} ${what}`, `add --data FILE: the text to evaluate${or}`);
  }
  const { train, val, stats } = await prepareRunData(RunConfig.parse(trainer.state.config), context, {
    checkpoint: dir,
    origin: (key) => trainer.state.origins[key] ?? 'default',
  });
  train.close();
  try {
    if (stats.fingerprint !== trainer.state.data_fingerprint) {
      throw new DataError(
        `the text has changed since ${dir} was saved: what is held out now may have been trained on`,
        'put the old files back, or give another text: --data FILE',
      );
    }
    let text = '';
    for (const chunk of textOf(val, tokenizer)) {
      const documents = (text + chunk).split(END_OF_TEXT);
      text = documents.pop()!;
      yield* documents.filter((document) => document !== '');
    }
    if (text !== '') yield text;
  } finally {
    val.close();
  }
}
