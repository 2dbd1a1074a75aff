// `gpt config show` and `gpt config list`: what a configuration says in full, and which presets there are.
// show prints what --print-config prints.

import { nativeIsBuilt } from '../backends/build_folder.js';
import { count } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { countParameters } from '../config/arithmetic.js';
import { commandOfConfig } from '../config/kind.js';
import { loadConfig, loadFinetuneConfig, presets } from '../config/load.js';
import { resolveModel } from '../config/model_shape.js';
import type { CommandContext, ConfigOptions, ConfigShowOptions, Run } from './options.js';
import { vocabularyOf } from './run_data.js';

export const run: Run<ConfigOptions> = async (options, context) => {
  if (options.action === 'show') show(options, context);
  else await list(options.json, context);
  return 0;
};

function show({ config: file, flags, json }: ConfigShowOptions, { out }: CommandContext): void {
  const command = commandOfConfig(file);
  const load = command === 'finetune' ? loadFinetuneConfig : loadConfig;
  const config = load({ file, flags, portable: !nativeIsBuilt(), incomplete: true });
  const { name, run } = config;
  const all = { name, command, file: config.file, config: run, origins: config.origins() };
  out(json ? `${jsonText(all)}\n` : config.print());
}

const ASSUMED = 100; // characters of a text that is not known

async function list(json: boolean, { out }: CommandContext): Promise<void> {
  const models = await Promise.all(
    presets('pretrain').map(async (name) => {
      const { run } = loadConfig({ file: name, flags: [] });
      const vocab_size = await vocabularyOf(run);
      const params = countParameters(resolveModel(run.model, vocab_size ?? ASSUMED));
      const { arch, n_layer, n_embd, n_head, n_ctx } = run.model;
      const shape = { arch, n_layer, n_embd, n_head, n_ctx, vocab_size, tokenizer: run.tokenizer.type };
      return { name, params, ...shape };
    }),
  );
  models.sort((a, b) => a.arch.localeCompare(b.arch) || a.params - b.params);
  const tasks = presets('finetune').map((name) => {
    const { finetune, data } = loadFinetuneConfig({ file: name, flags: [], incomplete: true }).run;
    return { name, task: finetune.task ?? null, format: data.format };
  });
  if (json) {
    const known = models.map((model) => (model.vocab_size === null ? { ...model, params: null } : model));
    out(`${jsonText({ pretrain: known, finetune: tasks })}\n`);
    return;
  }
  out(
    table(
      'gpt pretrain',
      ['arch', 'parameters', 'layers', 'width', 'heads', 'context', 'tokenizer'],
      models.map((m) => [
        m.name,
        m.arch,
        `${m.vocab_size === null ? '~' : ''}${count(m.params)}`,
        ...[m.n_layer, m.n_embd, m.n_head, m.n_ctx].map(String),
        m.tokenizer,
      ]),
    ),
  );
  out(
    `\n${table(
      'gpt finetune',
      ['task', 'format of the data'],
      tasks.map((t) => [t.name, t.task ?? 'any (--task)', t.format]),
    )}`,
  );
  out('\ngpt config show NAME shows every setting; gpt plan NAME what it takes\n');
}

/** Rows below names of columns; numbers to the right. */
function table(title: string, names: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [[title, ...names], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const isNumber = widths.map((_, i) => rows.every((row) => /^~?\d/.test(row[i]!)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join('');
}
