// The log of a run.

import path from 'node:path';
import { type RunRecord, readRun as readLog } from '../report/record.js';

/**
 * Everything that a run has reported so far, also while it goes on or after it was killed: docs/run-log.md.
 * Throws DataError when the folder holds no run.
 */
export const readRun = (dir: string): RunRecord => readLog(path.join(dir, 'run.jsonl'));
