// What the model was trained on: files, sizes, split, and the tokens that occur most.

import type { StartEvent } from '../../base/events.js';
import { bytes, integer, percent, plural } from '../../base/format.js';
import { dataTable, keyValueTable } from '../table.js';
import type { Section } from './section.js';

export const data: Section = ({ start }) => {
  const { data: d, n_ctx, batch_tokens, micro_batch, grad_accumulation, tokenizer } = start;
  const size = (n: number | null) => (n === null ? '' : `, ${bytes(n)}`);
  const known: [string, string | undefined][] = [
    ['text', `${plural(d.files, 'file')}, ${plural(d.documents, 'document')}, ${bytes(d.bytes)}`],
    ['training part', `${integer(d.train_tokens)} tokens${size(d.train_bytes)}`],
    ['held-out part', `${integer(d.val_tokens)} tokens${size(d.val_bytes)}`],
    ['split', d.split],
    [
      'bytes per token',
      d.train_bytes !== null && d.train_tokens > 0 ? (d.train_bytes / d.train_tokens).toFixed(2) : '-',
    ],
    ['vocabulary', `${integer(tokenizer.vocab_size)} tokens, ${tokenizer.type}`],
    [
      'batch',
      `${integer(batch_tokens)} tokens per step: ${grad_accumulation} × ${micro_batch} sequences of ${integer(n_ctx)}`,
    ],
    ['fingerprint', d.fingerprint],
  ];
  const rows = known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return { id: 'data', title: 'Data', html: `${keyValueTable(rows)}${files(d)}${commonTokens(d)}` };
};

function files({ list = [], files: total }: StartEvent['data']): string {
  if (list.length === 0) return '';
  const columns = [{ name: 'file' }, { name: 'size', numeric: true }, { name: 'SHA-256', whole: true }];
  const rows = list.map((f) => ({ cells: [f.file, bytes(f.bytes), f.sha256 ?? '-'] }));
  const table = dataTable(columns, rows);
  const left = total - list.length;
  const more = left > 0 ? `<p class="note after">and ${plural(left, 'more file')}</p>` : '';
  if (list.length <= 3) return `<h3 class="table">Files</h3>${table}${more}`;
  return `<details><summary>${plural(total, 'file')}</summary>${table}${more}</details>`;
}

function commonTokens({ common = [], train_tokens }: StartEvent['data']): string {
  if (common.length === 0) return '';
  const counted = Math.min(train_tokens, COUNTED);
  const most = common[0]!.count;
  const columns = [
    { name: 'token', code: true },
    { name: 'occurs', numeric: true },
    { name: 'share', numeric: true },
    { name: '', bar: true },
  ];
  const rows = common.map(({ token, count }) => ({
    cells: [visible(token), integer(count), percent(count / counted), String(count / most)],
  }));
  const which = counted < train_tokens ? `the first ${integer(counted)} tokens` : `all ${integer(counted)} tokens`;
  const half = Math.ceil(rows.length / 2);
  const tables = [rows.slice(0, half), rows.slice(half)].filter((part) => part.length > 0);
  return `<h3 class="table">Most frequent tokens</h3>
<div class="bars">${tables.map((part) => dataTable(columns, part)).join('\n')}</div>
<p class="note after">Of ${which} of the training part; ␣ is a blank, ⏎ a line break.</p>`;
}

const COUNTED = 2_000_000; // src/data/common_tokens.ts

const visible = (token: string): string => token.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
