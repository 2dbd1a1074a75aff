// The same run on every backend of this machine: same initialisation, data order and dropout masks, so the same losses.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { BACKEND, complaint, DROPOUT, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const flags = [
  ...DROPOUT,
  ...['--model.n_layer', '1', '--model.n_embd', '16', '--model.n_ctx', '16', '--train.batch_tokens', '64'],
  ...['--train.max_steps', '5', '--train.micro_batch', '2'],
];
const run = (backend: string) => place.train(backend, ...flags, '--backend', backend);

beforeAll(() => run('cpu'));

test.for(['wasm', 'native'])('%s gives the losses and gradient norms of cpu', async (backend, { skip }) => {
  skip(backend === 'native' && BACKEND !== 'native', 'the native addon is not built');
  const { stdout, stderr } = await run(backend);
  expect(stdout).toContain(`backend  ${backend} (chosen by --backend ${backend}`);
  expect(stderr).toBe(''); // no banner of TensorFlow.js
  const of = (name: string) => place.events(name, 'step').map((e) => ({ loss: e.loss, norm: e.grad_norm }));
  const [want, got] = [of('cpu'), of(backend)];
  expect(got).toHaveLength(5);
  expect(Math.max(...got.map(({ loss }, i) => Math.abs(loss - want[i]!.loss)))).toBeLessThan(1e-4);
  expect(Math.max(...got.map(({ norm }, i) => Math.abs(norm - want[i]!.norm)))).toBeLessThan(1e-3);
  expect(place.events(backend, 'val')[0]!.loss).toBeCloseTo(place.events('cpu', 'val')[0]!.loss, 4);
});

test('a sample is the same text on every backend', async () => {
  const args = ['generate', 'cpu', '--prompt', 'The ', '--tokens', '30', '--seed', '5', '--json'];
  const texts = [];
  for (const backend of new Set(['cpu', BACKEND])) {
    const { stdout } = await place.gpt([...args, '--backend', backend]);
    texts.push((JSON.parse(stdout) as { samples: { text: string }[] }).samples[0]!.text);
  }
  expect(texts[0]).toHaveLength(30);
  expect(new Set(texts).size).toBe(1);
});

test.each([
  ['cuda', /no GPU: \/nowhere was not found|the CUDA backend is not built/],
  ['webgpu', /are not installed|finds no adapter/],
  ['tensorflow', /tfjs-node/],
])('--backend %s does not fall back: exit 3, and no run folder', async (backend, why) => {
  const args = ['pretrain', '--data', 'text.txt', '--out', 'none', ...TINY, '--backend', backend];
  const pretrain = await place.gpt(args);
  const generate = await place.gpt(['generate', 'cpu', '--backend', backend]);
  for (const ended of [pretrain, generate]) {
    expect(complaint(ended)).toMatchObject({ code: 3, wellFormed: true, text: expect.stringMatching(why) });
  }
  expect(place.names()).not.toContain('none');
});
