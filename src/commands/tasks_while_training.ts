// Tasks in context that are measured while a model trains (config section `eval`): accuracy curves in log, TensorBoard and
// report. The same prompts every time: the first documents of each task, demonstrations of one seed.

import type { EvalConfig } from '../config/schema.js';
import { modelAnswerer } from '../eval/answer/answerer.js';
import { measureTask } from '../eval/in_context.js';
import type { Gpt } from '../model/gpt.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Progress } from '../train/loop.js';
import { openTasks } from './open_tasks.js';
import type { CommandContext } from './options.js';
import type { FramedRun } from './training_run.js';

const SEED = 1234; //      of the demonstrations: lm-evaluation-harness's
const BOOTSTRAP = 1000; // draws: errors of a curve need no more

/** Opens the tasks of the configuration, before anything is trained. undefined: there are none. Throws as openTasks(). */
export async function tasksWhileTraining(
  { tasks, every, shots, limit, tasks_dir, data_root }: EvalConfig,
  env: CommandContext['env'],
): Promise<((model: Gpt, tokenizer: Tokenizer, progress: Progress) => FramedRun['tasks']) | undefined> {
  if (tasks.length === 0) return undefined;
  const source = {
    tasks,
    tasksDirs: listOf(tasks_dir),
    taskFiles: [],
    dataRoots: listOf(data_root),
    trainRows: undefined,
  };
  const opened = await openTasks(source, env);
  const options = { protocol: 'harness', demonstrations: 'right', limit, seed: SEED, bootstrap: BOOTSTRAP } as const;
  return (model, tokenizer, progress) => ({
    every,
    async measure(report, signal) {
      const answerer = modelAnswerer(model, tokenizer);
      for (const asked of shots) {
        for (const task of opened.tasks) {
          const { run } = await measureTask(answerer, task, asked, { ...options, signal });
          const headline = run.metrics[0]!.metric;
          report.on({
            type: 'eval',
            name: run.task,
            step: progress.step,
            metrics: Object.fromEntries(
              run.metrics.map(({ metric, value, stderr }) => [
                metric,
                { value, n: run.docs, ...(stderr !== null && { stderr }) },
              ]),
            ),
            settings: { shots: String(asked) },
            seconds: run.seconds,
            ...(run.chance !== null && { baseline: { name: 'chance', metrics: { [headline]: run.chance } } }),
          });
        }
      }
    },
  });
}

const listOf = (dir: string | undefined): string[] => (dir === undefined ? [] : [dir]);
