/**
 * Where the bytes of a checkpoint come from, read by ranges: a file of 500 MB is never in memory as a whole.
 */
import { CheckpointError } from '../errors.js';
import { blobSource } from './blob.js';
import { inChunks } from './chunks.js';
import { builtin, isNode } from './node.js';
import { openUrl } from './url.js';

/**
 * What can be read: bytes, a `Blob` or `File` (a file that a user chose in a browser), an `http(s)` address (in a page also one
 * relative to the page's), and in Node a path or a `file:` URL.
 */
export type CheckpointSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/** Bytes with random access. */
export interface ByteSource {
  /** How errors and progress call it. */
  readonly name: string;
  readonly size: number;
  /** Fills `target` with the bytes from `position` on, all within the source; calls `onBytes` as they come. */
  readInto(target: Uint8Array, position: number, onBytes?: (count: number) => void): Promise<void>;
  /** Another file of the same folder; undefined for bytes, which have none. */
  readonly sibling?: (name: string) => Promise<ByteSource>;
  close(): Promise<void>;
}

/** @throws CheckpointError for what is no source, and for a file that is not there. */
export async function openSource(fn: string, source: CheckpointSource): Promise<ByteSource> {
  if (source instanceof Uint8Array) return memorySource(source);
  if (source instanceof ArrayBuffer) return memorySource(new Uint8Array(source));
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return blobSource(source, (source as Partial<File>).name ?? 'the checkpoint');
  if (source instanceof URL || typeof source === 'string') {
    const text = String(source);
    if (/^https?:/i.test(text)) return openUrl(text);
    if (isNode) return openFile(fn, text);
    const base = (globalThis as { location?: { href: string } }).location?.href;
    const address = URL.canParse(text, base) ? new URL(text, base) : undefined; // relative to the page's
    if (address && /^https?:$/.test(address.protocol)) return openUrl(address.href);
    throw new CheckpointError(
      `${fn}: expected an http or https address, a Blob, or bytes, got ${JSON.stringify(text)}: there are no paths in a browser`,
    );
  }
  throw new TypeError(
    `${fn}: expected a path, a URL, a Blob, a Uint8Array or an ArrayBuffer, got ${source === null ? 'null' : typeof source}`,
  );
}

/** A few bytes in an array of their own. */
export async function readBytes(source: ByteSource, position: number, length: number): Promise<Uint8Array> {
  checkRange(source, position, length);
  const target = new Uint8Array(length);
  if (length > 0) await source.readInto(target, position);
  return target;
}

/** Throws unless the range lies within the source: what a file says of itself is not believed. */
export function checkRange(source: ByteSource, position: number, length: number, what = 'data'): void {
  if (position >= 0 && length >= 0 && position + length <= source.size) return;
  throw new CheckpointError(
    `${source.name}: ${what} from byte ${position} to ${position + length} should follow, but the file has ${source.size} ` +
      `bytes; it is cut short, or damaged`,
  );
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    name: 'the checkpoint',
    size: bytes.length,
    readInto: async (target, position, onBytes) => {
      target.set(bytes.subarray(position, position + target.length));
      onBytes?.(target.length);
    },
    close: async () => undefined,
  };
}

async function openFile(fn: string, pathOrUrl: string): Promise<ByteSource> {
  const [{ open }, paths, { fileURLToPath }] = await Promise.all([
    builtin('node:fs/promises'),
    builtin('node:path'),
    builtin('node:url'),
  ]);
  const path = pathOrUrl.startsWith('file:') ? fileURLToPath(pathOrUrl) : pathOrUrl;
  const name = paths.basename(path);
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new CheckpointError(`${fn}: cannot open ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new CheckpointError(`${fn}: ${path} is no file`);
  }
  return {
    name,
    size: stat.size,
    readInto: (target, position, onBytes) =>
      inChunks(target, async (chunk, at) => {
        for (let done = 0; done < chunk.length;) {
          const { bytesRead } = await file.read(chunk, done, chunk.length - done, position + at + done);
          if (bytesRead === 0) throw new CheckpointError(`${name}: the file became shorter while it was read`);
          done += bytesRead;
          onBytes?.(bytesRead);
        }
      }),
    sibling: (other) => openFile(fn, paths.join(paths.dirname(path), other)),
    close: () => file.close(),
  };
}
