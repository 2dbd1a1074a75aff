// A server on this machine that answers as the Hugging Face hub does for one model, for the tests of gpt get.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { listening, rangeStart, sendFile } from './served_files.js';

/** How it misbehaves. */
export interface ModelHubOptions {
  /** The connection breaks after so many bytes of a file larger than that, once. */
  breakAfter?: number;
  /** Large files are sent with other bytes of the same number. */
  corrupt?: boolean;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Serves owner/name; files of more than `large` bytes have a hash in the list, as those of the hub's LFS do. */
export async function startModelHub(repository: string, files: Readonly<Record<string, Buffer>>, large = 10_000) {
  const requests: string[] = [];
  const options: ModelHubOptions = {};
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const asked = request.headers.range ?? '';
    requests.push(`${pathname} ${asked}`.trim());
    const json = (body: unknown) => response.writeHead(200).end(JSON.stringify(body));
    if (pathname === `/api/models/${repository}`) return json({ id: repository, cardData: { license: 'mit' } });
    if (pathname === `/api/models/${repository}/tree/main`) {
      const entries = Object.entries(files).map(([path, bytes]) => {
        const lfs = bytes.length > large ? { lfs: { oid: sha256(bytes), size: bytes.length } } : {};
        return { type: 'file', path, size: bytes.length, oid: 'git', ...lfs };
      });
      return json([{ type: 'directory', path: 'onnx', size: 0 }, ...entries]);
    }
    const name = pathname.split(`/${repository}/resolve/main/`)[1];
    if (name !== undefined && files[name]) return response.writeHead(302, { location: `/store/${name}` }).end();
    const stored = files[pathname.replace('/store/', '')];
    if (!stored) return response.writeHead(404).end('{"error":"not found"}');
    const content = options.corrupt && stored.length > large ? Buffer.alloc(stored.length, 120) : stored;
    return sendFile(response, content, rangeStart(request.headers.range), options);
  });
  return { ...(await listening(server)), requests, options };
}
