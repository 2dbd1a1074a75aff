// report.html and report.json: the same numbers, nothing from outside, nothing unescaped.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run as reportCommand } from '../../src/commands/report.js';
import { reportHtml } from '../../src/report/html.js';
import { jsonlReporter, type RunRecord, readRun } from '../../src/report/record.js';
import { reportJson, summarize } from '../../src/report/summary.js';
import { plotsIn } from './drawn.js';
import { fakeContext } from './fake_context.js';
import { evaluation, fakeRun } from './fake_run.js';

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

const withSpikes = (): RunRecord => ({
  ...record,
  steps: record.steps.map((s) => ({
    ...s,
    loss_z: s.step === 120 ? 6.31 : s.step < 20 ? null : 0.5,
    grad_norm_z: s.step === 210 ? 5.4 : 2.9,
    ...(s.step === 120 ? { loss: 7.5 } : {}),
  })),
});

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

  test('spikes are the steps that are more than 5 standard deviations above, in loss or gradient norm', () => {
    expect(summarize(record).spikes).toEqual([]);
    expect(summarize(withSpikes()).spikes.map((s) => [s.step, s.loss_z, s.grad_norm_z])).toEqual([
      [120, 6.31, 2.9],
      [210, 0.5, 5.4],
    ]);
  });

  test('a rate that is not finite does not spoil the median', () => {
    const rates = [1, Number.NaN, 3, Number.POSITIVE_INFINITY, 2];
    const steps = rates.map((tokens_per_s, i) => ({ ...record.steps[i]!, tokens_per_s }));
    expect(summarize({ ...record, steps }).tokens_per_s).toBe(2);
  });
});

describe('report.html', () => {
  test('marks spikes in the chart and lists them', () => {
    expect(reportHtml(record)).not.toMatch(/spike/i);
    const html = reportHtml(withSpikes());
    expect(html).toContain('<title>spike: 7.5 at 120</title>');
    const row = /<tr><td class="n">120<.*/.exec(html)?.[0].replace(/<[^>]*>/g, ' ');
    expect(row?.split(/ +/)).toEqual(['', '120', '7.5000', '+6.3', expect.any(String), '+2.9', '']);
  });

  test('of very many spikes only the strongest are shown', () => {
    const steps = record.steps.map((s) => ({ ...s, loss_z: s.step + 5 }));
    const html = reportHtml({ ...record, steps });
    expect(html.match(/<title>spike: [^<]* at 251</g)?.length).toBe(4); // of 300: the last 50, in four drawings
    expect(html).not.toMatch(/<title>spike: [^<]* at 250</);
    expect(html).toContain('the 10 strongest of 300');
  });

  test('has a table of evaluations, and one of their classes', () => {
    expect(reportHtml(record)).not.toContain('Evaluation');
    const other = { ...evaluation, name: '<cola>', metrics: { mcc: { value: 45.2, unit: '%' } }, classes: {} };
    const html = reportHtml({ ...record, evals: [{ ...evaluation, step: 100 }, evaluation, other] });
    const cells = (start: string) =>
      html.split('\n').flatMap((line) => (line.includes(`<td>${start}</td>`) ? [line.replace(/<[^>]*>/g, '|')] : []));
    expect(cells('sst2').map((line) => line.split(/\|+/).slice(1, -1))).toEqual([
      ['sst2', 'split dev, shots 0', '100', '0.9128 ± 0.0096', '0.9071', '872'],
      ['sst2', 'split dev, shots 0', '300', '0.9128 ± 0.0096', '0.9071', '872'],
    ]);
    expect(cells('&#60;cola&#62;')[0]).toContain('45.20 %');
    expect(cells('negative')[0]?.split(/\|+/).slice(1, -1)).toEqual(['negative', '0.9050', '0.9150', '428']);
    expect(html).toContain('<h3 class="table">sst2, step 300, split dev, shots 0</h3>');
  });

  test('draws tasks that were measured in context while the model trained, a line per number of shots', () => {
    const at = (step: number, shots: string, acc: number) => ({
      ...evaluation,
      name: 'tfgpt_cloze',
      step,
      settings: { shots },
      metrics: { perplexity: { value: 0.5 }, acc: { value: acc, stderr: 0.01 } }, // the first is no accuracy
      baseline: { name: 'chance', metrics: { acc: 0.25 } },
    });
    const once = [at(300, '0', 0.4), at(300, 'few', 0.6)];
    expect(reportHtml({ ...record, evals: once.slice(0, 1) })).not.toContain('Tasks in context'); // one point is no curve
    const shots = plotsIn(reportHtml({ ...record, evals: once }));
    expect(shots.map((p) => p.lines.map((l) => l.points.map(({ x, y }) => [x, y])))[0]).toEqual([
      [
        [0, 0.4],
        [1, 0.6],
      ],
    ]);
    expect(reportHtml({ ...record, evals: once })).not.toContain('by step</h3>');
    const html = reportHtml({ ...record, evals: [at(100, '0', 0.3), at(100, 'few', 0.35), ...once] });
    for (const title of ['0 shots: 0.3 at 100', '0 shots: 0.4 at 300', 'few shots: 0.6 at 300']) {
      expect(html.match(new RegExp(`<title>${title}</title>`, 'g'))?.length).toBe(2); // wide and narrow
    }
    expect(html).toContain('>chance</text>');
  });

  test('says a repeated warning once, and folds many away', () => {
    const warning = (what: string) => ({ type: 'warning' as const, what, fix: 'wait' });
    const twice = reportHtml({ ...record, warnings: [warning('a'), warning('b'), warning('a')] });
    expect(twice.match(/<p>a \(2 times\)</g)?.length).toBe(1);
    const many = reportHtml({ ...record, warnings: Array.from({ length: 9 }, (_, i) => warning(`w${i}`)) });
    expect(many.indexOf('<summary>4 more warnings</summary>')).toBeGreaterThan(many.indexOf('<p>w4<'));
    expect(many.indexOf('<summary>4 more warnings</summary>')).toBeLessThan(many.indexOf('<p>w5<'));
  });

  test('a configuration of another shape does no harm', () => {
    for (const config of [null, 5, 'x', [], { model: 3 }, { model: { arch: 'gpt9' } }]) {
      expect(reportHtml({ ...record, start: { ...record.start, config } })).not.toMatch(/undefined|NaN/);
    }
  });

  test('shows the numbers', () => {
    const html = reportHtml(record);
    const val = record.vals.at(-1)!;
    for (const text of [
      val.loss.toFixed(4),
      val.perplexity.toPrecision(4),
      val.bits_per_byte!.toFixed(3),
      '842k',
      '1,082,520 tokens',
      'the last 10.0% of the text is held out',
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
  const { context, written } = fakeContext();
  const options = { dirs: [dir], out: undefined, debug: false, quiet: false, json: true, color: 'auto' as const };
  expect(await reportCommand(options, context)).toBe(0);
  const paths = JSON.parse(written.join('')) as { html: string; json: string };
  expect(readFileSync(paths.html, 'utf8')).toBe(reportHtml(record));
  const json = JSON.parse(readFileSync(paths.json, 'utf8')) as ReturnType<typeof reportJson>;
  expect(json).toEqual(JSON.parse(JSON.stringify(reportJson(record))));
  expect(json.unreadable_lines).toEqual({ count: 0, first: [] });
  expect(json).toMatchObject({ summary: JSON.parse(JSON.stringify(summarize(record))), steps: { length: 300 } });
});
