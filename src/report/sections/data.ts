// What the model was trained on.

import { bytes, integer, plural } from '../../base/format.js';
import { keyValueTable } from '../table.js';
import type { Section } from './section.js';

export const data: Section = ({ start: { data: d, n_ctx, batch_tokens, micro_batch, grad_accumulation } }) => {
  const size = (n: number | null) => (n === null ? '' : `, ${bytes(n)}`);
  const perToken = d.train_bytes !== null && d.train_tokens > 0 ? (d.train_bytes / d.train_tokens).toFixed(2) : '-';
  return `<h2>Data</h2>
${keyValueTable([
  ['text', `${plural(d.files, 'file')}, ${plural(d.documents, 'document')}, ${bytes(d.bytes)}`],
  ['training part', `${integer(d.train_tokens)} tokens${size(d.train_bytes)}`],
  ['held-out part', `${integer(d.val_tokens)} tokens${size(d.val_bytes)}`],
  ...(d.split === undefined ? [] : ([['split', d.split]] as const)),
  ['bytes per token', perToken],
  [
    'batch',
    `${integer(batch_tokens)} tokens per step: ${grad_accumulation} × ${micro_batch} sequences of ${integer(n_ctx)}`,
  ],
])}`;
};
