// What is shown of a task.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Catalogue, tasksOf } from '../../../src/eval/harness/catalogue.js';
import { showTask } from '../../../src/eval/harness/show.js';
import { HarnessTask } from '../../../src/eval/harness/task.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function open(name: string): Promise<HarnessTask> {
  const [task] = new Catalogue([here('fixtures/tasks')]).load([name]).flatMap(tasksOf);
  const { config } = task!;
  const folder = here(`fixtures/data/${config.dataset_path}/${config.dataset_name ?? 'default'}`);
  return HarnessTask.open(config, async (split) =>
    readFileSync(`${folder}/${split}.jsonl`, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

it('shows choices, the right one marked', async () => {
  expect(await showTask(await open('colours_first'), 1)).toEqual({
    name: 'colours_first',
    settings: [
      ['output type', 'multiple_choice'],
      ['version', '1'],
      ['data set', 'made/colours'],
      ['documents', '4 of validation'],
      ['shots', '1'],
      ['drawn from', '10 documents'],
      ['metrics', 'acc'],
    ],
    prompts: [
      {
        document: 0,
        context: 'stonesblood is usually red\n\na "ruby" is usually',
        continuations: [
          { text: ' red', right: true },
          { text: ' green', right: false },
          { text: ' blue', right: false },
        ],
        expected: null,
      },
    ],
    warnings: [],
  });
});

it('shows contexts that are choices, each with what follows', async () => {
  const { prompts } = await showTask(await open('multiple_input'), 0);
  expect(prompts.map(({ context }) => context.slice(-3))).toEqual(['dog', 'cat']);
  expect(prompts.map(({ continuations }) => continuations)).toEqual([
    [{ text: ' climbed a tree.', right: false }],
    [{ text: ' climbed a tree.', right: true }],
  ]);
});

it('shows text to generate and text that is scored whole', async () => {
  const [generated] = (await showTask(await open('multiple_target'), 0)).prompts;
  expect(generated).toMatchObject({
    context: 'Q: Capital of France?\nA:',
    expected: "['Paris', 'paris']",
    continuations: [],
  });
  const { prompts } = await showTask(await open('rolling'), 0, 2);
  expect(prompts.map(({ continuations }) => continuations[0]?.text)[1]).toBe(' starts with a space');
  expect((await showTask(await open('zero_only'), 3)).settings).toContainEqual(['shots', '0 (fixed by the task file)']);
});
