// The blocks of text around a run: header, sample, end. Pure functions from events to text, wrapped to the terminal:
//
//   label   part · part · part
//           part
//
// The moving part (bar, table) is terminal.ts; the blocks of a fine-tuned task are in task_text.ts.

import type { EndEvent, EvalEvent, Json, SampleEvent, StartEvent } from '../base/events.js';
import { bytes, count, duration, integer, percent, plural, printable } from '../base/format.js';
import { measuredText, metricLabel, metricText } from '../base/task_result.js';
import { LABEL, type Paint, row } from './block.js';
import { dataBlock, headlineParts, resultBlock } from './task_text.js';

/** What is about to run: model, data, backend and why, memory, where output goes. */
export function headerBlock(start: StartEvent, columns: number, paint: Paint): string {
  const { model } = sections(start.config);
  const { data, environment } = start;
  const line = (label: string, parts: string[]) => row(label, parts, columns, paint);
  const tokens = start.total_tokens ?? start.max_steps * start.batch_tokens;
  const epochs = data.train_tokens > 0 ? tokens / data.train_tokens : 0;
  const { node, os } = environment;
  const { arch, n_layer, n_embd, n_head } = model;
  const { task } = start;
  return [
    task ? dataBlock(task, columns, paint) : '',
    line('gpt', [start.version, node ? `node ${node.replace(/^v/, '')}` : '', os ?? '', start.device]),
    line('backend', [
      `${start.backend} (${start.backend_reason})`,
      start.precision,
      `${start.threads} thread${start.threads === 1 ? '' : 's'}`,
      start.peak_gflops === null ? '' : `${Math.round(start.peak_gflops)} GFLOP/s peak`,
    ]),
    line('model', [
      `${start.name}: ${count(start.params)} parameters`,
      `${text(arch)}, ${text(n_layer)} layers`,
      `${text(n_embd)} wide`,
      `${text(n_head)} heads`,
      `context ${integer(start.n_ctx)}`,
      `${start.tokenizer.type} vocabulary ${integer(start.tokenizer.vocab_size)}`,
    ]),
    task
      ? ''
      : line('data', [
          `${plural(data.files, 'file')}, ${bytes(data.bytes)}, ${plural(data.documents, 'document')}`,
          `${count(data.train_tokens)} tokens to train on`,
          `${count(data.val_tokens)} held out`,
        ]),
    data.mix
      ? line(
          'mixture',
          data.mix.map(({ path, weight, epochs }) => `${path} ${percent(weight)} (${epochs.toFixed(2)} epochs)`),
        )
      : '',
    task
      ? line('train', taskTraining(start))
      : line('train', [
          `${integer(start.max_steps)} steps × ${integer(start.batch_tokens)} tokens = ${count(tokens)} (${epochs.toFixed(1)} epochs)`,
          `micro-batch ${start.micro_batch} × ${integer(start.n_ctx)}${start.grad_accumulation > 1 ? `, ${start.grad_accumulation} per step` : ''}`,
          `about ${bytes(start.memory_estimate_bytes)} of memory`,
        ]),
    line('output', [
      start.dir,
      start.resumed_from === null ? 'run.jsonl, report.html' : `goes on from step ${integer(start.resumed_from)}`,
    ]),
  ].join('');
}

/** 300 steps × 32 examples (3 epochs) · loss = task + 0.5 × language model · about 310 MiB of memory */
function taskTraining({ config, max_steps, task, memory_estimate_bytes }: StartEvent): string[] {
  const { batch_size, max_epochs } = sections(config).train;
  const most = task?.splits[0]?.examples ?? Number.POSITIVE_INFINITY; // a smaller set is one batch
  const examples = typeof batch_size === 'number' ? ` × ${plural(Math.min(batch_size, most), 'example')}` : '';
  const epochs = typeof max_epochs === 'number' ? ` (${plural(max_epochs, 'epoch')})` : '';
  return [
    `${integer(max_steps)} steps${examples}${epochs}`,
    task?.lm_coef ? `loss = task + ${task.lm_coef} × language model` : '',
    `about ${bytes(memory_estimate_bytes)} of memory`,
  ];
}

/** A sample with its prompt, wrapped between words and indented. */
export function sampleBlock(sample: SampleEvent, columns: number, paint: Paint): string {
  const width = Math.max(20, Math.min(columns, 100) - 2);
  const body = wrap(printable(sample.prompt + sample.text), width)
    .map((line) => `  ${line}`)
    .join('\n');
  const how = `step ${integer(sample.step)} · temperature ${sample.temperature} · top-k ${sample.top_k} · seed ${sample.seed}`;
  const overlap = sample.overlap
    ? `\n  ${paint.dim(`longest stretch that stands in the corpus: ${plural(sample.overlap.chars, 'character')}`)}`
    : '';
  return `${paint.bold('sample'.padEnd(LABEL))}${paint.dim(how)}\n${body}${overlap}\n`;
}

/** A task in context, measured while a model trains: step 300  rte  few shots  acc 0.5235 ± 0.0301 */
export function inContextLine({ step, name, settings, metrics }: EvalEvent): string {
  const shots = settings?.['shots'];
  const values = Object.entries(metrics).map(([metric, value]) => `${metric} ${measuredText(value)}`);
  return [`step ${integer(step)}`, name, ...(shots === undefined ? [] : [`${shots} shots`]), ...values].join('  ');
}

/** How it ended: summary, sample, report, and what to type next. quiet: the summary alone. */
export function endBlock(o: {
  readonly start: StartEvent | undefined;
  readonly end: EndEvent;
  readonly sample: SampleEvent | undefined;
  readonly evals: readonly EvalEvent[]; // of a finished task
  readonly quiet: boolean;
  readonly columns: number;
  readonly paint: Paint;
  readonly program: string;
}): string {
  const { start, end, sample, evals, quiet, columns, paint, program } = o;
  const task = start?.task;
  const dir = start?.dir ?? '.';
  const next = (label: string, commands: string[]) =>
    commands.map((c, i) => `${paint.bold((i === 0 ? label : '').padEnd(LABEL))}${c}\n`).join('');
  const blocks = [summary(end, quiet ? headlineParts(evals, task) : [], columns, paint)];
  if (quiet) return blocks.join('');
  if (end.message) blocks.push(row('why', [end.message], columns, paint));
  if (sample) blocks.push('\n', sampleBlock(sample, columns, paint), '\n');
  if (evals.length > 0) blocks.push('\n', resultBlock(evals, task, columns, paint), '\n');
  blocks.push(next('report', [`${dir}/report.html`]));
  if (end.reason === 'done' && task) {
    const about = `${shell(dir)} --task ${task.form} --data test.tsv`;
    blocks.push(next('next', [`${program} predict ${shell(dir)} --data new.jsonl`, `${program} eval ${about}`]));
  } else if (end.reason === 'done') {
    const { prompt } = sections(start?.config ?? null).sample;
    const given = typeof prompt === 'string' && prompt !== '' ? prompt : 'Once upon a time';
    // a vocabulary of characters may lack some of ours
    const beginning = start?.tokenizer.type === 'char' && given !== prompt ? '' : ` --prompt ${shell(given)}`;
    blocks.push(next('next', [`${program} generate ${shell(dir)}${beginning}`, `${program} eval ${shell(dir)}`]));
  } else if (end.reason === 'interrupted') {
    blocks.push(next('go on', [`${program} ${task ? 'finetune' : 'pretrain'} --resume ${shell(dir)}`]));
  }
  return `\n${blocks.join('')}`;
}

function summary(end: EndEvent, results: readonly string[], columns: number, paint: Paint): string {
  const label = { done: 'done', interrupted: 'stopped', diverged: 'diverged', failed: 'failed' }[end.reason];
  const colour = end.reason === 'done' ? paint.good : end.reason === 'interrupted' ? paint.warn : paint.bad;
  const val =
    end.val_loss === null
      ? ''
      : end.best_metric
        ? `val loss ${end.val_loss.toFixed(4)}`
        : `val loss ${end.val_loss.toFixed(4)} (perplexity ${Math.exp(end.val_loss).toPrecision(4)}${
            end.bits_per_byte === null ? '' : `, ${end.bits_per_byte.toFixed(3)} bits/byte`
          })`;
  const at = end.best_step === null ? '' : ` at step ${integer(end.best_step)}`;
  const best = end.best_metric
    ? `best ${metricLabel(end.best_metric.name)} ${metricText(end.best_metric.value)}${at}`
    : end.best_val_loss === null || end.best_step === null
      ? ''
      : `best ${end.best_val_loss.toFixed(4)}${at}`;
  const parts = [
    `${end.reason === 'done' ? '' : 'at step '}${integer(end.step)}${end.reason === 'done' ? ' steps' : ''} in ${duration(end.seconds)}`,
    end.train_loss === null ? '' : `train loss ${end.train_loss.toFixed(4)}`,
    val,
    best,
    ...results,
    end.tokens_per_s > 0 ? `${count(end.tokens_per_s)} tok/s` : '',
    `peak memory ${bytes(end.peak_memory_bytes)}`,
  ];
  return row(label, parts, columns, { ...paint, bold: (t) => colour(paint.bold(t)) });
}

/** Breaks lines between words; a word longer than the width is left whole. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const lines = [''];
    for (const word of line.split(' ')) {
      const last = lines.at(-1)!;
      if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
      else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return lines;
  });
}

type Section = Readonly<Record<string, Json | undefined>>;

function sections(config: Json): { model: Section; sample: Section; train: Section } {
  const { model, sample, train } = (config ?? {}) as { model?: Section; sample?: Section; train?: Section };
  return { model: model ?? {}, sample: sample ?? {}, train: train ?? {} };
}

const text = (value: Json | undefined): string => (value === undefined || value === null ? '?' : String(value));

/** A word of a shell command, quoted where it must be. */
export function shell(word: string): string {
  if (/^[\w./:@%+=,-]+$/.test(word)) return word;
  return /["$`\\!\n]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : `"${word}"`;
}
