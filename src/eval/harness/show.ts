// What `gpt tasks show` prints of a task: its settings, and the very prompt that the model will see.

import { pythonStr } from './python_value.js';
import type { AskedDoc, HarnessTask, RequestOptions } from './task.js';

/** A task in words. */
export interface ShownTask {
  readonly name: string;
  /** Lines "name  value", the value never empty. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly prompts: readonly ShownPrompt[];
  readonly warnings: readonly string[];
}

/** A prompt with what is scored after it, or generated. */
export interface ShownPrompt {
  readonly document: number;
  readonly context: string;
  /** What may follow; `right`: the answer that counts. */
  readonly continuations: readonly { readonly text: string; readonly right: boolean }[];
  /** Of a task that generates text: what it should be. */
  readonly expected: string | null;
}

/** The first `documents` prompts of a task. Throws as HarnessTask.requests. */
export async function showTask(
  task: HarnessTask,
  shots: number,
  documents = 1,
  options: RequestOptions = {},
): Promise<ShownTask> {
  const asked = await task.requests(shots, { ...options, limit: documents });
  return {
    name: task.name,
    settings: await settings(task, shots),
    prompts: asked.flatMap(prompts),
    warnings: task.warnings,
  };
}

async function settings(task: HarnessTask, shots: number): Promise<(readonly [string, string])[]> {
  const { config, scoring } = task;
  const version = (config.metadata as { version?: unknown } | null | undefined)?.version;
  const all: readonly (readonly [string, string | null])[] = [
    ['output type', config.output_type],
    ['version', version === undefined ? null : String(version)],
    ['data set', [config.dataset_path, config.dataset_name].filter((part) => part !== null).join(' ')],
    ['documents', `${task.docs.length} of ${task.split}`],
    ['shots', `${task.shots(shots)}${config.num_fewshot === 0 ? ' (fixed by the task file)' : ''}`],
    ['drawn from', task.shots(shots) > 0 ? `${(await task.pool()).length} documents` : null],
    ['metrics', scoring.metric_list?.map(({ metric }) => metric).join(', ') ?? null],
    ['filters', scoring.filter_list?.map(({ name }) => name).join(', ') ?? null],
  ];
  return all.filter((row): row is readonly [string, string] => row[1] !== null && row[1] !== '');
}

function prompts({ id, requests, target, choices, rightInput }: AskedDoc): ShownPrompt[] {
  const [first] = requests;
  if (first === undefined) return [];
  if (first.kind === 'rolling') {
    return [{ document: id, context: '', continuations: [{ text: first.text, right: true }], expected: null }];
  }
  if (first.kind === 'generate') {
    const right = choices !== null && typeof target === 'number' ? choices[target] : target;
    return [{ document: id, context: first.context, continuations: [], expected: pythonStr(right) }];
  }
  const scored = requests
    .slice(0, choices?.length ?? 1)
    .flatMap((request) => (request.kind === 'loglikelihood' ? [request] : []));
  const rights = rightInput ?? target;
  const isRight = (i: number) =>
    choices === null ||
    (Array.isArray(rights) ? rights : [rights]).some((right) => right === i || right === choices[i]);
  const contexts = [...new Set(scored.map(({ context }) => context))];
  return contexts.map((context) => ({
    document: id,
    context,
    continuations: scored.flatMap((request, i) =>
      request.context === context ? [{ text: request.continuation, right: isRight(i) }] : [],
    ),
    expected: null,
  }));
}
