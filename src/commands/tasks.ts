// `gpt tasks list` and `gpt tasks show`: which tasks there are, and the very prompts that a model will see.

import { ConfigError } from '../base/errors.js';
import { plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { gpt3Config } from '../eval/gpt3.js';
import { type ShownPrompt, type ShownTask, showTask } from '../eval/harness/show.js';
import { HarnessTask } from '../eval/harness/task.js';
import { catalogueOf, openTasks } from './open_tasks.js';
import type { CommandContext, Run, TasksOptions } from './options.js';

export const run: Run<TasksOptions> = async (options, context) => {
  if (options.action === 'list') list(options, context);
  else await show(options, context);
  return 0;
};

function list({ source, json }: TasksOptions, { out, err, columns }: CommandContext): void {
  const catalogue = catalogueOf(source);
  const wanted = source.tasks.length === 0 ? null : new Set(source.tasks.flatMap((name) => catalogue.matching(name)));
  const entries = catalogue.entries.filter(({ name }) => wanted === null || wanted.has(name));
  if (json) {
    out(`${jsonText(entries)}\n`);
    return;
  }
  const width = Math.min(36, Math.max(4, ...entries.map(({ name }) => name.length)));
  for (const { name, kind, file, tasks } of entries) {
    const about = kind === 'tag' ? tasks.join(', ') : (file ?? '');
    const room = Math.max(20, columns - width - 10);
    out(`${name.padEnd(width)}  ${kind.padEnd(5)}  ${about.length > room ? `…${about.slice(-room)}` : about}\n`);
  }
  err(`${plural(entries.length, 'name')}; gpt tasks show NAME --shots 2 prints its prompts\n`);
}

async function show(options: TasksOptions, context: CommandContext): Promise<void> {
  const { protocol, docs, seed, json } = options;
  const { tasks } = await openTasks(options.source, context.env);
  const shown: ShownTask[] = [];
  for (const { task, splits } of tasks) {
    const shots = task.shots(options.shots);
    const asked = protocol === 'gpt3' ? await HarnessTask.open(gpt3Config(task.config, shots), splits) : task;
    shown.push(await showTask(asked, shots, docs, { seed }));
  }
  if (shown.length === 0) throw new ConfigError('no task is named', 'gpt tasks list names them all');
  if (json) context.out(`${jsonText(shown)}\n`);
  else for (const task of shown) context.out(textOf(task));
}

function textOf({ name, settings, prompts, warnings }: ShownTask): string {
  const width = Math.max(...settings.map(([key]) => key.length));
  return [
    `${name}\n`,
    ...settings.map(([key, value]) => `  ${key.padEnd(width)}  ${value}\n`),
    ...warnings.map((warning) => `  ${warning}\n`),
    ...prompts.map(promptText),
  ].join('');
}

/** The prompt stands as it is between two rules; what may follow is quoted, so that its spaces are seen. */
function promptText({ document, context, continuations, expected }: ShownPrompt): string {
  const after = continuations.map(({ text, right }) => `${right ? '->' : '  '} ${JSON.stringify(text)}\n`);
  const rest = expected === null ? after.join('') : `-> generated; right: ${JSON.stringify(expected)}\n`;
  return `\n--- document ${document} ${'-'.repeat(40)}\n${context}\n${'-'.repeat(55)}\n${rest}`;
}
