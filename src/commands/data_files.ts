// Files of a set of the hub to a folder, for `gpt data get`.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { bytes, percent } from '../base/format.js';
import { downloadFile, type HubFile } from '../data/download.js';
import type { CommandContext, DataGetOptions } from './options.js';

/** The files of some splits; undefined: all. Throws ConfigError for a split that the set has not. */
export function splitsOf(
  set: string,
  files: readonly HubFile[],
  splits: readonly string[] | undefined,
): readonly HubFile[] {
  const there = [...new Set(files.map(({ split }) => split))];
  const unknown = splits?.find((split) => !there.includes(split));
  if (unknown === undefined && files.length > 0) return files.filter(({ split }) => splits?.includes(split) ?? true);
  throw new ConfigError(
    `${set} has no split "${unknown ?? ''}"`,
    there.length > 0 ? `it has ${there.join(', ')}` : 'the hub has no rows of it: fetch its own files by hand',
  );
}

/** Fetches what is not there yet, and says so; returns what it has fetched. Throws DataError. */
export async function fetchFiles(
  out: string,
  files: readonly HubFile[],
  options: DataGetOptions,
  context: CommandContext,
): Promise<readonly HubFile[]> {
  const missing = files.filter((file) => options.overwrite || !isThere(out, file));
  for (const file of files) {
    const target = join(out, file.place);
    if (missing.includes(file)) await downloadFile(out, file, progress(file, options, context));
    if (options.quiet || options.json) continue;
    context.out(`${missing.includes(file) ? 'wrote  ' : 'there  '}  ${target}  ${bytes(file.bytes)}\n`);
  }
  return missing;
}

/** A file that is whole is left as it is; anything else of its name is the user's. */
function isThere(out: string, file: HubFile): boolean {
  const target = join(out, file.place);
  if (!exists(target)) return false;
  if (statSync(target).size === file.bytes) return true;
  throw new DataError(`${target} exists and is not the file of the hub`, 'fetch it anew with --overwrite');
}

function progress(
  { place, bytes: all }: HubFile,
  { quiet, json }: DataGetOptions,
  context: CommandContext,
): ((done: number) => void) | undefined {
  if (quiet || json || !context.isTty) return undefined;
  let shown = '';
  return (done) => {
    const text = done < all ? `\r${place} ${percent(done / all)}` : `\r${' '.repeat(place.length + 7)}\r`;
    if (text !== shown) context.err(text);
    shown = text;
  };
}
