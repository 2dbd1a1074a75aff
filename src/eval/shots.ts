// How many demonstrations fit into a model's context.
//
//   few        q95 + K m + 2 s sqrt(K) <= room     hardly a prompt loses its beginning
//   a number   q + K m <= room                     a prompt of mean length fits: what is asked for stays, where it can
//
// K demonstrations of m tokens each, standard deviation s; a document's question and longest answer take q tokens in the
// mean, and 95 % of the documents stay below q95. One demonstration fits `few` where it fits when it is asked for.
// room: n_ctx + 1 tokens of prompt and answer together; where text is generated, n_ctx less what may be generated. Measured on
// at most SAMPLE documents and demonstrations, evenly spread: a few prompts may still be too long, and those are counted.

import type { AskedDoc, HarnessTask } from './harness/task.js';
import type { Answerer, Request } from './request.js';

const SAMPLE = 200;

/** The largest K <= most for `task`, by the rule for `few` or for a number. `asked`: its documents without demonstrations. */
export async function shotsThatFit(
  task: HarnessTask,
  asked: readonly AskedDoc[],
  answerer: Answerer,
  most: number,
  rule: 'few' | 'number',
): Promise<number> {
  const demonstrations = spread(await task.pool()).map(([doc, i]) =>
    answerer.countTokens(task.shotContext(doc, `document ${i} of the demonstrations`)),
  );
  const questions = spread(asked).map(([{ requests }]) => Math.max(...requests.map((r) => lengthOf(r, answerer))));
  const m = mean(demonstrations);
  const s = Math.sqrt(mean(demonstrations.map((x) => (x - m) ** 2)));
  const q95 = questions.sort((a, b) => a - b)[Math.floor(0.95 * (questions.length - 1))]!;
  const lengthWith = (k: number): number =>
    rule === 'few' && k > 1 ? q95 + k * m + 2 * s * Math.sqrt(k) : mean(questions) + k * m;
  let k = 0;
  while (k < most && lengthWith(k + 1) <= answerer.n_ctx + 1) k++;
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
