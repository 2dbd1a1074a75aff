// Prompts as the model saw them, with its answer and the right one. Spaces and line ends are kept: they are tokens.

import type { EvalModel, PromptExample, TaskRun } from '../../base/eval_record.js';
import { shotsText } from '../../base/eval_scores.js';
import { plural } from '../../base/format.js';
import { escapeHtml } from '../chart.js';

/** All examples of a task, folded; '' where there are none. */
export function examplesHtml(models: readonly EvalModel[], runs: readonly TaskRun[]): string {
  const all = runs.flatMap((run) => run.examples.map((example) => exampleHtml(example, run, models)));
  if (all.length === 0) return '';
  return `<details><summary>${plural(all.length, 'prompt')} with ${all.length === 1 ? 'its answer' : 'their answers'}</summary>
${all.join('\n')}</details>`;
}

function exampleHtml({ prompt, target, answer, right }: PromptExample, run: TaskRun, models: readonly EvalModel[]) {
  const name = models.length > 1 ? `${escapeHtml(models[run.model]!.name)} · ` : '';
  const verdict = right === null ? '' : ` · <b class="${right ? 'right">✓ right' : 'wrong">✗ wrong'}</b>`;
  const part = (title: string, text: string) =>
    `<p class="part">${title}</p><pre>${text === '' ? '<i>empty</i>' : escapeHtml(text)}</pre>`;
  return `<div class="sample"><p class="muted note">${name}${escapeHtml(shotsText(run.asked, [run.shots]))}${verdict}</p>
${part('prompt', prompt)}${part('answer of the model', answer)}${part('right answer', target)}</div>`;
}
