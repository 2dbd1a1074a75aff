// `gpt watch` beside a run, as a user types it: before, during and after the training, and what it refuses.

import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaint, type Running, TINY, Workplace } from './gpt.js';

let place: Workplace;
const running: Running[] = [];
beforeAll(() => {
  place = new Workplace();
});
afterAll(async () => {
  for (const { process, ended } of running) {
    process.kill('SIGKILL');
    await ended;
  }
  place.remove();
});

/** A watch that has printed its address. */
async function watch(...args: string[]): Promise<Running & { url: string; said: () => string }> {
  const started = place.start(['watch', ...args]);
  running.push(started);
  let stdout = '';
  let stderr = '';
  started.process.stdout!.on('data', (text: string) => {
    stdout += text;
  });
  started.process.stderr!.on('data', (text: string) => {
    stderr += text;
  });
  await started.says('/\n');
  return { ...started, url: stdout.trim(), said: () => stderr };
}

async function until(is: () => boolean): Promise<void> {
  for (const begun = Date.now(); !is(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() - begun > 30_000) throw new Error(`not within 30 s: ${is}`);
  }
}

test('waits for a run, follows it to a kill and through the resume to its end; Ctrl-C ends it', async () => {
  const { process, ended, url, said } = await watch('run');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
  const page = async () => (await fetch(url)).text();
  expect(await page()).toContain('there is no folder run yet');

  const long = ['--train.max_steps', '100000', '--train.eval_every', '20', '--train.save_every', '20'];
  const training = place.start(['pretrain', '--data', 'text.txt', '--out', 'run', ...TINY, ...long]);
  running.push(training);
  await until(() => said().includes('training\n'));
  await training.says('saved');
  const events = await fetch(`${url}events`);
  const first = new TextDecoder().decode((await events.body!.getReader().read()).value);
  expect(first).toContain('retry: 2000');
  expect((await place.gpt(['report', 'run'])).code).toBe(0); // a report only reads, too
  training.process.kill('SIGKILL');
  await training.ended;
  const pid = training.process.pid;
  await until(() => said().includes(`killed: process ${pid} is gone\n`));
  expect(await page()).toContain(`killed: process ${pid} is gone`);

  // the lock of the killed run is stale: the next part does not mind
  const last = Number(place.read('run', 'latest').toString().match(/\d+/)![0]);
  const resumed = await place.gpt(['pretrain', '--resume', 'run', '--train.max_steps', String(last + 5)]);
  expect(resumed.code, resumed.stderr).toBe(0);
  await until(() => said().includes('finished after'));
  expect(await page()).toContain(`<b>${(last + 5).toLocaleString('en-US')}/`);

  process.kill('SIGINT');
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout).toBe(`${url}\n`);
  await expect(page()).rejects.toThrow();
});

test('the newest run in checkpoints/, --json and --quiet', async () => {
  expect(complaint(await place.gpt(['watch']))).toMatchObject({ code: 4, wellFormed: true });
  for (const name of ['checkpoints', 'checkpoints/old', 'checkpoints/new']) mkdirSync(place.path(name));
  place.write('checkpoints/old/run.jsonl', '');
  await new Promise((resolve) => setTimeout(resolve, 20));
  place.write('checkpoints/new/run.jsonl', '{"type":"sta');
  const started = place.start(['watch', '--json', '--quiet']);
  running.push(started);
  await started.says('}\n');
  started.process.kill('SIGTERM');
  const { code, stdout, stderr } = await started.ended;
  expect([code, stderr]).toEqual([143, '']);
  const { url, dir } = JSON.parse(stdout) as { url: string; dir: string };
  expect(dir).toBe('checkpoints/new');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
});

test('refuses a port in use, and what will never be the folder of a run', async () => {
  mkdirSync(place.path('empty'));
  const taken = createServer();
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
  );
  place.write('newer.jsonl', '');
  mkdirSync(place.path('newer'));
  place.write('newer/run.jsonl', '{"type":"start","format":99}\n');
  const cases: [code: number, what: string, ...args: string[]][] = [
    [2, `port ${port} of 127.0.0.1 is in use`, 'empty', '--port', String(port)],
    [2, '--port', 'empty', '--port', '0'],
    [2, '--port', 'empty', '--port', '65536'],
    [4, 'there is neither no/such', 'no/such'],
    [4, 'text.txt is a file', 'text.txt'],
    [4, '. holds no run.jsonl', '.'],
    [4, 'format 99', 'newer'],
  ];
  const refused = await Promise.all(cases.map(([, , ...args]) => place.gpt(['watch', ...args])));
  taken.close();
  for (const [i, [code, what]] of cases.entries()) {
    expect(complaint(refused[i]!)).toMatchObject({ code, wellFormed: true, text: expect.stringContaining(what) });
  }
});
