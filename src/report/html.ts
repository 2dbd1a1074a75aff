// report.html: a run as one page that needs nothing else: no network, no script, light and dark, printable.
// Numbers come from summary.ts, drawings from chart.ts, the look from style.ts. Every text is escaped: corpora and
// samples may contain anything.

import type { Json, SampleEvent, StepEvent } from '../base/events.js';
import { bytes, count, duration, integer, percent } from '../base/format.js';
import { type ChartOptions, escapeHtml, legend, lineChart, type Series } from './chart.js';
import type { RunRecord } from './record.js';
import { STYLE } from './style.js';
import { type PerplexityRow, type RunSummary, smoothed, summarize } from './summary.js';

/** The whole page. */
export function reportHtml(record: RunRecord): string {
  const summary = summarize(record);
  const { name } = record.start;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(name)} · gpt report</title>
<style>${STYLE}</style>
<main>
${[head(record, summary), warnings(record), loss(record), perplexity(record, summary), samples(record), machine(record), data(record), config(record), environment(record)].join('\n')}
</main>
</html>
`;
}

function head(record: RunRecord, s: RunSummary): string {
  const { start, end } = record;
  const own = s.perplexity.find((row) => row.name.startsWith('this model'));
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
  const message = end?.message ? ` · ${escapeHtml(end.message)}` : '';
  const model = [
    describeModel(start.config),
    `context ${integer(start.n_ctx)}`,
    `${start.tokenizer.type} vocabulary of ${integer(start.tokenizer.vocab_size)}`,
  ];
  return `<header>
<p class="status ${escapeHtml(s.status.split(' ')[0]!)}">${escapeHtml(s.status)}${message}</p>
<h1>${escapeHtml(start.name)}</h1>
<p class="muted">${escapeHtml(model.filter((m) => m !== '').join(' · '))}</p>
<div class="cards">${cards.map(([k, v]) => `<div><span>${k}</span><b>${escapeHtml(v)}</b></div>`).join('')}</div>
</header>`;
}

function describeModel(config: Json): string {
  const { model } = (config ?? {}) as { model?: Record<string, Json | undefined> };
  if (!model) return '';
  const { arch, n_layer, n_embd, n_head } = model;
  return `${arch} · ${n_layer} layers · ${n_embd} wide · ${n_head} heads`;
}

function warnings({ warnings: list, unreadableLines }: RunRecord): string {
  const own =
    unreadableLines > 0
      ? [
          {
            what: `${unreadableLines} lines of run.jsonl are unreadable`,
            fix: 'a killed run leaves half a line; nothing to do',
          },
        ]
      : [];
  return [...list, ...own]
    .map(
      ({ what, fix }) => `<div class="warning"><p>${escapeHtml(what)}</p><p class="muted">${escapeHtml(fix)}</p></div>`,
    )
    .join('');
}

const LOSS_DECAY = 0.9;

function loss({ start, steps, vals, parts }: RunRecord): string {
  const losses = steps.map((s) => s.loss);
  const smooth = smoothed(losses, LOSS_DECAY);
  const series: Series[] = [
    { name: 'training, each step', color: 'var(--c1)', style: 'faint', points: steps.map((s) => [s.step, s.loss]) },
    { name: 'training, moving average', color: 'var(--c1)', points: steps.map((s, i) => [s.step, smooth[i]!]) },
    { name: 'validation', color: 'var(--c2)', style: 'dots', points: vals.map((v) => [v.step, v.loss]) },
  ];
  const { uniform, unigram, five_gram } = start.baselines;
  const references = [
    { name: 'uniform (ln V)', y: uniform },
    { name: 'unigram', y: unigram },
    { name: '5-gram', y: five_gram },
  ].flatMap(({ name, y }) => (y === null ? [] : [{ name, y }]));
  const chart = (width: number, height: number, xLog: boolean) =>
    lineChart(series, {
      label: 'training and validation loss by step',
      x: xLog ? 'step (logarithmic)' : 'step',
      width,
      height,
      xLog,
      formatX: tick,
      formatY: tick,
      references,
      marks: resumes(parts),
    });
  const view = (name: string, xLog: boolean) =>
    `<div class="view ${name}"><div class="big">${chart(1000, 400, xLog)}</div><div class="small">${chart(400, 300, xLog)}</div></div>`;
  return `<h2>Loss</h2>
<figure>
<input class="pick" type="radio" name="axis" id="linear" checked><input class="pick" type="radio" name="axis" id="log">
<div class="picks"><label for="linear">linear</label><label for="log">log</label></div>
${legend(series)}
${view('linear', false)}${view('log', true)}
</figure>
<p class="note">Nats per token. Dashed: what a model would lose that finds every token equally likely (uniform), knows how often
each token occurs (unigram), or counts the four tokens before (5-gram). Dotted: resumed.</p>`;
}

const resumes = (parts: RunRecord['parts']) =>
  parts.flatMap((p) =>
    p.resumed_from === null ? [] : [{ name: `resumed from step ${p.resumed_from}`, x: p.resumed_from }],
  );

function machine({ steps, parts, start }: RunRecord): string {
  const chart = (title: string, color: string, of: (s: StepEvent) => number, options: Partial<ChartOptions>) =>
    `<figure><h3>${title}</h3>${lineChart([{ name: title, color, points: steps.map((s) => [s.step, of(s)]) }], {
      label: `${title} by step`,
      x: 'step',
      width: 480,
      height: 250,
      formatX: tick,
      formatY: tick,
      marks: resumes(parts),
      ...options,
    })}</figure>`;
  const peak = start.peak_gflops === null ? '' : ` of ${integer(start.peak_gflops)} GFLOP/s measured on this machine`;
  const shares = steps.some((s) => s.mfu !== null)
    ? chart('Share of peak, %', 'var(--c3)', (s) => 100 * (s.mfu ?? Number.NaN), { yFromZero: true })
    : '';
  return `<h2>Course of the training</h2>
<div class="charts">
${chart('Learning rate', 'var(--c1)', (s) => s.lr, { formatY: (y) => (y === 0 ? '0' : Number(y.toPrecision(2)).toExponential()), yFromZero: true })}
${chart('Gradient norm before clipping', 'var(--c1)', (s) => s.grad_norm, { yLog: true })}
${chart('Tokens per second', 'var(--c3)', (s) => s.tokens_per_s, { yFromZero: true, formatY: tick })}
${shares}
${chart('Memory of the process, MiB', 'var(--c3)', (s) => s.memory_bytes / 2 ** 20, { yFromZero: true, formatY: (y) => integer(y) })}
${chart('Milliseconds per step', 'var(--c3)', (s) => s.step_ms, { yFromZero: true, formatY: tick })}
</div>
<p class="note">Share of peak: floating-point operations of the model (6N + 6LTC per token, causal attention counted
once)${peak}.</p>`;
}

function perplexity({ start }: RunRecord, { perplexity: rows }: RunSummary): string {
  const line = (r: PerplexityRow) =>
    `<tr${r.name.startsWith('this model') ? ' class="own"' : ''}><td>${escapeHtml(r.name)}</td><td class="n">${r.loss.toFixed(4)}</td><td class="n">${short(r.perplexity)}</td><td class="n">${r.bits_per_byte === null ? '-' : r.bits_per_byte.toFixed(3)}</td></tr>`;
  const { val_tokens, val_bytes } = start.data;
  const here = val_bytes === null ? '' : ` (here ${integer(val_tokens)} tokens stand for ${integer(val_bytes)} bytes)`;
  return `<h2>Perplexity on held-out text</h2>
<div class="scroll"><table><tr><th></th><th class="n">loss</th><th class="n">perplexity</th><th class="n">bits per byte</th></tr>
${rows.map(line).join('\n')}</table></div>
<p class="note" style="margin-top:10px">Loss is the mean of -ln p(token | tokens before) in nats. Perplexity is e to the loss: the
number of equally likely tokens that would be as hard to guess. It depends on the tokenizer; bits per byte = loss / ln 2 × tokens /
bytes does not${here}.</p>`;
}

const SHOWN_SAMPLES = 12;

function samples({ samples: list }: RunRecord): string {
  if (list.length === 0) return '';
  const newest = [...list].reverse().slice(0, SHOWN_SAMPLES);
  const left = list.length - newest.length;
  return `<h2>Samples</h2>
${newest.map(sample).join('\n')}
${left > 0 ? `<p class="note">${left} earlier samples are in report.json.</p>` : ''}`;
}

function sample(s: SampleEvent): string {
  const how = `step ${integer(s.step)} · temperature ${s.temperature} · top-k ${s.top_k} · seed ${s.seed}`;
  const { overlap } = s;
  const at = overlap && overlap.text !== '' ? s.text.indexOf(overlap.text) : -1;
  const body =
    overlap && at >= 0
      ? `${escapeHtml(s.text.slice(0, at))}<mark>${escapeHtml(overlap.text)}</mark>${escapeHtml(s.text.slice(at + overlap.text.length))}`
      : escapeHtml(s.text);
  const copied = overlap
    ? `<p class="note">Longest stretch that also stands in the training text: ${integer(overlap.chars)} characters${at >= 0 ? ' (marked)' : `, “${escapeHtml(overlap.text)}”`}.</p>`
    : '';
  const prompt = s.prompt === '' ? '' : `<b>${escapeHtml(s.prompt)}</b>`;
  return `<div class="sample"><p class="muted note">${escapeHtml(how)}</p><p class="text">${prompt}${body}</p>${copied}</div>`;
}

function data({ start: { data: d, n_ctx, batch_tokens, micro_batch, grad_accumulation } }: RunRecord): string {
  const size = (n: number | null) => (n === null ? '' : `, ${bytes(n)}`);
  const perToken = d.train_bytes !== null && d.train_tokens > 0 ? (d.train_bytes / d.train_tokens).toFixed(2) : '-';
  return section('Data', [
    ['text', `${plural(d.files, 'file')}, ${plural(d.documents, 'document')}, ${bytes(d.bytes)}`],
    ['training part', `${integer(d.train_tokens)} tokens${size(d.train_bytes)}`],
    ['held-out part', `${integer(d.val_tokens)} tokens${size(d.val_bytes)}`],
    ['bytes per token', perToken],
    [
      'batch',
      `${integer(batch_tokens)} tokens per step: ${grad_accumulation} × ${micro_batch} sequences of ${integer(n_ctx)}`,
    ],
  ]);
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([k, v]) => `<tr><td class="muted">${escapeHtml(k)}</td><td class="key">${escapeHtml(v)}</td></tr>`,
  );
  return `<h2>${title}</h2>\n<table>${lines.join('\n')}</table>`;
}

function config({ start }: RunRecord): string {
  const rows = flatten(start.config).map(([key, value]) => {
    const origin = start.origins[key] ?? 'default';
    const quiet = origin === 'default' ? ' class="default"' : '';
    return `<tr${quiet}><td class="key"><code>${escapeHtml(key)}</code></td><td><code>${escapeHtml(value)}</code></td><td>${escapeHtml(origin)}</td></tr>`;
  });
  return `<h2>Configuration</h2>
<pre>${escapeHtml(start.command)}</pre>
<details><summary>All ${rows.length} settings and where they came from</summary>
<div class="scroll"><table><tr><th>key</th><th>value</th><th>from</th></tr>${rows.join('\n')}</table></div></details>`;
}

/** { a: { b: 1 } } -> [['a.b', '1']] */
function flatten(value: Json | undefined, path = ''): [string, string][] {
  if (value === undefined) return [];
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
}

function environment({ start, parts }: RunRecord): string {
  const rows: [string, string][] = [
    ['gpt', start.version],
    ['backend', `${start.backend}: ${start.backend_reason}`],
    ['precision', start.precision],
    ['device', start.device],
    ['threads', String(start.threads)],
    ...Object.entries(start.environment),
    ['folder', start.dir],
    ['started', parts.map((p) => p.time).join(', ')],
  ];
  return section('Environment', rows);
}

/** Of an axis: 40k, 1.5, 0.001, 12; at most three significant digits, no trailing zeros. */
const tick = (x: number): string =>
  Math.abs(x) >= 1000 ? count(x).replace(/\.?0+(?=[kMBT]$)/, '') : String(Number(x.toPrecision(3)));

const plural = (n: number, noun: string): string => `${integer(n)} ${noun}${n === 1 ? '' : 's'}`;

const short = (x: number): string => (x < 1000 ? x.toPrecision(4) : integer(x));
