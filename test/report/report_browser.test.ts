// What a browser draws of a run's report and of several runs' page: at the widths of a desk and a phone, in light, dark
// and on paper, and with the keyboard alone. Needs Chromium; GPT_CHROMIUM names another binary.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvalEvent, RunEvent } from '../../src/base/events.js';
import { compareRuns } from '../../src/report/compare/compare.js';
import { compareHtml } from '../../src/report/compare/html.js';
import { reportHtml } from '../../src/report/html.js';
import { workplace } from '../data/workplace.js';
import { Browser, chromium } from './browser.js';
import { evaluation, fakeRun, start } from './fake_run.js';
import { fakeAblation, fakeRuns, readEvents } from './fake_runs.js';
import { fakeTaskRun } from './fake_task_run.js';

const work = workplace();
const events = fakeRun();
const record = readEvents(events);

/** A run with everything that a section can show. */
function fullRun(): RunEvent[] {
  const shots = (step: number, shots: string, value: number): EvalEvent => ({
    ...evaluation,
    name: 'tfgpt_cloze',
    step,
    settings: { shots },
    metrics: { acc: { value, stderr: 0.02 } },
    classes: {},
  });
  return events.flatMap((e): RunEvent[] => {
    if (e.type === 'start') {
      const list = [
        { file: 'data/stories/a-rather-long-name-of-a-file.jsonl', bytes: 1_200_000, sha256: 'c0ffee'.repeat(10) },
      ];
      const common = [
        { token: ' the', count: 54_000 },
        { token: '\n', count: 27_000 },
      ];
      return [{ ...e, data: { ...e.data, list, common, val_words: 22_000 } }];
    }
    if (e.type === 'step') return [{ ...e, data_ms: 0.03 * e.step_ms }];
    if (e.type === 'end') return [shots(100, '0', 0.3), shots(300, '0', 0.4), shots(300, 'few', 0.5), e];
    return [e];
  });
}

const PAGES = {
  run: () => reportHtml(readEvents(fullRun())),
  task: () => reportHtml(readEvents(fakeTaskRun())),
  score: () => reportHtml(readEvents(fakeTaskRun('score'))),
  crashed: () => reportHtml(readEvents([start])),
  compare: () => compareHtml(compareRuns(fakeRuns(8))),
  ablation: () => compareHtml(compareRuns(fakeAblation())),
};
type Page = keyof typeof PAGES;

interface Drawn {
  readonly axis: { readonly label: string; readonly x: readonly Tick[]; readonly y: readonly Tick[] };
  readonly dots: readonly { readonly x: number; readonly y: number }[];
  readonly path: readonly (readonly [x: number, y: number])[];
}
interface Tick {
  readonly text: string;
  readonly at: number; // pixels
}

/** Of the first chart that is visible in the loss figure: labels of the axes, dots and the moving average, in pixels. */
const CHART = `(() => {
  const svg = [...document.querySelectorAll('#loss-figure svg[role=img]')].find((s) => s.getBoundingClientRect().width > 0);
  const text = (t) => ({ text: t.textContent, anchor: t.getAttribute('text-anchor'), box: t.getBoundingClientRect() });
  const middle = (b) => ({ x: (b.left + b.right) / 2, y: (b.top + b.bottom) / 2 });
  const all = [...svg.querySelectorAll('text')].map(text);
  const bottom = svg.querySelector('.axis').getBoundingClientRect().top;
  const left = svg.querySelector('.grid').getBoundingClientRect().left;
  const below = all.filter((t) => t.box.top > bottom && t.anchor === 'middle'); // one at the edge is moved into the drawing
  const line = svg.querySelector('path[data-line="training, moving average"]');
  const at = (p) => { const q = new DOMPoint(p[0], p[1]).matrixTransform(svg.getScreenCTM()); return [q.x, q.y]; };
  const grid = [...svg.querySelectorAll('.grid')].map((g) => ({ text: g.nextElementSibling.textContent, at: g.getBoundingClientRect().top }));
  return {
    axis: { label: below.at(-1).text, x: below.slice(0, -1).map((t) => ({ text: t.text, at: middle(t.box).x })), y: grid },
    dots: [...svg.querySelectorAll('circle')].map((c) => middle(c.getBoundingClientRect())),
    path: [...line.getAttribute('d').matchAll(/[ML]([-\\d.]+) ([-\\d.]+)/g)].map((m) => at([Number(m[1]), Number(m[2])])),
  };
})()`;

/** 1.5k -> 1500 */
const value = (text: string): number => Number(text.replace('k', '')) * (text.endsWith('k') ? 1000 : 1);

/** What stands at a pixel, by two labels of the axis. */
function scale(ticks: readonly Tick[], log = false): (pixel: number) => number {
  const unit = (v: number) => (log ? Math.log10(v) : v);
  const [a, b] = [ticks[0]!, ticks.at(-1)!];
  const [from, to] = [unit(value(a.text)), unit(value(b.text))];
  const back = (u: number) => (log ? 10 ** u : u);
  return (pixel) => back(from + ((pixel - a.at) / (b.at - a.at)) * (to - from));
}

/** In the page: texts of visible drawings that leave them, and how much wider the page is than its window. */
const LAYOUT = `(() => {
  const visible = (e) => e.getBoundingClientRect().width > 0;
  const outside = [...document.querySelectorAll('svg[role=img]')].filter(visible).flatMap((svg) => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter((t) => {
      const b = t.getBoundingClientRect();
      return b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2 || b.bottom > box.bottom + 3;
    }).map((t) => t.textContent);
  });
  const levels = [...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]));
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    outside,
    skipped: levels.filter((level, i) => level > (levels[i - 1] ?? 0) + 1).length,
    unnamed: [...document.querySelectorAll('svg[role=img]')].filter((s) => !s.querySelector('title')?.textContent).length,
    sections: [...document.querySelectorAll('section')].map((s) => s.id),
    links: [...document.querySelectorAll('nav a')].map((a) => a.getAttribute('href').slice(1)),
    ids: [...document.querySelectorAll('[id]')].map((e) => e.id),
  };
})()`;

interface Layout {
  readonly overflow: number;
  readonly outside: readonly string[];
  readonly skipped: number;
  readonly unnamed: number;
  readonly sections: readonly string[];
  readonly links: readonly string[];
  readonly ids: readonly string[];
}

describe.skipIf(chromium === undefined)(`reports in a browser${chromium ? '' : ' (needs chromium)'}`, () => {
  let browser: Browser;
  const urls = {} as Record<Page, string>;
  beforeAll(async () => {
    for (const [name, html] of Object.entries(PAGES)) {
      urls[name as Page] = pathToFileURL(work.file(`${name}.html`, html())).href;
    }
    browser = await Browser.start();
  }, 60_000);
  afterAll(() => browser.close());

  const SECTIONS: Record<Page, string> = {
    run: 'loss throughput tasks evaluation perplexity samples data configuration environment',
    task: 'result validation loss errors settings throughput data configuration environment',
    score: 'result validation loss errors settings throughput data configuration environment',
    crashed: 'loss perplexity data configuration environment',
    compare: 'results curves throughput differences samples commands',
    ablation: 'results curves throughput differences commands',
  };

  test.each(
    Object.keys(PAGES) as Page[],
  )('%s: all sections, nothing too wide, nothing outside, no complaint', async (name) => {
    for (const width of [1280, 380]) {
      await browser.viewport(width, 900);
      await browser.open(urls[name]);
      const { overflow, outside, skipped, unnamed, sections, links, ids } = await browser.evaluate<Layout>(LAYOUT);
      expect(sections.join(' ')).toBe(SECTIONS[name]);
      expect(links).toEqual(sections);
      expect(overflow, `${width}`).toBeLessThanOrEqual(0);
      expect(outside, `${width}`).toEqual([]);
      expect([skipped, unnamed]).toEqual([0, 0]);
      expect(new Set(ids).size).toBe(ids.length);
      expect(browser.complaints).toEqual([]);
    }
  });

  test.each([1280, 380])('curves stand where the numbers say, on each axis, at %d pixels', async (width) => {
    await browser.viewport(width, 900);
    await browser.open(urls.run);
    const seconds = (step: number) => record.steps.slice(0, step).reduce((sum, s) => sum + s.step_ms, 0) / 1000;
    const places = {
      step: { label: 'step', of: (step: number) => step },
      tokens: { label: 'tokens trained on', of: (step: number) => step * 1536 },
      time: { label: 'training time, seconds', of: seconds },
    };
    for (const log of [false, true]) {
      for (const [name, { label, of }] of Object.entries(places)) {
        for (const id of [name, log ? 'log' : 'linear'])
          await browser.evaluate(`document.getElementById('loss-figure-${id}').click()`);
        const { axis, dots, path } = await browser.evaluate<Drawn>(CHART);
        expect(axis.label).toBe(log ? `${label} (logarithmic)` : label);
        const [x, y] = [scale(axis.x, log), scale(axis.y)];
        const close = (found: number, wanted: number, pixels: number) =>
          expect(Math.abs(found - wanted), `${name} ${found} ${wanted}`).toBeLessThan(pixels);
        expect(dots.length).toBe(3);
        for (const [i, dot] of dots.entries()) {
          const { step, loss } = record.vals[i]!;
          const pixel = Math.abs(x(dot.x + 1.5) - x(dot.x - 1.5)); // the labels are as exact as their letters
          close(x(dot.x), of(step), pixel);
          close(y(dot.y), loss, Math.abs(y(1.5) - y(0)));
        }
        // the moving average begins with the first loss, at the first step
        close(y(path[0]![1]), record.steps[0]!.loss, Math.abs(y(1.5) - y(0)));
        close(x(path[0]![0]), of(1), Math.abs(x(path[0]![0] + 2) - x(path[0]![0] - 2)));
        close(x(path.at(-1)![0]), of(300), Math.abs(x(path.at(-1)![0] + 2) - x(path.at(-1)![0] - 2)));
      }
    }
  });

  test('dark is dark; eight runs differ in colour and dash in either scheme', async () => {
    await browser.viewport(1280, 900);
    const seen = async (dark: boolean) => {
      await browser.media({ dark });
      await browser.open(urls.compare);
      return browser.evaluate<{ background: string; text: string; lines: string[] }>(`(() => {
        const svg = [...document.querySelectorAll('#loss-figure svg[role=img]')].filter((s) => s.getBoundingClientRect().width > 0).at(-1);
        const style = getComputedStyle(document.body);
        const lines = [...svg.querySelectorAll('path.line')].map((p) => getComputedStyle(p)).map((s) => s.stroke + ' / ' + s.strokeDasharray);
        return { background: style.backgroundColor, text: style.color, lines };
      })()`);
    };
    const [light, dark] = [await seen(false), await seen(true)];
    await browser.media({});
    expect([light.background, light.text]).toEqual(['rgb(248, 249, 251)', 'rgb(28, 33, 40)']);
    expect([dark.background, dark.text]).toEqual(['rgb(18, 21, 26)', 'rgb(226, 231, 238)']);
    for (const { lines } of [light, dark]) {
      expect(lines.length).toBe(8);
      expect(new Set(lines).size).toBe(8);
    }
    expect(light.lines.filter((line) => dark.lines.includes(line))).toEqual([]);
  });

  test('with the keyboard: a skip link, the contents, the buttons of the figure, with a visible focus', async () => {
    await browser.viewport(1280, 900);
    await browser.open(urls.run);
    const focus = () =>
      browser.evaluate<string>(`(() => {
        const e = document.activeElement;
        return e.id || e.getAttribute('href') || e.tagName;
      })()`);
    const tab = async () => {
      await browser.press('Tab');
      return focus();
    };
    expect(await tab()).toBe('#report');
    const top = () => browser.evaluate<number>(`document.activeElement.getBoundingClientRect().top`);
    await browser.until(`document.activeElement.getBoundingClientRect().top >= 0`); // it comes into view
    expect(await top()).toBeGreaterThanOrEqual(0);
    await browser.press('Enter');
    expect(await focus()).toBe('report');
    const found = [];
    for (let i = 0; i < 11; i++) found.push(await tab());
    expect(found).toEqual([...SECTIONS.run.split(' ').map((id) => `#${id}`), 'loss-figure-step', 'loss-figure-linear']);
    const outline = `getComputedStyle(document.activeElement.nextElementSibling).outlineStyle`;
    expect(await browser.evaluate(outline)).toBe('solid');
    await browser.press('ArrowRight');
    expect(await focus()).toBe('loss-figure-log');
    const visible = `[...document.querySelectorAll('#loss-figure .view')].filter((v) => v.getBoundingClientRect().width > 0).map((v) => v.className)`;
    expect(await browser.evaluate(visible)).toEqual(['view v-step-log']);
    const groups = `[...document.querySelectorAll('fieldset')].map((f) => f.querySelector('legend')?.textContent)`;
    expect(await browser.evaluate(groups)).toEqual(['x axis', 'scale']);
  });

  test('a click on the configuration selects all of it', async () => {
    await browser.open(urls.run);
    const chosen = await browser.evaluate<string[]>(
      `[...document.querySelectorAll('pre.copy')].map((pre) => getComputedStyle(pre).userSelect)`,
    );
    expect(chosen).toEqual(['all', 'all']);
  });

  test('paper: no buttons, colours of light though the screen is dark, and pages', async () => {
    await browser.media({ dark: true, print: true });
    await browser.open(urls.run);
    const paper = await browser.evaluate<{ background: string; shown: string[] }>(`({
      background: getComputedStyle(document.body).backgroundColor,
      shown: ['.contents', '.picks', '.skip', '.big', '#loss-figure'].filter((s) => getComputedStyle(document.querySelector(s)).display !== 'none'),
    })`);
    await browser.media({});
    expect(paper).toEqual({ background: 'rgb(255, 255, 255)', shown: ['.big', '#loss-figure'] });
    const pdf = `${work.dir}/report.pdf`;
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${work.dir}/profile`];
    spawnSync(chromium!, [...flags, '--no-pdf-header-footer', `--print-to-pdf=${pdf}`, urls.run], { timeout: 60_000 });
    const pages = readFileSync(pdf, 'latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThanOrEqual(4); // loss, throughput, samples and data begin one each
    expect(pages).toBeLessThan(14);
  }, 60_000);
});
