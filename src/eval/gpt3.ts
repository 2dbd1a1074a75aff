// GPT-3's own protocol (Brown et al. 2020, section 2.4 and appendix G) for tasks in lm-evaluation-harness's format.
//
//   zero-shot   the task told in words before the prompt, where we know or the file says such an instruction; no example
//   one-shot    exactly one demonstration;   few-shot   as many as the context holds, at most 100
//   choices     the likelihood of each choice per token: argmax ln p(choice | context) / tokens. ARC, OpenBookQA and RACE:
//               argmax ln p(choice | context) - ln p(choice | answer_context), with a context that only says "an answer"
//   LAMBADA     fill in the blank: "... went to visit her friend ____. ->"
//
// A file says its own in metadata: `gpt3: {instruction: ..., always: true, answer_context: ...}`; `always` keeps the
// instruction when there are demonstrations. Free answers are decoded greedily here; the paper used a beam of four.

import { z } from 'zod';
import { ConfigError } from '../base/errors.js';
import type { TaskConfig } from './harness/task_file.js';
import type { Answer, AnsweredDoc, LoglikelihoodAnswer, Request } from './request.js';
import { type Aggregate, sampleDeviation } from './results/aggregation.js';
import { argmax, rightChoices } from './results/document_metrics.js';
import type { ScoredMetric } from './results/score.js';

const OwnRule = z.strictObject({
  instruction: z.string().optional(),
  always: z.boolean().optional(), // the instruction also stands before demonstrations
  answer_context: z.string().optional(),
});

interface Rule extends z.infer<typeof OwnRule> {
  /** Keys of the task file that read otherwise. */
  readonly prompt?: Partial<TaskConfig>;
}

const UNSCRAMBLE: Rule = {
  instruction: 'Please unscramble the letters into a word, and write that word:',
  always: true,
  prompt: { target_delimiter: '', fewshot_delimiter: '' }, // "\nskicts =" and " sticks": the data has all white space
};

const FILL_IN: Rule = {
  instruction: 'Fill in blank:\n\n',
  always: true,
  prompt: {
    doc_to_text: "{{text.split(' ')[:-1]|join(' ')}} ____. ->",
    doc_to_target: "{{' '+text.split(' ')[-1]}}",
    target_delimiter: '',
  },
};

const RULES: readonly (readonly [tasks: RegExp, rule: Rule])[] = [
  [/^(lambada_|tfgpt_cloze)/, FILL_IN],
  [/^(anagrams[12]|cycle_letters|random_insertion|reversed_words)$/, UNSCRAMBLE],
  [/^(arc_(easy|challenge)|openbookqa|race)$/, { answer_context: 'Answer:' }],
];

/** What of the protocol is known for a task: what its file says, else what the paper says. Throws ConfigError. */
export function ruleOf({ task, metadata }: Pick<TaskConfig, 'task' | 'metadata'>): Rule {
  const own = OwnRule.safeParse((metadata as { gpt3?: unknown } | null | undefined)?.gpt3 ?? {});
  if (own.success) return { ...RULES.find(([tasks]) => tasks.test(task))?.[1], ...own.data };
  throw new ConfigError(
    `task ${task}: metadata.gpt3: ${own.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')}`,
    'its keys are instruction and answer_context, texts, and always, true or false',
  );
}

/** The task as GPT-3 was asked it, with so many demonstrations. */
export function gpt3Config(config: TaskConfig, shots: number): TaskConfig {
  const { instruction, always = false, prompt = {} } = ruleOf(config);
  const told = instruction !== undefined && (shots === 0 || always) ? instruction : '';
  return { ...config, ...prompt, description: `${told}${config.description ?? ''}` };
}

/** What else must be asked about choices: each after the answer context. None where the task has no such context. */
export function unconditional({ answer_context }: Rule, docs: readonly { readonly requests: readonly Request[] }[]) {
  if (answer_context === undefined) return [];
  return docs.map(({ requests }) =>
    requests.flatMap((r): Request[] => (r.kind === 'loglikelihood' ? [{ ...r, context: answer_context }] : [])),
  );
}

/** GPT-3's metrics of multiple choice, the headline first; `alone`: answers to unconditional(). */
export function gpt3Metrics(docs: readonly AnsweredDoc[], alone: readonly (readonly Answer[])[]): ScoredMetric[] {
  const accuracy = (metric: string, value: (answer: LoglikelihoodAnswer, doc: number, choice: number) => number) => {
    const items = docs.map((doc, d): number => {
      const choices = doc.answers.slice(0, doc.choices?.length); // acc_mutual_info has asked more
      const values = choices.map((answer, c) => value(answer as LoglikelihoodAnswer, d, c));
      return Number(rightChoices(doc).includes(argmax(values)));
    });
    const about = { metric, filter: 'none', higher_is_better: true, n: docs.length, items, aggregate: mean };
    return { ...about, value: mean(items), stderr: standardError(items) };
  };
  const perToken = accuracy('acc_per_token', ({ logprob, tokens }) => logprob / tokens);
  if (alone.length === 0) return [perToken];
  const relative = accuracy(
    'acc_unconditional',
    ({ logprob }, d, c) => logprob - (alone[d]![c] as LoglikelihoodAnswer).logprob,
  );
  return [relative, perToken];
}

const mean: Aggregate = (items) => (items as number[]).reduce((a, b) => a + b, 0) / items.length;

const standardError = (items: readonly number[]): number | null =>
  items.length > 1 ? sampleDeviation(Float64Array.from(items)) / Math.sqrt(items.length) : null;
