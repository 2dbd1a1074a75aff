// The page of a watched run in a browser: it follows the log, and leaves alone what the reader has done. Needs Chromium.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LiveServer, serve } from '../../src/report/watch/server.js';
import { WatchedRun } from '../../src/report/watch/watched_run.js';
import { workplace } from '../data/workplace.js';
import { Browser, chromium } from './browser.js';
import { fakeRun, start } from './fake_run.js';

const work = workplace();
const lines = fakeRun().map((event) => `${JSON.stringify(event)}\n`);

describe.skipIf(chromium === undefined)(`a watched run in a browser${chromium ? '' : ' (needs chromium)'}`, () => {
  let browser: Browser;
  let server: LiveServer;
  let watched: WatchedRun;
  let path: string;
  let at = 0;
  let runs = 0;

  /** Appends the events up to the step, and has the page told. */
  async function trainTo(step: number): Promise<void> {
    const until = lines.findIndex((line) => line.startsWith(`{"type":"step","step":${step},`)) + 1;
    appendFileSync(path, lines.slice(at, until).join(''));
    at = until;
    await look();
  }
  async function look(): Promise<void> {
    const change = await watched.look();
    if (change) server.push(change);
  }
  async function watch(): Promise<void> {
    path = work.file(`run-${++runs}/run.jsonl`, '');
    at = 0;
    watched = new WatchedRun(join(path, '..'));
    await watched.look();
    server = await serve(watched, 0);
    await browser.open(server.url);
  }
  const bar = () => browser.evaluate<string>(`document.getElementById('bar').innerText.replace(/\\s+/g, ' ').trim()`);
  const pointsOfLoss = () =>
    browser.evaluate<number>(
      `document.querySelector('.v-step-linear .big path.faint').getAttribute('d').split(/[ML]/).length - 1`,
    );

  beforeAll(async () => {
    browser = await Browser.start();
  });
  afterAll(async () => {
    server?.close();
    await browser?.close();
  });

  test('waits, then draws what the log holds, then more of it', async () => {
    await watch();
    expect(await bar()).toBe(`waiting: ${path} is empty so far`);
    expect(await browser.evaluate('document.title')).toBe('waiting · run-1 · gpt watch');
    await trainTo(120);
    await browser.until(`document.title.startsWith('40% · quickstart')`);
    expect(await pointsOfLoss()).toBe(120);
    expect(await bar()).toMatch(/^training step 120\/300 loss \d\.\d{3} val \d\.\d{3} tok\/s 3\d\.\dk eta /);
    await trainTo(121);
    await browser.until(`document.getElementById('bar').innerText.includes('121/300')`);
    expect(await pointsOfLoss()).toBe(121);
    // a report cannot know whether the run goes on, and says so; here the bar knows
    expect(await browser.evaluate(`getComputedStyle(document.querySelector('.notice.running')).display`)).toBe('none');
    expect(await browser.evaluate(`document.getElementById('link').textContent`)).toMatch(/^last event \d+ s ago$/);
    expect(browser.complaints).toEqual([]);
  });

  test('leaves scroll position, focus, open details and the chosen axis as they are', async () => {
    await watch();
    await trainTo(150);
    await browser.until(`document.querySelectorAll('path.faint').length > 0`);
    await browser.evaluate(`document.getElementById('loss-figure-linear').focus()`);
    await browser.press('ArrowRight');
    await browser.evaluate(`document.querySelector('#configuration details').open = true`);
    await browser.evaluate(`(window.kept = document.querySelector('main figure'), scrollTo(0, 700))`);
    const seen = () =>
      browser.evaluate(`({
        log: document.getElementById('loss-figure-log').checked,
        shown: getComputedStyle(document.querySelector('.v-step-log')).display,
        focus: document.activeElement.id,
        open: document.querySelector('#configuration details').open,
        scroll: scrollY,
        same: window.kept === document.querySelector('main figure'),
      })`);
    const before = await seen();
    expect(before).toMatchObject({
      log: true,
      shown: 'block',
      focus: 'loss-figure-log',
      scroll: 700,
      open: true,
      same: true,
    });
    for (const step of [151, 180, 299]) {
      // at 200 comes a validation, with a row and a card
      await trainTo(step);
      await browser.until(`document.getElementById('bar').innerText.includes('${step}/300')`);
      expect(await seen()).toEqual(before);
    }
    expect(await pointsOfLoss()).toBe(299);
    // the last sample is a new section above the place where the reader is
    await browser.evaluate(`document.querySelector('#configuration details').scrollIntoView()`);
    const place = () =>
      browser.evaluate<number>(`document.querySelector('#configuration details').getBoundingClientRect().top`);
    const top = await place();
    appendFileSync(path, lines.slice(at).join(''));
    await look();
    await browser.until(`document.title.startsWith('finished')`);
    expect(Math.abs((await place()) - top)).toBeLessThan(2);
    expect(await bar()).toBe(
      `finished after 1m59s of training step 300/300 loss ${/loss (\S+)/.exec(await bar())![1]} val 1.046`,
    );
    // a resume takes validations and samples away, above that place
    appendFileSync(path, `${JSON.stringify({ ...start, resumed_from: 50 })}\n`);
    await look();
    await browser.until(`document.getElementById('bar').innerText.includes('50/300')`);
    expect(await browser.evaluate(`document.querySelector('main').innerText.includes('fox called Mira')`)).toBe(false);
    expect(await seen()).toMatchObject({ log: true, open: true, same: true });
    expect(Math.abs((await place()) - top)).toBeLessThan(2);
  });

  test('after every step the page is the one that is opened afresh', async () => {
    await watch();
    for (const step of [1, 99, 100, 101, 300]) {
      await trainTo(step);
      await browser.until(`document.getElementById('bar').innerText.includes('${step}/300')`);
      const isSame = await browser.evaluate<boolean>(
        `fetch(location.href).then((response) => response.text()).then((html) => {
          const fresh = new DOMParser().parseFromString(html, 'text/html');
          const [now, then] = [document, fresh].map((page) => page.querySelector('main').cloneNode(true));
          for (const main of [now, then]) main.innerHTML = main.innerHTML.trim();
          return now.isEqualNode(then);
        })`,
      );
      expect([step, isSame]).toEqual([step, true]);
    }
  });

  test.each([1280, 380])('at %d pixels the bar is in view and nothing is wider than the window', async (width) => {
    await browser.viewport(width, 800);
    await watch();
    await trainTo(250);
    await browser.until(`document.title.startsWith('83%')`);
    await browser.evaluate('scrollTo(0, 1000)');
    expect(await browser.evaluate(`document.getElementById('live').getBoundingClientRect().top`)).toBe(0);
    expect(await browser.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await browser.viewport(1280, 900);
  });

  test('dark is dark, and paper has no bar', async () => {
    const background = () => browser.evaluate(`getComputedStyle(document.getElementById('live')).backgroundColor`);
    expect(await background()).toBe('rgb(255, 255, 255)');
    await browser.media({ dark: true });
    expect(await background()).toBe('rgb(26, 30, 36)');
    await browser.media({ print: true });
    expect(await browser.evaluate(`getComputedStyle(document.getElementById('live')).display`)).toBe('none');
    await browser.media({});
  });

  test('when the watch ends, the page says of when its state is, and keeps it', async () => {
    server.close();
    await browser.until(`document.getElementById('link').textContent.startsWith('watch ended')`);
    expect(await browser.evaluate(`document.getElementById('link').textContent`)).toMatch(
      /^watch ended, this is the state at \d\d:\d\d:\d\d$/,
    );
    expect(await pointsOfLoss()).toBe(250);
  });
});
