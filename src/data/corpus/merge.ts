// The parts of a corpus to one: every record is there, every shard is what its record says, one manifest.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../base/errors.js';
import { diskError, readText, removeFolderAtomic, writeFileAtomic } from '../../base/files.js';
import { plural } from '../../base/format.js';
import { jsonFileText } from '../../base/json.js';
import { loadTokenizer } from '../../tokenizer/load.js';
import {
  CORPUS_VERSION,
  isOfPart,
  type Manifest,
  Plan,
  partFolder,
  partFolders,
  readManifest,
  readRecord,
  six,
  totalsOf,
  Unit,
  unitsOf,
} from './manifest.js';
import { openShards } from './open.js';
import { sidesOf } from './sides.js';

/** Writes the manifest of a folder whose parts are all done. Throws DataError that names what is missing or wrong. */
export async function mergeParts(dir: string): Promise<Manifest> {
  const folders = foldersOf(dir);
  if (existsSync(join(dir, 'manifest.json'))) {
    const manifest = readManifest(dir);
    await removeParts(dir, folders); // of a merge that was killed
    return manifest;
  }
  const plans = folders.map((name) => readRecord(Plan, join(dir, name, 'part.json')));
  const plan = plans[0];
  if (plan === undefined) {
    throw new DataError(`${dir} holds no parts`, 'make them first: gpt data prepare FILES --out DIR --part 1/8 ...');
  }
  const other = plans.findIndex((one) => !isSamePlan(one, plan));
  if (other >= 0) {
    throw new DataError(
      `${join(dir, folders[other]!)} was made with other options, files or tokenizer than ${folders[0]}`,
      'make all parts with the same command but for --part',
    );
  }
  const units = unitsOf(plan.inputs.length).map((_, unit) => recordOf(dir, plan, unit));
  const missing = units.filter((unit) => unit === undefined).length;
  if (missing > 0) throw unfinished(dir, plan, units, missing);
  const records = units as Unit[];
  const inputs = records.flatMap((record) => record.inputs);
  const shards = records.flatMap((record) => record.shards);
  const paths = plan.inputs.map(({ path }) => path);
  const hash = createHash('sha256');
  for (const { file, sha256 } of shards) hash.update(`${file} ${sha256}\n`);
  const manifest: Manifest = {
    format: 'gpt-data',
    version: CORPUS_VERSION,
    tokenizer: plan.tokenizer,
    options: plan.options,
    dedup_parts: plan.options.dedup === 'none' ? null : plan.parts,
    split: sidesOf(paths, plan.options.val_fraction).words,
    totals: totalsOf({ inputs, shards }),
    fingerprint: hash.digest('hex'),
    inputs,
    shards,
  };
  const tokenizer = await loadTokenizer(join(dir, folders[0]!));
  openShards(dir, manifest, tokenizer).close();
  await writeFileAtomic(join(dir, 'tokenizer.json'), readText(join(dir, folders[0]!, 'tokenizer.json')));
  await writeFileAtomic(join(dir, 'manifest.json'), jsonFileText(manifest));
  await removeParts(dir, folders);
  return manifest;
}

function foldersOf(dir: string): string[] {
  try {
    return partFolders(dir).sort();
  } catch (error) {
    throw diskError('read', dir, error);
  }
}

const isSamePlan = (a: Plan, b: Plan): boolean =>
  JSON.stringify({ ...a, part: 0 }) === JSON.stringify({ ...b, part: 0 });

function recordOf(dir: string, { parts }: Plan, unit: number): Unit | undefined {
  const path = join(dir, partFolder((unit % parts) + 1, parts), `${six(unit)}.json`);
  return existsSync(path) ? readRecord(Unit, path) : undefined;
}

function unfinished(dir: string, { parts }: Plan, units: readonly (Unit | undefined)[], missing: number): DataError {
  const lacking = Array.from({ length: parts }, (_, i) => i + 1).filter((part) =>
    units.some((unit, u) => unit === undefined && isOfPart(u, part, parts)),
  );
  const named = `${lacking.slice(0, 10).join(', ')}${lacking.length > 10 ? ' ...' : ''}`;
  return new DataError(
    `${dir}: ${plural(missing, 'file')} of ${units.length} not done, in part ${named} of ${parts}`,
    `run the same command with --part ${lacking[0]}/${parts} again`,
  );
}

async function removeParts(dir: string, folders: readonly string[]): Promise<void> {
  for (const name of folders) {
    if (readdirSync(dir).includes(name)) await removeFolderAtomic(join(dir, name));
  }
}
