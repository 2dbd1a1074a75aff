// Which documents of the pool become demonstrations: lm-evaluation-harness's samplers.
//
//   default   drawn with random.Random(seed), one for the task, in the order of the documents: --limit changes no draw
//   first_n   the first ones of the pool
//
// Where pool and evaluated documents may be the same ones, a document is never its own demonstration.

import { ConfigError, DataError } from '../../base/errors.js';
import type { Doc } from '../request.js';
import { PythonRandom } from './python_random.js';
import { pythonEqual } from './python_value.js';
import type { FunctionName } from './yaml11.js';

const SAMPLERS = ['default', 'first_n'];

/** The name of a sampler that is there. Throws ConfigError for another one. */
export function samplerName(name: string | FunctionName, task: string): string {
  if (typeof name === 'string' && SAMPLERS.includes(name)) return name;
  throw new ConfigError(
    `task ${task}: fewshot_config.sampler: there is no sampler ${name}`,
    `samplers are ${SAMPLERS.join(' and ')}`,
  );
}

export class Sampler {
  readonly #task: string;
  readonly #pool: readonly Doc[];
  readonly #first: boolean;
  readonly #random: PythonRandom;

  constructor(task: string, name: string, pool: readonly Doc[], seed: number) {
    this.#task = task;
    this.#pool = pool;
    this.#first = name === 'first_n';
    this.#random = new PythonRandom(seed);
  }

  /** n documents, none equal to `not`. Throws DataError where the pool has too few. */
  sample(n: number, not: Doc | null): Doc[] {
    if (n === 0) return [];
    const others = (docs: readonly Doc[]) => (not === null ? [...docs] : docs.filter((doc) => !pythonEqual(doc, not)));
    if (this.#first) {
      const docs = others(this.#pool);
      if (n > docs.length) throw this.#tooFew(n, docs.length);
      return docs.slice(0, n);
    }
    const drawn = not === null ? n : n + 1; // one to spare: the document itself may be among them
    if (drawn > this.#pool.length) throw this.#tooFew(n, this.#pool.length - (drawn - n));
    const docs = others(this.#random.sample(this.#pool, drawn)).slice(0, n);
    if (docs.length === n) return docs;
    throw new DataError(
      `task ${this.#task}: ${drawn} demonstrations were drawn, and ${drawn - docs.length} of them are the evaluated document`,
      'remove documents that stand twice in the pool',
    );
  }

  #tooFew(n: number, most: number): DataError {
    return new DataError(
      `task ${this.#task}: ${n} demonstrations are asked for, and the ${this.#pool.length} documents of the pool allow ${most}`,
      `use at most --shots ${most}`,
    );
  }
}
