// TensorBoard event files, written while a run goes on: tensorboard --logdir checkpoints
//
//   checkpoints/NAME/events.out.tfevents.<seconds>.<host>.<pid>      one file per part of a run
//
// A file is a list of TFRecords (tfrecord.ts), each an Event in protocol buffer encoding: fields one after another, each
// a key (field number * 8 + wire type) and a value. Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
//
//   Event        1 wall_time double | 2 step int64 | 3 file_version string | 5 summary Summary | 7 session_log SessionLog
//   SessionLog   1 status: START = 1
//   Summary      1 value, repeated: 1 tag string | 2 simple_value float | 8 tensor | 9 metadata: 1 plugin_data: 1 plugin_name
//   tensor       1 dtype: DT_STRING = 7 | 2 tensor_shape: 2 dim: 1 size | 8 string_val bytes
//
// The first event says file_version "brain.Event:2". A resumed part then has a SessionLog START at the first step that it
// does again: TensorBoard drops what older files say of that step and later ones. Files are read in order of their names.
//
//   step    train/loss  train/lr  train/grad_norm  train/tokens_per_s         val   val/loss  val/perplexity  val/bits_per_byte
//   eval    eval/NAME/METRIC  eval/NAME/loss                                  sample    sample (text)
//   step of a fine-tuned task, also   train/task_loss  train/lm_loss

import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import type { Reporter, RunEvent, SampleEvent } from '../base/events.js';
import { diskError } from '../base/files.js';
import { AppendedFile } from './appended_file.js';
import { tfRecord } from './tfrecord.js';

/**
 * Writes an event file into the folder, from the start event on. Says nothing where the disk refuses: the log, on
 * the same disk, is what a run must not go on without, and says so.
 */
export function tensorboardReporter(dir: string): Reporter {
  let file: AppendedFile | undefined;
  const quietly = (use: () => void) => {
    try {
      use();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
    }
  };
  return {
    on: (event) =>
      quietly(() => {
        if (event.type === 'start') {
          file?.close();
          file = new AppendedFile(join(dir, nextName(dir)));
          file.append(record(0, bytes(3, 'brain.Event:2')));
          if (event.resumed_from !== null) file.append(record(event.resumed_from + 1, bytes(7, varint(1, 1))));
        }
        const values = valuesOf(event);
        if (values.length > 0 && 'step' in event) file?.append(record(event.step ?? 0, bytes(5, ...values)));
        if (event.type !== 'step') file?.flush();
      }),
    close: async () => quietly(() => file?.close()),
  };
}

/** After all that are there, also where the clock was set back. */
function nextName(dir: string): string {
  const times = namesIn(dir).map((name) => Number(/^events\.out\.tfevents\.(\d{10})\./.exec(name)?.[1] ?? 0));
  const seconds = Math.max(Math.floor(Date.now() / 1000), 1 + Math.max(0, ...times));
  return `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname().replace(/[^\w-]/g, '_')}.${process.pid}`;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    throw diskError('read', dir, error);
  }
}

/** What TensorBoard shows of an event: encoded Summary.values. */
function valuesOf(event: RunEvent): Buffer[] {
  switch (event.type) {
    case 'step':
      return [
        scalar('train/loss', event.loss),
        scalar('train/lr', event.lr),
        scalar('train/grad_norm', event.grad_norm),
        scalar('train/tokens_per_s', event.tokens_per_s),
        ...(event.task_loss === undefined ? [] : [scalar('train/task_loss', event.task_loss)]),
        ...(event.lm_loss === undefined ? [] : [scalar('train/lm_loss', event.lm_loss)]),
      ];
    case 'val':
      return [
        scalar('val/loss', event.loss),
        scalar('val/perplexity', event.perplexity),
        ...(event.bits_per_byte === null ? [] : [scalar('val/bits_per_byte', event.bits_per_byte)]),
      ];
    case 'eval':
      return [
        ...Object.entries(event.metrics).map(([name, { value }]) => scalar(`eval/${event.name}/${name}`, value)),
        ...(event.loss === undefined ? [] : [scalar(`eval/${event.name}/loss`, event.loss)]),
      ];
    case 'sample':
      return [text('sample', markdown(event))];
    default:
      return [];
  }
}

/** TensorBoard shows texts as Markdown: an indented block is shown as it is. */
const markdown = ({ prompt, text }: SampleEvent): string => (prompt + text).replace(/^/gm, '    ');

const record = (step: number, what: Buffer): Buffer =>
  tfRecord(Buffer.concat([double(1, Date.now() / 1000), varint(2, step), what]));

const scalar = (tag: string, value: number): Buffer => bytes(1, bytes(1, tag), float(2, value));

function text(tag: string, content: string): Buffer {
  const shape = bytes(2, bytes(2, varint(1, 1))); // a list of one
  const metadata = bytes(9, bytes(1, bytes(1, 'text')));
  return bytes(1, bytes(1, tag), bytes(8, varint(1, 7), shape, bytes(8, content)), metadata);
}

// Protocol buffer fields

function varint(field: number, value: number): Buffer {
  return Buffer.from([...base128(field * 8), ...base128(value)]);
}

function double(field: number, value: number): Buffer {
  const out = Buffer.from([field * 8 + 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  out.writeDoubleLE(value, 1);
  return out;
}

function float(field: number, value: number): Buffer {
  const out = Buffer.from([field * 8 + 5, 0, 0, 0, 0]);
  out.writeFloatLE(value, 1);
  return out;
}

function bytes(field: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([...base128(field * 8 + 2), ...base128(content.length)]), content]);
}

/** A whole number from 0 on, seven bits at a time, the lowest first. */
function base128(value: number): number[] {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push(128 + (value % 128));
  return [...out, value];
}
