// What the reader of an evaluation must know: notes of the run, comparisons that are not like with like, and what the
// metrics of this very page mean.

import type { EvalRecord } from '../../base/eval_record.js';
import { distinct } from '../../base/eval_scores.js';
import { integer } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { keyValueTable } from '../table.js';

const METRICS: Readonly<Record<string, string>> = {
  acc: 'share of documents whose likeliest choice is the right one, or whose continuation is what greedy decoding writes',
  acc_norm: 'acc, the log-likelihood of each choice divided by its length in characters',
  acc_bytes: 'acc, the log-likelihood of each choice divided by its length in UTF-8 bytes',
  acc_mutual_info: 'acc, each choice by its log-likelihood in context less that without context',
  acc_per_token: 'acc, the log-likelihood of each choice divided by its number of tokens (GPT-3, section 2.4)',
  acc_unconditional:
    'acc, each choice by its log-likelihood less that after a context that only says "Answer:" (ibid.)',
  exact_match: 'share of documents whose generated text equals the right answer',
  f1: 'harmonic mean of precision and recall of class 1',
  mcc: "Matthews' correlation of predicted and right classes: 0 for a guess, 1 at most",
  perplexity: 'exp of the mean negative log-likelihood of a document’s target: per target, not per token',
  word_perplexity: 'exp of the negative log-likelihood per word of the original text',
  byte_perplexity: 'exp of the negative log-likelihood per UTF-8 byte of the original text',
  bits_per_byte: 'negative log-likelihood in bits per UTF-8 byte; does not depend on the tokenizer',
  brier_score: 'mean squared distance between the probabilities of the choices and the right one',
};

/** Notes of the record, and what does not compare. */
export function notesOf(record: EvalRecord): string[] {
  return [...record.notes, ...differences(record)];
}

/** Models that were measured on different documents, or versions of a task. */
function differences({ models, runs }: EvalRecord): string[] {
  const names = distinct(runs.map((r) => r.task));
  return names.flatMap((task) => {
    const own = runs.filter((r) => r.task === task);
    const told = (what: string, of: (r: (typeof own)[number]) => string) => {
      const values = distinct(own.map(of));
      if (values.length < 2) return [];
      const parts = values.map((value) => {
        const found = distinct(own.filter((r) => of(r) === value).map((r) => models[r.model]!.name));
        return `${value} (${found.join(', ')})`;
      });
      return [`${task} was measured on different ${what}, which do not compare: ${parts.join(' and ')}`];
    };
    return [...told('numbers of documents', (r) => integer(r.docs)), ...told('versions', (r) => r.version)];
  });
}

/** Boxes under the header. */
export const warnings = (record: EvalRecord): string =>
  notesOf(record)
    .map((note) => `<div class="warning"><p>${escapeHtml(note)}</p></div>`)
    .join('\n');

export function definitions({ runs }: EvalRecord): string {
  const used = distinct(runs.flatMap((r) => r.metrics.map((m) => m.metric)));
  const rows: [string, string][] = used.flatMap((name) => {
    const meaning = Object.hasOwn(METRICS, name) ? METRICS[name] : undefined;
    return meaning === undefined ? [] : [[name, meaning]];
  });
  const has = (is: (r: (typeof runs)[number]) => boolean) => runs.some(is);
  if (has((r) => r.asked === 'few'))
    rows.push([
      'few',
      'as many demonstrations as fit into the context, at most 100 (GPT-3, section 2); K: those in a prompt',
    ]);
  if (has((r) => r.chance !== null)) rows.push(['chance', 'the headline metric of a guess among the choices']);
  if (has((r) => r.majority !== null))
    rows.push(['majority', 'the headline metric of a model that always gives the most frequent answer']);
  if (has((r) => r.truncated > 0))
    rows.push(['truncated', 'requests whose prompt was longer than the context and lost its beginning']);
  if (has((r) => r.contamination !== null))
    rows.push([
      'dirty, clean',
      'documents that share an n-gram of words with the training corpus, and the others (GPT-3, appendix C)',
    ]);
  if (has((r) => r.metrics.some((m) => m.stderr !== null)))
    rows.push(['±', 'one standard error, of the documents as a sample of all such documents']);
  return rows.length === 0 ? '' : `<h2>What the numbers mean</h2>\n${keyValueTable(rows)}`;
}

export function configuration({ gpt, date, command, backend, models }: EvalRecord): string {
  return `<h2>Configuration</h2>
<pre>${escapeHtml(command)}</pre>
<div class="after">${keyValueTable([
    ['gpt', gpt],
    ['backend', backend],
    ['date', date],
    ...models.map((m): [string, string] => [m.name, m.dir]),
  ])}</div>`;
}
