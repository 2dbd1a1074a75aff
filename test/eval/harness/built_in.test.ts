// Our own task files: all of them load, those with bundled data ask something, and configs/tasks/standard asks what
// lm-evaluation-harness's files of the same names ask, string for string.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BUILT_IN, openTask, openTasks } from '../../../src/commands/open_tasks.js';
import { Catalogue, type LoadedTask, tasksOf } from '../../../src/eval/harness/catalogue.js';
import { HarnessTask } from '../../../src/eval/harness/task.js';
import { FunctionName } from '../../../src/eval/harness/yaml11.js';

const built_in = new Catalogue([BUILT_IN]);
const isStandard = ({ file }: LoadedTask): boolean => file.startsWith(path.join(BUILT_IN, 'standard') + path.sep);
const tasks = [
  ...new Map(
    built_in.names.flatMap((name) => built_in.load([name]).flatMap(tasksOf)).map((task) => [task.name, task]),
  ).values(),
];
const standard = tasks.filter(isStandard);

describe('built-in task files', () => {
  it('are all listed', () => {
    const files = readdirSync(BUILT_IN, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
    const listed = built_in.entries.flatMap(({ file }) => (file === null ? [] : path.relative(BUILT_IN, file)));
    expect(listed.sort()).toEqual(files.sort());
  });

  it.each(tasks.filter((task) => !isStandard(task)).map(({ name }) => name))('%s asks something', async (name) => {
    const source = { tasks: [name], tasksDirs: [], taskFiles: [], dataRoots: [], trainRows: undefined };
    const [open] = (await openTasks(source, {})).tasks;
    expect((await open!.task.requests(1, { limit: 1 }))[0]!.requests.length).toBeGreaterThan(0);
  });

  it.each(standard.map((task) => [task.name, task] as const))('%s needs nothing that is not here', async (_, task) => {
    await expect(HarnessTask.open(task.config, async () => [])).rejects.toThrow(/split \w+ is empty/);
  });
});

/** Where lm-evaluation-harness has them, below its folder of tasks. */
const THEIRS: Readonly<Record<string, string>> = {
  cola: 'glue/cola/default.yaml',
  copa: 'super_glue/copa/default.yaml',
  hellaswag: 'hellaswag/hellaswag.yaml',
  lambada_openai: 'lambada/lambada_openai.yaml',
  mrpc: 'glue/mrpc/default.yaml',
  piqa: 'piqa/piqa.yaml',
  rte: 'glue/rte/default.yaml',
  sst2: 'glue/sst2/default.yaml',
  wikitext: 'wikitext/wikitext.yaml',
};

it('standard tasks are known', () => expect(standard.map(({ name }) => name).sort()).toEqual(Object.keys(THEIRS)));

const DATA = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const TASKS = process.env['GPT_HARNESS_TASKS'] ?? ''; // lm_eval/tasks of a checkout
const missing = [DATA, TASKS].filter((dir) => !existsSync(dir)).map((dir) => dir || 'GPT_HARNESS_TASKS');
const TRAIN_ROWS = 900; // of validation, where the original files have no training split

describe.skipIf(missing.length > 0)(`standard tasks and the harness's (missing here: ${missing.join(', ')})`, () => {
  const theirs = ({ name }: LoadedTask): LoadedTask =>
    new Catalogue([]).load([path.join(TASKS, THEIRS[name]!)]).flatMap(tasksOf)[0]!;

  it.each(standard.map((task) => [task.name, task] as const))('%s: the same keys', (_, task) => {
    // ours leave out what gpt does not read
    const { should_decontaminate: _s, doc_to_decontamination_query: _q, ...config } = theirs(task).config;
    const named = (value: unknown) => JSON.stringify(value, (_key, v) => (v instanceof FunctionName ? String(v) : v));
    expect(named(task.config)).toBe(named(config));
  });

  const asked = standard.flatMap((task) =>
    (task.config.output_type === 'loglikelihood_rolling' ? [0] : [0, 2]).map((n) => [task.name, n, task] as const),
  );
  it.each(asked)('%s, %i shots: the same requests', async (_, shots, task) => {
    const argumentsOf = async (loaded: LoadedTask) => {
      const { task: open } = await openTask(loaded, [DATA], TRAIN_ROWS);
      const docs = await open.requests(shots, { limit: 20 });
      return docs.map(({ requests }) => requests.map((request) => open.harnessArguments(request)));
    };
    const ours = await argumentsOf(task);
    expect(ours).toHaveLength(20);
    expect(ours).toEqual(await argumentsOf(theirs(task)));
  });
});
