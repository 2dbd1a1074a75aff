// Standard input: piped text, and lines typed at a terminal that is a pair of streams.

import { EventEmitter } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { readAll, typedLines } from '../../src/cli/input.js';

afterEach(() => void vi.useRealTimers());

describe('piped text', () => {
  const read = (...chunks: (string | Uint8Array)[]) => readAll(Readable.from(chunks, { objectMode: false }), () => {});

  test.each([
    [['Once'], 'Once'],
    [['Once\n'], 'Once'],
    [['Once\r\n'], 'Once'],
    [['Once\n\n'], 'Once\n'],
    [['  a\nb '], '  a\nb '],
    [[], ''],
    [['\n'], ''],
    [['\uFEFFOnce'], 'Once'],
    [[Buffer.from('🦊').subarray(0, 2), Buffer.from('🦊').subarray(2)], '🦊'],
  ])('%j is the prompt %j', async (chunks, text) => {
    expect(await read(...chunks)).toBe(text);
  });

  test('what is no UTF-8, too long, or cannot be read is an error', async () => {
    await expect(read(Uint8Array.of(0xff, 0xfe))).rejects.toThrow(/not valid UTF-8/);
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1 << 20, 'y');
      })(),
    );
    await expect(readAll(endless, () => {})).rejects.toThrow(/more than 16 MiB/);
    const broken = new Readable({ read: () => void broken.destroy(new Error('EISDIR')) });
    await expect(readAll(broken, () => {})).rejects.toThrow(DataError);
  });

  test('a pipe that stays silent is named after a while, one that speaks is not', async () => {
    vi.useFakeTimers();
    const said: string[] = [];
    const [silent, speaking] = [new PassThrough(), new PassThrough()];
    const both = [readAll(silent, (text) => void said.push(text)), readAll(speaking, (text) => void said.push(text))];
    speaking.end('b\n');
    expect(await both[1]).toBe('b');
    expect(said).toEqual([]);
    vi.advanceTimersByTime(2001);
    expect(said).toEqual(['reading standard input up to its end\n']);
    silent.end('a');
    expect(await both[0]).toBe('a');
  });
});

describe('typed lines', () => {
  function terminal() {
    const modes: boolean[] = [];
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
    const output = new PassThrough();
    const signals = new EventEmitter();
    const lines = typedLines(
      input as unknown as NodeJS.ReadStream,
      output,
      signals as unknown as Pick<NodeJS.Process, 'on' | 'off'>,
    );
    return { input, output, signals, lines, isRaw: () => modes.at(-1) };
  }

  test('come one after the other; the terminal is raw only while one is typed', async () => {
    const { input, output, lines, isRaw } = terminal();
    expect(isRaw()).toBe(false);
    const first = lines.ask('> ');
    expect(isRaw()).toBe(true);
    input.write('Once upno\x7f\x7fon\r');
    expect(await first).toBe('Once upon');
    expect(isRaw()).toBe(false);
    const second = lines.ask('> ');
    input.write('\x1b[A\r'); // the line before, from the history
    expect(await second).toBe('Once upon');
    expect(String(output.read())).toContain('> ');
    lines.close();
  });

  test('of a pasted text, each line is an answer', async () => {
    const { input, lines } = terminal();
    const first = lines.ask('> ');
    input.write('a\nb\nc\n');
    expect([await first, await lines.ask('> '), await lines.ask('> ')]).toEqual(['a', 'b', 'c']);
    lines.close();
  });

  test.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s leaves, and stays left', async (_, key) => {
    const { input, lines, isRaw } = terminal();
    const line = lines.ask('> ');
    input.write(key);
    expect(await line).toBeUndefined();
    expect(await lines.ask('> ')).toBeUndefined();
    expect(isRaw()).toBe(false);
  });

  test('a terminal that goes away leaves', async () => {
    const { input, lines } = terminal();
    const line = lines.ask('> ');
    input.end();
    expect(await line).toBeUndefined();
  });

  test('Ctrl-C aborts the work and nothing else; one that comes right after it leaves', async () => {
    const { signals, lines } = terminal();
    const aborted = lines.interruptible(async (signal) => {
      while (!signal.aborted) await setImmediate();
      return 'stopped';
    });
    signals.emit('SIGINT');
    expect(await aborted).toBe('stopped');
    await expect(lines.interruptible(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await lines.interruptible(async (signal) => signal.aborted)).toBe(false);
    expect(signals.listenerCount('SIGINT')).toBe(1);
    signals.emit('SIGINT');
    expect(await lines.ask('> ')).toBeUndefined();
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });
});
