// Data sets from the Hugging Face hub, for `gpt data get`: the only code of gpt that opens the network. (hub_model.ts finds
// models with it.)
//
//   <hub>/api/datasets/<set>                                           licence
//   <hub>/api/datasets/<set>/tree/refs%2Fconvert%2Fparquet/<name>      files with size and SHA-256
//   <hub>/datasets/<set>/resolve/refs%2Fconvert%2Fparquet/<file>       -> <root>/<set>/<name>/<split>.parquet
//
// The branch refs/convert/parquet has every public set in one format, which the hub itself makes. A file is written as
// NAME.part, goes on from its end after a break (Range), and gets its name when size and hash are right.

import { closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { diskError, makeFolder, nodeFileSystem, syncFolder, withFile, writeAll } from '../base/files.js';
import { short, bytes as sizeText } from '../base/format.js';
import { isRecord } from '../base/json.js';
import { nearest } from '../config/spelling.js';
import { sha256Of } from './sha256.js';

/** The hub, where nothing else is said. */
export const HUB = 'https://huggingface.co';

const BRANCH = 'refs%2Fconvert%2Fparquet';

/** One file of a set. */
export interface HubFile {
  readonly url: string;
  readonly split: string;
  /** Below a data root. */
  readonly place: string;
  readonly bytes: number;
  /** undefined: the hub does not say. */
  readonly sha256: string | undefined;
}

/** A set under one of its names (configurations). */
export interface HubSet {
  readonly path: string;
  readonly name: string;
  /** As its card states it. */
  readonly licence: string | undefined;
  readonly files: readonly HubFile[];
}

/**
 * What the hub has of a set; without a name the only one, or the one named "default". Throws ConfigError for a name or an
 * address that cannot be, DataError where the hub cannot be reached or has no such set.
 */
export async function describeHubSet(hub: string, path: string, name: string | undefined): Promise<HubSet> {
  const base = hubAddress(hub);
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(path) || path.split('/').some(isDots)) {
    throw new ConfigError(`"${short(path)}" is no name of a data set of the hub`, 'names are such as nyu-mll/glue');
  }
  const info = await getJson(`${base}/api/datasets/${path}`, path);
  const tree = `${base}/api/datasets/${path}/tree/${BRANCH}`;
  const names = (await list(tree, path)).filter(({ type }) => type === 'directory').map((entry) => entry.path);
  const chosen = name ?? (names.length === 1 ? names[0] : names.find((one) => one === 'default'));
  if (chosen === undefined || !names.includes(chosen)) throw unknownName(path, name, names);
  const files = (await list(`${tree}/${encodeURIComponent(chosen)}?recursive=true`, path)).filter(
    ({ type, path: file }) => type === 'file' && file.endsWith('.parquet'),
  );
  return {
    path,
    name: chosen,
    licence: licenceOf(info),
    files: placed(join(path, name ?? 'default'), chosen, files).map(({ entry, split, place }) => {
      const file = entry.path.split('/').map(encodeURIComponent).join('/');
      const url = `${base}/datasets/${path}/resolve/${BRANCH}/${file}`;
      return { url, split, place, bytes: entry.size, sha256: entry.sha256 };
    }),
  };
}

/** The hub's address without a slash at its end. Throws ConfigError. */
export function hubAddress(hub: string): string {
  if (URL.canParse(hub) && /^https?:/.test(hub)) return hub.replace(/\/+$/, '');
  throw new ConfigError(`${hub}: not an address`, `such as ${HUB}`);
}

function unknownName(path: string, name: string | undefined, names: readonly string[]): ConfigError {
  const given = name === undefined ? 'has several names, and none of them is "default"' : `has no "${short(name)}"`;
  const near = name === undefined ? undefined : nearest(name, names);
  return new ConfigError(
    `${path} ${given}`,
    `${near === undefined ? '' : `did you mean ${near}? `}it has ${short(names.join(', '), 400)}`,
  );
}

/** A file or folder of the hub. */
export interface Entry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string | undefined;
}

/** <name>/<split>/0000.parquet ... as names that eval_sets.ts finds. Parts of names become parts of paths: they are checked. */
function placed(folder: string, name: string, entries: readonly Entry[]) {
  const bySplit = new Map<string, Entry[]>();
  for (const entry of entries) {
    const [first, split, file, ...more] = entry.path.split('/');
    if (first !== name || split === undefined || file === undefined || more.length > 0 || !isPlain(split)) {
      throw new DataError(`the hub names a file that gpt does not expect: ${short(entry.path)}`, 'fetch it by hand');
    }
    bySplit.set(split, [...(bySplit.get(split) ?? []), entry]);
  }
  const five = (n: number): string => String(n).padStart(5, '0');
  return [...bySplit].flatMap(([split, parts]) =>
    parts
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map((entry, i) => {
        const cut = parts.length === 1 ? '' : `-${five(i)}-of-${five(parts.length)}`;
        return { entry, split, place: join(folder, `${split}${cut}.parquet`) };
      }),
  );
}

const isDots = (part: string): boolean => /^\.+$/.test(part);
const isPlain = (part: string): boolean => /^[\w.-]+$/.test(part) && !isDots(part);

/** As the card of a set or model states it. */
export function licenceOf(info: unknown): string | undefined {
  const card = isRecord(info) ? info['cardData'] : undefined;
  const licence = isRecord(card) ? card['license'] : undefined;
  if (Array.isArray(licence)) return licence.join(', ');
  return typeof licence === 'string' ? licence : undefined;
}

/** A folder of the hub, over all of its pages. Throws DataError. */
export async function list(url: string, path: string, kind: HubKind = 'data set'): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next: string | undefined = url; next !== undefined; ) {
    const { body, response } = await getPage(next, path, kind);
    for (const item of Array.isArray(body) ? body : []) entries.push(entryOf(item, path));
    const link: RegExpExecArray | null = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '');
    next = link ? new URL(link[1]!, next).href : undefined;
  }
  return entries;
}

function entryOf(item: unknown, path: string): Entry {
  const { type, path: name, size, lfs } = isRecord(item) ? item : {};
  if (typeof type !== 'string' || typeof name !== 'string') {
    throw new DataError(`${path}: the hub's list of files is not as expected`, 'give another hub, or try again later');
  }
  const oid = isRecord(lfs) ? lfs['oid'] : undefined;
  return { type, path: name, size: Number(size ?? 0), sha256: hashOf(oid) };
}

/** A SHA-256 as the hub writes it, in quotes or bare. */
const hashOf = (text: unknown): string | undefined =>
  typeof text === 'string' ? /^"?([0-9a-f]{64})"?$/.exec(text)?.[1] : undefined;

// ---- the network

/** What the hub keeps, in messages. */
type HubKind = 'data set' | 'model';

/** Throws DataError where the hub cannot be reached, has no such set or model, or answers otherwise. */
export const getJson = async (url: string, path: string, kind: HubKind = 'data set'): Promise<unknown> =>
  (await getPage(url, path, kind)).body;

async function getPage(url: string, path: string, kind: HubKind): Promise<{ body: unknown; response: Response }> {
  const { response } = await get(url);
  if ([401, 403, 404].includes(response.status)) {
    const parquet = url.includes(BRANCH);
    throw new DataError(
      `${new URL(url).host} ${parquet ? `has no parquet files of ${path}` : `has no ${kind} ${path}, or none without an account`} (${response.status})`,
      `check the name; or fetch the files by hand${kind === 'model' ? '' : ', and put them into a data root'}`,
    );
  }
  if (!response.ok) throw refused(url, response);
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(url, error);
  });
  try {
    return { body: JSON.parse(text), response };
  } catch {
    throw new DataError(`${url}: the answer is not JSON`, 'check the address of the hub (--hub, GPT_HUB)');
  }
}

const REDIRECTS = 10;

/** Follows redirects by hand: the hash of a file stands in the first answer. */
async function get(url: string, headers: Record<string, string> = {}) {
  let sha256: string | undefined;
  let at = url;
  for (let i = 0; i < REDIRECTS; i++) {
    const response = await fetch(at, { headers, redirect: 'manual' }).catch((error: unknown) => {
      throw unreachable(at, error);
    });
    sha256 ??= hashOf(response.headers.get('x-linked-etag')) ?? hashOf(response.headers.get('etag'));
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return { response, sha256 };
    await response.body?.cancel();
    at = new URL(location, at).href;
  }
  throw new DataError(`${url}: more than ${REDIRECTS} redirects`, 'check the address of the hub (--hub, GPT_HUB)');
}

const refused = (url: string, { status, statusText }: Response): DataError =>
  new DataError(`${url}: ${status} ${statusText}`, 'try again later, or fetch the file by hand');

function unreachable(url: string, error: unknown): DataError {
  const { cause, message } = error as { cause?: NodeJS.ErrnoException; message: string };
  const reason = cause?.code ?? cause?.message ?? message;
  return new DataError(
    `cannot reach ${new URL(url).host} (${reason})`,
    'check the network; or fetch the files by hand on another machine',
  );
}

// ---- files

/**
 * Downloads one file below a root, going on from what an earlier try left. `onBytes` is told the bytes that are there.
 * Throws DataError where network or disk fail, and for content that is not what the hub promises.
 */
export async function downloadFile(
  root: string,
  file: Omit<HubFile, 'split'>,
  onBytes?: (bytes: number) => void,
): Promise<string> {
  const target = join(root, file.place);
  const part = `${target}.part`;
  makeFolder(dirname(target));
  const sizeOf = (): number => statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeOf() > file.bytes) rmSync(part);
  const free = nodeFileSystem.freeBytes(dirname(target));
  if (free < file.bytes - sizeOf()) {
    throw new DataError(
      `${target} has ${sizeText(file.bytes)}, and the disk ${sizeText(free)} left`,
      'free some space, or choose a folder on another disk (--out)',
    );
  }
  const promised = sizeOf() === file.bytes ? undefined : await fetchRest(file, part, sizeOf(), onBytes);
  const sha256 = file.sha256 ?? promised;
  const wrong = sizeOf() !== file.bytes ? `${sizeOf()} bytes, not ${file.bytes}` : await wrongHash(part, sha256);
  if (wrong !== undefined) {
    rmSync(part);
    throw new DataError(`${file.url}: what came has ${wrong}`, 'run the command again: it starts the file anew');
  }
  try {
    await withFile(part, 'r+', (fd) => nodeFileSystem.fsync(fd), nodeFileSystem);
    renameSync(part, target);
    syncFolder(dirname(target), nodeFileSystem);
  } catch (error) {
    throw diskError('write', target, error);
  }
  return target;
}

/** Appends what is missing to a file; the hash that the server tells with it. */
async function fetchRest(
  { url, bytes }: Omit<HubFile, 'split'>,
  part: string,
  have: number,
  onBytes?: (bytes: number) => void,
): Promise<string | undefined> {
  const { response, sha256 } = await get(url, {
    'accept-encoding': 'identity', // ranges count bytes of the file
    ...(have > 0 ? { range: `bytes=${have}-` } : {}),
  });
  if (!response.ok || response.body === null) throw refused(url, response);
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`);
  let done = goesOn ? have : 0; // a server that knows no ranges sends all
  let fd: number | undefined;
  try {
    fd = openSync(part, goesOn ? 'a' : 'w');
    for await (const block of response.body) {
      writeAll(fd, block, nodeFileSystem);
      done += block.length;
      onBytes?.(done);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw diskError('write', part, error);
    const of = `${sizeText(done)} of ${sizeText(bytes)}`;
    throw new DataError(`${url}: the connection broke after ${of}`, 'run the command again: it goes on from there');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return sha256;
}

async function wrongHash(file: string, sha256: string | undefined): Promise<string | undefined> {
  if (sha256 === undefined) return undefined;
  const digest = await sha256Of(file);
  return digest === sha256 ? undefined : `the SHA-256 ${digest}, not ${sha256}`;
}
