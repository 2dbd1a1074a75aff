// A headless Chromium to look at pages with: the DevTools protocol over two pipes, without a package.
//
//   to it    file descriptor 3: a JSON message, then a zero byte
//   from it  file descriptor 4: the same
//
// https://chromedevtools.github.io/devtools-protocol. GPT_CHROMIUM names another binary. Profile and process are gone
// after close().

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Undefined where there is none: tests that need it skip. */
export const chromium = [process.env['GPT_CHROMIUM'] ?? '', 'chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => name !== '' && spawnSync(name, ['--version']).status === 0,
);

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** One window with one page. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #profile = mkdtempSync(join(tmpdir(), 'gpt-browser-'));
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #loaded = new Set<() => void>();
  readonly #ended: Promise<void>;
  #session: string | undefined;
  #sent = 0;
  /** What the page has said since it was opened: errors, warnings, refused requests. */
  readonly complaints: string[] = [];

  private constructor() {
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run'];
    const more = ['--remote-debugging-pipe', `--user-data-dir=${this.#profile}`, 'about:blank'];
    this.#process = spawn(chromium!, [...flags, ...more], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => this.#process.on('close', () => resolve()));
    let rest = '';
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop()!;
      for (const message of messages) this.#on(JSON.parse(message) as Answer);
    });
  }

  static async start(): Promise<Browser> {
    const browser = new Browser();
    const { targetId } = await browser.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.#call('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#call(`${domain}.enable`);
    await browser.viewport(1280, 900);
    return browser;
  }

  /** Resolves when the page has loaded. */
  async open(url: string): Promise<void> {
    this.complaints.length = 0;
    const loaded = new Promise<void>((resolve) => this.#loaded.add(resolve));
    const { errorText } = await this.#call('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  /** The value of a JavaScript expression, as JSON carries it; a promise is waited for. */
  async evaluate<T>(expression: string): Promise<T> {
    const call = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', call);
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  /** Resolves when a JavaScript expression is true. */
  async until(expression: string, milliseconds = 20_000): Promise<void> {
    for (const begun = Date.now(); !(await this.evaluate<boolean>(`Boolean(${expression})`)); ) {
      if (Date.now() - begun > milliseconds) throw new Error(`not within ${milliseconds} ms: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Presses and releases a key: 'Tab', 'Enter', 'ArrowRight', ' '. */
  async press(key: string): Promise<void> {
    const codes: Record<string, number> = { Tab: 9, Enter: 13, Escape: 27, ' ': 32, ArrowLeft: 37, ArrowRight: 39 };
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: codes[key] ?? 0, text };
    await this.#call('Input.dispatchKeyEvent', { type: text === undefined ? 'rawKeyDown' : 'keyDown', ...event });
    await this.#call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** In CSS pixels. */
  async viewport(width: number, height: number): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#call('Emulation.setDeviceMetricsOverride', size);
  }

  /** The colour scheme and the medium, which is the screen or paper. */
  async media({ dark = false, print = false }): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await this.#call('Emulation.setEmulatedMedia', { media: print ? 'print' : 'screen', features });
  }

  /** A PNG of the window, or of the whole page. */
  async screenshot(path: string, { wholePage = false } = {}): Promise<void> {
    const { data } = await this.#call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: wholePage });
    writeFileSync(path, Buffer.from(data as string, 'base64'));
  }

  async close(): Promise<void> {
    await this.#call('Browser.close').catch(() => {});
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#sent;
    const session = method.startsWith('Target.') || method.startsWith('Browser.') ? {} : { sessionId: this.#session };
    const answered = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
      );
      void this.#ended.then(() => reject(new Error(`${method}: chromium has ended`)));
    });
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return answered;
  }

  #on(message: Answer): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    if (message.method === 'Page.loadEventFired') {
      for (const resolve of this.#loaded) resolve();
      this.#loaded.clear();
    }
    if (message.method === 'Runtime.exceptionThrown' || message.method === 'Log.entryAdded') {
      this.complaints.push(JSON.stringify(message.params));
    }
  }
}
