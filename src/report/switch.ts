// A figure that is drawn in several ways, of which radio buttons show one: x axis by step, tokens or time; linear or
// logarithmic. Without script: CSS's :has() sees which button is checked (style.ts has the rules). A browser without
// :has(), of before 2024, shows the first drawing.

import { escapeHtml } from './chart.js';
import type { XAxis } from './x_axes.js';

export const SCALES = ['linear', 'log'] as const;

/** One way to draw. */
export interface View {
  readonly axis: XAxis;
  readonly log: boolean;
  /** Of the drawing in units: 1000 on a desk, 400 on a phone. */
  readonly width: number;
}

/** `id` is unique in the page; `above` stands between the buttons and the drawing. */
export function switched(id: string, axes: readonly XAxis[], above: string, draw: (view: View) => string): string {
  const views = axes.flatMap((axis) =>
    SCALES.map((scale) => {
      const at = (width: number) => draw({ axis, log: scale === 'log', width });
      return `<div class="view v-${axis.id}-${scale}"><div class="big">${at(1000)}</div><div class="small">${at(400)}</div></div>`;
    }),
  );
  return `<figure class="switch" id="${id}">
<div class="picks">${pick(
    id,
    'x axis',
    axes.map((a) => [a.id, a.name]),
  )}${pick(
    id,
    'scale',
    SCALES.map((s) => [s, s]),
  )}</div>
${above}
${views.join('\n')}
</figure>`;
}

function pick(figure: string, name: string, choices: readonly (readonly [id: string, name: string])[]): string {
  const group = `${figure}-${name.replace(' ', '-')}`;
  const buttons = choices.map(
    ([id, label], i) =>
      `<label><input type="radio" name="${group}" id="${figure}-${id}" class="o-${id}"${i === 0 ? ' checked' : ''}><span>${escapeHtml(label)}</span></label>`,
  );
  return `<fieldset><legend>${name}</legend>${buttons.join('')}</fieldset>`;
}
