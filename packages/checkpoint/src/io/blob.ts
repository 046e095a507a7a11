/**
 * Blobs: files that a user has chosen, and what was downloaded. Browsers keep large ones out of the page's memory.
 */
import { inChunks } from './chunks.js';
import type { ByteSource } from './source.js';

export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    readInto: (target, position, onBytes) =>
      inChunks(target, async (chunk, at) => {
        chunk.set(new Uint8Array(await blob.slice(position + at, position + at + chunk.length).arrayBuffer()));
        onBytes?.(chunk.length);
      }),
    close: async () => undefined,
  };
}
