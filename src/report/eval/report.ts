// report.html and report.json of an evaluation. The figures' points are in the JSON (base/eval_figures.ts) and drawn from
// there: what the page shows is what the JSON says.

import { join } from 'node:path';
import { type EvalFigures, figuresOf } from '../../base/eval_figures.js';
import type { EvalRecord } from '../../base/eval_record.js';
import { askedShots } from '../../base/eval_scores.js';
import { writeFileAtomic } from '../../base/files.js';
import { jsonText } from '../../base/json.js';
import { page } from '../page.js';
import { figureHtml, figureSvg } from './figure.js';
import { header, titleOf } from './header.js';
import { configuration, definitions, warnings } from './notes.js';
import { overview, taskTables } from './tables.js';

/** The content of report.json, for jsonText(): the record, which mergeEvalRecords() takes again, and the figures. */
export const evalReportJson = (record: EvalRecord): EvalRecord & { readonly figures: EvalFigures } => ({
  ...record,
  figures: figuresOf(record),
});

/** The whole page. */
export function evalReportHtml(record: EvalRecord): string {
  const { by_shots, by_size } = figuresOf(record);
  const sections = [
    header(record),
    warnings(record),
    figureHtml('by_shots', by_shots),
    hint(record),
    figureHtml('by_size', by_size),
    overview(record, [...by_shots, ...by_size]),
    taskTables(record),
    definitions(record),
    configuration(record),
  ];
  return page(titleOf(record), sections.filter((s) => s !== '').join('\n'));
}

/** How to come to a figure by shots. */
const hint = ({ runs }: EvalRecord): string =>
  askedShots(runs).length === 1
    ? '<p class="note after">With several settings, as in <code>--shots 0,1,few</code>, this page draws accuracy by number of shots.</p>'
    : '';

/** Writes both, and each figure as accuracy_<name>.svg; returns the first two paths. Throws DataError when the folder cannot be written. */
export async function writeEvalReport(dir: string, record: EvalRecord): Promise<{ html: string; json: string }> {
  const html = join(dir, 'report.html');
  const json = join(dir, 'report.json');
  await writeFileAtomic(html, evalReportHtml(record));
  await writeFileAtomic(json, `${jsonText(evalReportJson(record))}\n`);
  for (const name of ['by_shots', 'by_size'] as const) {
    const svg = figureSvg(record, name);
    if (svg !== null) await writeFileAtomic(join(dir, `accuracy_${name}.svg`), svg);
  }
  return { html, json };
}
