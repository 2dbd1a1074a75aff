// A server on this machine that answers as the Hugging Face hub does, for the tests of gpt data get.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { listening, rangeStart, sendFile } from './served_files.js';

/** Options of startHub; each misbehaves where it is given. */
export interface HubOptions {
  /** The connection breaks after so many bytes of a file larger than that, once. */
  breakAfter?: number;
  /** Ranges are ignored. */
  noRange?: boolean;
  /** Files are sent with other bytes of the same number. */
  corrupt?: boolean;
  /** The list of files has no hashes; the file's own answer has. */
  hashInAnswer?: boolean;
  /** Entries on a page of the list. */
  pageSize?: number;
}

export interface TestHub {
  readonly url: string;
  /** "GET /path" and, after a space, the Range asked for. */
  readonly requests: string[];
  readonly options: HubOptions;
  close(): void;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Serves one set whose branch refs/convert/parquet has these files. */
export async function startHub(set: string, files: Readonly<Record<string, Buffer>>, card: unknown): Promise<TestHub> {
  const requests: string[] = [];
  const options: HubOptions = {};
  const api = `/api/datasets/${set}`;
  const branch = 'refs%2Fconvert%2Fparquet';
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    requests.push(`${request.method} ${pathname}${request.headers.range ? ` ${request.headers.range}` : ''}`);
    const json = (body: unknown, headers = {}) => response.writeHead(200, headers).end(JSON.stringify(body));
    if (pathname === api) return json({ id: set, cardData: card });
    if (pathname.startsWith(`${api}/tree/${branch}`)) {
      const below = decodeURIComponent(pathname.slice(`${api}/tree/${branch}`.length + 1));
      const names = Object.keys(files);
      if (below === '') {
        const folders = [...new Set(names.map((name) => name.split('/')[0]!))];
        return json(folders.map((path) => ({ type: 'directory', path, size: 0 })));
      }
      const all = names.filter((name) => name.startsWith(`${below}/`));
      const from = Number(searchParams.get('cursor') ?? 0);
      const size = options.pageSize ?? all.length;
      const next = `<${pathname}?recursive=true&cursor=${from + size}>; rel="next"`;
      const entries = all.slice(from, from + size).map((path) => ({
        ...{ type: 'file', path, size: files[path]!.length, oid: 'git' },
        ...(options.hashInAnswer ? {} : { lfs: { oid: sha256(files[path]!), size: files[path]!.length } }),
      }));
      return json(entries, from + size < all.length ? { link: next } : {});
    }
    const resolve = `/datasets/${set}/resolve/${branch}/`;
    if (pathname.startsWith(resolve)) {
      const name = decodeURIComponent(pathname.slice(resolve.length));
      if (files[name]) {
        const tag = options.hashInAnswer ? { 'x-linked-etag': `"${sha256(files[name])}"` } : {};
        return response.writeHead(302, { location: `/store/${name}`, ...tag }).end();
      }
    }
    const stored = files[decodeURIComponent(pathname.replace('/store/', ''))];
    if (!stored) return response.writeHead(404).end('{"error":"not found"}');
    const content = options.corrupt ? Buffer.alloc(stored.length, 120) : stored;
    return sendFile(response, content, options.noRange ? undefined : rangeStart(request.headers.range), options);
  });
  return { ...(await listening(server)), requests, options };
}
