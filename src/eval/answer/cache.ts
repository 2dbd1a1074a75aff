// Answers kept in a file, so that an interrupted evaluation goes on, and one that is done costs nothing again.
//
//   {"key":"<sha256 of model key and request>","answer":{"logprob":-3.25,"greedy":false,"tokens":1,"truncated":0}}
//
// One line an answer, appended as soon as it is there. A kill may leave half a line: it is not read, and the next one begins
// a line of its own. Files of several models may be joined, and several processes may append to one.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { diskError, makeFolder } from '../../base/files.js';
import type { Gpt } from '../../model/gpt.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Answer, Answerer, Request } from '../request.js';

const Count = z.int().min(0);
const Line = z.object({
  key: z.string(),
  answer: z.union([
    z.strictObject({ logprob: z.number(), greedy: z.boolean(), tokens: Count, truncated: Count }),
    z.strictObject({ logprob: z.number(), tokens: Count, truncated: z.literal(0) }),
    z.strictObject({ text: z.string(), truncated: Count }),
  ]),
});

/**
 * The same answers, from the file where they are there. modelKey: modelKey(), or any text that differs where answers do.
 * Throws DataError when the file cannot be read or written.
 */
export function cached(answerer: Answerer, file: string, modelKey: string): Answerer {
  let kept: Map<string, Answer> | undefined; // read once: a task asks several times
  return {
    n_ctx: answerer.n_ctx,
    countTokens: (text) => answerer.countTokens(text),

    async answer(requests, { onProgress, onAnswer, signal } = {}) {
      kept ??= readAnswers(file);
      const known = kept;
      const keys = requests.map((request) => keyOf(request, modelKey, answerer.n_ctx));
      const answers = keys.map((key) => known.get(key));
      const missing = [...answers.keys()].filter((i) => answers[i] === undefined);
      const hits = requests.length - missing.length;
      for (const [i, answer] of answers.entries()) if (answer !== undefined) onAnswer?.(i, answer);
      if (hits > 0) onProgress?.(hits, requests.length);
      if (missing.length === 0) return answers as Answer[];
      const lines = new Lines(file);
      try {
        await answerer.answer(
          missing.map((i) => requests[i]!),
          {
            signal,
            onAnswer: (k, answer) => {
              const i = missing[k]!;
              answers[i] = answer;
              lines.append({ key: keys[i]!, answer });
              known.set(keys[i]!, answer);
              onAnswer?.(i, answer);
            },
            onProgress: (done) => onProgress?.(hits + done, requests.length),
          },
        );
      } finally {
        lines.close();
      }
      return answers as Answer[];
    },
  };
}

/** A text that differs where weights, shape, adapters or tokenizer do: sha256 over all of them. Reads every weight. */
export async function modelKey(model: Gpt, tokenizer: Tokenizer): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([model.config, model.lora?.config, tokenizer.fingerprint]));
  for (const { name, value } of model.parameters()) {
    const { buffer, byteOffset, byteLength } = await value.data<'float32'>();
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

function keyOf(request: Request, modelKey: string, n_ctx: number): string {
  const { kind } = request;
  const asked =
    kind === 'loglikelihood'
      ? [request.context, request.continuation]
      : kind === 'rolling'
        ? [request.text]
        : [request.context, request.until, request.max_gen_toks, request.temperature];
  return createHash('sha256')
    .update(JSON.stringify([modelKey, n_ctx, kind, ...asked]))
    .digest('hex');
}

/** Whatever can be read; no file is no answers. */
function readAnswers(file: string): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const text of linesOf(file)) {
    const line = Line.safeParse(parsed(text));
    if (line.success) answers.set(line.data.key, line.data.answer);
  }
  return answers;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw diskError('read', file, error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The file's end. */
class Lines {
  readonly #file: string;
  readonly #fd: number;

  constructor(file: string) {
    this.#file = file;
    makeFolder(dirname(file));
    this.#fd = this.#try(() => openSync(file, 'a'));
  }

  append(line: z.infer<typeof Line>): void {
    // the first line feed ends what a kill may have left; one write for the line, so that others do not come between
    this.#try(() => writeSync(this.#fd, `\n${JSON.stringify(line)}`));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #try<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw diskError('write', this.#file, error);
    }
  }
}
