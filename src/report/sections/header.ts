// Status, name, shape of the model, the cards with the numbers that are looked for first, and what happened to a run that
// did not come to its end.

import type { Json } from '../../base/events.js';
import { bytes, count, duration, integer, percent } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { short } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import { stepText } from '../x_axes.js';

export function header(record: RunRecord, s: RunSummary): string {
  const { start } = record;
  const own = s.perplexity.find((row) => row.own);
  const steps = s.step < start.max_steps ? `${integer(s.step)} of ${integer(start.max_steps)}` : integer(s.step);
  const cards: [string, string][] = [
    ['validation loss', own ? own.loss.toFixed(4) : '-'],
    ['perplexity per token', own ? short(own.perplexity) : '-'],
    ['bits per byte', own?.bits_per_byte ? own.bits_per_byte.toFixed(3) : '-'],
    ['parameters', count(start.params)],
    ['steps', steps],
    ['tokens trained on', count(s.tokens)],
    ['training time', duration(s.seconds)],
    ['tokens per second', s.tokens_per_s === null ? '-' : count(s.tokens_per_s)],
    ['share of peak', s.mfu === null ? '-' : percent(s.mfu)],
    ['peak memory', s.peak_memory_bytes === null ? '-' : bytes(s.peak_memory_bytes)],
  ];
  const model = [
    describeModel(start.config),
    `context ${integer(start.n_ctx)}`,
    `${start.tokenizer.type} vocabulary of ${integer(start.tokenizer.vocab_size)}`,
  ];
  return headerOf(record, s, [model.filter((m) => m !== '').join(' · ')], cards);
}

/** Status and name above lines of text and cards. */
export function headerOf(
  record: RunRecord,
  summary: RunSummary,
  lines: readonly string[],
  cards: readonly (readonly [name: string, value: string])[],
): string {
  const { start, parts, checkpoints } = record;
  const { status } = summary;
  const best = checkpoints.findLast((c) => c.best) ?? checkpoints.at(-1);
  const day = (parts[0]?.time ?? start.time).slice(0, 16).replace('T', ' ');
  const what = start.task ? 'Fine-tuning' : 'Training run';
  const machine = `${start.backend} · ${start.device} · ${start.precision}`;
  const below: [string, string][] = [
    ['device', machine],
    [
      checkpoints.some((c) => c.best) ? 'best checkpoint' : 'last checkpoint',
      best ? `${best.dir} (${stepText(best.step)})` : 'none was written',
    ],
  ];
  return `<header>
<p class="eyebrow"><span class="status ${escapeHtml(status.split(' ')[0]!)}">${escapeHtml(status)}</span> ${what} · ${escapeHtml(day)}</p>
<h1>${escapeHtml(start.name)}</h1>
<p class="muted">${lines.map(escapeHtml).join('<br>')}</p>
<div class="cards">${cards.map(([k, v]) => `<div><span>${escapeHtml(k)}</span><b>${escapeHtml(v)}</b></div>`).join('')}</div>
<p class="facts">${below.map(([k, v]) => `<span><span class="muted">${k}</span> ${escapeHtml(v)}</span>`).join(' ')}</p>
${notice(record, summary)}</header>`;
}

/** What happened, and what to do, where a run is not finished. */
function notice(record: RunRecord, { status, step }: RunSummary): string {
  const { start, end, steps, checkpoints } = record;
  if (status === 'finished' && end?.message === undefined) return '';
  const where =
    steps.length === 0
      ? 'No step was finished.'
      : `${integer(step)} of ${integer(start.max_steps)} steps were finished.`;
  const nan = steps.find((s) => !Number.isFinite(s.loss) || !Number.isFinite(s.grad_norm));
  const sick = nan === undefined ? '' : `The loss or gradient norm of ${stepText(nan.step)} is no finite number.`;
  const goOn =
    checkpoints.length > 0
      ? `gpt ${start.task ? 'finetune' : 'pretrain'} --resume ${start.dir} goes on from ${stepText(checkpoints.at(-1)!.step)}.`
      : 'There is no checkpoint to go on from: start it again.';
  const what = {
    finished: '',
    interrupted: `The run was stopped. ${where} ${goOn}`,
    diverged: `The run has diverged. ${where} ${checkpoints.length > 0 ? `${goOn} Use` : 'Start it again with'} a smaller learning rate.`,
    failed: `The run ended with an error. ${where} ${goOn}`,
    'running or killed':
      steps.length === 0
        ? 'The log ends before the first step was finished: the run has just begun, or it ended there without a word, as a kill or a lack of memory ends a process. Its terminal, and dmesg, tell.'
        : `The log ends without an end: the run goes on, or it was killed. ${where} ${goOn}`,
  }[status];
  const texts = [end?.message ?? '', sick, what].filter((t) => t !== '');
  const [first, ...rest] = texts;
  return `<div class="notice ${escapeHtml(status.split(' ')[0]!)}"><p><b>${escapeHtml(first!)}</b></p>${rest.map((t) => `<p>${escapeHtml(t)}</p>`).join('')}</div>\n`;
}

/** gpt2 · 4 layers · 128 wide · 4 heads */
export function describeModel(config: Json): string {
  const { model } = Object(config) as { model?: Json };
  const { arch, n_layer, n_embd, n_head } = Object(model) as Record<string, Json | undefined>;
  const parts = [[arch], [n_layer, 'layers'], [n_embd, 'wide'], [n_head, 'heads']];
  const known = parts.filter(([value]) => typeof value === 'string' || typeof value === 'number');
  return known.map(([value, noun]) => (noun ? `${value} ${noun}` : value)).join(' · ');
}
