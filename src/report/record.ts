// run.jsonl: one event (src/base/events.ts) per line, in the order in which they happened. Written while a run goes
// on, appended to by a resume, read by the report. docs/run-log.md lists every event and key.
//
//   {"type":"start",...}  {"type":"step","step":1,...}  ...  {"type":"end",...}      one part
//   {"type":"start","resumed_from":500,...}  {"type":"step","step":501,...}  ...     the next part
//
// A killed run leaves no end, perhaps half a line, and steps beyond its last checkpoint, which the next part does
// again: the later part counts. Events and keys of a newer gpt are skipped.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { DataError } from '../base/errors.js';
import {
  type CheckpointEvent,
  type EndEvent,
  type EvalEvent,
  type Reporter,
  RUN_LOG_FORMAT,
  RunEvent,
  type SampleEvent,
  type StartEvent,
  type StepEvent,
  type ValEvent,
  type WarningEvent,
} from '../base/events.js';
import { diskError } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { AppendedFile } from './appended_file.js';

/** Everything that is known of a run. Lists are in order of steps (evals: of time); a replayed step is there once. */
export interface RunRecord {
  readonly start: StartEvent; //                of the last part
  readonly parts: readonly StartEvent[];
  readonly steps: readonly StepEvent[];
  readonly vals: readonly ValEvent[];
  readonly evals: readonly EvalEvent[];
  readonly samples: readonly SampleEvent[];
  readonly checkpoints: readonly CheckpointEvent[];
  readonly warnings: readonly WarningEvent[];
  readonly end: EndEvent | null; //             of the last part; null: it goes on, or was killed
  readonly unreadableLines: UnreadableLines;
}

/** Lines that are no JSON or no event. */
export interface UnreadableLines {
  readonly count: number;
  /** At most FIRST of them. Lines count from 1. */
  readonly first: readonly { readonly line: number; readonly problem: string }[];
}

const FIRST = 5;

/** Appends events to a file. Validations, checkpoints, warnings, start and end are on the disk when on() returns. */
export function jsonlReporter(path: string): Reporter {
  const file = new AppendedFile(path);
  const last = file.lastByte();
  if (last !== undefined && last !== NEWLINE) file.append('\n'); // after half a line of a killed run
  return {
    on(event) {
      file.append(`${jsonText(event)}\n`);
      if (event.type !== 'step' && event.type !== 'sample') file.flush({ sync: true });
    },
    close: async () => file.close(),
  };
}

const NEWLINE = 0x0a;

/** Reads a log. Throws DataError when it is missing, holds no run, or was written in a newer format. */
export function readRun(path: string): RunRecord {
  return parseRun(linesOf(path), path);
}

/** The same of lines that are in memory; `path` is for errors. */
export function parseRun(lines: Iterable<string>, path: string): RunRecord {
  const growing = new GrowingRecord(path);
  for (const line of lines) growing.add(line);
  const { record } = growing;
  if (!record) throw new DataError(`${path} holds no start event: it is no log of a run`, 'give the folder of a run');
  return record;
}

/** A record that grows with its log. `path` is for errors. */
export class GrowingRecord {
  readonly #path: string;
  readonly #parts: StartEvent[] = [];
  #steps: StepEvent[] = [];
  #vals: ValEvent[] = [];
  #evals: EvalEvent[] = [];
  #samples: SampleEvent[] = [];
  #checkpoints: CheckpointEvent[] = [];
  readonly #warnings: WarningEvent[] = [];
  #end: EndEvent | null = null;
  readonly #unreadable = { count: 0, first: [] as { line: number; problem: string }[] };
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines taken in. */
  get lines(): number {
    return this.#lines;
  }

  /** Everything so far, in lists that the next lines change; undefined before the first start event. */
  get record(): RunRecord | undefined {
    const start = this.#parts.at(-1);
    return (
      start && {
        start,
        parts: this.#parts,
        steps: this.#steps,
        vals: this.#vals,
        evals: this.#evals,
        samples: this.#samples,
        checkpoints: this.#checkpoints,
        warnings: this.#warnings,
        end: this.#end,
        unreadableLines: this.#unreadable,
      }
    );
  }

  /** Takes a line in. Throws DataError for a log in a newer format. */
  add(text: string): void {
    this.#lines++;
    if (text.trim() === '') return;
    const { event, problem } = parseEvent(text, this.#path);
    if (problem !== undefined) {
      const { first } = this.#unreadable;
      this.#unreadable.count++;
      if (first.length < FIRST) first.push({ line: this.#lines, problem });
    }
    switch (event?.type) {
      case 'start': {
        const from = event.resumed_from ?? 0;
        this.#steps = until(this.#steps, from);
        this.#vals = until(this.#vals, from);
        this.#evals = until(this.#evals, from);
        this.#samples = until(this.#samples, from);
        this.#checkpoints = until(this.#checkpoints, from);
        this.#parts.push(event);
        this.#end = null;
        break;
      }
      case 'step':
        supersede(this.#steps, event.step).push(event);
        break;
      case 'val':
        supersede(this.#vals, event.step).push(event);
        break;
      case 'eval':
        this.#evals.push(event); // in any order: an older checkpoint may be measured later
        break;
      case 'sample':
        supersede(this.#samples, event.step + 1).push(event);
        break;
      case 'checkpoint':
        supersede(this.#checkpoints, event.step + 1).push(event);
        break;
      case 'warning':
        this.#warnings.push(event);
        break;
      case 'end':
        this.#end = event;
    }
  }
}

const until = <E extends { step: number }>(list: readonly E[], step: number): E[] => list.filter((e) => e.step <= step);

/** Drops what is at or after a step: a later event of an earlier step, where the start of its part cannot be read. */
function supersede<E extends { step: number }>(list: E[], step: number): E[] {
  while (list.length > 0 && list.at(-1)!.step >= step) list.pop();
  return list;
}

const TYPES: ReadonlySet<unknown> = new Set(RunEvent.options.map((o) => o.shape.type.value));

/** An event, a problem, or neither: an event of a newer gpt. Throws DataError for a log in a newer format. */
function parseEvent(text: string, path: string): { event?: RunEvent; problem?: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const { type, format } = Object(value) as { type?: unknown; format?: unknown };
  if (typeof type !== 'string') return { problem: 'it has no "type"' };
  if (!TYPES.has(type)) return {};
  if (type === 'start' && typeof format === 'number' && format > RUN_LOG_FORMAT) {
    throw new DataError(
      `${path} is in format ${format}, and this gpt reads formats up to ${RUN_LOG_FORMAT}`,
      'update gpt: a newer one has written this log',
    );
  }
  try {
    const { data, error } = RunEvent.safeParse(value);
    if (data !== undefined) return { event: data };
    const { path: key, message } = error.issues[0]!;
    return { problem: `${[type, ...key].join('.')}: ${message}` };
  } catch (error) {
    if (error instanceof RangeError) return { problem: 'it is nested too deeply' }; // for the stack
    throw error;
  }
}

const CHUNK_BYTES = 1 << 20;

/** Line by line, so that a log may be longer than the longest string. */
function* linesOf(path: string): Generator<string> {
  try {
    const fd = openSync(path, 'r');
    try {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, fstatSync(fd).size + 1)); // readSync refuses an empty one
      const decoder = new StringDecoder('utf8');
      let rest = '';
      for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) {
        const lines = (rest + decoder.write(chunk.subarray(0, n))).split('\n');
        rest = lines.pop()!;
        yield* lines;
      }
      yield rest + decoder.end();
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new DataError(`${path} is not there`, 'give the folder of a run, which holds run.jsonl');
    }
    throw diskError('read', path, error);
  }
}
