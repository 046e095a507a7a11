/**
 * A file of the web, kept.
 */
import { FakkelError } from '@fakkel/core';
import { fetchBlob, fetchCached } from './browser.js';
import { cacheFolder, decoded, foldersOf } from './cache-folder.js';
import { checkChecksum, mismatch, type Checksum } from './checksum.js';
import { DownloadError, Problem } from './errors.js';
import { builtin, isNode } from './node.js';
import { checkOptions } from './options.js';
import type { DownloadProgress } from './progress.js';
import { isThere, piecesOf, save } from './save.js';

/** Options of {@link fetchFile}. */
export interface FetchOptions {
  /** What the file is called. Default: the last part of the address. */
  readonly name?: string | undefined;
  /** What the file's checksum must be. Default: it is not checked. */
  readonly checksum?: Checksum | undefined;
  /** Headers of the request, `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Attempts to go on after a failure without progress, after 0.25 s, 0.5 s, 1 s … Default 3. */
  readonly retries?: number | undefined;
  /** Called with each piece that has come. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Stops it: the promise is rejected with the signal's reason. What has come stays for the next call. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link download}. */
export interface DownloadOptions extends FetchOptions {
  /**
   * The folder of the file, in Node. Default: one below {@link cacheFolder}`('downloads')` that is named as the address,
   * so that files of one name from two places don't meet.
   */
  readonly folder?: string | undefined;
  /** Another folder in place of `downloads` of the cache, for files without a `folder` of their own. */
  readonly root?: string | undefined;
}

/** A file that is there, whole and checked. */
export interface DownloadedFile {
  readonly name: string;
  /** Where it is, in Node. */
  readonly path: string | undefined;
  /** Its contents, in browsers, under its name. */
  readonly blob: File | undefined;
  /** Its contents, in memory. */
  bytes(): Promise<Uint8Array>;
}

const FETCH_OPTIONS = [
  'name', 'checksum', 'headers', 'retries', 'onProgress', 'signal',
] as const satisfies (keyof FetchOptions)[]; // prettier-ignore

/**
 * The file at an address: from its folder, if it is there, else downloaded into it. What `torch.hub` does for weights.
 *
 * - The file is never in memory as a whole, and is there only when it is whole and its checksum is right.
 * - A download that was stopped goes on where it was, also in another process: what has come lies beside the file as
 *   `name.part`. If the file at the address is another one by then, or the server can't give parts, it begins anew.
 * - Broken connections and errors of the server that may pass are tried again.
 * - Processes that want the same file at once wait for the one that downloads it.
 * - A file that you put into the folder yourself is used, if its checksum is right.
 *
 * In browsers files are kept in Cache Storage (`caches.delete('fakkel')` frees it), where there is one.
 *
 * @param url - http: or https:.
 * @throws DownloadError naming the file, the address, what went wrong, and the folder to put it into by other means;
 * the signal's reason if it is aborted; FakkelError if an option is not as it says.
 * @example
 * // not run: it needs the network
 * const file = await download('https://download.pytorch.org/models/resnet18-f37072fd.pth', {
 *   checksum: { sha256: 'f37072fd' },
 *   onProgress: ({ loaded, total }) => console.log(loaded, total),
 * });
 * file.path; // '/home/me/.cache/fakkel/downloads/download.pytorch.org/models/resnet18-f37072fd.pth'
 */
export async function download(url: string | URL, options: DownloadOptions = {}): Promise<DownloadedFile> {
  checkOptions('download', options, [...FETCH_OPTIONS, 'folder', 'root'] satisfies (keyof DownloadOptions)[]);
  const { address, name, saving } = prepare('download', url, options);
  if (!isNode) {
    const storage = (globalThis as { caches?: CacheStorage }).caches;
    const blob = await telling(name, address.href, '', () => fetchCached(address.href, name, saving, storage));
    return inMemory(name, blob);
  }
  const path = await builtin('node:path');
  const folder = path.resolve(
    options.folder ?? path.join(options.root ?? (await cacheFolder('downloads')), ...foldersOf(address)),
  );
  const file = path.join(folder, name);
  if (await isThere(file)) {
    const wrong = await mismatch(piecesOf(file), saving.checksum, 'the file');
    if (wrong) {
      throw new DownloadError(
        `${file}: ${wrong}: it is damaged, or another file.\n` +
          `Delete it, and it is downloaded anew from ${address.href}, or put the published file there.`,
        address.href,
        wrong,
      );
    }
  } else {
    const remedy = `Get it by other means and put it into ${folder} as ${name}: it is used from there.`;
    await telling(name, address.href, remedy, () => save(address.href, file, saving));
  }
  return {
    name,
    path: file,
    blob: undefined,
    bytes: async () => {
      const { buffer, byteOffset, length } = await (await builtin('node:fs/promises')).readFile(file);
      return new Uint8Array(buffer, byteOffset, length); // a Buffer is an array of Node's
    },
  };
}

/**
 * The file at an address, in memory: {@link download} without a place to keep it.
 *
 * @throws As {@link download}.
 * @example
 * // not run: it needs the network
 * const file = await fetchFile('https://example.org/labels.json');
 * JSON.parse(await file.blob!.text());
 */
export async function fetchFile(url: string | URL, options: FetchOptions = {}): Promise<DownloadedFile> {
  checkOptions('fetchFile', options, FETCH_OPTIONS);
  const { address, name, saving } = prepare('fetchFile', url, options);
  return inMemory(name, await telling(name, address.href, '', () => fetchBlob(address.href, name, saving)));
}

function inMemory(name: string, blob: Blob): DownloadedFile {
  const file = new File([blob], name); // what reads it tells its name in errors
  return { name, path: undefined, blob: file, bytes: async () => new Uint8Array(await blob.arrayBuffer()) };
}

function prepare(op: string, url: string | URL, options: FetchOptions) {
  const { checksum = {}, headers, retries, onProgress, signal } = options;
  const address = addressOf(op, url);
  const name = options.name ?? decoded(address.pathname.split('/').at(-1) ?? '');
  if (!/^[^/\\\0]+$/.test(name) || name === '.' || name === '..') {
    throw new FakkelError(`${op}: ${address.href} does not end in the name of a file. Pass { name: 'resnet18.pth' }.`);
  }
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0)) {
    throw new FakkelError(`${op}: retries: expected a whole number from 0 up, got ${String(retries)}`);
  }
  checkChecksum(op, checksum);
  return { address, name, saving: { checksum, headers, retries, onProgress, signal } };
}

function addressOf(op: string, url: string | URL): URL {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  const address = URL.canParse(url, base) ? new URL(url, base) : undefined;
  if (address && /^https?:$/.test(address.protocol)) return address;
  throw new FakkelError(`${op}: expected an address that begins with http:// or https://, got ${String(url)}`);
}

/** What `work` gives; what goes wrong is told with the file, the address and the remedy. */
async function telling<T>(name: string, url: string, remedy: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FakkelError)) throw error; // the signal's reason
    const { message: reason } = error;
    const general = isNode ? remedy : 'Is this page offline, or does the server not allow its origin (CORS)?';
    const hint = error instanceof Problem ? error.remedy : general;
    const cause = error.cause ?? error;
    throw new DownloadError(`${name}: can't be downloaded from ${url}: ${reason}.\n${hint}`.trim(), url, reason, {
      cause,
    });
  }
}
