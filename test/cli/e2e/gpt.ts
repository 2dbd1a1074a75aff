// `gpt` as a user runs it: bin/gpt.js in a process of its own, in a folder of its own, with a cache of its own.
// Models are tiny, so that a run takes about a second; the build in dist/ is what runs (npm test builds first).

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunEvent } from '../../../src/base/events.js';
import { openSafetensors } from '../../../src/checkpoint/safetensors.js';

const BIN = fileURLToPath(new URL('../../../bin/gpt.js', import.meta.url));

/** The fast backend where it was built. */
export const BACKEND = existsSync(fileURLToPath(new URL('../../../build/native/native.node', import.meta.url)))
  ? 'native'
  : 'cpu';

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running gpt. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stdout contains the text; rejects when the process ends before that. */
  readonly says: (text: string) => Promise<void>;
}

export type Environment = Readonly<Record<string, string>>;

/** How a process is started. */
export interface How {
  /** What is piped into standard input, which is /dev/null without it. */
  readonly input?: string | Uint8Array | undefined;
  /** What runs bin/gpt.js, with its arguments. */
  readonly node?: readonly string[];
}

/** A folder with a text, where commands run. */
export class Workplace {
  readonly dir = mkdtempSync(join(tmpdir(), 'gpt-e2e-'));

  constructor() {
    this.write('text.txt', story(300));
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return name;
  }

  read(...names: string[]): Buffer {
    return readFileSync(this.path(...names));
  }

  names(...folder: string[]): string[] {
    return readdirSync(this.path(...folder)).sort();
  }

  start(args: readonly string[], env: Environment = {}, { input, node = [process.execPath] }: How = {}): Running {
    const [command, ...before] = node as [string, ...string[]];
    const running = this.#spawn(command, [...before, BIN, ...args], env, input === undefined ? 'ignore' : 'pipe');
    running.process.stdin?.on('error', () => {}).end(input); // gpt may end without reading it
    return running;
  }

  /** The same on a terminal of its own (Linux), whose keyboard is process.stdin of the result. */
  startOnTerminal(args: readonly string[]): Running {
    // exec: a shell that waits (dash) dies of the Ctrl-C that its child has answered
    const command = `exec ${[process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ')}`;
    return this.#spawn('script', ['-qec', command, '/dev/null'], {}, 'pipe');
  }

  #spawn(command: string, args: readonly string[], env: Environment, stdin: 'ignore' | 'pipe'): Running {
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    const child = spawn(command, args, {
      cwd: this.dir,
      // without a GPU, if there is one: test/cuda brings its own
      env: { ...inherited, GPT_CACHE: this.path('.cache'), GPT_THREADS: '1', GPT_LIBCUDA: '/nowhere', ...env },
      stdio: [stdin, 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    const says = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = () => stdout.includes(text) && resolve();
        child.stdout!.on('data', look);
        child.on('close', () => reject(new Error(`gpt ended without saying ${text}:\n${stdout}${stderr}`)));
        look();
      });
    return { process: child, ended, says };
  }

  gpt(args: readonly string[], env: Environment = {}, how: How = {}): Promise<Ended> {
    return this.start(args, env, how).ended;
  }

  /** Trains a tiny model into folder `out`; throws what it wrote unless it exits with 0. */
  async train(out: string, ...more: string[]): Promise<Ended> {
    const ended = await this.gpt(['pretrain', '--data', 'text.txt', '--out', out, ...TINY, ...more]);
    if (ended.code !== 0) throw new Error(`exit ${ended.code}\n${ended.stdout}${ended.stderr}`);
    return ended;
  }

  /** The log of a run. */
  events<T extends RunEvent['type']>(run: string, type: T): Extract<RunEvent, { type: T }>[] {
    const events = this.read(run, 'run.jsonl').toString().trim().split('\n');
    return events.map((line) => JSON.parse(line) as RunEvent).filter((e) => e.type === type) as Extract<
      RunEvent,
      { type: T }
    >[];
  }

  losses(run: string): number[] {
    return this.events(run, 'step').map(({ loss }) => loss);
  }

  /** What a resume must reproduce: the bytes of parameters and Adam's moments of a step folder. */
  state(run: string, step: string): string[] {
    return ['model.safetensors', 'trainer/optimizer.safetensors'].map((name) =>
      this.read(run, step, name).toString('base64'),
    );
  }

  /** All tensors of a safetensors file. */
  tensors(...names: string[]): Map<string, Float32Array> {
    const file = openSafetensors(this.path(...names));
    const tensors = new Map(file.names.map((name) => [name, file.readFloat32(name)] as const));
    file.close();
    return tensors;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Flags of a model of 35 thousand parameters that trains 20 steps in a blink. */
export const TINY = [
  ...['--backend', BACKEND, '--tokenizer.type', 'byte'],
  ...['--model.n_layer', '2', '--model.n_head', '2', '--model.n_embd', '32', '--model.n_ctx', '32'],
  ...['--train.batch_tokens', '128', '--train.max_steps', '20', '--train.learning_rate', '3e-3'],
  ...['--sample.tokens', '12', '--train.eval_tokens', '256'],
];

export const DROPOUT = ['--model.resid_pdrop', '0.1', '--model.embd_pdrop', '0.1', '--model.attn_pdrop', '0.1'];

/** That many sentences, always the same ones. */
export function story(sentences: number): string {
  let state = 1;
  const pick = (...words: string[]): string => {
    state = (state * 48271) % 0x7fffffff;
    return words[state % words.length]!;
  };
  const sentence = () =>
    `The ${pick('cat', 'dog', 'owl', 'fox')} ${pick('saw', 'met', 'heard')} a ${pick('moon', 'river', 'hill', 'boat')} and ${pick('slept', 'ran', 'sang')}.`;
  return Array.from({ length: sentences }, sentence).join('\n');
}

/** What every error of a user's must look like: exit code, what and where, what to do, and no stack trace. */
export function complaint({ code, stdout, stderr }: Ended): { code: number | null; text: string; wellFormed: boolean } {
  const text = stdout + stderr;
  const wellFormed = /(^|\n)error: .+\n(.*\n)*? {2}fix: .+\n$/.test(stderr) && !/\n\s+at /.test(text);
  return { code, text, wellFormed };
}
