// generate() with its key-value cache against whole forward passes, on the cpu backend.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig } from '../../src/config/schema.js';
import { type GenerateRequest, generate } from '../../src/generate/engine.js';
import { argmax } from '../../src/generate/sample.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';

const N_CTX = 12;
const EOT = 256;
const bytes = new ByteTokenizer();
const models: Gpt[] = [];

function model(arch: 'gpt1' | 'gpt2' | 'gpt3'): Gpt {
  const config = { arch, n_ctx: N_CTX, n_layer: 2, n_head: 2, n_embd: 8, initializer_range: 0.6, window_size: 5 };
  const shape = resolveModel(ModelConfig.parse(config), bytes.vocabSize);
  models.push(new Gpt(shape, initialValues(shape, 4)));
  return models.at(-1)!;
}

beforeAll(() =>
  silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  }),
);
afterAll(() => {
  for (const m of models) m.dispose();
});

const request = (some: Partial<GenerateRequest>): GenerateRequest => ({
  prompts: ['ab'],
  n: 1,
  tokens: 10,
  temperature: 0,
  topK: 0,
  topP: 1,
  seed: 1,
  stop: [],
  ...some,
});

/** Ids of a greedy continuation, each from a whole forward pass over the tokens that the engine's window shows. */
function naive(gpt: Gpt, prompt: number[], tokens: number): number[] {
  const ids = [...prompt];
  let start = 0;
  for (let i = 0; i < tokens; i++) {
    if (ids.length - start > N_CTX) start = ids.length - N_CTX / 2;
    const window = ids.slice(start);
    const logits = tf.tidy(() => gpt.logits(gpt.hidden(tf.tensor2d(window, [1, window.length], 'int32'))).dataSync());
    ids.push(argmax(logits.slice(-bytes.vocabSize)));
    if (ids.at(-1) === EOT) break;
  }
  return ids.slice(prompt.length);
}

describe.each(['gpt1', 'gpt2', 'gpt3'] as const)('%s', (arch) => {
  test('the cache gives what whole passes give, within the context and beyond it', async () => {
    const gpt = model(arch);
    const prompts = ['ab', 'xyz', 'q', 'twelve bytes'];
    await generate(gpt, bytes, request({ tokens: 1 })); // what lives as long as the process is there
    const before = tf.memory().numTensors;
    const results = await generate(gpt, bytes, request({ prompts, tokens: 40 }));
    expect(tf.memory().numTensors).toBe(before);
    expect(results.map(({ text }) => text)).toEqual(
      prompts.map((prompt) => bytes.decode(naive(gpt, [...bytes.encode(prompt)], 40).filter((id) => id !== EOT))),
    );
    expect(new Set(results.map(({ text }) => text.slice(0, 8))).size).toBeGreaterThan(1);
  });
});

describe('text', () => {
  let gpt: Gpt;
  beforeAll(() => {
    gpt = model('gpt2');
  });

  /** A tokenizer whose ids all have the text that `spell` says; end-of-text is `eot`. */
  const spelled = (spell: (id: number) => string, eot = EOT): Tokenizer => ({
    ...bytes,
    type: 'byte',
    vocabSize: bytes.vocabSize,
    fingerprint: '',
    eot,
    encode: (text) => bytes.encode(text),
    decode: (ids) => Array.from(ids, spell).join(''),
    streamDecoder: () => ({ push: spell, end: () => '' }),
    toJson: () => '',
  });

  test('what is streamed is the result, and no part of a stop string is', async () => {
    const letters = spelled((id) => 'abcd'[id % 4]!, -1); // no end-of-text
    const pieces: string[] = [];
    const onText = (_: number, text: string) => void pieces.push(text);
    const free = (await generate(gpt, letters, request({ tokens: 30, temperature: 1 })))[0]!;
    expect(free).toMatchObject({ tokens: 30, finish: 'length' });
    const stop = [free.text.slice(20, 24), free.text.slice(15, 19)];
    const cut = Math.min(...stop.map((s) => free.text.indexOf(s)));
    const stopped = (await generate(gpt, letters, request({ tokens: 30, temperature: 1, stop, onText })))[0]!;
    expect(stopped).toMatchObject({ text: free.text.slice(0, cut), finish: 'stop' });
    expect(pieces.join('')).toBe(stopped.text);
    expect(pieces.length).toBeGreaterThan(1);
  });

  test('end-of-text ends a continuation and is no part of it', async () => {
    const ids = naive(gpt, [97, 98], 6);
    const last = ids[4]!;
    const [result] = await generate(gpt, spelled(String, last), request({ tokens: 30 }));
    const at = ids.indexOf(last);
    expect(result).toMatchObject({
      text: ids.slice(0, at).map(String).join(''),
      tokens: at + 1,
      finish: 'end-of-text',
    });
  });

  test('a finished sequence does not disturb the others of its group', async () => {
    const all = request({ prompts: ['ab', 'cd', 'ef'], n: 2, tokens: 20, temperature: 1.5 });
    const letters = spelled((id) => 'abcdefgh'[id % 8]!);
    const free = await generate(gpt, letters, all);
    const stop = [free[0]!.text.slice(2, 5)];
    const stopped = await generate(gpt, letters, { ...all, stop });
    expect(stopped[0]!.finish).toBe('stop');
    const expected = free.map(({ text }) => (text.includes(stop[0]!) ? text.slice(0, text.indexOf(stop[0]!)) : text));
    expect(stopped.map(({ text }) => text)).toEqual(expected);
  });

  test('an aborted signal ends it before the next token, and what was begun is shown', async () => {
    const all = request({ prompts: ['ab', 'xyz'], tokens: 30, temperature: 1 });
    const stop = new AbortController();
    let shown = '';
    const onText = (index: number, text: string): void => {
      if (index === 0) shown += text;
      if (shown.length >= 5) stop.abort();
    };
    const letters = spelled((id) => 'abcd'[id % 4]!, -1);
    const free = await generate(gpt, letters, all);
    const before = tf.memory().numTensors;
    const [first, second] = await generate(gpt, letters, { ...all, onText, signal: stop.signal });
    expect(tf.memory().numTensors).toBe(before);
    expect(first).toMatchObject({ text: free[0]!.text.slice(0, 5), tokens: 5, finish: 'interrupted' });
    expect(shown).toBe(first!.text);
    expect(second).toMatchObject({ text: '', tokens: 0, finish: 'interrupted' });
    const whole = await generate(gpt, letters, { ...all, signal: new AbortController().signal });
    expect(whole).toEqual(free);
  });

  test('an empty prompt starts from end-of-text', async () => {
    const [result] = await generate(gpt, bytes, request({ prompts: [''], tokens: 6 }));
    expect(result!.text).toBe(bytes.decode(naive(gpt, [EOT], 6).filter((id) => id !== EOT)));
  });
});
