// doc_to_text, doc_to_target, doc_to_choice and the like: what a task file says of a document, with that document put in.
//
//   a number          itself
//   a column's name   the document's value in it
//   other text        a template (template.ts); digits are an index where the task has choices, [..] is read as a list
//   !function         its port (functions.ts)

import { DataError, GptError } from '../../base/errors.js';
import type { Doc } from '../request.js';
import { fieldFunction } from './functions.js';
import { literalEval } from './python_literal.js';
import { isDigits } from './python_text.js';
import { isDict } from './python_value.js';
import type { TaskConfig } from './task_file.js';
import { render } from './template.js';
import { FunctionName } from './yaml11.js';

/** A document and what errors call it: "document 3". */
export interface PlacedDoc {
  readonly doc: Doc;
  readonly place: string;
}

export class Fields {
  readonly #config: TaskConfig;
  readonly #columns: ReadonlySet<string>;

  /** `columns` of the documents that are evaluated. */
  constructor(config: TaskConfig, columns: readonly string[]) {
    this.#config = config;
    this.#columns = new Set(columns);
  }

  /** Text, or the index of a choice. */
  text(at: PlacedDoc, spec = this.#config.doc_to_text): unknown {
    return this.#value('doc_to_text', spec, at);
  }

  /** Text, the index of a choice, or a list of either. */
  target(at: PlacedDoc, spec = this.#config.doc_to_target): unknown {
    if (Array.isArray(spec)) return spec;
    const value = this.#value('doc_to_target', spec, at);
    if (typeof spec !== 'string' || this.#columns.has(spec) || typeof value !== 'string') return value;
    if (value.length < 2 || !value.startsWith('[') || !value.endsWith(']')) return value;
    try {
      return literalEval(value);
    } catch {
      return value;
    }
  }

  /** The choices; null where the task has none. */
  choices(at: PlacedDoc, spec = this.#config.doc_to_choice): readonly string[] | null {
    if (spec === null) return null;
    const choices = this.#located('doc_to_choice', spec, at, () => {
      if (Array.isArray(spec)) return spec;
      if (spec instanceof FunctionName) return fieldFunction(spec)(at.doc);
      if (typeof spec !== 'string') return spec instanceof Map ? [...spec.values()] : Object.values(spec);
      return this.#columns.has(spec) ? at.doc[spec] : literalEval(render(spec, at.doc));
    });
    if (!Array.isArray(choices))
      throw this.#error('doc_to_choice', spec, at, `a list is expected, not ${shown(choices)}`);
    const odd = choices.findIndex((choice) => typeof choice !== 'string');
    if (odd < 0) return choices;
    throw this.#error(
      'doc_to_choice',
      spec,
      at,
      `choice ${odd} is ${shown(choices[odd])}: choices must be text, in quotes`,
    );
  }

  /** Description and gen_prefix: a column of this very document, or a template; null where it is not set. */
  plain(field: string, spec: string | null, at: PlacedDoc, columns: ReadonlySet<string> | Doc = at.doc): string | null {
    if (spec === null || spec === '') return spec;
    const isColumn = columns instanceof Set ? columns.has(spec) : Object.hasOwn(columns, spec);
    const value = this.#located(field, spec, at, () => (isColumn ? at.doc[spec] : render(spec, at.doc)));
    if (typeof value === 'string' || value === null || value === undefined) return value ?? null;
    throw this.#error(field, spec, at, `text is expected, not ${shown(value)}`);
  }

  /** gen_prefix of a document that is evaluated. */
  prefix(at: PlacedDoc): string | null {
    return this.plain('gen_prefix', this.#config.gen_prefix, at, this.#columns);
  }

  /** An error that names task, field and document. */
  wrong(field: string, at: PlacedDoc, what: string): DataError {
    return this.#error(field, undefined, at, what);
  }

  #value(field: string, spec: unknown, at: PlacedDoc): unknown {
    return this.#located(field, spec, at, () => {
      if (typeof spec === 'number') return spec;
      if (spec instanceof FunctionName) return fieldFunction(spec)(at.doc);
      if (typeof spec !== 'string') throw new TypeError('it is not set');
      if (this.#columns.has(spec)) {
        if (!(spec in at.doc)) throw new ReferenceError(`there is no column ${spec}`);
        return at.doc[spec] ?? null;
      }
      const text = render(spec, at.doc);
      return isDigits(text) && this.#config.doc_to_choice !== null ? literalEval(text) : text;
    });
  }

  #located<T>(field: string, spec: unknown, at: PlacedDoc, value: () => T): T {
    try {
      return value();
    } catch (error) {
      if (error instanceof GptError) throw error;
      throw this.#error(field, spec, at, error instanceof Error ? error.message : String(error));
    }
  }

  #error(field: string, spec: unknown, at: PlacedDoc, what: string): DataError {
    const template = typeof spec === 'string' ? `; the template is ${JSON.stringify(spec.slice(0, 300))}` : '';
    return new DataError(
      `task ${this.#config.task}, ${field}, ${at.place}: ${what}${template}`,
      `the document's columns are ${Object.keys(at.doc).join(', ')}`,
    );
  }
}

/** A value in a message. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  const kind = Array.isArray(value) ? 'a list' : isDict(value) ? 'a table' : `a ${typeof value}`;
  return `${kind} (${JSON.stringify(value)?.slice(0, 60)})`;
}
