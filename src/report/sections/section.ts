// What a section of report.html is. A new one: a file here, and a line in the list of html.ts.

import type { RunRecord } from '../record.js';
import type { RunSummary } from '../summary.js';

/** HTML of a part of the page; '' when the run has nothing to show there. Escapes every text. */
export type Section = (record: RunRecord, summary: RunSummary) => string;
