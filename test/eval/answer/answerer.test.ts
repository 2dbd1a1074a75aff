// The answerer against the plain way (plain.ts), on the three families, whatever is shared, batched, cut or shuffled.

import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random, Stream } from '../../../src/base/rng.js';
import { tf } from '../../../src/base/tf.js';
import { modelAnswerer } from '../../../src/eval/answer/answerer.js';
import type {
  Answer,
  GeneratedAnswer,
  GenerateRequest,
  LoglikelihoodAnswer,
  LoglikelihoodRequest,
  Request,
} from '../../../src/eval/request.js';
import { argmax } from '../../../src/generate/sample.js';
import type { Gpt } from '../../../src/model/gpt.js';
import { CharTokenizer } from '../../../src/tokenizer/char.js';
import { END_OF_TEXT, type Tokenizer } from '../../../src/tokenizer/tokenizer.js';
import { FOLDERS, modelOf } from '../../model/reference.js';
import { native } from '../../ops/parity.js';
import { logitsOf, plainScore } from './plain.js';

/** A tokenizer with as many tokens as a model: a line feed, ASCII, and what follows without white space. */
function tokenizerOf(model: Gpt): Tokenizer {
  const characters = [
    10,
    ...Array.from({ length: 95 }, (_, i) => 32 + i),
    ...Array.from({ length: 400 }, (_, i) => 192 + i),
  ];
  return new CharTokenizer(characters.slice(0, model.config.vocab_size - 1));
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ .?';

const ask = (context: string, continuation: string): LoglikelihoodRequest => ({
  kind: 'loglikelihood',
  context,
  continuation,
});

/** A text of `length` letters that ends in none of Python's white space. */
function words(random: Random, length: number): string {
  const text = Array.from({ length }, () => LETTERS[random.below(LETTERS.length)]).join('');
  return length === 0 ? '' : `${text.slice(0, -1)}X`;
}

/** 200 requests of every sort, in random order. */
function requestsFor(n_ctx: number): LoglikelihoodRequest[] {
  const random = new Random(3, Stream.test);
  const some = (most: number) => 1 + random.below(most);
  const shots = words(random, Math.floor(n_ctx / 2));
  const long = words(random, 3 * n_ctx);
  const all: LoglikelihoodRequest[] = [];
  while (all.length < 200) {
    const question = words(random, some(Math.floor(n_ctx / 3)));
    const choices = Array.from({ length: 2 + random.below(3) }, () => ` ${words(random, some(5))}`);
    // choices of one token, of several, of which one begins another; after shots that all documents share or none
    for (const choice of [' A', ' B', ...choices, `${choices[0]} AND`]) {
      all.push(ask(random.below(2) === 0 ? question : `${shots}\n\n${question}`, choice.slice(1)));
    }
    all.push(ask('', words(random, some(6))));
    all.push(ask(`${question} \n`, 'ENDS IN WHITE SPACE'.slice(0, some(9))));
    all.push(ask(long.slice(0, n_ctx + random.below(n_ctx)), words(random, some(4)))); // cut
    all.push(ask(long.slice(random.below(5), 2 * n_ctx), words(random, 3))); // cut to other beginnings
    all.push(ask(question, words(random, n_ctx))); // no room for more than one token of context
    all.push(ask(question, words(random, n_ctx - 1)));
    all.push(all[random.below(all.length)]!); // twice
  }
  const order = new Random(4, Stream.test).permutation(200);
  return [...order].map((i) => all[i]!);
}

/** The plain answer to a request, with the tokens of a character tokenizer counted by hand. */
function plain(model: Gpt, tokenizer: Tokenizer, { context, continuation }: LoglikelihoodRequest): LoglikelihoodAnswer {
  const text = context.trimEnd();
  const asked = [...tokenizer.encode(context.slice(text.length) + continuation)];
  const before = text === '' ? [tokenizer.eot] : [...tokenizer.encode(text)];
  const truncated = Math.max(0, before.length + asked.length - model.config.n_ctx - 1);
  return { ...plainScore(model, before, asked), tokens: asked.length, truncated };
}

const folders = FOLDERS.map((folder) => [path.basename(folder), folder] as const);

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;
  beforeAll(async () => {
    if (!none) await tf.setBackend(backend);
  });

  test.skipIf(none).each(folders)('%s: every request equals a forward pass of its own', async (_, folder) => {
    const model = modelOf(folder);
    const tokenizer = tokenizerOf(model);
    const requests = requestsFor(model.config.n_ctx).slice(0, backend === 'cpu' ? 60 : 200);
    // some that the model would say itself
    for (let i = 0; i < 20; i++) {
      const { context } = requests[i]!;
      const ids = context.trimEnd() === '' ? [tokenizer.eot] : [...tokenizer.encode(context.trimEnd())];
      const next = tokenizer.decode([argmax(logitsOf(model, ids.slice(-model.config.n_ctx)).at(-1)!)]);
      if (next !== END_OF_TEXT) requests[i] = ask(context.trimEnd(), next);
    }
    const want = requests.map((request) => plain(model, tokenizer, request));
    expect(want.filter(({ truncated }) => truncated > 0).length).toBeGreaterThan(requests.length / 10);
    expect(want.some(({ greedy }) => greedy)).toBe(true);
    expect(want.some(({ greedy, tokens }) => !greedy && tokens === 1)).toBe(true);
    const tensors = tf.memory().numTensors;
    for (const batch_tokens of backend === 'cpu' ? [1024] : [1, 17, 256, 1024]) {
      const seen: number[] = [];
      const answers = await modelAnswerer(model, tokenizer, { batch_tokens }).answer(requests, {
        onProgress: (done, all) => seen.push(done / all),
      });
      const got = answers as LoglikelihoodAnswer[];
      const errors = got.map(({ logprob }, i) => Math.abs(logprob - want[i]!.logprob));
      // pieces of a few tokens run in other kernels, whose roundings add up over the 64 tokens of the longest
      expect(Math.max(...errors)).toBeLessThan(batch_tokens < 64 ? 2e-5 : 1e-5);
      expect(got.map(({ logprob: _, ...rest }) => rest)).toEqual(want.map(({ logprob: _, ...rest }) => rest));
      expect(seen).toEqual(requests.map((_, i) => (i + 1) / requests.length));
    }
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });
});

describe.skipIf(native === undefined)('all kinds of requests, on native', () => {
  let model: Gpt;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    await tf.setBackend('native');
    model = modelOf(FOLDERS[1]!); // n_ctx 20
    tokenizer = tokenizerOf(model);
  });

  test('rolling: windows that each see one token before them, the last one a whole context', async () => {
    const text = words(new Random(6, Stream.test), 50);
    const ids = [...tokenizer.encode(text)];
    const parts = [
      [[tokenizer.eot], ids.slice(0, 20)],
      [ids.slice(19, 20), ids.slice(20, 40)],
      [ids.slice(29, 40), ids.slice(40, 50)],
    ] as const;
    const want = parts.reduce((sum, [before, asked]) => sum + plainScore(model, before, asked).logprob, 0);
    const answerer = modelAnswerer(model, tokenizer);
    const [whole, empty] = (await answerer.answer([
      { kind: 'rolling', text },
      { kind: 'rolling', text: '' },
    ])) as Answer[];
    expect(whole).toMatchObject({ tokens: 50, truncated: 0 });
    expect((whole as LoglikelihoodAnswer).logprob).toBeCloseTo(want, 4);
    expect(empty).toEqual({ logprob: -0, tokens: 0, truncated: 0 });
  });

  /** Greedy text of at most `tokens` characters, each from a whole forward pass. */
  function greedy(ids: readonly number[], tokens: number): string {
    const all = [...ids];
    while (all.length < ids.length + tokens) {
      const next = argmax(logitsOf(model, all).at(-1)!.subarray(0, tokenizer.vocabSize));
      if (next === tokenizer.eot) break;
      all.push(next);
    }
    return tokenizer.decode(all.slice(ids.length));
  }
  const generate = (context: string, some: Partial<GenerateRequest> = {}): GenerateRequest => ({
    kind: 'generate',
    context,
    until: [],
    max_gen_toks: 8,
    temperature: 0,
    ...some,
  });
  const answersTo = async (requests: readonly GenerateRequest[]) =>
    (await modelAnswerer(model, tokenizer).answer(requests)) as GeneratedAnswer[];

  test('generate: greedy, in batches of one length, the context cut to n_ctx - max_gen_toks', async () => {
    const contexts = [
      'ABC',
      'XYZ',
      'a',
      '',
      'IS IT? ABC',
      'ABCDEFGHIJKL',
      'ABCDEFGHIJKLM',
      'WHAT IS IT ALL ABOUT NOW?',
    ];
    const answers = await answersTo(contexts.map((context) => generate(context)));
    for (const [i, context] of contexts.entries()) {
      const ids = context === '' ? [tokenizer.eot] : [...tokenizer.encode(context)];
      expect(answers[i], context).toEqual({ text: greedy(ids.slice(-12), 8), truncated: Math.max(0, ids.length - 12) });
    }
    expect(answers.map(({ truncated }) => truncated)).toEqual([0, 0, 0, 0, 0, 0, 1, 13]);
  });

  test('generate: the text ends before the first of the stops', async () => {
    const [plain] = await answersTo([generate('ABC')]);
    const { text } = plain!;
    expect(text.length).toBeGreaterThan(5);
    const until = [text.slice(5, 6), '', text.slice(3, 5), 'NEVER'];
    const [cut] = await answersTo([generate('ABC', { until })]);
    const at = Math.min(text.indexOf(until[0]!), text.indexOf(until[2]!));
    expect(cut!.text).toBe(text.slice(0, at));
  });

  test('generate: more than n_ctx asked for, the context keeps what fits before one token', async () => {
    const long = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const answers = await answersTo([
      generate('ABC', { max_gen_toks: 256 }),
      generate(long, { max_gen_toks: 20 }),
      generate('ABC', { max_gen_toks: 19 }),
    ]);
    const ids = (text: string) => [...tokenizer.encode(text)];
    expect(answers).toEqual([
      { text: greedy(ids('ABC'), 17), truncated: 0 },
      { text: greedy(ids(long.slice(-19)), 1), truncated: 7 },
      { text: greedy(ids('C'), 19), truncated: 2 },
    ]);
  });

  test('generate: with a temperature, the same text alone and beside others', async () => {
    const warm = (context: string) => generate(context, { temperature: 1.5 });
    const [alone] = await answersTo([warm('ABC')]);
    const [, beside] = await answersTo([warm('XYZ'), warm('ABC'), generate('ABC')]);
    expect(beside).toEqual(alone);
    expect(alone!.text).not.toBe(greedy([...tokenizer.encode('ABC')], 8));
  });

  test('mixed kinds: each answer in its place', async () => {
    const requests: Request[] = [
      generate('ABC'),
      ask('ABC', 'DEF'),
      { kind: 'rolling', text: 'ABCDEF' },
      ask('ABC', 'X'),
      generate('B'),
    ];
    const answerer = modelAnswerer(model, tokenizer);
    const told = new Map<number, Answer>();
    const together = await answerer.answer(requests, { onAnswer: (i, answer) => told.set(i, answer) });
    expect([...told.keys()].sort()).toEqual([0, 1, 2, 3, 4]);
    for (const [i, request] of requests.entries()) {
      const [alone] = await answerer.answer([request]);
      expect(told.get(i)).toEqual(together[i]);
      const { logprob = 0, ...rest } = together[i] as LoglikelihoodAnswer;
      const { logprob: want = 0, ...wanted } = alone as LoglikelihoodAnswer;
      expect(rest).toEqual(wanted);
      expect(logprob).toBeCloseTo(want, 5);
    }
  });

  test('an abort ends the work between two batches', async () => {
    const abort = new AbortController();
    const done: number[] = [];
    const requests: Request[] = requestsFor(20).concat(generate('ABC') as never);
    const work = modelAnswerer(model, tokenizer, { batch_tokens: 64 }).answer(requests, {
      signal: abort.signal,
      onAnswer: (i) => {
        done.push(i);
        if (done.length === 20) abort.abort();
      },
    });
    const tensors = tf.memory().numTensors;
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    expect(done.length).toBeGreaterThanOrEqual(20);
    expect(done.length).toBeLessThan(150);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors);
    const stopped = modelAnswerer(model, tokenizer).answer([generate('ABC')], { signal: abort.signal });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('a continuation longer than the context is what its parts add up to', async () => {
    const answerer = modelAnswerer(model, tokenizer);
    const [whole, ...parts] = await answerer.answer([
      ask('ABC', 'X'.repeat(21)), // n_ctx 20: ten tokens at a time
      ask('ABC', 'X'.repeat(10)),
      ask(`ABC${'X'.repeat(10)}`, 'X'.repeat(10)),
      ask(`ABC${'X'.repeat(20)}`, 'X'),
    ]);
    const sum = parts.reduce((total, part) => total + ('logprob' in part ? part.logprob : Number.NaN), 0);
    expect(whole).toMatchObject({ logprob: expect.closeTo(sum, 5), greedy: false, tokens: 21, truncated: 3 });
  });

  test('500 requests, one after the other: memory stays as it is', async () => {
    const answerer = modelAnswerer(model, tokenizer);
    const requests = requestsFor(20);
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      await answerer.answer([requests[i % 200]!]);
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      seen.add(`${numTensors} ${numBytes} ${numDataBuffers}`);
    }
    expect([...seen]).toHaveLength(1);
  });
});
