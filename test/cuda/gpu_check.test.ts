// What runs on a GPU machine for minutes is rehearsed here: packed, copied to an empty folder, and run with --quick on the
// simulated GPU, with a PATH that has no Node.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSim, type Sim, simEnvironment } from './build_sim.mjs';
import { reason as noSim, ROOT } from './machine.js';

const execute = promisify(execFile);

// What gpu-check.sh says it needs: a shell, coreutils, grep, tar with xz, and Python.
const TOOLS = [
  'sh',
  'python3',
  'tar',
  'xz',
  'grep',
  'timeout',
  'dirname',
  'basename',
  'mkdir',
  'mktemp',
  'rm',
  'cp',
  'chmod',
  'date',
];

/** Where a program is, or undefined. */
const where = (tool: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, tool))
    .find((file) => existsSync(file));

const missing = TOOLS.filter((tool) => where(tool) === undefined);
const reason = noSim ?? (missing.length > 0 ? `no ${missing.join(', ')}` : undefined);

interface Result {
  readonly pack: { readonly commit: string };
  readonly stages: readonly { readonly stage: string; readonly status: string; readonly finding: string }[];
  readonly speeds: readonly { readonly stage: string; readonly ours: boolean; readonly tokens_per_s: number }[];
}

describe.skipIf(reason !== undefined)(`the check of a GPU${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gpt-gpu-check-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let sim: Sim;
  let ended: { code: number; stdout: string };
  let result: Result;

  beforeAll(async () => {
    sim = await buildSim();
    const pack = path.join(folder, 'pack');
    await execute(process.execPath, ['scripts/gpu-pack.mjs', '--fast', '--out', pack], { cwd: ROOT });
    cpSync(pack, path.join(folder, 'elsewhere/.gpu'), { recursive: true });
    rmSync(pack, { recursive: true });
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    for (const tool of TOOLS) symlinkSync(where(tool)!, path.join(bin, tool));
    const { stdout } = await execute('python3', ['-c', 'import sys; print(sys.executable)']);
    rmSync(path.join(bin, 'python3')); // it may be a script of pyenv, which needs more
    symlinkSync(stdout.trim(), path.join(bin, 'python3'));
    const env = { ...simEnvironment(sim), PATH: bin, HOME: folder, PYTHON: 'none', OUT: path.join(folder, 'results') };
    const cwd = path.join(folder, 'elsewhere');
    ended = await execute('sh', ['.gpu/gpu-check.sh', '--quick'], { cwd, env }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout, stderr }) => ({ code, stdout: `${stdout}${stderr}` }),
    );
    result = JSON.parse(readFileSync(path.join(folder, 'results/result.json'), 'utf8')) as Result;
  }, 600_000);

  test('each stage is ok, and what is not on this machine is absent', () => {
    const found = Object.fromEntries(result.stages.map(({ stage, status }) => [stage, status]));
    expect(found, ended.stdout).toEqual({
      unpack: 'ok',
      'nvidia-smi': 'absent',
      addon: 'ok',
      doctor: 'ok',
      selftest: 'ok',
      'parity-fp32': 'ok',
      'parity-tf32': 'ok',
      'parity-bf16': 'ok',
      'curve-fp32': 'ok',
      'curve-bf16': 'ok',
      'bench-tiny': 'ok',
      'profile-tiny': 'ok',
      'torch-mini': 'absent',
      'llmc-build': 'absent',
      'llmc-mini': 'absent',
      'bench-tiny-again': 'ok',
    });
    expect(ended.code).toBe(0);
  });

  test('the findings and the table are numbers', () => {
    const finding = (name: string) => result.stages.find(({ stage }) => stage === name)!.finding;
    expect(finding('doctor')).toContain('Simulated GPU');
    expect(finding('selftest')).toMatch(/^(\d+) of \1 cases right; nearest to its tolerance: Gpt/);
    expect(finding('parity-fp32')).toMatch(/^1 of 1 within the tolerances/);
    expect(finding('curve-fp32')).toMatch(/^first losses \d\.\de[-+]\d\d of 1e-04 apart; 2 steps/);
    expect(result.speeds.map(({ stage }) => stage)).toEqual(['bench-tiny', 'bench-tiny-again']);
    for (const { tokens_per_s } of result.speeds) expect(tokens_per_s).toBeGreaterThan(0);
    const rows = ended.stdout.split('\n').filter((line) => /^bench-tiny.* gpt bf16 .* x 64 /.test(line));
    expect(rows).toHaveLength(2);
    expect(result.pack.commit).toMatch(/^[0-9a-f]{40}$/);
  });
});
