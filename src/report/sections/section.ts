// What a section of report.html is. A new one: a file here, and a line in the list of html.ts.

import { escapeHtml } from '../chart.js';
import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';

/** A part of the page under a heading of its own. */
export interface Part {
  readonly id: string; //    of its place in the page
  readonly title: string; // plain text
  readonly html: string; //  every text in it is escaped
}

/** null when the run has nothing to show there. */
export type Section = (record: RunRecord, summary: RunSummary) => Part | null;

/** A header, a list of the parts, which links to each, and the parts. */
export function assembled(header: string, parts: readonly (Part | null)[]): string {
  const found = parts.filter((part) => part !== null);
  const links = found.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`);
  const sections = found.map(
    ({ id, title, html }) =>
      `<section id="${id}" aria-labelledby="${id}-h">\n<h2 id="${id}-h">${escapeHtml(title)}</h2>\n${html}\n</section>`,
  );
  return `${header}
<nav class="contents" aria-label="Contents"><ol>${links.join('')}</ol></nav>
${sections.join('\n')}`;
}
