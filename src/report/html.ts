// report.html: a run as one page that needs nothing else: no network, no script, light and dark, printable.
// Numbers come from summary.ts, drawings from chart.ts, the look from style.ts, and each part of the page from a file of
// sections/. Every text is escaped: corpora and samples may contain anything.

import { escapeHtml } from './chart.js';
import type { RunRecord } from './record.js';
import { config } from './sections/config.js';
import { course } from './sections/course.js';
import { courseOfTasks } from './sections/course_of_tasks.js';
import { data } from './sections/data.js';
import { environment } from './sections/environment.js';
import { evaluation } from './sections/evaluation.js';
import { header } from './sections/header.js';
import { loss } from './sections/loss.js';
import { perplexity } from './sections/perplexity.js';
import { samples } from './sections/samples.js';
import type { Section } from './sections/section.js';
import { taskCourse } from './sections/task_course.js';
import { taskData } from './sections/task_data.js';
import { taskErrors } from './sections/task_errors.js';
import { taskHeader } from './sections/task_header.js';
import { taskResult } from './sections/task_result.js';
import { warnings } from './sections/warnings.js';
import { STYLE } from './style.js';
import { summarize } from './summary.js';

/** The page from top to bottom. */
const PRETRAINING: readonly Section[] = [
  header,
  warnings,
  loss,
  perplexity,
  courseOfTasks,
  evaluation,
  samples,
  course,
  data,
  config,
  environment,
];

/** The same of a fine-tuned task: the result first. */
const TASK: readonly Section[] = [
  taskHeader,
  warnings,
  taskResult,
  taskCourse,
  taskErrors,
  taskData,
  course,
  config,
  environment,
];

/** The whole page. */
export function reportHtml(record: RunRecord): string {
  const summary = summarize(record);
  const sections = summary.task === null ? PRETRAINING : TASK;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(record.start.name)} · gpt report</title>
<style>${STYLE}</style>
<main>
${sections.map((section) => section(record, summary)).join('\n')}
</main>
</html>
`;
}
