// What the model wrote, newest first, with the longest stretch that it has copied from the training text.

import type { SampleEvent } from '../../base/events.js';
import { integer } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import type { Section } from './section.js';

const SHOWN = 12;

export const samples: Section = ({ samples: list }) => {
  if (list.length === 0) return '';
  const newest = [...list].reverse().slice(0, SHOWN);
  const left = list.length - newest.length;
  return `<h2>Samples</h2>
${newest.map(sample).join('\n')}
${left > 0 ? `<p class="note">${left} earlier samples are in report.json.</p>` : ''}`;
};

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
