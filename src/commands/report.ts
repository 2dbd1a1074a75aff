// gpt report <run>: writes report.html and report.json of a run again, from its run.jsonl.

import { jsonText } from '../base/json.js';
import { writeReport } from '../report/report.js';
import type { ReportOptions, Run } from './options.js';

export const run: Run<ReportOptions> = async ({ dir, json, quiet }, { out }) => {
  const paths = await writeReport(dir);
  if (json) out(`${jsonText(paths)}\n`);
  else if (!quiet) out(`report  ${paths.html}\n        ${paths.json}\n`);
  return 0;
};
