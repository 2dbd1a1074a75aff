// Models of the Hugging Face hub, for `gpt get`.
//
//   <hub>/api/models/<owner/name>              licence
//   <hub>/api/models/<owner/name>/tree/main    files with size; SHA-256 of the large ones
//   <hub>/<owner/name>/resolve/main/<file>
//
// Fetched is what gpt opens: config.json, safetensors (one file, or an index and its shards), and the tokenizer.

import { ConfigError, DataError } from '../base/errors.js';
import { nearest } from '../config/spelling.js';
import { type Entry, getJson, type HubFile, hubAddress, licenceOf, list } from './download.js';

/** Models that need no owner: OpenAI's, and the distilled one. */
const KNOWN: Readonly<Record<string, string>> = {
  gpt2: 'openai-community/gpt2',
  'gpt2-medium': 'openai-community/gpt2-medium',
  'gpt2-large': 'openai-community/gpt2-large',
  'gpt2-xl': 'openai-community/gpt2-xl',
  'openai-gpt': 'openai-community/openai-gpt',
  distilgpt2: 'distilbert/distilgpt2',
};

/** A file of a model; `place` is its name. */
export type ModelFile = Omit<HubFile, 'split'>;

/** A model that gpt can open, as far as the list of its files tells. */
export interface HubModel {
  /** owner/name */
  readonly repository: string;
  /** Where people look at it. */
  readonly page: string;
  readonly licence: string | undefined;
  /** config.json first: it says whether the others are worth it. */
  readonly files: readonly ModelFile[];
}

const CONFIG = 'config.json';
const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;
const BESIDE = [
  ...['generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
  ...['added_tokens.json', 'vocab.json', 'merges.txt'],
];

/**
 * What the hub has of a model. Throws ConfigError for a name or an address that cannot be, DataError where the hub cannot be
 * reached, has no such model, or none that gpt can open.
 */
export async function describeHubModel(hub: string, name: string): Promise<HubModel> {
  const base = hubAddress(hub);
  const repository = KNOWN[name] ?? name;
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repository)) {
    const near = nearest(name, Object.keys(KNOWN));
    throw new ConfigError(
      `${JSON.stringify(name)} is no model of the hub`,
      `${near === undefined ? '' : `did you mean ${near}? `}give owner/name, or one of ${Object.keys(KNOWN).join(', ')}`,
    );
  }
  const page = `${base}/${repository}`;
  try {
    const info = await getJson(`${base}/api/models/${repository}`, repository, 'model');
    const entries = await list(`${base}/api/models/${repository}/tree/main`, repository, 'model');
    const files = chosenFiles(entries, page).map(({ path, size, sha256 }) => ({
      ...{ url: `${page}/resolve/main/${path}`, place: path, bytes: size, sha256 },
    }));
    return { repository, page, licence: licenceOf(info), files };
  } catch (error) {
    if (!(error instanceof DataError) || !/by hand/.test(error.fix)) throw error;
    const byHand = `fetch ${CONFIG}, ${WHOLE} and tokenizer.json of ${page} by hand into a folder, which every command opens`;
    throw new DataError(error.message, error.fix.replace(/(; or )?fetch the files? by hand.*$/, `$1${byHand}`));
  }
}

function chosenFiles(entries: readonly Entry[], page: string): Entry[] {
  const files = new Map(entries.filter(({ type }) => type === 'file').map((entry) => [entry.path, entry]));
  const shards = [...files.keys()].filter((name) => SHARD.test(name));
  const weights = files.has(WHOLE) ? [WHOLE] : files.has(INDEX) && shards.length > 0 ? [INDEX, ...shards] : [];
  if (weights.length === 0 || !files.has(CONFIG)) {
    const missing = files.has(CONFIG) ? 'safetensors' : CONFIG;
    const torch = files.has('pytorch_model.bin');
    throw new DataError(
      `${page} has no ${missing}`,
      torch
        ? 'download pytorch_model.bin and the rest of it yourself, then gpt import FOLDER OUT'
        : 'choose a model in the format of transformers',
    );
  }
  const wanted = [CONFIG, ...BESIDE.filter((name) => files.has(name)), ...weights];
  return wanted.map((name) => files.get(name)!);
}
