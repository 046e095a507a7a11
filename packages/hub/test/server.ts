/**
 * A server on the loopback that does to a file what networks and servers do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a file is served. */
export interface Serving {
  body: Uint8Array;
  /** Default '"1"'; null: none. */
  etag?: string | null;
  lastModified?: string;
  /** Whether it gives parts. Default true. */
  ranges?: boolean;
  /** Whether it looks at If-Range. Default true. */
  conditions?: boolean;
  /** Bytes after which the connection breaks, for each request in turn; undefined: it does not. */
  cuts?: (number | undefined)[];
  /** Answers before the file comes. */
  before?: { status: number; headers?: Record<string, string> }[];
  /** Headers in place of the right ones. */
  headers?: Record<string, string>;
}

export interface Request {
  readonly url: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** A server of `files`, by path, which may be changed while it runs. */
export async function serve(files: Record<string, Serving>) {
  const requests: Request[] = [];
  let arrived = 0;
  const server = createServer((request, response) => {
    const { url = '' } = request;
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ url, range, ifRange: ifRange as string | undefined });
    const file = files[new URL(url, 'http://x').pathname];
    if (file) answer(file, request, response, () => arrived);
    else response.writeHead(404).end('not here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    base: `http://127.0.0.1:${port}`,
    requests,
    /** To be called by the client: a connection is cut when the client has what came before. */
    onProgress: ({ loaded }: { readonly loaded: number }) => {
      arrived = loaded;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(file: Serving, request: IncomingMessage, response: ServerResponse, arrived: () => number): void {
  const first = file.before?.shift();
  if (first) {
    response.writeHead(first.status, first.headers).end();
    return;
  }
  const { body, etag = '"1"', lastModified, ranges = true, conditions = true } = file;
  const condition = request.headers['if-range'];
  const isFresh = !conditions || condition === undefined || condition === etag || condition === lastModified;
  const from = ranges && isFresh ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
  const versions = { ...(etag && { etag }), ...(lastModified && { 'last-modified': lastModified }) };
  if (from >= body.length && from > 0) {
    response.writeHead(416, { ...versions, 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  const part = from > 0 ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : undefined;
  response.writeHead(from > 0 ? 206 : 200, {
    ...versions,
    'content-length': String(body.length - from),
    ...part,
    ...file.headers,
  });
  const cut = file.cuts?.shift();
  if (cut === undefined) response.end(body.subarray(from));
  else {
    response.write(body.subarray(from, from + cut));
    const end = setInterval(() => {
      if (arrived() < from + cut) return; // what is on the way when a connection breaks may be lost
      clearInterval(end);
      response.destroy();
    }, 1);
    response.on('close', () => clearInterval(end));
  }
}
