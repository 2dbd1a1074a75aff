// A task of lm-evaluation-harness with its documents: what the model is asked about each.
//
//   multiple_choice        ln p(target_delimiter + choice | prompt) for every choice; with acc_mutual_info also without prompt
//   loglikelihood          ln p(target | prompt), no delimiter added
//   loglikelihood_rolling  ln p(target)
//   generate_until         text after the prompt
//
// The documents evaluated are those of test_split, else of validation_split. Demonstrations come from fewshot_config.split (or
// fewshot_split), else fewshot_config.samples, else the training, validation or test split; they are read only when asked for.
// The prompt itself: prompt.ts. Requests equal lm-evaluation-harness's as text: test/eval/harness/golden.test.ts.

import { ConfigError, DataError } from '../../base/errors.js';
import type { AnsweredDoc, Doc, GenerateRequest, Request } from '../request.js';
import { Fields, type PlacedDoc } from './fields.js';
import { docFunction, fieldFunction, otherVersion } from './functions.js';
import { generation, generationKwargs, ignoredSettings } from './generation.js';
import { shuffledAnswers, type Turn, turnText } from './prompt.js';
import { PythonRandom } from './python_random.js';
import { pythonStr } from './python_value.js';
import { Sampler, samplerName } from './sampler.js';
import type { TaskConfig } from './task_file.js';
import { type Scoring, scoringOf } from './task_scoring.js';
import { FunctionName } from './yaml11.js';

/** Rows of a split. Throws where there is no such data. */
export type Splits = (split: string) => Promise<readonly Doc[]>;

/** A document and what the model is asked about it. */
export type AskedDoc = Omit<AnsweredDoc, 'answers'>;

export interface RequestOptions {
  /** Only this many documents, from the first. */
  readonly limit?: number | undefined;
  /** Of the draw of demonstrations. Default 1234. */
  readonly seed?: number;
  /** shuffled: each demonstration gets another one's answer, to see what they teach. */
  readonly demonstrations?: 'right' | 'shuffled';
}

/** Demonstrations' own version of the fields. */
type ShotConfig = Pick<
  TaskConfig,
  'doc_to_text' | 'doc_to_target' | 'doc_to_choice' | 'target_delimiter' | 'fewshot_delimiter' | 'gen_prefix'
> & { readonly split: string | null; readonly process_docs: FunctionName | null; readonly sampler: string };

const OTHERS = 16; // documents among which there is hardly ever none with another answer

export class HarnessTask {
  readonly name: string;
  readonly config: TaskConfig;
  /** The documents that are evaluated. */
  readonly docs: readonly Doc[];
  /** What the reader of the results must know. */
  readonly warnings: readonly string[];
  /** How its answers are judged. */
  readonly scoring: Scoring;

  readonly #fields: Fields;
  readonly #shots: ShotConfig;
  readonly #splits: Splits;
  readonly #multipleInput: boolean;
  readonly #generation: GenerateRequest | null;
  #pool: Promise<readonly Doc[]> | undefined;

  private constructor(config: TaskConfig, splits: Splits, docs: readonly Doc[]) {
    this.name = config.task;
    this.config = config;
    this.docs = docs;
    this.#splits = splits;
    this.#shots = shotConfig(config);
    this.#fields = new Fields(config, Object.keys(docs[0]!));
    this.#generation = config.output_type === 'generate_until' ? generation(config) : null;
    const versions = new Set(
      namedFunctions(config)
        .map(otherVersion)
        .filter((warning) => warning !== null),
    );
    this.warnings = [...versions, ...ignoredSettings(config)];
    const first = { doc: docs[0]!, place: 'document 0' };
    const target = this.#fields.target(first); // a wrong template is told before any work
    this.#multipleInput = this.#fields.choices(first) !== null && typeof this.#fields.text(first) === 'number';
    this.scoring = scoringOf(config, Array.isArray(target));
  }

  /**
   * Reads the documents. Throws ConfigError for what cannot be done with the task file, DataError for an empty split or a field
   * that has no value, and what `splits` throws.
   */
  static async open(config: TaskConfig, splits: Splits): Promise<HarnessTask> {
    checkSupported(config);
    const split = config.test_split ?? config.validation_split;
    if (split === null) {
      throw new ConfigError(
        `task ${config.task} has neither test_split nor validation_split`,
        'name the split to evaluate',
      );
    }
    return new HarnessTask(config, splits, await read(config, splits, split, config.process_docs));
  }

  /** Demonstrations in a prompt when `asked` are asked for: a task file's num_fewshot of 0 cannot be overridden. */
  shots(asked?: number): number {
    return this.config.num_fewshot === 0 ? 0 : (asked ?? this.config.num_fewshot ?? 0);
  }

  /** The split that is evaluated, of the data's splits. */
  get split(): string {
    return (this.config.test_split ?? this.config.validation_split)!;
  }

  /** Documents that demonstrations are drawn from. */
  pool(): Promise<readonly Doc[]> {
    this.#pool ??= this.#readPool();
    return this.#pool;
  }

  /** What stands for a document: text, or the index of a choice. */
  text(doc: Doc, place = 'a document'): unknown {
    return this.#fields.text({ doc, place });
  }

  /** A document's answer: text, the index of a choice, or a list of either. */
  target(doc: Doc, place = 'a document'): unknown {
    return this.#fields.target({ doc, place });
  }

  /** A document's choices; null where the task has none. */
  choices(doc: Doc, place = 'a document'): readonly string[] | null {
    return this.#fields.choices({ doc, place });
  }

  /** A document of the pool as it stands in a prompt: question, answer, and the delimiters after them. */
  shotContext(doc: Doc, place = 'a document of the pool'): string {
    return this.#shotText(this.#shot({ doc, place }));
  }

  /** Description and question of a document: its prompt without demonstrations. One, or one for each choice. */
  questions(doc: Doc, place = 'a document'): readonly string[] {
    return this.#contexts({ doc, place }, '');
  }

  /** What the model is asked about each document. Throws DataError: a field without a value, too few demonstrations. */
  async requests(shots: number, options: RequestOptions = {}): Promise<AskedDoc[]> {
    const { limit, seed = 1234, demonstrations = 'right' } = options;
    const n = this.shots(shots);
    const pool = n > 0 ? await this.pool() : [];
    const sampler = new Sampler(this.name, this.#shots.sampler, pool, seed);
    const shuffle = demonstrations === 'shuffled' ? new PythonRandom(seed) : null;
    const places = new Map(pool.map((doc, i) => [doc, i]));
    const excludesItself = this.#shots.split === this.config.test_split;
    const shown = (shot: Doc) => this.#shot({ doc: shot, place: `document ${places.get(shot)} of the demonstrations` });
    return this.docs.slice(0, limit).map((doc, id) => {
      const turns = sampler.sample(n, excludesItself ? doc : null).map(shown);
      let answers = turns.map(({ answer }) => answer);
      if (shuffle !== null) {
        // one alone exchanges its answer with the pool
        const others = n === 1 ? shuffle.sample(pool, Math.min(OTHERS, pool.length)).map(shown) : [];
        answers = shuffledAnswers([...answers, ...others.map(({ answer }) => answer)], shuffle);
      }
      const context = turns.map((turn, i) => this.#shotText({ ...turn, answer: answers[i]! })).join('');
      return this.#ask({ doc, place: `document ${id}` }, id, context);
    });
  }

  /** A request in lm-evaluation-harness's own form: the arguments of its Instance. */
  harnessArguments(request: Request): unknown[] {
    if (request.kind === 'loglikelihood') return [request.context, request.continuation];
    return request.kind === 'rolling' ? [request.text] : [request.context, generationKwargs(this.config)];
  }

  #ask(at: PlacedDoc, id: number, shots: string): AskedDoc {
    const choices = this.#fields.choices(at);
    const raw = this.#fields.target(at);
    const target = choices !== null && typeof raw === 'boolean' ? Number(raw) : raw;
    const rightInput = this.#multipleInput ? (this.#fields.text(at) as number) : null;
    return { id, doc: at.doc, target, choices, rightInput, requests: this.#requests(at, shots, choices, target) };
  }

  #requests(at: PlacedDoc, shots: string, choices: readonly string[] | null, target: unknown): Request[] {
    const { output_type: type, target_delimiter: delimiter } = this.config;
    if (type === 'loglikelihood_rolling') return [{ kind: 'rolling', text: this.#string('doc_to_target', target, at) }];
    const contexts = this.#contexts(at, shots);
    const asked = (context: string, continuation: string): Request => {
      const field = choices === null || this.#multipleInput ? 'doc_to_target' : 'doc_to_choice';
      if (continuation === '') throw this.#fields.wrong(field, at, 'an answer is empty: there is nothing to score');
      return { kind: 'loglikelihood', context, continuation };
    };
    if (this.#generation !== null) return [{ ...this.#generation, context: contexts[0]! }];
    if (type === 'loglikelihood') return [asked(contexts[0]!, this.#string('doc_to_target', target, at))];
    if (choices === null)
      throw this.#fields.wrong('doc_to_choice', at, 'it is not set, and output_type is multiple_choice');
    const conditional = this.#multipleInput
      ? contexts.map((context) => asked(context, delimiter + pythonStr(target)))
      : choices.map((choice) => asked(contexts[0]!, delimiter + choice));
    const mutual = this.config.metric_list?.some(({ metric }) => metric === 'acc_mutual_info');
    return mutual ? [...conditional, ...choices.map((choice) => asked('', delimiter + choice))] : conditional;
  }

  /** The prompts of a document: one, or one for each choice where these are contexts. */
  #contexts(at: PlacedDoc, shots: string): string[] {
    const before = (this.#fields.plain('description', this.config.description, at) ?? '') + shots;
    const prefix = this.#fields.prefix(at);
    const turn = (question: string, delimiter: string) =>
      before + turnText({ question, answer: null, prefix }, delimiter, '');
    if (this.#multipleInput) return this.#fields.choices(at)!.map((choice) => turn(choice, ''));
    return [turn(this.#string('doc_to_text', this.#fields.text(at), at), this.config.target_delimiter)];
  }

  #shot(at: PlacedDoc): Turn {
    const text = this.#fields.text(at, this.#shots.doc_to_text);
    const choices = this.#fields.choices(at, this.#shots.doc_to_choice);
    const target = this.#fields.target(at, this.#shots.doc_to_target);
    const prefix = this.#fields.plain('gen_prefix', this.#shots.gen_prefix, at);
    const question = this.#string('doc_to_text', this.#multipleInput ? choices?.at(Number(text)) : text, at);
    const isIndex = Number.isInteger(target) || typeof target === 'boolean';
    const chosen = isIndex && !this.#multipleInput && choices?.length ? choices.at(Number(target)) : target;
    const answer = Array.isArray(chosen) ? chosen[0] : chosen;
    if (answer === null) return { question, answer: null, prefix };
    if (typeof answer !== 'string') {
      const range = isIndex && choices !== null ? `, and there are ${choices.length} choices` : '';
      throw this.#fields.wrong('doc_to_target', at, `no answer in text: ${pythonStr(target)}${range}`);
    }
    return { question, answer, prefix };
  }

  #shotText(turn: Turn): string {
    return turnText(turn, this.#shots.target_delimiter, this.#shots.fewshot_delimiter);
  }

  #string(field: string, value: unknown, at: PlacedDoc): string {
    if (typeof value === 'string') return value;
    throw this.#fields.wrong(field, at, `text is expected, not ${pythonStr(value)}`);
  }

  async #readPool(): Promise<readonly Doc[]> {
    const { split, process_docs } = this.#shots;
    if (split !== null) return read(this.config, this.#splits, split, process_docs);
    const samples = this.config.fewshot_config?.samples;
    if (Array.isArray(samples)) return samples;
    const { training_split, validation_split, test_split } = this.config;
    return read(
      this.config,
      this.#splits,
      (training_split ?? validation_split ?? test_split)!,
      this.config.process_docs,
    );
  }
}

async function read(
  config: TaskConfig,
  splits: Splits,
  split: string,
  process: FunctionName | null,
): Promise<readonly Doc[]> {
  const rows = await splits(split);
  if (rows.length === 0) throw new DataError(`task ${config.task}: the split ${split} is empty`, 'check the data set');
  if (process === null) return rows;
  const prepared = docFunction(process);
  return rows.map((doc, i) => {
    try {
      return prepared(doc);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new DataError(
        `task ${config.task}, ${process}, document ${i} of ${split}: ${why}`,
        `columns are ${Object.keys(doc).join(', ')}`,
      );
    }
  });
}

const namedFunctions = (config: TaskConfig): FunctionName[] =>
  [
    ...[config.process_docs, config.doc_to_text, config.doc_to_target, config.process_results],
    ...(config.metric_list ?? []).map(({ aggregation }) => aggregation),
  ].filter((value) => value instanceof FunctionName);

/** fewshot_config over the task's own keys. */
function shotConfig(config: TaskConfig): ShotConfig {
  const own = config.fewshot_config;
  const key = <K extends 'gen_prefix' | 'process_docs' | 'doc_to_choice'>(name: K) =>
    own?.[name] === undefined ? config[name] : own[name];
  return {
    sampler: samplerName(own?.sampler ?? 'default', config.task),
    split: own?.split === undefined ? config.fewshot_split : own.split,
    process_docs: key('process_docs'),
    doc_to_text: own?.doc_to_text ?? config.doc_to_text,
    doc_to_target: own?.doc_to_target ?? config.doc_to_target,
    doc_to_choice: key('doc_to_choice'),
    gen_prefix: key('gen_prefix'),
    target_delimiter: own?.target_delimiter ?? config.target_delimiter,
    fewshot_delimiter: own?.fewshot_delimiter ?? config.fewshot_delimiter,
  };
}

/** Throws ConfigError for what a task file may ask of lm-evaluation-harness, but not of gpt: before any data is read. */
function checkSupported(config: TaskConfig): void {
  const shots = shotConfig(config);
  scoringOf(config, false);
  for (const name of [config.process_docs, shots.process_docs]) if (name !== null) docFunction(name);
  for (const { doc_to_text, doc_to_target, doc_to_choice } of [config, shots]) {
    for (const name of [doc_to_text, doc_to_target, doc_to_choice])
      if (name instanceof FunctionName) fieldFunction(name);
  }
  const cannot = (what: string) => new ConfigError(`task ${config.task}: ${what}`, 'choose another task');
  if (config.doc_to_image || config.doc_to_audio) throw cannot('it asks about images or sound');
  if (config.use_prompt !== null) throw cannot('use_prompt takes a prompt of promptsource');
  if (config.custom_dataset !== null) throw cannot(`custom_dataset is a function of Python: ${config.custom_dataset}`);
  for (const { metric } of config.metric_list ?? []) {
    if (metric instanceof FunctionName) throw cannot(`a metric is a function of Python: ${metric} in ${metric.file}`);
  }
  for (const { function: name } of (config.filter_list ?? []).flatMap(({ filter }) => filter)) {
    if (name instanceof FunctionName) throw cannot(`a filter is a function of Python: ${name} in ${name.file}`);
  }
  const samples = config.fewshot_config?.samples;
  if (samples instanceof FunctionName)
    throw cannot(`fewshot_config.samples is a function of Python: ${samples} in ${samples.file}`);
}
