// Status, name, shape of the model, and the cards with the numbers that are looked for first.

import type { Json } from '../../base/events.js';
import { bytes, count, duration, integer, percent } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { short } from '../numbers.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';
import type { Section } from './section.js';

export const header: Section = (record, s) => {
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
};

/** Status and name above lines of text and cards. */
export function headerOf(
  { start, end }: RunRecord,
  { status }: RunSummary,
  lines: readonly string[],
  cards: readonly (readonly [name: string, value: string])[],
): string {
  const message = end?.message ? ` · ${escapeHtml(end.message)}` : '';
  return `<header>
<p class="status ${escapeHtml(status.split(' ')[0]!)}">${escapeHtml(status)}${message}</p>
<h1>${escapeHtml(start.name)}</h1>
<p class="muted">${lines.map(escapeHtml).join('<br>')}</p>
<div class="cards">${cards.map(([k, v]) => `<div><span>${escapeHtml(k)}</span><b>${escapeHtml(v)}</b></div>`).join('')}</div>
</header>`;
}

/** gpt2 · 4 layers · 128 wide · 4 heads */
export function describeModel(config: Json): string {
  const { model } = Object(config) as { model?: Json };
  const { arch, n_layer, n_embd, n_head } = Object(model) as Record<string, Json | undefined>;
  const parts = [[arch], [n_layer, 'layers'], [n_embd, 'wide'], [n_head, 'heads']];
  const known = parts.filter(([value]) => typeof value === 'string' || typeof value === 'number');
  return known.map(([value, noun]) => (noun ? `${value} ${noun}` : value)).join(' · ');
}
