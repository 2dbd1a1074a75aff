// Who may look at a watched run, and what a page gets: answers of the server on the wire.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import type { View } from '../../src/report/watch/page.js';
import { type LiveServer, serve } from '../../src/report/watch/server.js';

type Shown = View & { readonly main: string };
const view: Shown = { title: 'a <b> & c', bar: '<p>bar</p>', main: '<h1>line 1\nline 2</h1>', age: 3 };
const watched = (of: () => Shown) => ({
  view: () => {
    const { main: _, ...rest } = of();
    return rest;
  },
  main: () => of().main,
});
const servers: LiveServer[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function open(of: () => Shown = () => view): Promise<LiveServer & { port: number; path: string }> {
  const server = await serve(watched(of), 0);
  servers.push(server);
  const { port, pathname } = new URL(server.url);
  return Object.assign(Object.create(server) as LiveServer, { port: Number(port), path: pathname });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(port: number, path: string, { method = 'GET', host = '127.0.0.1' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, path, method, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}

/** A page that listens, as bytes; it reads nothing while it is paused. */
async function listener(port: number, path: string) {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let ended = false;
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  socket.on('close', () => {
    ended = true;
  });
  socket.write(`GET ${path}events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
  const messages = () => [...text.matchAll(/data: (.*)\n\n/g)].map(([, json]) => JSON.parse(json!) as Partial<Shown>);
  return { socket, messages, text: () => text, ended: () => ended };
}

async function until(is: () => boolean): Promise<void> {
  for (const begun = Date.now(); !is(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() - begun > 10_000) throw new Error(`not within 10 s: ${is}`);
  }
}

describe('who may look', () => {
  test('the URL is of 127.0.0.1 and has a token of 128 bits, another one each time', async () => {
    const [a, b] = [await open(), await open()];
    for (const { url } of [a, b]) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
    expect(a.path).not.toBe(b.path);
    expect((await ask(a.port, b.path)).status).toBe(403);
  });

  test('nothing without the token, whatever the path', async () => {
    const { port, path } = await open();
    const wrong = path.replace(/.\/$/, (end) => (end === '0/' ? '1/' : '0/'));
    for (const other of [
      '/',
      '/events',
      '//',
      wrong,
      `${wrong}events`,
      path.slice(0, -3),
      `/x${path}`,
      `/?token=${path}`,
    ]) {
      const { status, body } = await ask(port, other);
      expect([other, status]).toEqual([other, 403]);
      expect(body).not.toContain('line 1');
    }
  });

  test('with it the page and its events, and no other path or file', async () => {
    const { port, path } = await open();
    expect((await ask(port, path)).body).toContain(view.main);
    expect((await ask(port, path.slice(0, -1))).status).toBe(200); // the slash is easily lost
    for (const name of ['run.jsonl', 'index.html', '../run.jsonl', '%2e%2e/', 'events/', 'events/x', '/']) {
      expect([name, (await ask(port, path + name)).status]).toEqual([name, 404]);
    }
  });

  test('no host but this machine: a name of elsewhere may resolve to 127.0.0.1', async () => {
    const { port, path } = await open();
    for (const host of ['127.0.0.1', 'localhost:8000', `LOCALHOST:${port}`, '[::1]:80']) {
      expect([host, (await ask(port, path, { host })).status]).toEqual([host, 200]);
    }
    for (const host of [
      'evil.example',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '127.0.0.1:1@evil.example',
    ]) {
      expect([host, (await ask(port, path, { host })).status]).toEqual([host, 403]);
    }
  });

  test('nothing but looking', async () => {
    const { port, path } = await open();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await ask(port, path, { method });
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD']);
      expect((await ask(port, '/', { method })).status).toBe(403);
    }
    for (const name of ['', 'events']) {
      const { status, body } = await ask(port, path + name, { method: 'HEAD' });
      expect([status, body]).toEqual([200, '']);
    }
  });

  test('only the page own script runs, the token leaves in no referrer, and nothing is kept', async () => {
    const { port, path } = await open();
    const [first, second] = [await ask(port, path), await ask(port, path)];
    const nonces = [first, second].map(({ headers, body }) => {
      const policy = headers['content-security-policy'] as string;
      const nonce = /script-src 'nonce-([^']+)'/.exec(policy)![1]!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self'");
      expect(body.match(/<script[^>]*>/g)).toEqual([`<script nonce="${nonce}">`]);
      return nonce;
    });
    expect(nonces[0]).not.toBe(nonces[1]);
    expect(first.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(first.headers['access-control-allow-origin']).toBeUndefined();
    expect(first.body).toContain('<title>a &#60;b&#62; &#38; c</title>');
  });

  test('a port in use is an error that says so', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
    );
    const error = await serve(
      watched(() => view),
      port,
    ).catch((e: unknown) => e);
    taken.close();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ exitCode: 2, message: `port ${port} of 127.0.0.1 is in use` });
    expect((error as ConfigError).fix).toContain('leave --port out');
  });
});

describe('what a page is told', () => {
  test('everything at first, then what has changed; all pages', async () => {
    let now = view;
    const server = await open(() => now);
    const pages = [await listener(server.port, server.path), await listener(server.port, server.path)];
    await until(() => pages.every(({ messages }) => messages().length === 1));
    expect(server.pages).toBe(2);
    now = { ...view, bar: 'b2', main: 'm2' };
    server.push('bar');
    server.push('everything');
    await until(() => pages.every(({ messages }) => messages().length === 3));
    const { main: _, ...bar } = now;
    for (const { messages, text } of pages) {
      expect(messages()).toEqual([view, bar, now]);
      expect(text()).toMatch(/\r\ncontent-type: text\/event-stream/i);
      expect(text()).toContain('retry: 2000\n\n');
    }
  });

  test('a page that has gone is forgotten, and the others are told', async () => {
    const server = await open();
    const [first, second] = [await listener(server.port, server.path), await listener(server.port, server.path)];
    await until(() => server.pages === 2);
    first.socket.destroy();
    await until(() => server.pages === 1);
    server.push('everything');
    await until(() => second.messages().length === 2);
  });

  test('one that does not read makes nothing pile up, and gets the newest when it reads again', async () => {
    let [now, drawn] = [0, 0];
    const server = await open(() => {
      drawn++;
      return { ...view, main: 'x'.repeat(1 << 20), age: now };
    });
    const page = await listener(server.port, server.path);
    await until(() => page.messages().length === 1);
    page.socket.pause();
    while (now < 400) {
      now++;
      server.push('everything');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(drawn).toBeLessThan(80); // two for each MiB that the two sockets hold; 400 were pushed
    page.socket.resume();
    await until(() => page.messages().at(-1)?.age === 400);
    server.push('bar');
    await until(() => page.messages().at(-1)?.main === undefined);
  });

  test('the end of the watch ends the connections', async () => {
    const server = await open();
    const page = await listener(server.port, server.path);
    await until(() => page.messages().length === 1);
    server.close();
    await until(page.ended);
    await expect(ask(server.port, server.path)).rejects.toThrow(/ECONNREFUSED/);
  });
});
