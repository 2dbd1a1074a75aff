// run.jsonl: one event (src/base/events.ts) per line, in the order in which they happened. Written while a run goes
// on, appended to by a resume, read by the report.
//
//   {"type":"start",...}  {"type":"step","step":1,...}  ...  {"type":"end",...}      one part
//   {"type":"start","resumed_from":500,...}  {"type":"step","step":501,...}  ...     the next part
//
// A killed run leaves no end, perhaps half a line, and steps beyond its last checkpoint, which the next part does
// again: the later part counts. JSON has no NaN: a loss that is not finite is null in the file, NaN in memory.

import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { DataError } from '../base/errors.js';
import type {
  CheckpointEvent,
  EndEvent,
  Reporter,
  RunEvent,
  SampleEvent,
  StartEvent,
  StepEvent,
  ValEvent,
  WarningEvent,
} from '../base/events.js';

/** Everything that is known of a run. Lists are in order of steps; a replayed step is there once. */
export interface RunRecord {
  readonly start: StartEvent; //                of the last part
  readonly parts: readonly StartEvent[];
  readonly steps: readonly StepEvent[];
  readonly vals: readonly ValEvent[];
  readonly samples: readonly SampleEvent[];
  readonly checkpoints: readonly CheckpointEvent[];
  readonly warnings: readonly WarningEvent[];
  readonly end: EndEvent | null; //             of the last part; null: it goes on, or was killed
  readonly unreadableLines: number;
}

const FLUSH_MS = 1000; // what a kill may lose of the steps, which a resume does again anyway

/** Appends events to a file. Validations, checkpoints, warnings, start and end are on the disk when on() returns. */
export function jsonlReporter(path: string): Reporter {
  const fd = access(path, () => openSync(path, 'a+'));
  let pending = endsInsideLine(fd) ? '\n' : '';
  let flushed = Date.now();
  let open = true;
  const flush = (sync: boolean) => {
    access(path, () => {
      if (pending) writeSync(fd, pending);
      if (sync) fsyncSync(fd);
    });
    pending = '';
    flushed = Date.now();
  };
  return {
    on(event) {
      pending += `${JSON.stringify(event)}\n`;
      const quick = event.type === 'step' || event.type === 'sample';
      if (!quick || Date.now() - flushed >= FLUSH_MS) flush(!quick);
    },
    async close() {
      if (!open) return;
      open = false;
      flush(true);
      closeSync(fd);
    },
  };
}

function endsInsideLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}

function access<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const fix = code === 'ENOENT' ? 'give the folder of a run, which holds run.jsonl' : 'check the disk and its rights';
    throw new DataError(code === 'ENOENT' ? `${path} is not there` : `cannot use ${path}: ${message}`, fix);
  }
}

/** Reads a log. Throws DataError when it is missing or holds no run. */
export function readRun(path: string): RunRecord {
  const lines = access(path, () => readFileSync(path, 'utf8')).split('\n');
  const record = {
    parts: [] as StartEvent[],
    steps: [] as StepEvent[],
    vals: [] as ValEvent[],
    samples: [] as SampleEvent[],
    checkpoints: [] as CheckpointEvent[],
    warnings: [] as WarningEvent[],
    end: null as EndEvent | null,
    unreadableLines: 0,
  };
  for (const line of lines) {
    if (line.trim() === '') continue;
    const event = parseEvent(line);
    switch (event?.type) {
      case undefined:
        record.unreadableLines++;
        break;
      case 'start': {
        const { resumed_from } = event;
        const kept = <E extends { step: number }>(list: E[]) => list.filter(({ step }) => step <= (resumed_from ?? 0));
        record.steps = kept(record.steps);
        record.vals = kept(record.vals);
        record.samples = kept(record.samples);
        record.checkpoints = kept(record.checkpoints);
        record.parts.push(event);
        record.end = null;
        break;
      }
      case 'step':
        record.steps.push(event);
        break;
      case 'val':
        record.vals.push(event);
        break;
      case 'sample':
        record.samples.push(event);
        break;
      case 'checkpoint':
        record.checkpoints.push(event);
        break;
      case 'warning':
        record.warnings.push(event);
        break;
      case 'end':
        record.end = event;
        break;
    }
  }
  const start = record.parts.at(-1);
  if (!start) throw new DataError(`${path} holds no start event: it is no log of a run`, 'give the folder of a run');
  return { ...record, start };
}

const MAY_BE_NAN = ['loss', 'grad_norm', 'perplexity', 'bits_per_byte'];
const EVENT_TYPES = ['start', 'step', 'val', 'sample', 'checkpoint', 'warning', 'end'];

/** undefined: no event, e.g. half a line. */
function parseEvent(line: string): RunEvent | undefined {
  try {
    const event: unknown = JSON.parse(line, (key, value) =>
      value === null && MAY_BE_NAN.includes(key) ? Number.NaN : value,
    );
    const type = (event as { type?: unknown } | null)?.type;
    return typeof type === 'string' && EVENT_TYPES.includes(type) ? (event as RunEvent) : undefined;
  } catch {
    return undefined;
  }
}
