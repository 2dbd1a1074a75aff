// docs/run-log.md is what the schema says. To write it anew, run this file with -u.

import { expect, test } from 'vitest';
import { RunEvent } from '../../src/base/events.js';
import { runLogMarkdown } from '../../src/report/document.js';

test('docs/run-log.md is up to date', async () => {
  await expect(runLogMarkdown()).toMatchFileSnapshot('../../docs/run-log.md');
});

test('every event and key is there, with its type', () => {
  const lines = runLogMarkdown().split('\n');
  for (const event of RunEvent.options) {
    expect(lines).toContain(`## ${event.shape.type.value}`);
    for (const key of Object.keys(event.shape).filter((k) => k !== 'type')) {
      expect(lines.some((line) => line.startsWith(`| \`${key}\` | `))).toBe(true);
    }
  }
  const row = (key: string) => lines.find((line) => line.startsWith(`| \`${key}\``))?.split(' | ')[1];
  expect(row('step')).toBe('whole number');
  expect(row('mfu')).toBe('number or null');
  expect(row('reason')).toBe('done, interrupted, diverged or failed');
  expect(row('config')).toBe('any JSON');
  expect(row('overlap')).toBe('object, optional');
  expect(row('metrics.<name>.stderr')).toBe('number, optional');
  expect(row('classes.<name>.<name>.value')).toBe('number');
  expect(row('task.splits')).toBe('list of objects');
  expect(row('task.splits[].length.p95')).toBe('number');
  expect(row('confusion.counts')).toBe('list of lists of whole numbers');
  expect(row('scatter')).toBe('list of pairs (gold, predicted), optional');
});
