// report.html of a run. Numbers come from summary.ts, drawings from chart.ts, the frame from page.ts, and each part of the
// page from a file of sections/. Every text is escaped: corpora and samples may contain anything.
// report.html of an evaluation: eval/report.ts.

import { page } from './page.js';
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

/** What goes inside <main>: `gpt watch` shows it too, anew as the run goes on. */
export function reportBody(record: RunRecord): string {
  const summary = summarize(record);
  const sections = summary.task === null ? PRETRAINING : TASK;
  return sections.map((section) => section(record, summary)).join('\n');
}

/** The whole page. */
export const reportHtml = (record: RunRecord): string => page(record.start.name, reportBody(record));
