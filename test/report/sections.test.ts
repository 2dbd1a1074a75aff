// Sections of report.html one by one, and what it says of runs that did not come to their end.

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { EndEvent, RunEvent, SampleEvent, StepEvent } from '../../src/base/events.js';
import { jsonText } from '../../src/base/json.js';
import { bins, histogram } from '../../src/report/histogram.js';
import { reportBody, reportHtml } from '../../src/report/html.js';
import { parseRun, type RunRecord } from '../../src/report/record.js';
import { summarize } from '../../src/report/summary.js';
import { timeUnit, xAxes } from '../../src/report/x_axes.js';
import { plainText } from './drawn.js';
import { end, fakeRun, start } from './fake_run.js';
import { readEvents } from './fake_runs.js';
import { fakeTaskRun } from './fake_task_run.js';

const events = fakeRun();
const record = readEvents(events);

/** Text of a section of the page, without tags. */
function section(page: string, id: string): string {
  const html = new RegExp(`<section id="${id}"[\\s\\S]*?</section>`).exec(page)?.[0] ?? '';
  return plainText(html.replace(/<[^>]*>/g, '|')).replace(/\|[|\s]*/g, '|');
}

const noticeOf = (page: string): string =>
  plainText((/<div class="notice [\s\S]*?<\/div>/.exec(page)?.[0] ?? '').replace(/<[^>]*>/g, ' '));

describe('a run that did not come to its end', () => {
  const [first] = record.steps;
  const ended = (reason: EndEvent['reason'], step: number, message?: string): EndEvent => ({
    ...end,
    reason,
    step,
    ...(message === undefined ? {} : { message }),
  });
  const nothing = /No step was finished\.|before the first step was finished/;

  test('crashed in the first step: only its beginning is there', () => {
    const page = reportHtml(readEvents([start]));
    expect(noticeOf(page)).toMatch(/log ends before the first step was finished.*kill or a lack of memory.*dmesg/);
    expect(page).toContain('0 of 300');
    expect(page).toContain('none was written');
    expect(page.slice(page.indexOf('<main'))).not.toMatch(/NaN|undefined|Infinity|null/);
    expect(page).not.toContain('id="throughput"');
  });

  test('a log that ends in half a line', () => {
    const page = reportHtml(parseRun([jsonText(start), jsonText(first!).slice(0, 40)], 'run.jsonl'));
    expect(noticeOf(page)).toMatch(nothing);
    expect(page).toContain('1 line of run.jsonl cannot be read: line 2: it is not JSON');
    const later = reportHtml(parseRun([...events.slice(0, 60).map(jsonText), '{"type":"st'], 'run.jsonl'));
    expect(noticeOf(later)).toMatch(/log ends without an end: the run goes on, or it was killed\. 58 of 300 steps/);
  });

  test('diverged in the first step, with and without the event of that step', () => {
    const message = 'step 1: loss NaN, gradient norm NaN: the run has diverged';
    const page = reportHtml(readEvents([start, ended('diverged', 0, message)]));
    expect(noticeOf(page)).toMatch(
      /step 1: loss NaN.*No step was finished\. Start it again with a smaller learning rate/,
    );
    const nan: StepEvent = { ...first!, loss: Number.NaN, grad_norm: Number.NaN };
    const with1 = reportHtml(readEvents([start, nan, ended('diverged', 1)]));
    expect(noticeOf(with1)).toMatch(/The loss or gradient norm of step 1 is no finite number.*1 of 300 steps/);
    expect(with1.slice(with1.indexOf('<main'))).not.toMatch(/NaN<\/(?:text|b)>|undefined|="[^"]*NaN/);
  });

  test('interrupted and failed: how to go on from a checkpoint', () => {
    const upTo150 = events.filter((e) => e.type !== 'end' && (!('step' in e) || e.step! <= 150));
    const page = reportHtml(readEvents([...upTo150, ended('interrupted', 150)]));
    expect(noticeOf(page)).toContain(
      'The run was stopped. 150 of 300 steps were finished. gpt pretrain --resume checkpoints/quickstart goes on from step 100.',
    );
    const full = reportHtml(readEvents([...upTo150, ended('failed', 150, 'the disk is full')]));
    expect(noticeOf(full)).toMatch(/the disk is full.*ended with an error.*goes on from step 100/);
    expect(noticeOf(reportHtml(record))).toBe('');
  });
});

describe('x axes', () => {
  test('tokens and time of a step; a step that is not there stands where the last one before it does', () => {
    const [step, tokens, time] = xAxes(record.steps);
    const seconds = record.steps.slice(0, 77).reduce((sum, s) => sum + s.step_ms, 0) / 1000;
    expect([step.place(77), tokens.place(77), time.place(77)]).toEqual([77, 77 * 1536, expect.closeTo(seconds, 9)]);
    expect(tokens.place(77.5)).toBe(77 * 1536);
    expect(tokens.place(1000)).toBe(300 * 1536);
    expect(tokens.place(0)).toBeNaN();
    expect(time.label).toBe('training time, seconds');
  });

  test('the unit of time is one of which there are two or more', () => {
    const units = [1, 119, 120, 7199, 7200, 172_799, 172_800].map((s) => timeUnit(s)[0]);
    expect(units).toEqual(['seconds', 'seconds', 'minutes', 'minutes', 'hours', 'hours', 'days']);
  });
});

describe('throughput', () => {
  test('bars count every value once; the last one takes what is far out', () => {
    const values = [...Array.from({ length: 200 }, (_, i) => 10 + (i % 10)), 5000, Number.NaN];
    const found = bins(values, 9);
    expect(found.map((b) => b.count)).toEqual([20, 20, 20, 20, 20, 20, 20, 20, 41]);
    expect([found[0]!.from, found[1]!.from, found.at(-1)!.to]).toEqual([10, 11, 5000]);
    expect(bins([], 9)).toEqual([]);
    expect(bins([3, 3], 9)).toEqual([{ from: 3, to: 3, count: 2 }]);
  });

  test('a histogram of nothing, of one value, of many', () => {
    const options = { label: 'l', x: 'ms', unit: 'ms', color: 'red', width: 400, height: 200, format: String };
    expect(histogram([Number.NaN], options)).toContain('nothing recorded yet');
    expect(histogram([7], options)).toContain('data-count="1"');
    expect(histogram([7], options)).not.toMatch(/NaN|Infinity/);
    const counts = [...histogram(values(1000), options).matchAll(/data-count="(\d+)"/g)].map((m) => Number(m[1]));
    expect(counts.reduce((a, b) => a + b)).toBe(1000);
  });
  const values = (n: number) => Array.from({ length: n }, (_, i) => 100 + 10 * Math.sin(i));

  test('median and 95th percentile of a step, and the share that waited for data', () => {
    const steps = record.steps.slice(0, 100).map((s, i) => ({ ...s, step_ms: i + 1, data_ms: (i + 1) / 50 }));
    const slower: RunRecord = { ...record, steps };
    expect(summarize(slower)).toMatchObject({ step_ms: [51, 96], data_share: expect.closeTo(0.02, 12) });
    const text = section(reportHtml(slower), 'throughput');
    expect(text).toContain('time of a step|51.00 ms (median), 96.00 ms (95 % are faster)');
    expect(text).toContain('waiting for data|2.0% of the training time');
    expect(text).toContain('saving|3 checkpoints of 10.2 MiB, for which the training waited 0.1s');
    expect(section(reportHtml(record), 'throughput')).not.toContain('waiting for data, %');
    expect(summarize(record).data_share).toBeNull(); // logs of before
  });
});

test('the configuration is YAML that reads back, with the origin of each key', () => {
  const odd = {
    ...(record.start.config as object),
    data: { path: 'yes', 'a: b': '# no comment', empty: {}, none: null },
  };
  const page = reportHtml({ ...record, start: { ...record.start, config: odd } });
  const pre = /<pre class="copy"[^>]*aria-label="configuration">([\s\S]*?)<\/pre>/.exec(page)![1]!;
  const yaml = plainText(pre.replace(/<[^>]*>/g, ''));
  expect(parse(yaml)).toEqual(odd);
  expect(yaml).toMatch(/^ {2}n_layer: 4 +# configs\/quickstart.yaml:9$/m);
  expect(yaml).toMatch(/^ {2}betas: \[0.9, 0.99\] +# default$/m);
});

test('data: files with their hashes, frequent tokens with their shares, and perplexity per word', () => {
  const data = {
    ...record.start.data,
    files: 3,
    list: [
      { file: 'a.txt', bytes: 2048, sha256: 'beef' },
      { file: 'b.txt', bytes: 5 },
    ],
    common: [
      { token: ' the', count: 108_252 },
      { token: '\n', count: 54_126 },
    ],
    val_words: 24_056,
  };
  const page = reportHtml({ ...record, start: { ...record.start, data } });
  const text = section(page, 'data');
  expect(text).toContain('|a.txt|2.00 KiB|beef|b.txt|5 B|-|and 1 more file');
  expect(text).toContain('|␣the|108,252|10.0%|');
  expect(text).toContain('|⏎|54,126|5.0%|');
  expect(page).toContain('<i style="width:50.0%"></i>');
  const loss = record.vals.at(-1)!.loss;
  const perWord = Math.exp((loss * 120_280) / 24_056);
  expect(summarize({ ...record, start: { ...record.start, data } }).perplexity[0]!.word_perplexity).toBeCloseTo(
    perWord,
    6,
  );
  expect(section(page, 'perplexity')).toContain(`|${perWord.toPrecision(4)}|`);
  expect(section(reportHtml(record), 'perplexity')).not.toContain('per word');
});

test('samples of one prompt stand side by side in order of steps, at most six of them, evenly chosen', () => {
  const one = record.samples[0]!;
  const at = (step: number, more: Partial<SampleEvent> = {}): SampleEvent => ({ ...one, step, ...more });
  const samples = [...Array.from({ length: 11 }, (_, i) => at(10 * (i + 1))), at(110, { prompt: 'Other', seed: 7 })];
  const text = section(reportHtml({ ...record, samples }), 'samples');
  expect([...text.matchAll(/\|step (\d+)/g)].map((m) => Number(m[1]))).toEqual([10, 30, 50, 70, 90, 110, 110]);
  expect(text).toContain('|“Once upon”|temperature 0.8 · top-k 50 · seed 1337|');
  expect(text).toContain('|“Other”|temperature 0.8 · top-k 50 · seed 7|');
  expect(text).toContain('5 more are in report.json.');
});

test('fine-tuning: settings beside those of GPT-1, what differs in bold', () => {
  const page = reportHtml(readEvents(fakeTaskRun()));
  const text = section(page, 'settings');
  expect(text).toContain('|weight of the language-modelling loss, λ|0.5|0.5|');
  expect(text).toContain('|examples per step|32|32|');
  expect(page).not.toMatch(/<tr class="own"><td>epochs/);
  const other = fakeTaskRun().map(
    (e): RunEvent => (e.type === 'start' ? { ...e, config: { train: { max_epochs: 5 } } } : e),
  );
  expect(reportHtml(readEvents(other))).toContain(
    '<tr class="own"><td>epochs</td><td class="n">5</td><td class="n">3</td>',
  );
});

test('checkpoints and resumes are marked on every axis', () => {
  const resumed: RunRecord = { ...record, parts: [record.start, { ...record.start, resumed_from: 100 }] };
  const body = reportBody(resumed);
  const drawings = 3 * 2 * 2; // axes, scales, widths
  expect(body.match(/<title>checkpoint, step 200<\/title>/g)?.length).toBe(drawings);
  expect(body.match(/class="pin own"[^>]*><title>checkpoint, step 300, the best<\/title>/g)?.length).toBe(drawings);
  const marks = body.slice(0, body.indexOf('id="throughput"')).match(/<title>resumed from step 100<\/title>/g);
  expect(marks?.length).toBe(3 * drawings); // loss, learning rate, gradient norm
});
