/**
 * Checkpoints at an address: read by ranges where the server knows them, else as a whole.
 */
import { CheckpointError } from '../errors.js';
import { blobSource } from './blob.js';
import type { ByteSource } from './source.js';

/** Small reads (headers, biases) come out of a block of this size: a request for each would take longer. */
const BLOCK_BYTES = 4 * (1 << 20);

export async function openUrl(url: string): Promise<ByteSource> {
  const name = fileName(url);
  const sibling = (other: string): Promise<ByteSource> => openUrl(new URL(other, url).href);
  const first = await request(name, url, { Range: `bytes=0-${BLOCK_BYTES - 1}` });
  const total = /\/(\d+)$/.exec(first.headers.get('Content-Range') ?? '')?.[1];
  if (first.status === 206 && total !== undefined) {
    return { ...ranged(name, url, Number(total), await wholeBlock(name, Number(total), first)), sibling };
  }
  let blob = await first.blob();
  // A server of another origin may send the part and hide how much there is (Access-Control-Expose-Headers: Content-Range).
  if (first.status === 206 && blob.size >= BLOCK_BYTES) blob = await (await request(name, url, {})).blob();
  return { ...blobSource(blob, name), sibling };
}

/** Blocks kept: that of the directory at the end of an archive, and those around what is being read. */
const BLOCKS = 4;

function ranged(name: string, url: string, size: number, first: Uint8Array): ByteSource {
  /** By number, the one used least recently first. */
  const blocks = new Map([[0, first]]);
  const fetchRange = async (target: Uint8Array, start: number, onBytes?: (count: number) => void): Promise<void> => {
    const response = await request(name, url, { Range: `bytes=${start}-${start + target.length - 1}` }, 206);
    await fill(name, target, response, onBytes);
  };
  const block = async (number: number): Promise<Uint8Array> => {
    let bytes = blocks.get(number);
    if (!bytes) {
      bytes = new Uint8Array(Math.min(BLOCK_BYTES, size - number * BLOCK_BYTES));
      await fetchRange(bytes, number * BLOCK_BYTES);
    }
    blocks.delete(number);
    blocks.set(number, bytes);
    if (blocks.size > BLOCKS) blocks.delete(blocks.keys().next().value!);
    return bytes;
  };
  return {
    name,
    size,
    readInto: async (target, position, onBytes) => {
      if (target.length >= BLOCK_BYTES) return fetchRange(target, position, onBytes);
      for (let done = 0; done < target.length;) {
        const at = position + done;
        const bytes = await block(Math.floor(at / BLOCK_BYTES));
        const part = bytes.subarray(at % BLOCK_BYTES, (at % BLOCK_BYTES) + target.length - done);
        target.set(part, done);
        done += part.length;
        onBytes?.(part.length);
      }
    },
    close: async () => undefined,
  };
}

async function wholeBlock(name: string, size: number, response: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(BLOCK_BYTES, size));
  await fill(name, bytes, response);
  return bytes;
}

/** The body straight into the array that it is for. */
async function fill(
  name: string,
  target: Uint8Array,
  response: Response,
  onBytes?: (n: number) => void,
): Promise<void> {
  let at = 0;
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > target.length) {
      await reader.cancel();
      throw new CheckpointError(`${name}: the server sent more than the ${target.length} bytes that it was asked for`);
    }
    target.set(value, at);
    at += value.length;
    onBytes?.(value.length);
  }
  if (at < target.length) {
    throw new CheckpointError(`${name}: the connection ended after ${at} of ${target.length} bytes; try again`);
  }
}

async function request(
  name: string,
  url: string,
  headers: Record<string, string>,
  expected?: number,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers });
  } catch (cause) {
    throw new CheckpointError(
      `${name}: cannot fetch ${url}: ${cause instanceof Error ? cause.message : String(cause)}. In a browser, the server must allow it (CORS).`,
      { cause },
    );
  }
  if (!response.ok || (expected !== undefined && response.status !== expected)) {
    throw new CheckpointError(`${name}: ${url} answered ${response.status} ${response.statusText}`);
  }
  return response;
}

const fileName = (url: string): string => decodeURIComponent(new URL(url).pathname.split('/').at(-1)!) || url;
