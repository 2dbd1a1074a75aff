import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { get_encoding } from 'tiktoken';
import { describe, expect, test } from 'vitest';
import { gpt2Tokenizer } from '../../src/tokenizer/gpt2.js';
import { Merger, MergeTable } from '../../src/tokenizer/merge.js';
import { GPT2_PATTERN } from '../../src/tokenizer/pieces.js';
import { oddStrings } from './odd_strings.js';

const gpt2 = await gpt2Tokenizer();

describe('GPT-2 BPE', () => {
  test('has the ids of encoder.json', () => {
    expect([gpt2.vocabSize, gpt2.eot]).toEqual([50257, 50256]);
    expect([...gpt2.encode('!')]).toEqual([0]);
    expect([...gpt2.encode(' ')]).toEqual([220]);
    expect([...gpt2.encode('Hello world')]).toEqual([15496, 995]);
    expect([...gpt2.encode('')]).toEqual([]);
  });

  test('equals tiktoken on 30,000 odd strings', () => {
    const tiktoken = get_encoding('gpt2');
    const wrong: unknown[] = [];
    for (const text of oddStrings(30_000)) {
      const want = tiktoken.encode_ordinary(text);
      const got = gpt2.encode(text);
      if (want.length !== got.length || want.some((id, i) => id !== got[i])) wrong.push({ text, want, got });
    }
    tiktoken.free();
    expect(wrong).toEqual([]);
  });

  test('gives back every odd string, lone surrogates as U+FFFD', () => {
    const wrong = oddStrings(5_000, 2).filter((text) => {
      const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
      const stream = gpt2.streamDecoder();
      const streamed = [...gpt2.encode(text)].map((id) => stream.push(id)).join('') + stream.end();
      return gpt2.decode(gpt2.encode(text)) !== wellFormed || streamed !== wellFormed;
    });
    expect(wrong).toEqual([]);
  });

  test('never produces end-of-text from text, and spells it when decoding', () => {
    const ids = gpt2.encode('a<|endoftext|>b');
    expect(ids.includes(gpt2.eot)).toBe(false);
    expect(gpt2.decode([64, gpt2.eot, 65])).toBe('a<|endoftext|>b');
    expect(gpt2.decode([64, 60_000])).toBe('a\uFFFD');
  });

  test.each([
    ['a', 1_000_000],
    ['ab', 500_000],
    [' ', 1_000_000],
    ['=', 1_000_000],
    ['日', 300_000],
  ])('merges %j x %d in linear time: a bounded number of heap operations', (unit, times) => {
    const before = gpt2.operations;
    const text = unit.repeat(times);
    const ids = gpt2.encode(text);
    expect(gpt2.operations - before).toBeLessThanOrEqual(6 * Buffer.byteLength(text));
    expect(gpt2.decode(ids)).toBe(text);
  });

  test('a piece of a million letters leaves no large buffers behind', () => {
    setFlagsFromString('--expose-gc');
    const held = (): number => {
      for (let i = 0; i < 2; i++) runInNewContext('gc')(); // the second waits for what the first one frees aside
      return process.memoryUsage().arrayBuffers;
    };
    const n = 1 << 20;
    const merger = new Merger(new MergeTable());
    const symbols = new Int32Array(n);
    const before = held();
    expect(merger.merge(symbols, n)).toBe(n);
    expect(held() - before).toBeLessThan(4 << 20); // it took 40 bytes a letter
    expect(merger.merge(symbols, 10)).toBe(10);
  });

  test('a text cut before white space gives the same ids in two parts', () => {
    const wrong = oddStrings(3_000, 3).filter((text) => {
      const cuts = [...text.matchAll(/(?<=\P{White_Space})(?=\p{White_Space})/gu)].map((m) => m.index);
      const whole = gpt2.encode(text).join();
      return cuts.some((at) => [...gpt2.encode(text.slice(0, at)), ...gpt2.encode(text.slice(at))].join() !== whole);
    });
    expect(wrong).toEqual([]);
  });

  test('the pattern covers every character', () => {
    expect(oddStrings(3_000, 4).filter((text) => (text.match(GPT2_PATTERN) ?? []).join('') !== text)).toEqual([]);
  });
});
