// Publishing in a thread of its own, as `gpt pretrain` does: of the build in dist/, since a thread loads JavaScript.
// What publishing does, call by call: store.test.ts and test/faults, in this thread.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CheckpointStore } from '../../src/checkpoint/store.js';
import { differences, tinyContent } from './tiny_checkpoint.js';

const dist = new URL('../../dist/checkpoint/publish.js', import.meta.url).href;
const { publishInBackground } = (await import(dist)) as typeof import('../../src/checkpoint/publish.js');

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'gpt-publish-'));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

test('goes on while the main thread computes', async () => {
  const store = new CheckpointStore(run, undefined, publishInBackground);
  const { published } = await store.save(100, tinyContent(100), { best: true });
  const end = performance.now() + 60_000;
  while (!existsSync(join(run, 'latest')) && performance.now() < end); // as a long kernel: no event is handled
  expect(readFileSync(join(run, 'latest'), 'utf8')).toBe('step-000100\n');
  expect(await published).toBeGreaterThan(0);
  expect(await differences(store.load('best'), 100)).toEqual([]);
  await (await store.save(200, tinyContent(200), { best: true, keep: 1 })).published;
  expect(readdirSync(run).sort()).toEqual(['best', 'latest', 'step-000200']);
});

test('its failure is an error for the user, in the thread that waits for it', async () => {
  const failed = publishInBackground({ runDir: run, name: 'step-000100', best: false, keep: undefined });
  await expect(failed).rejects.toMatchObject({
    name: 'DataError',
    exitCode: 4,
    message: expect.stringMatching(/^cannot write .*step-000100: no such file or folder$/),
    fix: 'check the path',
  });
});
