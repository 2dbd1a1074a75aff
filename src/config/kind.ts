// Which command a configuration is for. The presets of gpt pretrain and gpt finetune lie in folders of their own; a file is
// for gpt finetune when more of its keys are known to that alone (finetune.task, train.batch_size) than to gpt pretrain
// alone (model.n_layer, train.batch_tokens). Where there are as many of both, what it extends decides.

import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parse } from 'yaml';
import { ConfigError } from '../base/errors.js';
import { isRecord } from '../base/json.js';
import { findConfig } from './config_file.js';
import { FINETUNE_KEYS, type KeyTable, PRETRAIN_KEYS } from './keys.js';
import { type ConfigCommand, PACKAGE_ROOT, PRESET_FOLDERS, presets } from './load.js';
import { nearest } from './spelling.js';

const DEEPEST = 20; // files that extend each other; the loader says it when it is a circle

/** The command that a file or preset is for. Throws ConfigError, with the nearest preset of both, when there is none. */
export function commandOfConfig(name: string, folder = process.cwd(), depth = 0): ConfigCommand {
  let path: string;
  try {
    path = findConfig(name, folder, PACKAGE_ROOT, PRESET_FOLDERS.pretrain);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const word = basename(name, '.yaml');
    const [pretrain, finetune] = [presets('pretrain'), presets('finetune')];
    if (finetune.includes(word)) return 'finetune';
    const near = nearest(word, [...pretrain, ...finetune]);
    const list = `presets: ${pretrain.join(', ')}; of gpt finetune: ${finetune.join(', ')}`;
    throw new ConfigError(error.message, near === undefined ? list : `did you mean ${near}? ${list}`);
  }
  const content = contentOf(path);
  const ofFinetune = finetuneKeys(content);
  if (ofFinetune !== 0) return ofFinetune > 0 ? 'finetune' : 'pretrain';
  const base = isRecord(content) ? content['extends'] : undefined;
  if (typeof base !== 'string' || depth >= DEEPEST) return 'pretrain';
  try {
    return commandOfConfig(base, dirname(path), depth + 1);
  } catch {
    return 'pretrain'; // its loader says what is wrong
  }
}

/** Keys that only gpt finetune knows, less those that only gpt pretrain knows. */
function finetuneKeys(content: unknown): number {
  const sections = Object.entries(isRecord(content) ? content : {});
  const paths = sections.flatMap(([section, keys]) =>
    Object.keys(isRecord(keys) ? keys : {}).map((name) => `${section}.${name}`),
  );
  const known = ({ keys }: KeyTable) => paths.filter((path) => keys.has(path)).length;
  return known(FINETUNE_KEYS) - known(PRETRAIN_KEYS);
}

function contentOf(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'), { logLevel: 'silent' });
  } catch {
    return undefined;
  }
}
