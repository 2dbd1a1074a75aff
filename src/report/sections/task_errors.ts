// What a fine-tuned model gets wrong with the greatest confidence: often where labels or texts are wrong themselves.

import type { EvalEvent } from '../../base/events.js';
import { percent } from '../../base/format.js';
import { finalEvals } from '../../base/task_result.js';
import { escapeHtml } from '../chart.js';
import { short } from '../numbers.js';
import type { Section } from './section.js';

export const taskErrors: Section = ({ start, evals }) => {
  const isScore = start.task?.objective === 'regression';
  const blocks = finalEvals(evals).flatMap(({ name, errors = [] }) =>
    errors.length === 0 ? [] : [`<h3 class="table">${escapeHtml(name)}</h3>`, ...errors.map((e) => error(e, isScore))],
  );
  if (blocks.length === 0) return null;
  const title = isScore ? 'The largest errors' : 'The most confident errors';
  return { id: 'errors', title, html: `<div class="errors">${blocks.join('\n')}</div>` };
};

function error(
  { place, text, gold, predicted, confidence }: NonNullable<EvalEvent['errors']>[number],
  isScore: boolean,
) {
  const sure = isScore ? `off by ${short(confidence)}` : `${percent(confidence)} sure`;
  const how = `<b>${escapeHtml(gold)}</b> taken for <b>${escapeHtml(predicted)}</b> · ${sure} · ${escapeHtml(place)}`;
  return `<div class="sample"><p class="muted note">${how}</p><p class="text">${escapeHtml(text)}</p></div>`;
}
