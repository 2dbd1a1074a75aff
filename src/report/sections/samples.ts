// What the model wrote, the same prompt at several checkpoints side by side, with the longest stretch that it has copied
// from the training text.

import type { SampleEvent } from '../../base/events.js';
import { integer } from '../../base/format.js';
import { escapeHtml } from '../chart.js';
import { evenly, stepText } from '../x_axes.js';
import type { Section } from './section.js';

const SHOWN = 6; // of a prompt

export const samples: Section = ({ samples: list }) => {
  if (list.length === 0) return null;
  const prompts = [...new Set(list.map((s) => s.prompt))];
  const groups = prompts.map((prompt) => {
    const all = list.filter((s) => s.prompt === prompt);
    const shown = evenly(all, SHOWN); // in order of steps: one reads how the model learns
    const how = [...new Set(shown.map(howText))];
    const title = prompt === '' || prompt === '\n' ? 'Without a prompt' : `“${prompt}”`;
    const [same] = how.length === 1 ? how : [];
    return `<h3 class="table">${escapeHtml(title)}</h3>
${same === undefined ? '' : `<p class="note">${escapeHtml(same)}</p>`}
<div class="samples">${shown.map((s) => sample(s, same === undefined ? `${stepText(s.step)} · ${howText(s)}` : stepText(s.step))).join('\n')}</div>`;
  });
  const left =
    list.length - prompts.reduce((n, p) => n + Math.min(SHOWN, list.filter((s) => s.prompt === p).length), 0);
  const more = left > 0 ? `<p class="note after">${left} more are in report.json.</p>` : '';
  return { id: 'samples', title: 'Samples', html: `${groups.join('\n')}${more}` };
};

const howText = ({ temperature, top_k, seed }: SampleEvent): string =>
  `temperature ${temperature} · top-k ${top_k} · seed ${seed}`;

/** A text under a line of its own, the copied stretch marked. */
export function sample(s: SampleEvent, title: string): string {
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
  return `<div class="sample"><p class="which">${escapeHtml(title)}</p><p class="text">${prompt}${body}</p>${copied}</div>`;
}
