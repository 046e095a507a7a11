/**
 * Checkpoints at an address: read by ranges where the server knows them, else as a whole.
 */
import { CheckpointError } from '../errors.js';
import type { ByteSource } from './source.js';

/** Small reads (headers, biases) come out of a block of this size: a request for each would take longer. */
const BLOCK_BYTES = 4 * (1 << 20);

export async function openUrl(url: string): Promise<ByteSource> {
  const name = fileName(url);
  const first = await request(name, url, { Range: `bytes=0-${BLOCK_BYTES - 1}` });
  const total = /\/(\d+)$/.exec(first.headers.get('Content-Range') ?? '')?.[1];
  if (first.status !== 206 || total === undefined) {
    // No ranges here: the body is the whole file.
    const bytes = new Uint8Array(await first.arrayBuffer());
    return { ...ranged(name, url, bytes.length, { start: 0, bytes }), readInto: fromMemory(bytes) };
  }
  return ranged(name, url, Number(total), { start: 0, bytes: new Uint8Array(await first.arrayBuffer()) });
}

interface Block {
  readonly start: number;
  readonly bytes: Uint8Array;
}

function ranged(name: string, url: string, size: number, first: Block): ByteSource {
  let block = first;
  const fetchRange = (start: number, end: number): Promise<Response> =>
    request(name, url, { Range: `bytes=${start}-${end - 1}` }, 206);
  return {
    name,
    size,
    readInto: async (target, position, onBytes) => {
      if (target.length >= BLOCK_BYTES) {
        await fill(name, target, await fetchRange(position, position + target.length), onBytes);
        return;
      }
      const end = position + target.length;
      if (position < block.start || end > block.start + block.bytes.length) {
        const bytes = new Uint8Array(Math.min(BLOCK_BYTES, size - position));
        await fill(name, bytes, await fetchRange(position, position + bytes.length));
        block = { start: position, bytes };
      }
      target.set(block.bytes.subarray(position - block.start, end - block.start));
      onBytes?.(target.length);
    },
    sibling: (other) => openUrl(new URL(other, url).href),
    close: async () => undefined,
  };
}

const fromMemory =
  (bytes: Uint8Array): ByteSource['readInto'] =>
  async (target, position, onBytes) => {
    target.set(bytes.subarray(position, position + target.length));
    onBytes?.(target.length);
  };

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
