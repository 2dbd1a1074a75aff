// Tasks of a few rows, and a model that says what a test wants: a token is a character.

import { HarnessTask } from '../../src/eval/harness/task.js';
import { type RawConfig, taskConfig } from '../../src/eval/harness/task_file.js';
import type { OpenTask } from '../../src/eval/in_context.js';
import type { Answer, Answerer, Doc, LoglikelihoodRequest, Request } from '../../src/eval/request.js';

/** Which is larger? Eight rows to learn from, four to be asked; every text is as long as the others. */
const rows = (from: number, n: number): Doc[] =>
  Array.from({ length: n }, (_, i) => {
    const [a, b] = [(from + 3 * i) % 10, (from + 3 * i + (i % 2 ? 4 : 7)) % 10];
    return { a, b, larger: a > b ? 0 : 1 };
  });

export const SPLITS: Readonly<Record<string, readonly Doc[]>> = { train: rows(1, 8), test: rows(2, 4) };

const BASE = {
  ...{ task: 'larger', output_type: 'multiple_choice', training_split: 'train', test_split: 'test' },
  ...{ doc_to_text: '{{a}} or {{b}}?', doc_to_target: 'larger', doc_to_choice: ['left', 'right'] },
  metric_list: [{ metric: 'acc' }, { metric: 'acc_norm' }],
};

export async function smallTask(changes: RawConfig = {}, splits = SPLITS): Promise<OpenTask> {
  const read = async (split: string) => splits[split]!;
  return { task: await HarnessTask.open(taskConfig({ ...BASE, ...changes }, 'larger.yaml'), read), splits: read };
}

/** `asked` collects all requests. */
export function fakeAnswerer(
  answer: (request: Request) => Partial<Answer> & { logprob?: number; text?: string },
  { n_ctx = 1000, asked = [] as Request[] } = {},
): Answerer {
  return {
    n_ctx,
    countTokens: (text) => text.length,
    answer: async (requests, { onProgress } = {}) =>
      requests.map((request, i) => {
        asked.push(request);
        onProgress?.(i + 1, requests.length);
        const truncated = 'context' in request ? Math.max(0, request.context.length - n_ctx) : 0;
        if (request.kind === 'generate') return { text: '', truncated, ...answer(request) } as Answer;
        if (request.kind === 'rolling')
          return { logprob: -1, tokens: request.text.length, truncated, ...answer(request) } as Answer;
        const { length: tokens } = request.continuation;
        return { logprob: -1, greedy: false, tokens, truncated, ...answer(request) } as Answer;
      }),
  };
}

export const isScored = (request: Request): request is LoglikelihoodRequest => request.kind === 'loglikelihood';
