// `gpt data get NAME` of a text corpus.

import { join } from 'node:path';
import { bytes, plural } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { findCorpus, TEXT_CORPORA, TEXT_ROOT, type TextCorpus } from '../data/corpora.js';
import { fetchFiles, splitsOf } from './data_files.js';
import type { CommandContext, DataGetOptions } from './options.js';

/** The corpus that the arguments of `gpt data get` name, if they do. */
export const namedCorpus = ({ path, name }: DataGetOptions): TextCorpus | undefined =>
  name === undefined ? TEXT_CORPORA.find((corpus) => corpus.name === path) : undefined;

export async function fetchCorpus(corpus: TextCorpus, options: DataGetOptions, context: CommandContext): Promise<void> {
  const out = options.out ?? TEXT_ROOT;
  const found = await findCorpus(corpus, options.hub ?? context.env['GPT_HUB']);
  const files = splitsOf(corpus.name, found.files, options.split);
  const say = (text: string): void => {
    if (!options.quiet && !options.json) context.out(text);
  };
  say(`corpus   ${corpus.name}: ${corpus.what}\n`);
  say(`from     ${found.source}\n`);
  say(`licence  ${found.licence}\n`);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  say(`size     ${bytes(total)} in ${plural(files.length, 'file')}\n`);
  if (corpus.note) say(`note     ${corpus.note}\n`);
  const fetched = options.dryRun ? [] : await fetchFiles(out, files, options, context);
  if (options.json) context.out(`${jsonText({ name: corpus.name, ...found, files, out, fetched })}\n`);
  if (options.dryRun) return;
  const train = files.filter(({ split }) => split === 'train');
  const folder = join(out, corpus.name);
  const data = train.length === files.length ? folder : `'${join(folder, 'train*')}'`;
  const prepared = `data/${corpus.name}`;
  say(`next     ${context.program} data prepare ${data} --tokenizer gpt2 --out ${prepared}\n`);
  say(`         ${context.program} pretrain gpt2-124m --data ${prepared}\n`);
}
