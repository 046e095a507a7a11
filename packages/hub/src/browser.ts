/**
 * Downloads in browsers: Cache Storage, where there is one, and memory.
 */
import { chunksOf } from './chunks.js';
import { mismatch } from './checksum.js';
import { damaged } from './errors.js';
import type { SaveOptions } from './save.js';
import { receive } from './receive.js';

/** The name of the cache, for `caches.delete('fakkel')`. */
const CACHE = 'fakkel';

/** Bytes that are gathered before they become a Blob, which browsers move out of the page's memory. */
const GATHERED = 16 * 2 ** 20;

/**
 * The bytes of `url`, checked.
 *
 * @throws FakkelError saying what went wrong, without the address; the signal's reason.
 */
export async function fetchBlob(url: string, name: string, options: SaveOptions): Promise<Blob> {
  const { onProgress, checksum, ...transfer } = options;
  let parts: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let gathered = 0;
  let position = 0;
  for await (const { bytes, at, version } of receive(url, transfer)) {
    if (at < position) [parts, pieces, gathered] = [[], [], 0]; // begun anew
    position = at + bytes.length;
    pieces.push(bytes);
    gathered += bytes.length;
    if (gathered >= GATHERED) {
      parts.push(new Blob(pieces));
      [pieces, gathered] = [[], 0];
    }
    onProgress?.({ file: name, loaded: position, total: version.total });
  }
  const blob = new Blob([...parts, ...pieces]);
  const wrong = await mismatch(chunksOf(blob.stream()), checksum);
  if (wrong) throw damaged(wrong);
  return blob;
}

/**
 * The file at `url`: from the cache, if its checksum is right, else from the server, and into the cache.
 *
 * @param storage - `globalThis.caches`; undefined outside of secure contexts.
 */
export async function fetchCached(
  url: string,
  name: string,
  options: SaveOptions,
  storage: CacheStorage | undefined,
): Promise<Blob> {
  const cache = await storage?.open(CACHE).catch(() => undefined); // some browsers refuse it in private windows
  const found = await (await cache?.match(url))?.blob();
  if (found) {
    // A cache that no user has touched: what is damaged is fetched again.
    if (!(await mismatch(chunksOf(found.stream()), options.checksum))) return found;
    await cache?.delete(url);
  }
  const blob = await fetchBlob(url, name, options);
  if (!cache) return blob;
  try {
    await cache.put(url, new Response(blob));
    return (await (await cache.match(url))?.blob()) ?? blob; // the one on disk
  } catch {
    return blob; // no room
  }
}
