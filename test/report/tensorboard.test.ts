// TensorBoard's event files, read back by a public protocol buffer reader with TensorFlow's message definitions
// (https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto), and a bitwise CRC of our own.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/base/events.js';
import { tensorboardReporter } from '../../src/report/tensorboard.js';
import { tfRecord } from '../../src/report/tfrecord.js';
import { evaluation, fakeRun, start } from './fake_run.js';
import { fakeTaskRun } from './fake_task_run.js';

/** event.proto, summary.proto, tensor.proto, tensor_shape.proto: the messages that are used, with all that they may hold. */
const Event = protobuf.Root.fromJSON({
  nested: {
    Event: {
      oneofs: { what: { oneof: ['fileVersion', 'summary', 'sessionLog'] } },
      fields: {
        wallTime: { type: 'double', id: 1 },
        step: { type: 'int64', id: 2 },
        fileVersion: { type: 'string', id: 3 },
        summary: { type: 'Summary', id: 5 },
        sessionLog: { type: 'SessionLog', id: 7 },
      },
    },
    SessionLog: { fields: { status: { type: 'SessionStatus', id: 1 } } },
    SessionStatus: { values: { STATUS_UNSPECIFIED: 0, START: 1, STOP: 2, CHECKPOINT: 3 } },
    Summary: { fields: { value: { rule: 'repeated', type: 'Value', id: 1 } } },
    Value: {
      oneofs: { value: { oneof: ['simpleValue', 'tensor'] } },
      fields: {
        tag: { type: 'string', id: 1 },
        simpleValue: { type: 'float', id: 2 },
        tensor: { type: 'TensorProto', id: 8 },
        metadata: { type: 'SummaryMetadata', id: 9 },
      },
    },
    SummaryMetadata: { fields: { pluginData: { type: 'PluginData', id: 1 } } },
    PluginData: { fields: { pluginName: { type: 'string', id: 1 }, content: { type: 'bytes', id: 2 } } },
    TensorProto: {
      fields: {
        dtype: { type: 'DataType', id: 1 },
        tensorShape: { type: 'TensorShapeProto', id: 2 },
        stringVal: { rule: 'repeated', type: 'bytes', id: 8 },
      },
    },
    DataType: { values: { DT_INVALID: 0, DT_FLOAT: 1, DT_STRING: 7 } },
    TensorShapeProto: { fields: { dim: { rule: 'repeated', type: 'Dim', id: 2 } } },
    Dim: { fields: { size: { type: 'int64', id: 1 } } },
  },
}).lookupType('Event');

interface Decoded {
  readonly wallTime: number;
  readonly step?: number;
  readonly fileVersion?: string;
  readonly sessionLog?: { readonly status: string };
  readonly summary?: {
    readonly value: readonly {
      readonly tag: string;
      readonly simpleValue?: number;
      readonly tensor?: { readonly stringVal: readonly Uint8Array[] };
      readonly metadata?: unknown;
    }[];
  };
}

/** CRC-32C by its definition, bit by bit, and masked as TFRecord does. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  return Number((rotated + 0xa282ead8n) & 0xffffffffn);
}

/** The whole records of a file; throws where a checksum is wrong. */
function read(path: string): Decoded[] {
  const file = readFileSync(path);
  const events: Decoded[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    if (file.readUInt32LE(at + 8) !== maskedCrc(file.subarray(at, at + 8))) throw new Error(`length at ${at}`);
    if (at + 16 + length > file.length) break;
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 12 + length) !== maskedCrc(data)) throw new Error(`data at ${at}`);
    events.push(Event.toObject(Event.decode(data), { longs: Number, enums: String }) as Decoded);
    at += 16 + length;
  }
  return events;
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-tensorboard-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function write(events: readonly RunEvent[]): Promise<void> {
  const reporter = tensorboardReporter(dir);
  for (const event of events) reporter.on(event);
  await reporter.close();
}

const files = (): string[] => readdirSync(dir).sort();
const written = (): Decoded[] => files().flatMap((name) => read(join(dir, name)));

/** tag -> [step, value], float32. */
function scalars(events: readonly Decoded[]): Map<string, [number, number][]> {
  const tags = new Map<string, [number, number][]>();
  for (const { step = 0, summary } of events) {
    for (const { tag, simpleValue } of summary?.value ?? []) {
      if (simpleValue !== undefined) tags.set(tag, [...(tags.get(tag) ?? []), [step, simpleValue]]);
    }
  }
  return tags;
}

test('the checksum is CRC-32C', () => {
  // 0xe3069283 is the published check value of "123456789"
  const rotated = ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0;
  expect(tfRecord(Buffer.from('123456789')).readUInt32LE(12 + 9)).toBe((rotated + 0xa282ead8) % 2 ** 32);
});

describe('a run', () => {
  test('begins with the file version and has every scalar at its step', async () => {
    const events = fakeRun();
    await write([...events.slice(0, -1), evaluation, ...events.slice(-1)]);
    expect(files()).toEqual([expect.stringMatching(/^events\.out\.tfevents\.\d{10}\.[\w-]+\.\d+$/)]);
    const decoded = written();
    expect(decoded[0]).toMatchObject({ fileVersion: 'brain.Event:2' });
    expect(decoded[0]!.wallTime).toBeGreaterThan(1.7e9); // seconds, not milliseconds
    expect(decoded[0]!.wallTime).toBeLessThan(1e11);

    const tags = scalars(decoded);
    const steps = events.flatMap((e) => (e.type === 'step' ? [e] : []));
    const vals = events.flatMap((e) => (e.type === 'val' ? [e] : []));
    const f = Math.fround;
    expect(Object.fromEntries(tags)).toEqual({
      'train/loss': steps.map((s) => [s.step, f(s.loss)]),
      'train/lr': steps.map((s) => [s.step, f(s.lr)]),
      'train/grad_norm': steps.map((s) => [s.step, f(s.grad_norm)]),
      'train/tokens_per_s': steps.map((s) => [s.step, f(s.tokens_per_s)]),
      'val/loss': vals.map((v) => [v.step, f(v.loss)]),
      'val/perplexity': vals.map((v) => [v.step, f(v.perplexity)]),
      'val/bits_per_byte': vals.map((v) => [v.step, f(v.bits_per_byte!)]),
      'eval/sst2/accuracy': [[300, f(0.9128)]],
      'eval/sst2/f1': [[300, f(0.9071)]],
    });
  });

  test('of a fine-tuned task has its losses and the metrics of each epoch', async () => {
    await write(fakeTaskRun().filter((e) => e.type !== 'eval' || e.settings === undefined));
    const tags = scalars(written());
    const f = Math.fround;
    expect(tags.get('eval/val/accuracy')).toEqual([0.7, 0.8132, 0.8].map((v, i) => [100 * (i + 1), f(v)]));
    expect(tags.get('eval/val/loss')).toEqual([0.58, 0.43, 0.47].map((v, i) => [100 * (i + 1), f(v)]));
    const [first] = fakeTaskRun().flatMap((e) => (e.type === 'step' ? [e] : []));
    expect(tags.get('train/task_loss')?.[0]).toEqual([1, f(first!.task_loss!)]);
    expect(tags.get('train/lm_loss')?.length).toBe(300);
  });

  test('has samples as texts that Markdown leaves alone', async () => {
    const sample = fakeRun().find((e) => e.type === 'sample')!;
    await write([start, { ...sample, step: 2 ** 40, text: ' # upon\n* a ☃' }]);
    const { step, summary } = written().at(-1)!;
    expect(step).toBe(2 ** 40);
    expect(summary!.value).toMatchObject([
      {
        tag: 'sample',
        metadata: { pluginData: { pluginName: 'text' } },
        tensor: { dtype: 'DT_STRING', tensorShape: { dim: [{ size: 1 }] } },
      },
    ]);
    const text = Buffer.from(summary!.value[0]!.tensor!.stringVal[0]!).toString('utf8');
    expect(text).toBe('    Once upon # upon\n    * a ☃');
  });

  test('keeps losses that are not finite', async () => {
    const step = fakeRun().find((e) => e.type === 'step')!;
    await write([start, { ...step, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY }]);
    const tags = scalars(written());
    expect([tags.get('train/loss'), tags.get('train/grad_norm')]).toEqual([[[1, Number.NaN]], [[1, Infinity]]]);
  });

  test('a resume writes a later file, which says from which step on the older ones do not count', async () => {
    const events = fakeRun();
    await write(events.filter((e) => !('step' in e) || e.type !== 'step' || e.step <= 120));
    const [first] = files();
    await write([{ ...start, resumed_from: 100 }, ...events.filter((e) => e.type === 'step' && e.step > 100)]);
    expect(files().length).toBe(2);
    expect(files()[0]).toBe(first);
    const second = read(join(dir, files()[1]!));
    expect(second[0]).toMatchObject({ fileVersion: 'brain.Event:2' });
    expect(second[1]).toMatchObject({ step: 101, sessionLog: { status: 'START' } });
    expect(second[2]).toMatchObject({ step: 101, summary: { value: [{ tag: 'train/loss' }, {}, {}, {}] } });
  });

  test('a resume writes a later file although the clock was set back', async () => {
    const future = 'events.out.tfevents.4000000000.host.1';
    writeFileSync(join(dir, future), '');
    await write([start]);
    expect(files()).toEqual([future, expect.stringMatching(/^events\.out\.tfevents\.4000000001\./)]);
  });

  test('a file that is cut anywhere has its whole records', async () => {
    await write(fakeRun().slice(0, 5));
    const path = join(dir, files()[0]!);
    const whole = readFileSync(path);
    const all = read(path).length;
    for (let cut = 0; cut < whole.length; cut++) {
      writeFileSync(path, whole.subarray(0, cut));
      if (read(path).length >= all) throw new Error(`cut at ${cut}`);
    }
    expect(all).toBe(4); // version, three steps; the warning is not shown
  });
});

test('a folder that cannot be written does not stop the run: the log says so', async () => {
  const folder = join(dir, 'run');
  const reporter = tensorboardReporter(folder);
  reporter.on(start);
  mkdirSync(folder);
  for (const event of fakeRun().slice(1)) reporter.on(event);
  await reporter.close();
  expect(readdirSync(folder)).toEqual([]);
});
