// The thread that publishInBackground() starts for one step folder. In: a Publication. Out: one Published.

import { parentPort, workerData } from 'node:worker_threads';
import { DataError } from '../base/errors.js';
import { type Publication, type Published, publish } from './publish.js';

const answer = (published: Published): void => parentPort?.postMessage(published);

try {
  answer({ seconds: await publish(workerData as Publication) });
} catch (error) {
  if (!(error instanceof DataError)) throw error;
  answer({ what: error.message, fix: error.fix });
}
