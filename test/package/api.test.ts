// The API against the command line's own results and against formulas: it is the same program, and leaves nothing behind.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';
import { tf } from '../../src/base/tf.js';

type Api = typeof import('../../src/api/index.js');
const dist = path.join(import.meta.dirname, '../../dist/api/index.js'); // what a program gets; npm test builds it
const api = (await import(pathToFileURL(dist).href)) as Api;

const base = mkdtempSync(path.join(tmpdir(), 'gpt-api-'));
const dir = (name: string) => path.join(base, name);
const backend = nativeIsBuilt() ? 'native' : 'cpu';
const overrides = {
  tokenizer: { type: 'byte' },
  data: { val_fraction: 0.2 },
  model: { n_layer: 1, n_head: 2, n_embd: 16, n_ctx: 16 },
  train: { batch_tokens: 64, max_steps: 4, eval_tokens: 128, learning_rate: 1e-2, betas: [0.9, 0.95] },
  sample: { tokens: 4, prompt: '3: #' },
} as const;
const data = path.join(import.meta.dirname, '../../README.md');
const given = { data, backend, threads: 1, overrides } as unknown as Parameters<Api['pretrain']>[0];

beforeAll(async () => {
  process.env['GPT_CACHE'] = dir('cache');
  process.env['GPT_LIBCUDA'] = '/nowhere';
  await api.pretrain({ ...given, out: dir('run') });
});
afterAll(() => rmSync(base, { recursive: true }));

describe('pretrain', () => {
  test('returns what the log says, tells every event, and takes no signal of the process', async () => {
    const types: string[] = [];
    const before = process.listenerCount('SIGINT');
    let during = 0;
    const run = await api.pretrain({
      ...given,
      out: dir('told'),
      onEvent: (event) => {
        types.push(event.type);
        during = process.listenerCount('SIGINT');
      },
    });
    const { start, steps, vals, end, samples } = api.readRun(run.dir);
    expect([during, process.listenerCount('SIGINT')]).toEqual([before, before]);
    expect(types.filter((type) => type === 'step').length).toBe(4);
    expect([types[0], types.at(-1)]).toEqual(['start', 'end']);
    expect(run).toMatchObject({ dir: dir('told'), reason: 'done', step: 4, tokens: 256, valLoss: vals.at(-1)!.loss });
    expect(run.best).toEqual({ step: end!.best_step, valLoss: end!.best_val_loss });
    expect(steps[0]!.loss).toBeCloseTo(Math.log(257), 0);
    expect(samples[0]!.prompt).toBe('3: #'); // text stays as it is, though flags are YAML
    expect(start.command).toContain('gpt pretrain --tokenizer.type=byte');
    expect(start.config).toMatchObject({ train: { betas: [0.9, 0.95], max_steps: 4 } });
  });

  test('stops by its signal, saved, and goes on in the same process to the same end', async () => {
    const stop = new AbortController();
    const first = await api.pretrain({
      ...given,
      out: dir('stopped'),
      signal: stop.signal,
      onEvent: (event) => event.type === 'step' && event.step === 2 && stop.abort(),
    });
    expect([first.reason, first.step]).toEqual(['interrupted', 2]);
    expect(existsSync(path.join(first.dir, 'lock'))).toBe(false);
    const rest = await api.pretrain({ resume: first.dir, backend });
    expect([rest.dir, rest.reason, rest.step]).toEqual([first.dir, 'done', 4]);
    const losses = (name: string) => api.readRun(dir(name)).steps.map(({ loss }) => loss);
    expect(losses('stopped')).toEqual(losses('run'));
    const again = await api.pretrain({ resume: first.dir, backend }); // nothing is left to do
    expect([again.reason, again.step, again.best]).toEqual([rest.reason, rest.step, rest.best]);
  });

  test('two at once follow each other, and give their memory back', async () => {
    const starts: string[] = [];
    const tell = (name: string) => (event: { type: string }) =>
      /start|end/.test(event.type) && starts.push(`${name} ${event.type}`);
    const alive = tf.memory().numTensors;
    await Promise.all(['a', 'b'].map((name) => api.pretrain({ ...given, out: dir(name), onEvent: tell(name) })));
    expect(starts).toEqual(['a start', 'a end', 'b start', 'b end']);
    expect(tf.memory().numTensors).toBe(alive);
  });

  test.each([
    ['no configuration', { config: 'gpt5' }, 'ConfigError', /no preset of that name/, 2],
    ['a key that is none', { overrides: { train: { max_stepz: 4 } } }, 'ConfigError', /max_stepz/, 2],
    ['no text', { data: '/nowhere.txt' }, 'DataError', /nowhere/, 4],
    ['no such device', { backend: 'cuda' }, 'DeviceError', /./, 3],
  ] as const)('%s is an error of the command line', async (_, wrong, name, message, exitCode) => {
    const failed = api.pretrain({ ...given, out: dir('wrong'), ...wrong } as typeof given);
    const error = await failed.then(
      () => undefined,
      (thrown: InstanceType<Api['GptError']>) => thrown,
    );
    expect(error).toBeInstanceOf(api.GptError);
    expect(error).toBeInstanceOf(api[name]);
    expect(error!.message).toMatch(message);
    expect([error!.exitCode, error!.fix === '']).toEqual([exitCode, false]);
    expect(existsSync(dir('wrong'))).toBe(false);
  });

  test('what the listener throws ends the run', async () => {
    const onEvent = () => {
      throw new Error('enough');
    };
    await expect(api.pretrain({ ...given, out: dir('thrown'), onEvent })).rejects.toThrow('enough');
    expect((await api.pretrain({ ...given, out: dir('after') })).reason).toBe('done');
  });
});

describe('a model', () => {
  const open = () => api.loadModel(dir('run'), { backend });
  const text = 'The quick brown fox; a second sentence, beyond one window.';

  test('gives logits that perplexity follows from', async () => {
    const model = await open();
    const { n_ctx, vocab_size } = model.config;
    const ids = model.tokenizer.encode(text);
    let nats = 0;
    for (let start = 0; start < ids.length; start += n_ctx) {
      const targets = ids.slice(start, start + n_ctx);
      const context = [start === 0 ? model.tokenizer.eot : ids[start - 1]!, ...targets.slice(0, -1)];
      const logits = await model.logits(context);
      expect([logits.length, logits[0]!.length]).toEqual([context.length, vocab_size]);
      for (const [t, id] of targets.entries()) {
        const largest = Math.max(...logits[t]!);
        const sum = logits[t]!.reduce((total, x) => total + Math.exp(x - largest), 0);
        nats += Math.log(sum) + largest - logits[t]![id]!;
      }
    }
    const { loss, token_perplexity, word_perplexity } = await model.perplexity(text);
    expect(loss).toBeCloseTo(nats / ids.length, 5);
    expect(token_perplexity).toBeCloseTo(Math.exp(nats / ids.length), 2);
    expect(Math.log(word_perplexity!)).toBeCloseTo(nats / 10, 4); // ten words
    const strided = await model.perplexity(text, { stride: 4 });
    expect(strided.loss).not.toBe(loss);
    model.dispose();
  });

  test('writes: pieces are the whole, a seed is a text, and leaving the loop ends it', async () => {
    const model = await open();
    const how = { tokens: 12, seed: 3, temperature: 1 };
    const pieces: string[] = [];
    const writing = model.generate('The', how);
    let next = await writing.next();
    for (; !next.done; next = await writing.next()) pieces.push(next.value);
    expect(pieces.length).toBeGreaterThan(1);
    expect(next.value).toEqual(await model.complete('The', how));
    expect(pieces.join('')).toBe(next.value.text);
    expect(next.value).toMatchObject({ prompt: 'The', tokens: 12, finish: 'length' });
    const alive = tf.memory().numTensors;
    let heard = 0;
    for await (const _ of model.generate('The', { ...how, tokens: 100_000 })) if (++heard === 2) break;
    expect(tf.memory().numTensors).toBe(alive);
    const stopped = await model.complete('The', { tokens: 100_000, signal: AbortSignal.timeout(20) });
    expect(stopped.finish).toBe('interrupted');
    model.dispose();
  });

  test('refuses what it cannot read', async () => {
    const model = await open();
    for (const ids of [[], [257], [-1], [1.5], Array(17).fill(1)]) {
      await expect(model.logits(ids)).rejects.toBeInstanceOf(api.ConfigError);
    }
    await expect(model.generate('more than sixteen bytes').next()).rejects.toBeInstanceOf(api.ConfigError);
    for (const how of [
      { tokens: 0 },
      { tokens: 1.5 },
      { temperature: -1 },
      { temperature: Number.NaN },
      { topK: -1 },
      { topP: 2 },
    ]) {
      await expect(model.complete('a', how)).rejects.toBeInstanceOf(api.ConfigError);
      await expect(model.generate('a', how).next()).rejects.toBeInstanceOf(api.ConfigError);
    }
    await expect(model.perplexity('')).rejects.toBeInstanceOf(api.ConfigError);
    await expect(model.perplexity('a', { stride: 17 })).rejects.toBeInstanceOf(api.ConfigError);
    model.dispose();
    await expect(api.loadModel(dir('nothing'), { backend })).rejects.toBeInstanceOf(api.DataError);
    expect(() => api.readRun(dir('nothing'))).toThrow(api.DataError);
  });

  test('frees what it took', async () => {
    const alive = tf.memory().numTensors;
    const model = await open();
    expect(tf.memory().numTensors).toBeGreaterThan(alive);
    model.dispose();
    expect(tf.memory().numTensors).toBe(alive);
  });
});

test('evaluate measures the text that the run held out, or another one', async () => {
  const alive = tf.memory().numTensors;
  const held = await api.evaluate({ checkpoint: dir('run'), backend });
  const whole = await api.evaluate({ checkpoint: dir('run'), backend, data });
  expect(whole.tokens).toBeGreaterThan(4 * held.tokens);
  expect(held.loss).toBeCloseTo(held.nats / held.tokens, 10);
  const all = api.readRun(dir('run')).vals.at(-1)!;
  expect(Math.abs(held.loss - all.loss)).toBeLessThan(0.2);
  await expect(api.evaluate({ checkpoint: dir('run'), backend, window: 'strided' })).rejects.toThrow(api.ConfigError);
  expect(tf.memory().numTensors).toBe(alive);
});

test('finetune teaches a task', async () => {
  const run = await api.finetune({
    checkpoint: dir('run'),
    config: 'small',
    task: 'classification',
    data: 'data/tasks/feeling',
    out: dir('feeling'),
    backend,
    overrides: { train: { max_steps: 2 } } as never,
  });
  expect(run).toMatchObject({ reason: 'done', step: 2, valLoss: null });
  expect(run.best!.metric!.name).toBe('accuracy');
  expect(run.best!.metric!.value).toBe(api.readRun(run.dir).end!.best_metric!.value);
  expect(readdirSync(run.dir)).toContain('report.html');
  await expect(api.finetune({ task: 'classification', data: 'data/tasks/feeling' })).rejects.toThrow(api.ConfigError);
});
