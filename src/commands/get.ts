// `gpt get MODEL`: a GPT-1 or GPT-2 from the Hugging Face hub, as a folder that every command opens. This and `gpt data get`
// are the only commands that open the network.
//
//   OUT.part   files come here, each checked for size and hash; a broken download goes on here
//   OUT        appears by one rename, when the folder opens and every tensor has its place

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../base/errors.js';
import {
  diskError,
  makeFolder,
  nodeFileSystem,
  outputPath,
  readText,
  refuseExisting,
  syncFolder,
  writeFileAtomic,
} from '../base/files.js';
import { bytes, percent, plural } from '../base/format.js';
import { jsonText, parseJson } from '../base/json.js';
import { lockFolder } from '../base/lock.js';
import { fromHfConfig } from '../checkpoint/hf.js';
import { openHfSource } from '../checkpoint/hf_source.js';
import { reportLine } from '../checkpoint/tensor_report.js';
import { downloadFile, HUB } from '../data/download.js';
import { describeHubModel, type HubModel, type ModelFile } from '../data/hub_model.js';
import { tokenizerOfFolder } from './folder_tokenizer.js';
import { modelLine } from './model_line.js';
import type { CommandContext, GetOptions, Run } from './options.js';
import { tensorTable } from './tensor_table.js';

export const run: Run<GetOptions> = async (options, context) => {
  const out = outputPath(options.out ?? join('checkpoints', basename(options.model)));
  if (!options.dryRun) refuseExisting(out);
  const found = await describeHubModel(options.hub ?? context.env['GPT_HUB'] ?? HUB, options.model);
  const size = found.files.reduce((sum, file) => sum + file.bytes, 0);
  const say = (text: string): void => {
    if (!options.quiet && !options.json) context.out(text);
  };
  say(`model    ${found.repository}   (${found.page})\n`);
  say(`licence  ${found.licence ?? 'none stated'}\n`);
  say(`size     ${bytes(size)} in ${plural(found.files.length, 'file')}\n`);
  const about = { ...found, licence: found.licence ?? null, bytes: size };
  if (options.dryRun) {
    if (options.json) context.out(`${jsonText(about)}\n`);
    return 0;
  }
  const { model, report, notes, hasTokenizer } = await fetchModel(found, out, options, context);
  say(`read     ${modelLine(model)}\n         ${reportLine(report)}\n`);
  if (options.tensors) say(tensorTable(report, '         '));
  for (const note of notes) say(`note     ${note}\n`);
  say(`wrote    ${out}\n`);
  if (hasTokenizer) say(`try      ${context.program} generate ${out} --interactive\n`);
  if (options.json) {
    const tensors = { ...report, missed: [], unknown: [] };
    context.out(`${jsonText({ ...about, out, model, notes, tensors })}\n`);
  }
  return 0;
};

async function fetchModel({ files }: HubModel, out: string, options: GetOptions, context: CommandContext) {
  const part = `${out}.part`;
  makeFolder(part);
  const unlock = lockFolder(part, undefined, {
    doing: 'fetching a model',
    ending: 'the same command goes on later',
    instead: 'choose another folder (--out)',
  });
  try {
    for (const file of files) {
      const target = join(part, file.place);
      const there = statSync(target, { throwIfNoEntry: false })?.size === file.bytes;
      if (!there) await downloadShown(part, file, options, context);
      // half a gigabyte of a model that gpt cannot compute would be a pity
      if (file.place === 'config.json') requireReadable(target);
    }
    const verified = await verify(part);
    unlock();
    nodeFileSystem.rename(part, out);
    syncFolder(dirname(out), nodeFileSystem);
    return { ...verified, notes: verified.notes.map((note) => note.replaceAll(part, out)) };
  } catch (error) {
    throw diskError('write', out, error);
  } finally {
    unlock();
  }
}

function requireReadable(configFile: string): void {
  const refuse = (message: string) => new DataError(`${configFile} is no JSON: ${message}`, 'choose another model');
  fromHfConfig(parseJson(readText(configFile), refuse), configFile);
}

/** Opens the folder as every command does, and adds the tokenizer files that it lacks. Throws DataError. */
async function verify(dir: string) {
  const { model, report, notes, close } = openHfSource(dir);
  close();
  const tokenizer = tokenizerOfFolder(dir, model.n_ctx);
  for (const [name, text] of tokenizer.files) {
    if (!existsSync(join(dir, name))) await writeFileAtomic(join(dir, name), text);
  }
  return { model, report, notes: [...notes, ...tokenizer.notes], hasTokenizer: tokenizer.tokenizer !== null };
}

/** On a terminal with a line that says how far it is. */
async function downloadShown(dir: string, file: ModelFile, { quiet, json }: GetOptions, context: CommandContext) {
  if (quiet || json || !context.isTty) return downloadFile(dir, file);
  let shown = '';
  try {
    return await downloadFile(dir, file, (done) => {
      const text = `\r${file.place}  ${percent(done / file.bytes)} of ${bytes(file.bytes)}  `;
      if (text !== shown) context.err(text);
      shown = text;
    });
  } finally {
    context.err('\r\x1b[K');
  }
}
