import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serve, type Serving } from '../test/server.js';
import { fetchCached } from './browser.js';
import { portableHasher } from './checksum.js';

const BODY = new Uint8Array(randomBytes(300_000));
const SHA256 = createHash('sha256').update(BODY).digest('hex');

/** Cache Storage as browsers have it, as far as it is used; `room` is its quota. */
function fakeCaches(room = Infinity) {
  const files = new Map<string, Blob>();
  const cache = {
    match: async (url: string) => (files.has(url) ? new Response(files.get(url)) : undefined),
    delete: async (url: string) => files.delete(url),
    put: async (url: string, response: Response) => {
      const blob = await response.blob();
      if (blob.size > room) throw new DOMException('no room', 'QuotaExceededError');
      files.set(url, blob);
    },
  };
  return { files, storage: { open: async () => cache } as unknown as CacheStorage };
}

let server: Awaited<ReturnType<typeof serve>>;
let file: Serving;
let url: string;
beforeEach(async () => {
  file = { body: BODY };
  server = await serve({ '/net.bin': file });
  url = `${server.base}/net.bin`;
});
afterEach(() => server.close());

const digest = async (blob: Blob) =>
  createHash('sha256').update(new Uint8Array(await blob.arrayBuffer())).digest('hex'); // prettier-ignore
const checksum = { sha256: SHA256 };

describe('Cache Storage', () => {
  test('where streams can not be looped over, as in Safari', async () => {
    const iterator = Object.getOwnPropertyDescriptor(ReadableStream.prototype, Symbol.asyncIterator)!;
    delete (ReadableStream.prototype as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator];
    try {
      const { storage } = fakeCaches();
      for (let i = 0; i < 2; i++) {
        expect((await fetchCached(url, 'net.bin', { checksum }, storage)).size).toBe(BODY.length);
      }
    } finally {
      Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, iterator);
    }
  });

  test('keeps the file', async () => {
    const { storage, files } = fakeCaches();
    for (let i = 0; i < 2; i++) {
      expect(await digest(await fetchCached(url, 'net.bin', { checksum }, storage))).toBe(SHA256);
    }
    expect(server.requests.length).toBe(1);
    expect([...files.keys()]).toEqual([url]);
  });

  test('has a damaged file fetched again', async () => {
    const { storage, files } = fakeCaches();
    files.set(url, new Blob(['damaged']));
    expect(await digest(await fetchCached(url, 'net.bin', { checksum }, storage))).toBe(SHA256);
    expect(await digest(files.get(url)!)).toBe(SHA256);
  });

  test('may be full, or not there: the file is given from memory', async () => {
    const { storage, files } = fakeCaches(1000);
    expect(await digest(await fetchCached(url, 'net.bin', { checksum }, storage))).toBe(SHA256);
    expect(await digest(await fetchCached(url, 'net.bin', { checksum }, undefined))).toBe(SHA256);
    expect(files.size).toBe(0);
  });

  test('gets no file whose checksum is wrong', async () => {
    const { storage, files } = fakeCaches();
    const wrong = { md5: '0'.repeat(32) };
    await expect(fetchCached(url, 'net.bin', { checksum: wrong }, storage)).rejects.toThrow(
      /^expected MD5 0+, the downloaded file has /,
    );
    expect(files.size).toBe(0);
  });
});

test('a broken connection is gone on with; a server without parts begins anew', async () => {
  for (const ranges of [true, false]) {
    Object.assign(file, { cuts: [100_000], ranges });
    expect(
      await digest(await fetchCached(url, 'net.bin', { checksum, onProgress: server.onProgress }, undefined)),
    ).toBe(SHA256);
  }
  expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', undefined, 'bytes=100000-']);
});

test('the hashes for browsers are those of Node', () => {
  for (const kind of ['sha256', 'md5'] as const) {
    const hash = portableHasher(kind);
    for (let at = 0; at < BODY.length; at += 77_777) hash.update(BODY.subarray(at, at + 77_777));
    expect(hash.digest()).toBe(createHash(kind).update(BODY).digest('hex'));
  }
});
