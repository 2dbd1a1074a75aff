// The reference folders (see test/fixtures/strip.mjs), and the backends that are compared with them.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModel } from '../../src/checkpoint/hf.js';
import { Gpt } from '../../src/model/gpt.js';

const FIXTURES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures');

/** Folders that every clone has. */
export const FOLDERS = ['gpt1-tiny', 'gpt2-tiny-erf', 'gpt3-tiny'].map((name) => path.join(FIXTURES, name));

const LARGER = path.join(FIXTURES, '../../../shared/fixtures/gpt2-tiny');

/** A larger folder that only some machines have, beside the repository. */
export const larger: string | undefined = existsSync(LARGER) ? LARGER : undefined;

/** The model of a folder, on the active backend. */
export function modelOf(folder: string): Gpt {
  const file = readModel(folder);
  const model = new Gpt(file.model, file.tensors);
  file.close();
  return model;
}

/** A greedy continuation: each token is the likeliest among those that do not yet occur in the sequence. */
export interface Greedy {
  readonly prompt: readonly number[];
  readonly continuation: readonly number[];
}

export function greedyOf(folder: string): Greedy {
  return (JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as { greedy: Greedy }).greedy;
}
