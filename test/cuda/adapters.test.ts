// LoRA and frozen layers on the simulated GPU: gradients of the native backend, nothing left behind.

import { spawn } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { difference } from '../ops/parity.js';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from './machine.js';

interface Result {
  readonly losses: number[];
  readonly gradients: Record<string, number[]>;
  readonly left: { live?: number }[];
}
type Results = Record<'lora' | 'recompute' | 'frozen', Result>;

describe.skipIf(reason !== undefined)(`adapters on the simulated GPU${NEEDS_SIM}`, () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { ...simEnvironment(await buildSim()), GPT_CUDA_POOL: '', GPT_CUDA_POISON: '1' };
  }, 600_000);

  const run = (...args: string[]): Promise<Results> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['test/cuda/adapter_run.mjs', ...args], {
        cwd: ROOT,
        env: { ...process.env, ...(args[0] === 'cuda' ? env : {}) },
      });
      const [out, problems]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (data: Buffer) => out.push(data));
      child.stderr.on('data', (data: Buffer) => problems.push(data));
      child.on('close', (code) => {
        if (code === 0) resolve(JSON.parse(Buffer.concat(out).toString()) as Results);
        else reject(new Error(`${args.join(' ')} ended with ${code}: ${Buffer.concat(problems).toString()}`));
      });
    });
  const KINDS = ['lora', 'recompute', 'frozen'] as const;

  test('float32 is the native backend, bfloat16 is near; every step leaves what it found', async () => {
    const [native, fp32, bf16] = await Promise.all([run('native'), run('cuda'), run('cuda', 'bf16')]);
    for (const kind of KINDS) {
      const [want, got, rounded] = [native[kind], fp32[kind], bf16[kind]];
      expect(difference(got.losses.slice(0, 1), want.losses.slice(0, 1)), kind).toBeLessThan(1e-6);
      expect(Object.keys(got.gradients)).toEqual(Object.keys(want.gradients));
      expect(Math.abs(rounded.losses[0]! / want.losses[0]! - 1), kind).toBeLessThan(1e-2);
      expect(rounded.losses[0], kind).not.toBe(got.losses[0]);
      for (const [name, g] of Object.entries(want.gradients)) {
        expect(difference(got.gradients[name]!, g), `${kind}: ${name}`).toBeLessThan(1e-5);
        const norm = Math.hypot(...g);
        expect(norm, `${kind}: ${name}`).toBeGreaterThan(1e-4);
        const off = Math.hypot(...rounded.gradients[name]!.map((x, i) => x - g[i]!));
        expect(off / norm, `${kind}, bf16: ${name}`).toBeLessThan(0.1);
      }
      for (const { losses, left } of [want, got, rounded]) {
        expect(losses.at(-1)!, kind).toBeLessThan(losses[0]!);
        expect(left).toHaveLength(3);
        for (const state of left) expect(state, kind).toEqual(left[0]);
      }
    }
    expect(fp32.lora.left[0]!.live).toBeGreaterThan(0);
    expect(Object.keys(native.frozen.gradients)).toHaveLength(13);
    expect(Object.keys(native.lora.gradients)).toHaveLength(24);
  });
});
