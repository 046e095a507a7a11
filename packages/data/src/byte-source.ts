/**
 * The bytes of a file or an address, as they come.
 */
import { FakkelError } from '@fakkel/core';
import { receive, type Version } from '@fakkel/hub';
import { builtin, isNode } from './node.js';

/** Bytes read from a file at a time. */
const CHUNK = 2 ** 20;

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
  let first: Version | undefined;
  try {
    for await (const { bytes, at, version } of receive(address, { retries, signal })) {
      first ??= version;
      if (isOther(first, version)) throw new FakkelError('the file has become another one while it was read');
      // Some servers begin again.
      const known = Math.min(Math.max(received - at, 0), bytes.length);
      if (known === bytes.length) continue;
      received = at + bytes.length;
      yield known > 0 ? bytes.subarray(known) : bytes;
    }
  } catch (cause) {
    if (signal.aborted) return undefined;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FakkelError(`${address}: ${message}`, { cause });
  }
  return undefined;
}

/** What was given out can't be taken back when the server's file changes. */
const isOther = (a: Version, b: Version): boolean =>
  (a.etag ?? b.etag) !== (b.etag ?? a.etag) || (a.total ?? b.total) !== (b.total ?? a.total);
