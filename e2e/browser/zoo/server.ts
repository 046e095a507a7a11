import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a file is served to pages of other origins. */
export interface Serving {
  readonly body: Uint8Array;
  /** Whether it gives parts: yes, no, or without telling other origins of what size the whole is. */
  readonly ranges: 'told' | 'untold' | 'none';
}

/** A server of another origin than the page's. */
export async function serveFiles(files: ReadonlyMap<string, Serving>) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { range } = request.headers;
    requests.push(`${request.method} ${request.url}${range === undefined ? '' : ` ${range}`}`);
    const file = files.get(request.url!);
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (!file) return void response.writeHead(404).end();
    const { body, ranges } = file;
    const [, first, last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (first === undefined || ranges === 'none') return void response.end(body);
    const [start, end] = [Number(first), Math.min(last === '' ? Infinity : Number(last), body.length - 1)];
    if (ranges === 'told') response.setHeader('Access-Control-Expose-Headers', 'Content-Range');
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${body.length}` });
    response.end(body.subarray(start, end + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was asked for since the last call. */
    requests: () => requests.splice(0),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
