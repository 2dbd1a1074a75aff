// Answers of a model to requests: the numbers of one plain forward pass per request, at a fraction of its work.
//
//   loglikelihood   what requests share is read once, in full batches without padding (plan.ts); only what is asked about
//                   goes through the vocabulary (scores.ts)
//   rolling         perplexity.ts, by lm-evaluation-harness's windows
//   generate        continuations.ts
//
// Batching changes an answer by float32's rounding only: test/eval/answer/answerer.test.ts allows 1e-5 nats.

import type { Gpt } from '../../model/gpt.js';
import { KvCache } from '../../model/kv_cache.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { rollingWindows, scoreTokens } from '../perplexity.js';
import type { Answer, Answerer, AnswerOptions, GenerateRequest, LoglikelihoodRequest, Request } from '../request.js';
import { continueTexts } from './continuations.js';
import { pairEncoder, sequencesOf } from './pairs.js';
import { planOf } from './plan.js';
import { scoreChunk } from './scores.js';

/** Options of modelAnswerer. */
export interface ModelAnswererOptions {
  /** Tokens of a forward pass. On the CPU more than 1024 gain nothing. */
  readonly batch_tokens?: number;
}

/** An Answerer with a model, which stays its caller's. */
export function modelAnswerer(
  model: Gpt,
  tokenizer: Tokenizer,
  { batch_tokens = 1024 }: ModelAnswererOptions = {},
): Answerer {
  const { n_ctx, n_layer } = model.config;

  async function score(
    requests: readonly LoglikelihoodRequest[],
    onAnswer: (index: number, answer: Answer) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const encode = pairEncoder(tokenizer);
    const parts = requests.map(({ context, continuation }) => sequencesOf(encode(context, continuation), n_ctx));
    const sequences = parts.flat();
    const requestOf = parts.flatMap((own, request) => own.map(() => request));
    const sums = parts.map((own) => {
      const tokens = own.reduce((n, { targets }) => n + targets.length, 0);
      const truncated = Math.max(...own.map((part) => part.truncated));
      return { logprob: 0, greedy: true, tokens, truncated, missing: tokens };
    });
    const longest = sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const cache = new KvCache(n_layer, longest);
    try {
      for (const chunk of planOf(sequences, batch_tokens)) {
        await breath(signal);
        for (const { of, logprob, greedy } of await scoreChunk(model, chunk, cache)) {
          const request = requestOf[of]!;
          const sum = sums[request]!;
          sum.logprob += logprob;
          sum.greedy &&= greedy;
          if (--sum.missing > 0) continue;
          const { tokens, truncated } = sum;
          onAnswer(request, { logprob: sum.logprob, greedy: sum.greedy, tokens, truncated });
        }
      }
    } finally {
      cache.dispose();
    }
  }

  async function roll(text: string): Promise<Answer> {
    const ids = tokenizer.encode(text);
    const windows = rollingWindows(ids.length, n_ctx);
    const batch = Math.max(1, Math.floor(batch_tokens / n_ctx));
    const { nats, tokens } = await scoreTokens(model, ids, { eot: tokenizer.eot, windows, batch });
    return { logprob: -nats, tokens, truncated: 0 };
  }

  return {
    n_ctx,
    countTokens: (text) => tokenizer.encode(text).length,

    async answer(requests, { onProgress, onAnswer, signal }: AnswerOptions = {}) {
      const answers: Answer[] = new Array(requests.length);
      let done = 0;
      const put = (index: number, answer: Answer) => {
        answers[index] = answer;
        onAnswer?.(index, answer);
        onProgress?.(++done, requests.length);
      };
      const places = (kind: Request['kind']) => requests.flatMap((request, i) => (request.kind === kind ? [i] : []));
      const asked = places('loglikelihood');
      const toScore = asked.map((i) => requests[i] as LoglikelihoodRequest);
      await score(toScore, (i, answer) => put(asked[i]!, answer), signal);
      for (const [i, request] of requests.entries()) {
        if (request.kind !== 'rolling') continue;
        await breath(signal);
        put(i, await roll(request.text));
      }
      const open = places('generate');
      const toContinue = open.map((i) => requests[i] as GenerateRequest);
      await continueTexts(model, tokenizer, toContinue, (i, answer) => put(open[i]!, answer), signal);
      return answers;
    },
  };
}

/** Lets signals and timers in between two batches. */
async function breath(signal?: AbortSignal): Promise<void> {
  await new Promise(setImmediate);
  signal?.throwIfAborted();
}
