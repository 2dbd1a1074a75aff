// report.html and report.json: the same numbers, nothing from outside, nothing unescaped.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../src/commands/options.js';
import { run as reportCommand } from '../../src/commands/report.js';
import { reportHtml } from '../../src/report/html.js';
import { jsonlReporter, type RunRecord, readRun } from '../../src/report/record.js';
import { reportJson, smoothed, summarize } from '../../src/report/summary.js';
import { fakeRun } from './fake_run.js';

let dir: string;
let record: RunRecord;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-report-'));
  const reporter = jsonlReporter(join(dir, 'run.jsonl'));
  for (const event of fakeRun()) reporter.on(event);
  await reporter.close();
  record = readRun(join(dir, 'run.jsonl'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('summary', () => {
  test('perplexity is exp(loss), bits per byte loss / ln 2 x tokens / bytes', () => {
    const rows = summarize(record).perplexity;
    expect(rows.map((r) => r.name.split(/[ :,]/)[0])).toEqual(['this', '5-gram', 'unigram', 'uniform']);
    const five = rows[1]!;
    expect(five.perplexity).toBeCloseTo(Math.exp(1.31), 12);
    expect(five.bits_per_byte).toBeCloseTo((1.31 / Math.log(2)) * (120_280 / 120_000), 12);
    expect(rows[3]!.perplexity).toBeCloseTo(257, 9);
  });

  test('a best that is not the last has a row of its own; a run without an end is not finished', () => {
    const worse = { ...record.vals[2]!, step: 301, loss: 2, perplexity: Math.exp(2) };
    const summary = summarize({ ...record, end: null, vals: [...record.vals, worse] });
    expect(summary.perplexity.slice(0, 2).map((r) => r.name)).toEqual([
      'this model, step 301',
      'this model at its best, step 300',
    ]);
    expect(summary.status).toBe('running or killed');
  });

  test('the moving average is debiased and skips what is not finite', () => {
    expect(smoothed([2, 2, Number.NaN, 2], 0.9).map((x) => x.toFixed(9))).toEqual(Array(4).fill('2.000000000'));
    const [a, b] = smoothed([1, 2], 0.5) as [number, number];
    expect([a, b]).toEqual([1, (0.25 * 1 + 0.5 * 2) / 0.75]);
  });
});

describe('report.html', () => {
  test('shows the numbers', () => {
    const html = reportHtml(record);
    const val = record.vals.at(-1)!;
    for (const text of [
      val.loss.toFixed(4),
      val.perplexity.toPrecision(4),
      val.bits_per_byte!.toFixed(3),
      '842k',
      '1,082,520 tokens',
      'configs/quickstart.yaml:9',
      'C++ kernels with AVX2',
      '0123abc',
      'only 2 cores are free',
      '<mark>there was a small fox called Mira</mark>',
    ]) {
      expect(html).toContain(text);
    }
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('escapes every text', () => {
    const evil = `<script>alert("1")</script>&'`;
    const bad: RunRecord = {
      ...record,
      start: {
        ...record.start,
        name: evil,
        command: evil,
        dir: evil,
        device: evil,
        backend: evil,
        backend_reason: evil,
        config: { model: { arch: evil }, [evil]: evil },
        origins: { [evil]: evil },
        environment: { [evil]: evil },
        tokenizer: { type: evil, vocab_size: 1 },
      },
      samples: [{ ...record.samples[0]!, prompt: evil, text: `x${evil}y`, overlap: { chars: 9, text: evil } }],
      warnings: [{ type: 'warning', what: evil, fix: evil }],
      end: { ...record.end!, reason: 'failed', message: evil },
    };
    const html = reportHtml(bad);
    expect(html).not.toContain('<script');
    expect(html).not.toContain(evil);
    expect(html.split('&#60;script&#62;').length).toBeGreaterThan(14);
  });

  test('needs nothing else: no script, no link, no address', () => {
    expect(reportHtml(record)).not.toMatch(/<script|<link|<img|https?:|url\(|@import/);
  });

  test('a run that has just begun, and one on token shards of unknown size', () => {
    const data = { ...record.start.data, train_bytes: null, val_bytes: null };
    const baselines = { uniform: 5.5, unigram: null, five_gram: null };
    const start = { ...record.start, data, baselines, peak_gflops: null, config: {} };
    const html = reportHtml({ ...record, start, steps: [], vals: [], samples: [], checkpoints: [], end: null });
    expect(html).toContain('nothing recorded yet');
    expect(html).not.toMatch(/NaN|undefined|Infinity|null/);
  });
});

test('gpt report writes both files again, and report.json has the numbers of the page', async () => {
  const written: string[] = [];
  const context: CommandContext = {
    out: (text) => void written.push(text),
    err: () => {},
    reporter: () => Promise.reject(new Error('not needed')),
    isTty: false,
    columns: 80,
    color: false,
    env: {},
    argv: [],
    version: '0',
  };
  const options = { dir, debug: false, quiet: false, json: true, color: 'auto' as const };
  expect(await reportCommand(options, context)).toBe(0);
  const paths = JSON.parse(written.join('')) as { html: string; json: string };
  expect(readFileSync(paths.html, 'utf8')).toBe(reportHtml(record));
  const json = JSON.parse(readFileSync(paths.json, 'utf8')) as ReturnType<typeof reportJson>;
  expect(json).toEqual(reportJson(record));
  expect(json).toMatchObject({ summary: JSON.parse(JSON.stringify(summarize(record))), steps: { length: 300 } });
});
