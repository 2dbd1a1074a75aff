// One line per document and filter, for samples_<task>_<date>.jsonl: lm-evaluation-harness's --log_samples.
//
// Its keys and their form: answers as text (the numbers as Python prints them), requests as gen_args_0.arg_0 .., SHA-256 of
// document, prompt and target, then one key per metric. Beyond them, of multiple choice: score_raw, ln p of each choice,
// and score_norm, the same per code point.
//
// A whole number that was written 1.0 in the data is 1 here, so that the hash of such a document is another than there.

import { createHash } from 'node:crypto';
import { length } from '../harness/python_text.js';
import { dictEntries, Float, isDict, pythonStr } from '../harness/python_value.js';
import type { Scoring } from '../harness/task_scoring.js';
import type { AnsweredDoc, Request } from '../request.js';
import { answeredRequests, isLikelihood, isList, type Response, type Single } from './response.js';
import type { Scored } from './score.js';

export interface Samples {
  /** Without line ends. */
  readonly lines: readonly string[];
  /** The harness's task_hashes: of all documents, prompts and targets. */
  readonly hash: string;
}

/**
 * The samples of a task: all documents under its first filter, then under the next. `argumentsOf`: a request in the
 * harness's form, where its task knows more of it.
 */
export function samplesOf(
  docs: readonly AnsweredDoc[],
  scoring: Scoring,
  scored: Scored,
  argumentsOf: (request: Request) => readonly unknown[] = plainArguments,
): Samples {
  const asked = docs.map((doc) => answeredRequests(doc, scoring.repeats));
  const hashes: string[] = [];
  const lines = scored.filters.flatMap(({ name, answers }) =>
    docs.map((doc, i) => {
      const { doc_hash, prompt_hash, target_hash } = hashesOf(doc);
      hashes.push(doc_hash, prompt_hash, target_hash);
      const of = scored.metrics.filter(({ filter, items }) => filter === name && items[i] !== undefined);
      const sample = {
        doc_id: doc.id,
        doc: doc.doc,
        target: pythonStr(doc.target),
        arguments: numbered(
          'gen_args',
          asked[i]!.map(({ request }) => numbered('arg', argumentsOf(request))),
        ),
        resps: asked[i]!.map(({ answers: all }) => all.map(texts)),
        filtered_resps: answers[i]!.map(texts),
        filter: name,
        metrics: of.map(({ metric }) => metric),
        doc_hash,
        prompt_hash,
        target_hash,
        ...Object.fromEntries(of.map(({ metric, items }) => [metric, items[i]])),
        ...scores(doc, answers[i]!),
      };
      return JSON.stringify(sample, plainNumber);
    }),
  );
  return { lines, hash: sha256(hashes.join('')) };
}

function hashesOf({ doc, requests, target }: AnsweredDoc) {
  const [first] = requests;
  const prompt = first === undefined ? '' : first.kind === 'rolling' ? first.text : first.context;
  return {
    doc_hash: sha256(pythonJson(doc)),
    prompt_hash: sha256(prompt),
    target_hash: sha256(pythonStr(target)),
  };
}

/** json.dumps(value, indent=2, ensure_ascii=False) */
function pythonJson(value: unknown, line = '\n'): string {
  const list = (open: string, items: readonly string[], close: string): string =>
    items.length === 0 ? open + close : `${open}${line}  ${items.join(`,${line}  `)}${line}${close}`;
  if (Array.isArray(value))
    return list(
      '[',
      value.map((item) => pythonJson(item, `${line}  `)),
      ']',
    );
  if (isDict(value)) {
    const entries = dictEntries(value).map(
      ([k, item]) => `${JSON.stringify(String(k))}: ${pythonJson(item, `${line}  `)}`,
    );
    return list('{', entries, '}');
  }
  return typeof value === 'number' || typeof value === 'bigint' ? pythonStr(value) : JSON.stringify(value ?? null);
}

/** Whole numbers beyond 2^53 and numbers that are none: neither has a place in JSON. */
const plainNumber = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const numbered = (name: string, items: readonly unknown[]) =>
  Object.fromEntries(items.map((item, i) => [`${name}_${i}`, item]));

function plainArguments(request: Request): readonly unknown[] {
  if (request.kind === 'rolling') return [request.text];
  if (request.kind === 'loglikelihood') return [request.context, request.continuation];
  const { context, until, temperature, max_gen_toks } = request;
  return [context, { temperature, do_sample: temperature > 0, max_gen_toks, until }];
}

type Texts = string | readonly Texts[];

/** Everything in it as Python's str() gives it; ln p is a float, even -3. */
function texts(response: Response): Texts {
  if (isList(response)) return response.map(texts);
  if (isLikelihood(response)) return [floatText(response.logprob), pythonStr(response.greedy)];
  return typeof response === 'number' ? floatText(response) : pythonStr(response as Single);
}

const floatText = (x: number): string => pythonStr(new Float(x));

function scores({ choices }: AnsweredDoc, answers: readonly Response[]) {
  if (!choices || !answers.every(isLikelihood)) return {};
  const ll = answers.slice(0, choices.length).map(({ logprob }) => logprob);
  return { score_raw: ll, score_norm: ll.map((x, i) => x / length(choices[i]!)) };
}
