// The server of `gpt watch`: two paths on 127.0.0.1, for those who know the token.
//
//   GET /TOKEN/         the page
//   GET /TOKEN/events   server-sent events: everything at once, then what changes
//                       https://html.spec.whatwg.org/multipage/server-sent-events.html
//
// Everything else is refused: another Host (a page elsewhere whose name resolves to 127.0.0.1), a wrong token (other users
// of the machine), another method. No other file is served, and nothing can be changed.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../../base/errors.js';
import { livePage, type View } from './page.js';

/** What is served. */
export interface Watched {
  readonly view: () => View;
  /** The report, as HTML in which every text is escaped. */
  readonly main: () => string;
}

export interface LiveServer {
  /** With the token: who has it may look. */
  readonly url: string;
  /** Sends the view to all pages, with the report or without it. */
  push(what: 'everything' | 'bar'): void;
  /** Number of pages that listen. */
  readonly pages: number;
  /** Ends all connections. */
  close(): void;
}

const HOST = '127.0.0.1';
/** Names that mean this machine everywhere. Of any port: `ssh -L 8000:127.0.0.1:PORT` changes it. */
const LOCAL = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;
const RETRY_MS = 2000;

const HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer', // which would hold the token
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Serves on a port, at 0 on any free one. Throws ConfigError where the port is not to be had. */
export async function serve(watched: Watched, port: number): Promise<LiveServer> {
  const token = randomBytes(16).toString('hex');
  const pages = new Set<ServerResponse>();
  const behind = new Set<ServerResponse>(); // whose network has not taken the last message yet

  const send = (page: ServerResponse, what: 'everything' | 'bar'): void => {
    if (page.writableNeedDrain) {
      behind.add(page); // gets the newest then: nothing piles up
      return;
    }
    const main = what === 'everything' ? { main: watched.main() } : {};
    page.write(`data: ${JSON.stringify({ ...watched.view(), ...main })}\n\n`);
  };

  const listen = (response: ServerResponse): void => {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    response.on('error', () => {}); // the page has gone: 'close' follows
    response.on('close', () => {
      pages.delete(response);
      behind.delete(response);
    });
    response.on('drain', () => behind.delete(response) && send(response, 'everything'));
    pages.add(response);
    response.write(`retry: ${RETRY_MS}\n\n`);
    send(response, 'everything');
  };

  const server = createServer((request, response) => {
    const refusal = refused(request, token);
    if (refusal !== undefined) {
      const [code, text] = refusal;
      const allow = code === 405 ? { allow: 'GET, HEAD' } : {};
      response.writeHead(code, { ...HEADERS, ...allow, 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${text}\n`);
    } else if (pathOf(request).name === 'events' && request.method === 'GET') listen(response);
    else if (pathOf(request).name === 'events') {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' }).end();
    } else {
      const nonce = randomBytes(16).toString('base64');
      response.writeHead(200, { ...HEADERS, ...policy(nonce), 'content-type': 'text/html; charset=utf-8' });
      response.end(livePage(watched.view(), watched.main(), nonce));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(noPort(port, error)));
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/${token}/`,
    push: (what) => {
      for (const page of pages) send(page, what);
    },
    get pages() {
      return pages.size;
    },
    close: () => {
      server.close();
      for (const page of pages) page.end();
      server.closeAllConnections();
    },
  };
}

/** /TOKEN/NAME */
function pathOf({ url = '' }: IncomingMessage): { token: string; name: string; more: string[] } {
  const [, token = '', name = '', ...more] = url.split('?')[0]!.split('/');
  return { token, name, more };
}

function refused(request: IncomingMessage, token: string): [code: number, text: string] | undefined {
  if (!LOCAL.test(request.headers.host ?? '')) return [403, 'this page is for 127.0.0.1 and localhost alone'];
  const { token: given, name, more } = pathOf(request);
  if (!isSame(given, token)) return [403, 'the URL that gpt watch has printed has a token, and this one has not'];
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'there is nothing here but to look at'];
  return (name === '' || name === 'events') && more.length === 0 ? undefined : [404, 'there is nothing of this name'];
}

/** In a time that does not tell how much of it is right. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const policy = (nonce: string) => ({
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
});

function noPort(port: number, error: NodeJS.ErrnoException): Error {
  const what: Record<string, string> = {
    EADDRINUSE: 'is in use',
    EACCES: 'is for the administrator of this machine',
  };
  return new ConfigError(
    `port ${port} of ${HOST} ${what[error.code ?? ''] ?? `cannot be used (${error.message})`}`,
    'choose another one, or leave --port out: any free one is taken',
  );
}
