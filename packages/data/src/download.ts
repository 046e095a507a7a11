/**
 * Downloading a file: progress, checksum, and a file that is there only when it is whole.
 */
import { FakkelError } from '@fakkel/core';
import { builtin, isNode } from './node.js';

/** How far a download is. */
export interface DownloadProgress {
  /** Name of the file. */
  readonly file: string;
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all, if the server says. */
  readonly total: number | undefined;
}

/** More than any file that is downloaded here; a server that sends more is not the right one. */
const MAX_BYTES = 256 * 2 ** 20;

/**
 * Downloads `name` from the first of `mirrors` that has it.
 *
 * @param mirrors - Addresses that end in `/`.
 * @param name - Name of the file.
 * @param options - `md5` that it must have (checked in Node: browsers have no MD5); `folder` to write it into; `onProgress`.
 * @throws FakkelError saying what went wrong at each mirror.
 */
export async function download(
  mirrors: readonly string[],
  name: string,
  options: { md5?: string | undefined; folder?: string; onProgress?: (progress: DownloadProgress) => void },
): Promise<Uint8Array> {
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const url = mirror + name;
    try {
      const bytes = await fetchBytes(url, name, options.onProgress);
      await checkMd5(bytes, options.md5);
      if (options.folder) await write(options.folder, name, bytes);
      return bytes;
    } catch (error) {
      failures.push(`${url}: ${reasonOf(error)}`);
    }
  }
  throw new FakkelError(failures.join('; '));
}

async function fetchBytes(
  url: string,
  file: string,
  onProgress: ((progress: DownloadProgress) => void) | undefined,
): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new FakkelError(`the server answered ${response.status}`);
  // With a content encoding the header counts the compressed bytes.
  const header = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  const total = header === null ? undefined : Number(header);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    chunks.push(chunk);
    loaded += chunk.length;
    if (loaded > MAX_BYTES) throw new FakkelError(`it sends more than ${MAX_BYTES} bytes`);
    onProgress?.({ file, loaded, total });
  }
  if (total !== undefined && loaded !== total) {
    throw new FakkelError(`the connection ended after ${loaded} of ${total} bytes`);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function checkMd5(bytes: Uint8Array, expected: string | undefined): Promise<void> {
  if (!expected || !isNode) return;
  const { createHash } = await builtin('node:crypto');
  const md5 = createHash('md5').update(bytes).digest('hex');
  if (md5 !== expected) throw new FakkelError(`expected MD5 ${expected}, the downloaded file has ${md5}`);
}

/** Under a name of its own first: a file is either whole or not there. */
async function write(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const fs = await builtin('node:fs/promises');
  await fs.mkdir(folder, { recursive: true });
  const part = `${folder}/${name}.${process.pid}.part`;
  try {
    await fs.writeFile(part, bytes);
    await fs.rename(part, `${folder}/${name}`);
  } catch (error) {
    await fs.rm(part, { force: true });
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
