// Requests, string for string, as lm-evaluation-harness makes them: of the task files and data in fixtures/ (made by its own
// Python, fixtures/make_requests.py), and of real tasks where ../shared and a checkout of the harness are there.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openTask } from '../../../src/commands/open_tasks.js';
import { Catalogue, tasksOf } from '../../../src/eval/harness/catalogue.js';
import { HarnessTask, type Splits } from '../../../src/eval/harness/task.js';
import type { TaskConfig } from '../../../src/eval/harness/task_file.js';
import type { Doc } from '../../../src/eval/request.js';

interface Golden {
  readonly yaml: string;
  readonly task: string;
  readonly num_fewshot: number | null;
  readonly fewshot_seed: number;
  readonly limit: number | null;
  readonly requests: unknown[];
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const jsonl = (file: string): Doc[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const fixtureSplits =
  ({ dataset_path, dataset_name }: TaskConfig): Splits =>
  async (split) =>
    jsonl(here(`fixtures/data/${dataset_path}/${dataset_name ?? 'default'}/${split}.jsonl`));

async function requests(task: HarnessTask, { num_fewshot, limit, fewshot_seed }: Golden): Promise<unknown[]> {
  const docs = await task.requests(task.shots(num_fewshot ?? undefined), {
    limit: limit ?? Infinity,
    seed: fewshot_seed,
  });
  return docs.flatMap((doc) =>
    doc.requests.map((request, idx) => ({ doc_id: doc.id, idx, args: task.harnessArguments(request) })),
  );
}

describe('task files of our own', () => {
  const catalogue = new Catalogue([here('fixtures/tasks')]);
  const golden = json(here('fixtures/golden/harness_requests.json')) as Golden[];

  it.each(golden)('$yaml $task, $num_fewshot shots, seed $fewshot_seed', async (wanted) => {
    const tasks = catalogue.load([here(`fixtures/tasks/${wanted.yaml}`)]).flatMap(tasksOf);
    const { config } = tasks.find(({ name }) => name === wanted.task)!;
    expect(await requests(await HarnessTask.open(config, fixtureSplits(config)), wanted)).toEqual(wanted.requests);
  });
});

const DATA = here('../../../../shared/data');
const VECTORS = here('../../../../shared/eval-golden');
const TASKS = process.env['GPT_HARNESS_TASKS'] ?? ''; // lm_eval/tasks of a checkout
const missing = [DATA, VECTORS, TASKS].filter((dir) => !existsSync(dir)).map((dir) => dir || 'GPT_HARNESS_TASKS');

describe.skipIf(missing.length > 0)(`real tasks (missing here: ${missing.join(', ') || 'nothing'})`, () => {
  const open = async (yaml: string): Promise<HarnessTask> => {
    const [loaded] = new Catalogue([]).load([path.join(TASKS, yaml)]).flatMap(tasksOf);
    return (await openTask(loaded!, [DATA])).task;
  };

  const golden = missing.length > 0 ? [] : (json(path.join(VECTORS, 'harness_requests.json')) as Golden[]);
  const known = golden.filter(({ yaml }) => /rte|sst2|lambada/.test(yaml));
  it('are known', () => expect(known).toHaveLength(6));

  it.each(known)('$yaml, $num_fewshot shots', async (wanted) => {
    expect(await requests(await open(wanted.yaml), wanted)).toEqual(wanted.requests);
  });

  const results = missing.length > 0 ? [] : json(path.join(VECTORS, 'harness_results.json')).tasks;
  it.each(
    results as { yaml: string; num_fewshot: number; requests_sha256: string }[],
  )('all requests of $yaml, $num_fewshot shots', async ({ yaml, num_fewshot, requests_sha256 }) => {
    const task = await open(yaml);
    const all = (await task.requests(num_fewshot)).flatMap((doc) => doc.requests.map((r) => task.harnessArguments(r)));
    const written = `[${all.map((args) => `[${args.map((arg) => JSON.stringify(arg)).join(', ')}]`).join(', ')}]`;
    expect(createHash('sha256').update(written).digest('hex')).toBe(requests_sha256);
  });
});
