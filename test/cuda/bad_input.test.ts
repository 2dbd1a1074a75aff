// What `gpt` says where a GPU is missing, too old, full or broken: one sentence with the cure, exit code 3 (6 for memory),
// and nothing lost. On the simulated driver.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complaint, type Environment, TINY, Workplace } from '../cli/e2e/gpt.js';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, reason } from './machine.js';

describe.skipIf(reason !== undefined)(`on the simulated GPU${NEEDS_SIM}`, () => {
  const place = new Workplace();
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { ...simEnvironment(await buildSim()), GPT_CUDA_POOL: '' }; // the backend's own pool
  }, 600_000);
  afterAll(() => place.remove());

  const flags = ['--data', 'text.txt', ...TINY.slice(2), '--backend', 'cuda'];
  const pretrain = (out: string, more: Environment = {}, extra: readonly string[] = []) =>
    place.gpt(['pretrain', '--out', out, ...flags, ...extra], { ...env, ...more });

  test.each<[what: string, change: Environment, extra: string[], message: RegExp, fix: RegExp]>([
    [
      'no driver',
      { GPT_LIBCUDA: '/nowhere/libcuda.so.1' },
      [],
      /no GPU: \/nowhere\/libcuda.so.1 was not found: NVIDIA's driver is not installed, or this container/,
      /install NVIDIA's driver, version 525 or newer, or use --backend native/,
    ],
    [
      'an old driver',
      { GPT_SIM_DRIVER: '11040' },
      [],
      /driver is too old: it supports CUDA 11.4, and 12.0 is needed/,
      /525/,
    ],
    ['no device', { GPT_SIM_NO_DEVICE: '1' }, [], /the driver finds none: CUDA_ERROR_NO_DEVICE/, /nvidia-smi/],
    ['all devices hidden', { CUDA_VISIBLE_DEVICES: '' }, [], /the driver finds none/, /CUDA_VISIBLE_DEVICES/],
    ['a device that is not there', {}, ['--device', '7'], /there is no GPU 7: the driver shows 1/, /--device/],
    ['an old GPU', { GPT_SIM_CC: '75' }, [], /compute capability 7.5, and 8.0 is needed/, /--backend native/],
    [
      'no cuBLASLt',
      { GPT_LIBCUBLASLT: '/nowhere/libcublasLt.so.13' },
      [],
      /cuBLASLt was not found/,
      /pip install nvidia-cublas/,
    ],
    [
      'no kernels for this GPU, and no NVRTC',
      { GPT_SIM_BAD_IMAGE: '1', GPT_LIBNVRTC: '/nowhere/libnvrtc.so', GPT_CUDA_IMAGES: '/nowhere' },
      [],
      /no kernels for compute capability 9.0: .*\/nowhere has no kernels.cu/,
      /npm run build/,
    ],
  ])('%s', async (_, change, extra, message, fix) => {
    const { code, text, wellFormed } = complaint(await pretrain('none', change, extra));
    expect({ code, wellFormed }, text).toEqual({ code: 3, wellFormed: true });
    expect(text).toMatch(message);
    expect(text).toMatch(fix);
    expect(place.names()).not.toContain('none');
  });

  test('--backend auto goes on without a GPU', async () => {
    const auto = [...TINY.slice(2), '--train.max_steps', '1', '--quiet'];
    const run = (out: string, more: Environment) =>
      place.gpt(['pretrain', '--data', 'text.txt', '--out', out, ...auto], { ...env, ...more });
    expect((await run('without', { GPT_LIBCUDA: '/nowhere/libcuda.so.1' })).code).toBe(0);
    expect(place.events('without', 'start')[0]!.backend).toBe('native');
    // a GPU that cannot be used is worth a word
    expect((await run('unusable', { GPT_SIM_DRIVER: '11040' })).code).toBe(0);
    expect(place.events('unusable', 'start')[0]!.backend_reason).toMatch(/driver is too old/);
    expect((await run('with', {})).code).toBe(0);
    expect(place.events('with', 'start')[0]!.backend).toBe('cuda');
  });

  test('a model that does not fit is refused before it starts', async () => {
    const { code, text, wellFormed } = complaint(await pretrain('large', { GPT_SIM_MEMORY: String(20 << 20) }));
    expect({ code, wellFormed }, text).toEqual({ code: 6, wellFormed: true });
    expect(text).toMatch(/takes about .* of memory/);
    expect(place.names()).not.toContain('large');
  });

  test('memory that runs out in the middle of a step: exit 6, and the checkpoint is good', async () => {
    const saved = ['--train.save_every', '5', '--train.max_steps', '10'];
    const failing = { GPT_CUDA_POOL: 'none', GPT_SIM_FAIL_ALLOC: '1500' };
    const ended = await pretrain('full', failing, saved);
    const { code, text, wellFormed } = complaint(ended);
    expect({ code, wellFormed }, text).toEqual({ code: 6, wellFormed: true });
    expect(text).toMatch(/out of device memory/);
    expect(place.names('full')).toContain('step-000005');
    expect((await place.gpt(['pretrain', '--resume', 'full', '--backend', 'cuda', '--quiet'], env)).code).toBe(0);
    expect((await pretrain('whole', {}, saved)).code).toBe(0);
    expect(place.state('full', 'step-000010')).toEqual(place.state('whole', 'step-000010'));
  });

  test('a kernel that fails later than it is launched: exit 3, and GPT_CUDA_SYNC=1 names it', async () => {
    const failing = { GPT_SIM_FAIL: 'layernorm_grad_f32:20' };
    const plain = complaint(await pretrain('broken', failing, ['--train.save_every', '2']));
    expect({ code: plain.code, wellFormed: plain.wellFormed }, plain.text).toEqual({ code: 3, wellFormed: true });
    expect(plain.text).toMatch(/a kernel failed on the GPU: CUDA_ERROR_ILLEGAL_ADDRESS/);
    expect(plain.text).toMatch(/run again with GPT_CUDA_SYNC=1, which names the kernel/);
    const named = complaint(await pretrain('named', { ...failing, GPT_CUDA_SYNC: '1' }));
    expect(named.text).toMatch(/Gpt(Residual)?LayerNormGrad failed on the GPU: CUDA_ERROR_ILLEGAL_ADDRESS/);
    expect(named.code).toBe(3);
  });

  test('two processes on one GPU do not disturb each other', async () => {
    const runs = await Promise.all(['a', 'b'].map((out) => pretrain(out, {}, ['--quiet'])));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(place.state('a', 'step-000020')).toEqual(place.state('b', 'step-000020'));
  });

  test('doctor says what is there, and what is missing', async () => {
    const found = (await place.gpt(['doctor'], env)).stdout;
    expect(found).toMatch(/\+ cuda +Simulated GPU, compute capability 9/);
    expect(found).toMatch(/--backend auto takes cuda/);
    const missing = (await place.gpt(['doctor'], { ...env, GPT_LIBCUBLASLT: '/nowhere' })).stdout;
    expect(missing).toMatch(/- cuda +cuBLASLt was not found/);
    expect(missing).toMatch(/fix: install the CUDA toolkit, or: pip install nvidia-cublas/);
  });
});
