// report.html of a run. Numbers come from summary.ts, drawings from chart.ts, the frame from page.ts, and each part of the
// page from a file of sections/. Every text is escaped: corpora and samples may contain anything.
// report.html of an evaluation: eval/report.ts; of several runs: compare/html.ts.

import { page } from './page.js';
import type { RunRecord } from './record.js';
import { config } from './sections/config.js';
import { courseOfTasks } from './sections/course_of_tasks.js';
import { data } from './sections/data.js';
import { environment } from './sections/environment.js';
import { evaluation } from './sections/evaluation.js';
import { header } from './sections/header.js';
import { loss } from './sections/loss.js';
import { perplexity } from './sections/perplexity.js';
import { samples } from './sections/samples.js';
import { assembled, type Section } from './sections/section.js';
import { taskLoss, taskValidation } from './sections/task_course.js';
import { taskData } from './sections/task_data.js';
import { taskErrors } from './sections/task_errors.js';
import { taskHeader } from './sections/task_header.js';
import { taskResult } from './sections/task_result.js';
import { taskSettings } from './sections/task_settings.js';
import { throughput } from './sections/throughput.js';
import { warnings } from './sections/warnings.js';
import { summarize } from './summary.js';

/** The page from top to bottom, below its header. */
const PRETRAINING: readonly Section[] = [
  loss,
  throughput,
  courseOfTasks,
  evaluation,
  perplexity,
  samples,
  data,
  config,
  environment,
];

/** The same of a fine-tuned task: the result first. */
const TASK: readonly Section[] = [
  taskResult,
  taskValidation,
  taskLoss,
  taskErrors,
  taskSettings,
  throughput,
  taskData,
  config,
  environment,
];

/** What goes inside <main>: `gpt watch` shows it too, anew as the run goes on. */
export function reportBody(record: RunRecord): string {
  const summary = summarize(record);
  const isTask = summary.task !== null;
  const top = (isTask ? taskHeader : header)(record, summary);
  return assembled(
    `${top}${warnings(record)}`,
    (isTask ? TASK : PRETRAINING).map((section) => section(record, summary)),
  );
}

/** The whole page. */
export const reportHtml = (record: RunRecord): string => page(record.start.name, reportBody(record));
