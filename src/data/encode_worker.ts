// A thread of encode.ts. In: a WorkerStart, then Jobs. Out: a JobResult for each, in order.

import { parentPort, workerData } from 'node:worker_threads';
import { parseTokenizer } from '../tokenizer/load.js';
import { encodeJob, type Job, type WorkerStart } from './encode.js';

const { tokenizer: json, fingerprint } = workerData as WorkerStart;
const tokenizer = parseTokenizer(json, 'tokenizer.json');
if (tokenizer.fingerprint !== fingerprint) throw new Error('internal: toJson() gives another tokenizer');

parentPort?.on('message', (job: Job) => {
  const result = encodeJob(tokenizer, job);
  parentPort?.postMessage(result, 'tokens' in result ? [result.tokens.buffer, result.ends.buffer as ArrayBuffer] : []);
});
