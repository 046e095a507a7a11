/**
 * The bytes of a file or an address, as they come.
 */
import { FakkelError } from '@fakkel/core';
import { builtin, isNode } from './node.js';

/** Bytes read from a file at a time. */
const CHUNK = 2 ** 20;

/** Milliseconds before the first of the attempts to go on with a broken download; doubled for each. */
const PAUSE = 250;

/**
 * The bytes of a path, a file: address, or an address of the web; a download that breaks goes on where it broke.
 *
 * @param retries - Attempts to go on after a failure without progress.
 * @throws FakkelError naming the address.
 */
export function readChunks(address: string, retries: number): AsyncIterable<Uint8Array> {
  if (isNode && !/^https?:/.test(address)) return readFileChunks(address);
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      const chunks = downloadChunks(address, retries, left.signal);
      return {
        next: () => chunks.next(),
        // Nobody waits for the generator: the chunk under way may never come, and Node's fetch does not answer the cancel
        // of a body that was aborted when all of it had arrived.
        return: () => {
          left.abort();
          chunks.return(undefined).catch(() => undefined);
          return Promise.resolve({ done: true as const, value: undefined });
        },
      };
    },
  };
}

async function* readFileChunks(address: string): AsyncGenerator<Uint8Array, undefined, undefined> {
  const { createReadStream } = await builtin('node:fs');
  try {
    const path = address.startsWith('file:') ? new URL(address) : address;
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) yield chunk as Uint8Array;
    return undefined;
  } catch (cause) {
    const code = (cause as { code?: string }).code ?? String(cause);
    throw new FakkelError(`${address}: can't be read: ${code === 'ENOENT' ? 'there is no such file' : code}`, {
      cause,
    });
  }
}

async function* downloadChunks(
  address: string,
  retries: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined, undefined> {
  let received = 0;
  let isEncoded = false; // then ranges count other bytes than these
  for (let attempt = 0; ; attempt++) {
    try {
      const headers = received > 0 && !isEncoded ? { range: `bytes=${received}-` } : undefined;
      const response: Response = await fetch(address, { signal, ...(headers && { headers }) });
      if (!response.ok || !response.body) throw new ServerError(response.status);
      isEncoded = response.headers.get('content-encoding') !== null;
      const length = Number(response.headers.get('content-length') ?? NaN);
      let at = response.status === 206 ? received : 0; // some servers begin again
      const end = at + length;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const known = Math.min(Math.max(received - at, 0), chunk.length);
        at += chunk.length;
        if (known === chunk.length) continue;
        received = at;
        attempt = 0;
        yield known > 0 ? chunk.subarray(known) : chunk;
      }
      if (!isEncoded && received < end) throw new Error(`the connection ended after ${received} of ${end} bytes`);
      return undefined;
    } catch (cause) {
      if (signal.aborted) return undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const why =
        cause instanceof Error && cause.cause instanceof Error ? `${reason} (${cause.cause.message})` : reason;
      if (attempt >= retries || (cause instanceof ServerError && !cause.mayPass)) {
        throw new FakkelError(`${address}: ${why}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE * 2 ** attempt));
    }
  }
}

class ServerError extends Error {
  constructor(private readonly status: number) {
    super(`the server answered ${status}`);
  }

  /** Too many requests, and errors of the server, may pass. */
  get mayPass(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}
