// `gpt data import`, `get` and `list`: data sets for evaluation, in a data root that `gpt eval` reads, and text corpora.
//
// import converts files that the user has, get fetches from the hub and is the only command that opens the network, list
// says what is known and where it is. What makes tokens of text is in data_prepare.ts.

import { delimiter, join } from 'node:path';
import { ConfigError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { bytes, integer, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { TEXT_CORPORA, TEXT_ROOT } from '../data/corpora.js';
import { describeHubSet, HUB } from '../data/download.js';
import { importSet, ORIGINAL_SETS, type OriginalSet, originalSet } from '../data/eval_import.js';
import { DEFAULT_ROOT, evalRoots, whereIs } from '../data/eval_sets.js';
import { fetchFiles, splitsOf } from './data_files.js';
import { fetchCorpus, namedCorpus } from './data_text.js';
import type {
  CommandContext,
  DataGetOptions,
  DataImportOptions,
  DataListOptions,
  DataOptions,
  Run,
} from './options.js';

export const run: Run<DataOptions> = async (options, context) => {
  switch (options.action) {
    case 'prepare':
    case 'merge':
    case 'check':
      return (await import('./data_prepare.js')).run(options, context);
    case 'import':
      await importOriginal(options, context);
      return 0;
    case 'get': {
      const corpus = namedCorpus(options);
      await (corpus === undefined ? fetchFromHub(options, context) : fetchCorpus(corpus, options, context));
      return 0;
    }
    case 'list':
      list(options, context);
      return 0;
  }
};

async function importOriginal(options: DataImportOptions, context: CommandContext): Promise<void> {
  const set = originalSet(options.name);
  const { source, trainRows, overwrite } = options;
  const out = options.out ?? ownRoot(context);
  const written = await importSet(set, source, { out, trainRows, overwrite });
  if (options.json) {
    context.out(`${jsonText({ set: set.name, licence: set.licence, note: set.note, out, written })}\n`);
    return;
  }
  if (options.quiet) return;
  const width = Math.max(...written.map(({ file }) => file.length));
  for (const { file, rows } of written) context.out(`wrote    ${file.padEnd(width)}  ${plural(rows, 'row')}\n`);
  context.out(`licence  ${set.licence}\n`);
  if (set.note) context.out(`note     ${set.note}\n`);
  context.out(`next     ${nextCommand(set, out, context)}\n`);
}

function nextCommand(set: OriginalSet, out: string, context: CommandContext): string {
  const root = out === ownRoot(context) ? '' : ` --data-root ${out}`;
  const { path } = set.splits('')[0] ?? { path: '' };
  if (set.tasks === undefined) {
    return `${context.program} eval CHECKPOINT --task-file FILE.yaml${root}   (with dataset_path: ${path})`;
  }
  const folder = 'lm-evaluation-harness/lm_eval/tasks';
  return `${context.program} eval CHECKPOINT --tasks-dir ${folder} --tasks ${set.tasks}${root}`;
}

/** Where data goes without --out. */
const ownRoot = ({ env }: CommandContext): string => env['GPT_DATA']?.split(delimiter)[0] || DEFAULT_ROOT;

async function fetchFromHub(options: DataGetOptions, context: CommandContext): Promise<void> {
  const { path, name } = hubName(options);
  const hub = options.hub ?? context.env['GPT_HUB'] ?? HUB;
  const out = options.out ?? ownRoot(context);
  const set = await describeHubSet(hub, path, name);
  const files = splitsOf(set.path, set.files, options.split);
  const say = (text: string): void => {
    if (!options.quiet && !options.json) context.out(text);
  };
  const total = bytes(files.reduce((sum, file) => sum + file.bytes, 0));
  say(`set      ${path}, ${set.name}   (${hub})\n`);
  say(`licence  ${set.licence ?? 'none stated'}\n`);
  say(`size     ${total} in ${plural(files.length, 'file')}\n`);
  const fetched = options.dryRun ? [] : await fetchFiles(out, files, options, context);
  if (options.json) context.out(`${jsonText({ ...set, hub, out, files, fetched })}\n`);
}

/** Names of gpt data list stand for the set's own. */
function hubName({ path, name }: DataGetOptions): { path: string; name: string | undefined } {
  if (path.includes('/') || name !== undefined) return { path, name };
  const known = ORIGINAL_SETS.find((set) => set.name === path)?.splits('');
  if (known === undefined) return { path, name };
  const names = [...new Set(known.map((split) => `${split.path} ${split.name}`))];
  if (names.length !== 1) {
    throw new ConfigError(
      `${path} is several sets of the hub`,
      `name one: ${names.join(', ') || 'nyu-mll/blimp NAME'}`,
    );
  }
  const { path: own, name: ownName } = known[0]!;
  return { path: own, name: ownName === 'default' ? undefined : ownName };
}

function list({ dataRoot, json }: DataListOptions, context: CommandContext): void {
  const roots = evalRoots(dataRoot, context.env['GPT_DATA']);
  const sets = ORIGINAL_SETS.map((set) => {
    const names = [...new Set(set.splits('').map(({ path }) => path))];
    const { name, tasks = null, licence, note = null } = set;
    return { name, sets: names, tasks, licence, note, found: whereIs(roots, set) };
  });
  const corpora = TEXT_CORPORA.map(({ name, what, licence, bytes: size, note = null, from }) => {
    const source = 'url' in from ? from.url : [from.path, from.name].filter(Boolean).join(' ');
    const folder = join(TEXT_ROOT, name);
    return { name, what, licence, bytes: size, note, source, found: exists(folder) ? folder : null };
  });
  if (json) {
    context.out(`${jsonText({ corpora, roots, sets })}\n`);
    return;
  }
  context.out('text to pretrain on\n');
  for (const { name, what, licence, bytes: size, note, source, found } of corpora) {
    context.out(`${name.padEnd(16)}${what}\n`);
    context.out(`  about ${bytes(size)}, ${licence}; ${source}\n`);
    if (note !== null) context.out(`  note: ${note}\n`);
    if (found !== null) context.out(`  in ${found}\n`);
  }
  context.out(`get one: ${context.program} data get NAME\n\nsets for gpt eval\n`);
  context.out(`${'name'.padEnd(16)}${'dataset_path'.padEnd(37)}licence\n`);
  for (const { name, sets: paths, licence, note, found } of sets) {
    context.out(`${name.padEnd(16)}${(paths.join(', ') || 'nyu-mll/blimp').padEnd(36)} ${licence}\n`);
    if (note !== null) context.out(`  note: ${note}\n`);
    for (const { folder, original, splits } of found) {
      const what = splits.length > 4 ? `${integer(splits.length)} splits` : splits.join(', ');
      context.out(`  in ${folder}: ${what}${original ? ' (original files)' : ''}\n`);
    }
  }
  context.out(`\nroots: ${roots.join(', ')}\n`);
  context.out(
    `get one: ${context.program} data import NAME FOLDER, or ${context.program} data get DATASET_PATH [NAME]\n`,
  );
}
