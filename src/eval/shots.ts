// How many demonstrations fit into a model's context, so that hardly a prompt loses its beginning.
//
//   q + K m + 2 s sqrt(K) <= room     K demonstrations of m tokens each, standard deviation s; a document's question and
//                                     longest answer take q, which 95 % of the documents stay below
//
// room: n_ctx + 1 tokens of prompt and answer together; where text is generated, n_ctx less what may be generated. Measured on
// at most SAMPLE documents and demonstrations, evenly spread: a few prompts may still be too long, and those are counted.

import type { AskedDoc, HarnessTask } from './harness/task.js';
import type { Answerer, Request } from './request.js';

const SAMPLE = 200;

/** The largest K <= most for `task`. `asked`: its documents without demonstrations. */
export async function shotsThatFit(
  task: HarnessTask,
  asked: readonly AskedDoc[],
  answerer: Answerer,
  most: number,
): Promise<number> {
  const demonstrations = spread(await task.pool()).map(([doc, i]) =>
    answerer.countTokens(task.shotContext(doc, `document ${i} of the demonstrations`)),
  );
  const questions = spread(asked).map(([{ requests }]) => Math.max(...requests.map((r) => lengthOf(r, answerer))));
  const q = questions.sort((a, b) => a - b)[Math.floor(0.95 * (questions.length - 1))]!;
  const m = mean(demonstrations);
  const s = Math.sqrt(mean(demonstrations.map((x) => (x - m) ** 2)));
  let k = 0;
  while (k < most && q + (k + 1) * m + 2 * s * Math.sqrt(k + 1) <= answerer.n_ctx + 1) k++;
  return k;
}

/** Tokens of a prompt without demonstrations, and of what comes after it. */
function lengthOf(request: Request, answerer: Answerer): number {
  if (request.kind === 'rolling') return 0;
  if (request.kind === 'loglikelihood') return answerer.countTokens(request.context + request.continuation);
  const after = Math.min(request.max_gen_toks, answerer.n_ctx - 1);
  return answerer.countTokens(request.context) + after + 1;
}

/** Some of a list, with their places. */
function spread<T>(list: readonly T[]): [T, number][] {
  const n = Math.min(SAMPLE, list.length);
  return Array.from({ length: n }, (_, i) => {
    const place = Math.floor((i * list.length) / n);
    return [list[place]!, place];
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
