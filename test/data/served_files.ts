// What the test hubs have in common: a file that is sent from a byte on, perhaps not to its end, and a server on this machine.

import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Sends the rest of a file from byte `from`, with the answer to a Range where one was asked for: undefined, none was. */
export function sendFile(
  response: ServerResponse,
  content: Buffer,
  from: number | undefined,
  options: { breakAfter?: number },
): void {
  const part = content.subarray(from);
  const length = { 'content-length': String(part.length) };
  if (from === undefined) response.writeHead(200, length);
  else response.writeHead(206, { ...length, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
  const { breakAfter = Number.POSITIVE_INFINITY } = options;
  if (part.length <= breakAfter) {
    response.end(part);
    return;
  }
  delete options.breakAfter;
  response.write(part.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 50));
}

/** The byte that a Range header asks to begin at. */
export function rangeStart(range: string | undefined): number | undefined {
  const from = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
  return from === undefined ? undefined : Number(from);
}

/** Starts a server on a free port of this machine. */
export async function listening(server: Server): Promise<{ url: string; close: () => void }> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
